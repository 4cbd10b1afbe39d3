"""Reports of errors and their answers, in few words."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.models import Dataset
from portal.models import Notice
from sharing.corrections import answers, reports
from sharing.corrections.reports import Reported
from sharing.models import CorrectionReport, Grant
from tests.factories import World, actor, granted, load, make_dataset

COLUMNS = [
    {"name": "代码", "column": "code", "is_key": True},
    {"name": "名称", "column": "name"},
    {"name": "街道", "column": "street"},
]
OPEN = [{**COLUMNS[0], "open_type": "open"}, {**COLUMNS[1], "open_type": "open"}, COLUMNS[2]]
WRONG = Reported(kind="wrong", description="街道名称已变更", columns=["name"], rows=[{"code": "01", "name": "甲"}])


@pytest.fixture
def grant(world: World) -> Grant:
    """A grant of two rows of the provincial bureau, for all columns."""
    dataset = load(
        make_dataset(world.province_bureau, "救助对象", items=COLUMNS), b"code,name,street\n01,a,b\n02,c,d\n"
    )
    granted(world, dataset)
    return Grant.objects.select_related("dataset__provider").get(dataset=dataset)


@pytest.fixture
def opened(world: World) -> Dataset:
    """An open dataset of the city's bureau, with a column that is not open."""
    dataset = make_dataset(world.city_bureau, "空气质量", items=OPEN, sharing_type="unconditional", open_type="open")
    return load(dataset, b"code,name,street\n01,a,x\n")


def file(world: World, dataset: Dataset, reported: Reported = WRONG, **who: Any) -> CorrectionReport:
    """A report of the applicant for the county bureau, unless ``user`` and ``department`` are others."""
    user, department = who.get("user", world.applicant), who.get("department", world.county_bureau)
    return reports.file(dataset=dataset, actor=actor(user), department=department, reported=reported)


def answer(world: World, report: CorrectionReport, outcome: str = "corrected", **words: Any) -> CorrectionReport:
    """The answer of the provincial bureau's approver, unless ``user`` is another."""
    words.setdefault("erratum", "" if outcome == "explained" else "更正了街道名称")
    user = words.pop("user", world.provider)
    return answers.answer(report=report, actor=actor(user), outcome=outcome, text="已核实", **words)


def told(user: Any) -> list[str]:
    """The kinds of notices of corrections that ``user`` got, in order."""
    kinds = Notice.objects.filter(user=user, kind__contains="correct").order_by("id").values_list("kind", flat=True)
    return list(kinds)
