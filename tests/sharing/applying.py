"""Conditionally open data and applications for them, in few words."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone
from stdnum.cn import uscc

from catalog.models import Dataset
from portal.access import Actor
from portal.departments.models import Duty
from sharing.letters import acts as letter_acts
from sharing.models import (
    Grant,
    SharingRequest,
)
from sharing.outside import acts
from sharing.outside.acts import Applicant, Use
from sharing.outside.tokens import follow_path
from tests.factories import (
    World,
    decide,
    make_dataset,
    make_user,
    step_of,
)

CODE = "91330100MADEMX001" + uscc.calc_check_digit("91330100MADEMX001")
ITEMS = [
    {"name": "代码", "column": "code", "open_type": "conditional"},
    {"name": "名称", "column": "name", "open_type": "open"},
    {"name": "电话", "column": "phone", "open_type": "conditional", "sensitivity": "personal"},
    {"name": "内部意见", "column": "internal", "open_type": "not_open"},
]
ROWS = "code,name,phone,internal\n1,甲,13800000001,否\n2,乙,13800000002,是\n".encode()
PDF = b"%PDF-1.7 plan"


class Province:
    """The provincial provider with conditionally open data, and the authority that receives applications for them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.authority = world.province_authority_department
        self.reviewer = make_user("reviewer", self.authority, Duty.AUTHORITY_REVIEWER, Duty.AUTHORITY_HEAD)
        self.colleague = make_user("colleague", self.authority, Duty.APPLICANT, Duty.OWN_APPROVER, Duty.CLERK)
        self.dataset = conditional(world, "企业能耗")


def conditional(world: World, title: str, **changes: Any) -> Dataset:
    """A conditionally open dataset of the provincial bureau."""
    values: dict[str, Any] = {"open_type": "conditional", "open_condition": "用于科研或产品开发", "items": ITEMS}
    return make_dataset(world.province_bureau, title, **(values | changes))


def applicant(**changes: Any) -> Applicant:
    values = {
        "kind": "enterprise",
        "name": "杭州某科技公司",
        "credit_code": CODE,
        "contact": "王芳",
        "phone": "0571-88880000",
        "email": "data@example.com",
    }
    return Applicant(**(values | changes))


def use(**changes: Any) -> Use:
    values: dict[str, Any] = {
        "title": "能耗评估模型",
        "purpose": "研究行业能耗水平",
        "scenario": "训练评估模型并发布行业报告",
        "safeguards": "内网存储，专人管理，期满删除",
        "valid_until": timezone.localdate() + dt.timedelta(days=200),
    }
    return Use(**(values | changes))


def apply(*datasets: Dataset, columns: tuple[str, ...] = ("code", "name"), **changes: Any) -> SharingRequest:
    """An application of an enterprise for these columns of each dataset."""
    return acts.apply(
        applicant=applicant(**changes),
        use=use(),
        columns={dataset.pk: columns for dataset in datasets},
        has_commitment=True,
    )


def holder(request: SharingRequest) -> Actor:
    return Actor.holder_of(request.pk)


def granted(province: Province, **changes: Any) -> Grant:
    """A grant that the authority and the provider agreed to, with the agreement issued and accepted."""
    request = apply(province.dataset, **changes)
    agree_to(province, request)
    return Grant.objects.get(outside=request.pk)


def agree_to(province: Province, request: SharingRequest) -> None:
    decide(step_of(request, "open-acceptance"), province.reviewer)
    decide(step_of(request, "open-answer"), province.world.provider)
    letter_acts.issue_for(request.pk)
    for letter in request.letters.filter(kind="agreement"):
        letter_acts.confirm(letter=letter, actor=holder(request))


def form_of(*datasets: Dataset, **changes: Any) -> dict[str, Any]:
    """What is typed into the form."""
    values: dict[str, Any] = {**vars(applicant()), **vars(use()), "has_commitment": "on", "website": ""}
    values |= {f"columns-{dataset.pk}": ["code", "name"] for dataset in datasets}
    return values | changes


def put_aside(client: Client, *datasets: Dataset) -> None:
    for dataset in datasets:
        client.post(reverse("sharing:application-basket"), {"dataset": dataset.pk})


def act(request: SharingRequest, name: str, **data: Any) -> Any:
    """Something sent from the page behind the secret link."""
    return Client().post(follow_path(request.pk), {"act": name, **data})
