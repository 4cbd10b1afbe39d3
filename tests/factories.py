"""Objects for tests, with the fewest words: regions, departments, people, datasets with data, requests."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from stdnum.cn import uscc

from catalog import lifecycle, loading, revisions, search
from catalog.items import set_items
from catalog.models import Dataset, DatasetState, Theme
from portal.access import Actor
from portal.accounts.models import User
from portal.audit import record
from portal.departments.duties import assign
from portal.departments.models import Department, Duty, Region
from sharing import deciding, drafts, workflow
from sharing.deciding import Decision
from sharing.drafts import RequestDetails
from sharing.models import ApprovalStep, SharingRequest

_numbers = itertools.count(1)
PASSWORD = "Correct-Horse-7"


def make_region(code: str, name: str, level: int, parent: Region | None = None) -> Region:
    path = f"{parent.path if parent else ''}{code}/"
    region, _made = Region.objects.get_or_create(
        code=code, defaults={"name": name, "level": level, "parent": parent, "path": path}
    )
    return region


def make_regions() -> dict[str, Region]:
    """Nation, a province, a city in it, a county in that: keys nation, province, city, county."""
    nation = make_region("000000", "全国", 1)
    province = make_region("330000", "浙江省", 2, nation)
    city = make_region("330100", "杭州市", 3, province)
    county = make_region("330106", "西湖区", 4, city)
    return {"nation": nation, "province": province, "city": city, "county": county}


def make_department(name: str, region: Region, kind: str = "bureau") -> Department:
    body = f"11{region.code[:6]}MB{next(_numbers):07d}"
    code = body + uscc.calc_check_digit(body)
    found = Department.objects.filter(name=name, region=region).first()
    return found or Department.objects.create(name=name, region=region, kind=kind, credit_code=code)


def make_user(username: str, department: Department | None = None, *duties: str, admin_role: str = "") -> User:
    """A person with duties in a department; the password is ``PASSWORD``."""
    user = User.objects.create_user(username, password=PASSWORD, name=username, admin_role=admin_role)
    for duty in duties:
        assert department is not None
        assign(user=user, department=department, duty=duty, actor=Actor.system())
    return user


def actor(user: User) -> Actor:
    return Actor.of(user)


class World:
    """A county bureau that applies, a city authority, a provincial provider and a city one, with their people."""

    def __init__(self) -> None:
        regions = make_regions()
        self.regions = regions
        self.county_bureau = make_department("西湖区民政局", regions["county"])
        self.authority_department = make_department("杭州市数据局", regions["city"], "data_authority")
        self.province_authority_department = make_department("浙江省数据局", regions["province"], "data_authority")
        self.province_bureau = make_department("浙江省民政厅", regions["province"])
        self.city_bureau = make_department("杭州市生态环境局", regions["city"])
        self.applicant = make_user("applicant", self.county_bureau, Duty.APPLICANT)
        self.applicant_head = make_user("applicant_head", self.county_bureau, Duty.OWN_APPROVER)
        self.authority = make_user("authority", self.authority_department, Duty.AUTHORITY_REVIEWER, Duty.AUTHORITY_HEAD)
        self.provider = make_user("provider", self.province_bureau, Duty.PROVIDER_APPROVER)
        self.provider_head = make_user("provider_head", self.province_bureau, Duty.OWN_APPROVER, Duty.PROVIDER_APPROVER)
        self.security = make_user("security", self.province_bureau, Duty.SECURITY_OFFICER)
        self.provider2 = make_user("provider2", self.city_bureau, Duty.PROVIDER_APPROVER, Duty.OWN_APPROVER)
        self.cataloguer = make_user("cataloguer", self.city_bureau, Duty.CATALOGUER)


def dataset_values(title: str, **changes: Any) -> dict[str, Any]:
    """Complete fields of a record that may be submitted."""
    values: dict[str, Any] = {
        "title": title,
        "summary": f"{title}：本数据资源用于测试，字段和行均为真实结构。",
        "sharing_type": "conditional",
        "sharing_condition": "用于履行职责",
        "sharing_basis": "政务数据共享条例",
        "channels": ["api", "file"],
        "open_type": "not_open",
        "open_condition": "内部管理",
        "update_cycle": "yearly",
        "grade": 2,
    }
    return values | changes


ITEMS = [{"name": "代码", "column": "code"}, {"name": "名称", "column": "name"}]


def make_dataset(
    provider: Department, title: str, *, items: list[dict[str, Any]] | None = None, **changes: Any
) -> Dataset:
    """A published dataset, without going through its reviews; ``changes`` are fields."""
    dataset = Dataset.objects.create(
        provider=provider,
        code=f"399000/{next(_numbers):06d}",
        state=changes.pop("state", DatasetState.PUBLISHED),
        **dataset_values(title, **changes),
    )
    dataset.themes.set(Theme.objects.filter(code="10"))
    set_items(dataset, ITEMS if items is None else items)
    with transaction.atomic():
        data = {"state": dataset.state}
        record.append(stream=record.stream_of(dataset), verb="dataset.imported", actor=Actor.system(), data=data)
    search.index([dataset.pk])
    return dataset


def revise(
    dataset: Dataset, *, people: tuple[User, User, User], items: list[dict[str, Any]] | None = None, **values: Any
) -> Dataset:
    """A new public version with these values; ``people`` write it, agree to it, and publish it."""
    cataloguer, reviewer, authority = (actor(user) for user in people)
    dataset = Dataset.objects.get(pk=dataset.pk)
    revisions.begin(dataset=dataset, actor=cataloguer)
    lifecycle.update(dataset=dataset, actor=cataloguer, values=values, items=items, seen_revision=0)
    lifecycle.submit(dataset=dataset, actor=cataloguer)
    lifecycle.approve(dataset=dataset, actor=reviewer)
    return lifecycle.approve(dataset=dataset, actor=authority)


def load(dataset: Dataset, content: bytes, name: str = "data.csv") -> Dataset:
    """Load a file into a dataset as the portal itself would, in this process."""
    job = loading.start(dataset=dataset, upload=SimpleUploadedFile(name, content), actor=Actor.system())
    done = loading.run(job.pk)
    assert done.state == "done", done.error
    return dataset


def details(**changes: Any) -> RequestDetails:
    values: dict[str, Any] = {
        "title": "低保核查数据共享",
        "purpose": "service",
        "legal_basis": "社会救助暂行办法第十七条",
        "scenario": "核对申请家庭情况",
        "valid_until": dt.date.today() + dt.timedelta(days=300),
        "has_commitment": True,
    }
    return RequestDetails(**(values | changes))


def make_request(world: World, *datasets: Dataset, **changes: Any) -> SharingRequest:
    """A draft of ``world.applicant`` for these datasets."""
    return drafts.create(
        actor=actor(world.applicant),
        department=world.county_bureau,
        details=details(**changes),
        dataset_ids=[dataset.pk for dataset in datasets],
    )


def submit(world: World, request: SharingRequest) -> SharingRequest:
    return workflow.submit(request=request, actor=actor(world.applicant))


def step_of(request: SharingRequest, stage: str, lane: Department | None = None) -> ApprovalStep:
    return ApprovalStep.objects.get(request=request, stage=stage, **({"lane": lane} if lane else {}))


def decide(
    step: ApprovalStep, user: User, verdict: str = "approve", *, only: UUID | None = None, **words: str
) -> ApprovalStep:
    """Decide every open item of a step (or ``only`` one) alike."""
    ids = [only] if only else deciding.open_items(step)
    decisions = {pk: Decision(verdict, **words) for pk in ids}
    return deciding.decide(step=step, actor=actor(user), seen_version=step.version, decisions=decisions)


def approve_common(world: World, request: SharingRequest) -> None:
    """Own department and authority agree."""
    decide(step_of(request, "own-department"), world.applicant_head)
    decide(step_of(request, "compliance"), world.authority)


def granted(world: World, dataset: Dataset) -> SharingRequest:
    """A request for one conditional dataset of the provincial bureau that everybody approved."""
    request = submit(world, make_request(world, dataset))
    approve_common(world, request)
    lane = dataset.provider
    approver = world.provider if lane == world.province_bureau else world.provider2
    decide(step_of(request, "provider", lane), approver)
    return SharingRequest.objects.get(pk=request.pk)
