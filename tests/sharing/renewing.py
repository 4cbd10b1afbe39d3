"""Grants that end soon and the wish to renew them, in few words."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from portal.models import Notice
from sharing.holding import renewals
from sharing.holding.renewals import Wish
from sharing.models import Grant, GrantRenewal, SharingRequest
from tests.factories import World, actor, approve_common, decide, make_dataset, make_request, step_of, submit

WISH = Wish("继续用于低保核查", has_commitment=True)


def in_days(days: int) -> dt.date:
    """The day that is so many days from today."""
    return timezone.localdate() + dt.timedelta(days=days)


def grant_of(request: SharingRequest) -> Grant:
    """The grant that was made of a request for one dataset."""
    related = "dataset__provider", "department", "item__request"
    return Grant.objects.select_related(*related).get(item__request=request)


def conditional(world: World, title: str = "救助对象", days: int = 30) -> Grant:
    """A grant of a conditionally shared dataset that ends in ``days``."""
    dataset = make_dataset(world.province_bureau, title)
    request = submit(world, make_request(world, dataset, valid_until=in_days(days)))
    approve_common(world, request)
    decide(step_of(request, "provider"), world.provider)
    return grant_of(request)


def unconditional(world: World, title: str = "行政区划", days: int = 30) -> Grant:
    """A grant of an unconditionally shared dataset that ends in ``days``."""
    dataset = make_dataset(world.province_bureau, title, sharing_type="unconditional")
    request = submit(world, make_request(world, dataset, valid_until=in_days(days)))
    approve_common(world, request)
    return grant_of(request)


def ask(world: World, grant: Grant, wish: Wish = WISH, user: Any = None) -> GrantRenewal:
    """The applicant's wish to renew, unless ``user`` is another."""
    return renewals.ask(grant=grant, actor=actor(user or world.applicant), wish=wish)


def told(user: Any) -> list[str]:
    """The kinds of notices of ends and renewals that ``user`` got, in order."""
    kinds = ("grant_ending", "renewal_to_decide", "renewal_due", "renewal_late", "renewal_decided")
    rows = Notice.objects.filter(user=user, kind__in=kinds).order_by("created_at", "id")
    return list(rows.values_list("kind", flat=True))
