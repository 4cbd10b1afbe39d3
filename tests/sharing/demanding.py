"""A demand at each point of its way, in few words."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from sharing.demands import acts, answers
from sharing.demands.acts import Wanted
from sharing.models import Demand
from tests.factories import World, actor, make_dataset

WANTED = Wanted(
    title="婚姻登记信息", purpose="低保核查时核对婚姻状况", content="姓名、登记日期", legal_basis="社会救助暂行办法"
)


def ask(world: World) -> Demand:
    """The county bureau asks."""
    return acts.create(actor=actor(world.applicant), department=world.county_bureau, wanted=WANTED)


def assigned(world: World) -> Demand:
    """The authority gave it to the city's bureau."""
    return acts.assign(demand=ask(world), actor=actor(world.authority), holder=world.city_bureau)


def accepted(world: World, days: int = 30) -> Demand:
    """The city's bureau promised the data in ``days``."""
    day = timezone.localdate() + dt.timedelta(days=days)
    return answers.accept(demand=assigned(world), actor=actor(world.provider2), promised_on=day)


def linked(world: World) -> Demand:
    """It was met by a dataset that the applicant has not confirmed yet."""
    dataset = make_dataset(world.city_bureau, "婚姻登记")
    return answers.link(demand=accepted(world), actor=actor(world.provider2), dataset=dataset)
