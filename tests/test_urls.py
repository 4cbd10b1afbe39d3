"""Who may call which address: every address has a row in ``tests/url_table.py``, and every row holds."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from catalog import access_exceptions, loading, revisions
from catalog.models import (
    CodeList,
    DatabaseSource,
    DataElement,
    DataService,
    Dataset,
    DatasetState,
    DisclosureReport,
    Distribution,
    DuplicatePair,
    Finding,
    IngestJob,
    PartialUpload,
    RecordImport,
    RuleKind,
    SavedSearch,
    SearchTerm,
    TablePull,
    TableVersion,
)
from catalog.quality import keeping
from portal.access import Actor
from portal.accounts.models import User
from portal.audit import checkpoints
from portal.departments.models import AUTHORITY_DUTIES, Duty
from portal.deputies.delegations import name_deputy
from portal.models import Delivery, Event, Membership, Notice, Webhook
from portal.rights.review import as_csv, effective_rights, sign_off
from sharing import drafts, grants, workflow
from sharing.corrections import reports
from sharing.corrections.reports import Reported
from sharing.corrections.tokens import token_of as correction_token
from sharing.demands import acts as demand_acts
from sharing.demands.acts import Wanted
from sharing.demands.tokens import token_of
from sharing.letters import acts as letter_acts
from sharing.models import (
    ApprovalStep,
    CoApplicant,
    Credential,
    Dispute,
    Enquiry,
    Extension,
    Grant,
    GrantRenewal,
    RequestTemplate,
    Route,
    RouteVersion,
    SavedView,
    SharingRequest,
    SupervisionNotice,
)
from sharing.outside import acts as outside_acts
from sharing.outside.tokens import token_of as application_token
from sharing.preparing import attachments
from sharing.questions import acts as form_acts
from sharing.questions import answering
from sharing.questions.kinds import Question
from sharing.responsibilities import acts as responsibility_acts
from sharing.responsibilities.acts import Entry
from sharing.restrictions import acts as restriction_acts
from sharing.restrictions.acts import Listing
from tests.factories import (
    World,
    actor,
    decide,
    details,
    granted,
    load,
    make_dataset,
    make_department,
    make_region,
    make_request,
    make_user,
    step_of,
    submit,
)
from tests.url_table import ROLES, TABLE, allowed

pytestmark = pytest.mark.django_db
ALLOWED = {200, 201, 302, 400, 409, 422, 503}
REFUSED = {401, 403, 404}


def _route_of(world: World) -> str:
    """A route of the city with a draft."""
    route = Route.objects.create(key="city", title="杭州市流程", region=world.regions["city"])
    stages = RouteVersion.objects.get(route="national").stages
    day = dt.date(2025, 8, 1)
    RouteVersion.objects.create(route=route, number=1, stages=stages, effective_from=day, published_at=timezone.now())
    RouteVersion.objects.create(route=route, number=2, stages=stages)
    return route.pk


def _notice_on(world: World, step: ApprovalStep) -> int:
    notice = SupervisionNotice.objects.create(
        number="DB2026000001",
        step=step,
        authority=world.authority_department,
        issued_by=world.authority,
        text="请尽快办理",
        due_at=timezone.now() + dt.timedelta(days=3),
    )
    return notice.pk


def _dispute_over(world: World, step: ApprovalStep) -> Any:
    return Dispute.objects.create(
        number="ZY2026000001",
        item=step.request.items.get(),
        step=step,
        opened_by=world.applicant,
        due_at=timezone.now() + dt.timedelta(days=10),
    ).pk


PARTS = 4


def names(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield f"{prefix}{entry.name}"
        else:
            yield from names(entry, f"{prefix}{entry.namespace}:" if entry.namespace else prefix)


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert sorted(names(get_resolver())) == sorted(TABLE)


def _vacant_step(world: World, dataset: Dataset) -> ApprovalStep:
    """A step of a department where nobody reviews."""
    lonely = make_department("西湖区水务局", world.regions["county"])
    person = actor(make_user("lonely", lonely, Duty.APPLICANT))
    request = drafts.create(actor=person, department=lonely, details=details(), dataset_ids=[dataset.pk])
    return step_of(workflow.submit(request=request, actor=person), "own-department")


@pytest.fixture
def objects(world: World) -> dict[str, Any]:
    """One object of each kind that stands in an address."""
    people = [{"name": "代码", "column": "code"}, {"name": "名称", "column": "name"}]
    open_items = [{**item, "open_type": "open"} for item in people]
    conditional = load(make_dataset(world.province_bureau, "救助", items=people), b"code,name\n01,a\n")
    opened = make_dataset(world.city_bureau, "空气", items=open_items, sharing_type="unconditional", open_type="open")
    load(opened, b"code,name\n01,a\n")
    draft = make_dataset(world.city_bureau, "草稿", state=DatasetState.DRAFT)
    revised = make_dataset(world.city_bureau, "修订中")
    revisions.begin(dataset=revised, actor=actor(world.cataloguer))
    in_review = make_dataset(world.city_bureau, "待审", state=DatasetState.AUTHORITY_REVIEW)
    distribution = Distribution.objects.create(dataset=draft, title="草稿")
    version = TableVersion.objects.create(distribution=distribution, number=1, columns=[], row_count=0)
    job = IngestJob.objects.create(distribution=distribution, file_name="a.csv", file_size=1, state="done")
    loading.reject_path(job).parent.mkdir(parents=True)
    loading.reject_path(job).write_text("line")
    granted(world, conditional)
    grant = Grant.objects.get()
    agreement = next(each for each in letter_acts.issue_for(grant.item.request_id) if each.kind == "agreement")
    grants.create_credential(grant=grant, actor=actor(world.applicant))
    request = submit(world, make_request(world, conditional))
    draft_request = make_request(world, conditional, opened)
    colleague = make_user("colleague", world.county_bureau, Duty.CATALOGUER)
    paper = SimpleUploadedFile("a.pdf", b"%PDF-1.7")
    attachment = attachments.add(request=draft_request, actor=actor(world.applicant), upload=paper)
    today = timezone.localdate()
    delegation = name_deputy(
        principal=world.applicant_head,
        deputy=world.applicant,
        department=world.county_bureau,
        duties=["own_approver"],
        valid_from=today + dt.timedelta(days=30),
        valid_until=today + dt.timedelta(days=31),
        reason="年休假",
        actor=actor(world.applicant_head),
    )
    exception = access_exceptions.give(
        dataset=conditional,
        department=world.county_bureau,
        duty="clerk",
        valid_until=today,
        reason="联合检查",
        actor=actor(world.provider),
    )
    checkpoint = checkpoints.make()
    assert checkpoint is not None
    secadmin = User.objects.get(username="secadmin")
    digest = hashlib.sha256(as_csv(effective_rights())).hexdigest()
    hook = Webhook.objects.create(department=world.county_bureau, url="https://example.com/", sealed_secret="x")
    one, two = sorted((opened, revised), key=lambda dataset: dataset.pk)
    figures = {"score": 0.9, "share_one": 1.0, "share_two": 1.0}
    duplicate = DuplicatePair.objects.create(one=one, two=two, **figures)
    one, two = sorted((opened, in_review), key=lambda dataset: dataset.pk)
    settled = DuplicatePair.objects.create(one=one, two=two, state="kept", reason="内部管理", **figures)
    params = {"columns": ["code"]}
    rule = keeping.add(dataset=opened, actor=actor(world.cataloguer), kind=RuleKind.NOT_NULL, params=params)
    return (
        {
            "quality_rule": rule.pk,
            "duplicate": duplicate.pk,
            "settled_duplicate": settled.pk,
            "person": world.security.pk,
            "membership": Membership.objects.get(user=world.security).pk,
            "notice": Notice.objects.filter(user=world.applicant_head).first().pk,  # type: ignore[union-attr]
            "delegation": delegation.pk,
            "exception": exception.pk,
            "checkpoint": checkpoint.number,
            "quarter": sign_off(actor=actor(secadmin), note="", seen_digest=digest).quarter,
            "delivery": Delivery.objects.create(channel="webhook", webhook=hook, state="failed").pk,
            "department": world.county_bureau.pk,
            "event": Event.objects.first().pk,  # type: ignore[union-attr]
            "conditional": conditional.pk,
            "open": opened.pk,
            "draft": draft.pk,
            "record_import": RecordImport.objects.create(
                file_name="a.xlsx", state="planned", created_by=world.cataloguer
            ).pk,
            "theme": "21",
            "finding": Finding.objects.create(dataset=draft, column="code", kind="mobile", share=1.0).pk,
            "code_list": CodeList.objects.create(code="T1", name="测试代码").pk,
            "saved": SavedSearch.objects.create(user=world.applicant, name="测试词").pk,
            "words": SearchTerm.objects.create(words=["测试词", "测验词"], created_by=world.authority).pk,
            "element": DataElement.objects.create(code="T1", name="测试数据元").pk,
            "xlsx": "xlsx",
            "revised": revised.pk,
            "in_review": in_review.pk,
            "job": job.pk,
            "table_version": version.pk,
            "partial": PartialUpload.objects.create(
                dataset=draft, name="a.csv", size=9, created_by=world.cataloguer
            ).pk,
            "disclosure": DisclosureReport.objects.create(
                version=TableVersion.objects.create(
                    distribution=Distribution.objects.create(dataset=conditional, title="表"),
                    number=1,
                    columns=[],
                    row_count=0,
                ),
                mark="x",
                quasi=["code"],
                k=1,
                rows=2,
                classes=2,
                at_risk=2,
            ).pk,
            "request": request.pk,
            "vacant_step": _vacant_step(world, conditional).pk,
            "route": _route_of(world),
            "stage": "own-department",
            "refused_item": request.items.get().pk,
            "dispute": _dispute_over(world, step_of(request, "own-department")),
            "dispute_act": "say",
            "request_template": RequestTemplate.objects.create(
                department=world.county_bureau, name="x", details={}, created_by=world.applicant
            ).pk,
            "attachment": attachment.pk,
            "co_applicant": CoApplicant.objects.create(
                request=draft_request, user=colleague, invited_by=world.applicant
            ).pk,
            "queue_view": SavedView.objects.create(user=world.applicant_head, name="x", query="tab=late").pk,
            "restriction_act": "state",
            "letter": agreement.pk,
            "letter_number": agreement.number,
            "letter_code": agreement.code,
            "json": "json",
            "talk_act": "note",
            "enquiry_act": "answer",
            "enquiry": Enquiry.objects.create(
                request=request,
                step=step_of(request, "own-department"),
                kind="question",
                text="?",
                asked_by=world.applicant_head,
            ).pk,
            "supervision_notice": _notice_on(world, step_of(request, "own-department")),
            "draft_request": draft_request.pk,
            "draft_item": draft_request.items.order_by("id")[0].pk,
            "step": step_of(request, "own-department").pk,
            "grant": grant.pk,
            "credential": Credential.objects.get().pk,
            "csv": "csv",
            "people_kind": "people",
            "import_token": uuid4(),
            "provider": world.province_bureau.pk,
        }
        | lists_objects(world)
        | use_objects(world, grant, opened)
        | outside_objects(world)
        | connections_objects(world, draft, opened)
        | questions_objects(world, conditional, draft_request)
    )


def use_objects(world: World, grant: Grant, opened: Dataset) -> dict[str, Any]:
    """Reports of errors on granted and on open data, and a renewal that waits."""
    wrong = Reported(kind="wrong", description="核对")
    report = reports.file(
        dataset=grant.dataset, actor=actor(world.applicant), department=world.county_bureau, reported=wrong
    )
    citizens = reports.file_public(dataset=opened, reported=wrong)
    day = grant.valid_until
    renewal = GrantRenewal.objects.create(
        grant=grant,
        former_until=day,
        until=day + dt.timedelta(days=1),
        statement="核对",
        asked_by=world.applicant,
        due_at=timezone.now(),
    )
    return {
        "correction": report.pk,
        "correction_act": "answer",
        "citizens_correction": citizens.pk,
        "correction_token": correction_token(citizens.pk),
        "renewal": renewal.pk,
        "renewal_act": "refuse",
    }


def questions_objects(world: World, dataset: Dataset, request: SharingRequest) -> dict[str, Any]:
    """A provider's form with a version and a draft, a file that answers it, and an entry of the restriction list."""
    provider = actor(world.provider)
    form = form_acts.create(department=world.province_bureau, actor=provider, title="安全条件")
    for seen, question in enumerate([Question("place", "text", "存放地点"), Question("paper", "file", "证明")]):
        form_acts.put_question(form=form, actor=provider, seen=seen, question=question)
    form_acts.publish(form=form, actor=provider, seen=2)
    form_acts.start_draft(form=form, actor=provider)
    form_acts.set_datasets(form=form, actor=provider, add=[dataset])
    paper = SimpleUploadedFile("a.pdf", b"%PDF-1.7")
    applicant = actor(world.applicant)
    file = answering.add_file(request=request, actor=applicant, form_id=form.pk, key="paper", upload=paper)
    today = timezone.localdate()
    listing = Listing(world.county_bureau, "warn", "超范围使用", "协议第六条", today, today)
    entry = restriction_acts.enter(listing=listing, actor=actor(world.authority))
    return {"question_form": form.pk, "question_key": "place", "answer_file": file.pk, "restriction": entry.pk}


def connections_objects(world: World, draft: Dataset, opened: Dataset) -> dict[str, Any]:
    """A database, the order to pull a record from it, and an interface."""
    common = {"department": world.city_bureau, "title": "业务库", "created_by": world.cataloguer}
    place = {"kind": "postgresql", "host": "db.invalid", "database": "a", "account": "b"}
    source = DatabaseSource.objects.create(**common, **place)
    ordered = DatabaseSource.objects.create(**common | {"title": "在用"}, **place)
    TablePull.objects.create(dataset=draft, source=ordered, table="t", columns=["a"], created_by=world.cataloguer)
    service = DataService.objects.create(**common, endpoint_url="https://api.invalid/", document={})
    service.datasets.add(opened)
    return {"database_source": source.pk, "service": service.pk, "pull_act": "pause"}


def outside_objects(world: World) -> dict[str, Any]:
    """Conditionally open data, an application for them with its grant and agreement, and a wish for more time."""
    items = [{"name": "代码", "column": "code", "open_type": "conditional"}]
    values = {"open_type": "conditional", "open_condition": "科研", "items": items}
    dataset = load(make_dataset(world.city_bureau, "能耗", **values), b"code\n01\n")
    applicant = outside_acts.Applicant("research", "研究所", "12330000MBDEMX002D", "王芳", "0571-1", "a@example.com")
    until = timezone.localdate() + dt.timedelta(days=30)
    use = outside_acts.Use("能耗研究", "研究", "建模", "内网存储", until)
    columns = {dataset.pk: ["code"]}
    found = outside_acts.apply(applicant=applicant, use=use, columns=columns, has_commitment=True)
    decide(step_of(found, "open-acceptance"), world.authority)
    decide(step_of(found, "open-answer"), world.provider2)
    letter = next(each for each in letter_acts.issue_for(found.pk) if each.kind == "agreement")
    letter_acts.confirm(letter=letter, actor=Actor.holder_of(found.pk))
    waiting = outside_acts.apply(applicant=applicant, use=use, columns=columns, has_commitment=True)
    extension = Extension.objects.create(
        step=step_of(waiting, "open-answer"),
        authority=world.authority_department,
        days=15,
        reason="核对",
        asked_by=world.provider2,
    )
    return {
        "conditionally_open": dataset.pk,
        "application": found.pk,
        "application_token": application_token(found.pk),
        "outside_grant": Grant.objects.get(outside=found.pk).pk,
        "outside_letter": letter.pk,
        "extension": extension.pk,
    }


def lists_objects(world: World) -> dict[str, Any]:
    """What stands in the addresses of the three lists."""
    wanted = Wanted(title="婚姻登记", purpose="核对")
    demand = demand_acts.create(actor=actor(world.applicant), department=world.county_bureau, wanted=wanted)
    citizens = demand_acts.create_public(authority=world.authority_department, wanted=wanted)
    entry = Entry(world.city_bureau, "排污许可", timezone.localdate())
    return {
        "demand": demand.pk,
        "demand_act": "assign",
        "citizens_demand": citizens.pk,
        "demand_token": token_of(citizens.pk),
        "responsibility": responsibility_acts.enter(actor=actor(world.authority), entry=entry).pk,
        "kept_back": make_dataset(world.province_bureau, "收养", sharing_type="not_shared").pk,
        "kept_by_city": make_dataset(world.city_bureau, "举报", sharing_type="not_shared").pk,
    }


@pytest.fixture
def world(db: None) -> World:
    made = World()
    for role, kind in (("sysadmin", "system"), ("secadmin", "security"), ("auditor", "audit")):
        make_user(role, admin_role=kind)
    make_user("clerk", made.county_bureau, Duty.CLERK)
    elsewhere = make_region("420000", "湖北省", 2, made.regions["nation"])
    bureau = make_department("湖北省民政厅", elsewhere)
    authority = make_department("湖北省数据局", elsewhere, "data_authority")
    for duty in Duty:
        make_user(f"other_{duty}", authority if duty in AUTHORITY_DUTIES else bureau, duty)
    former = make_user("former", made.county_bureau, Duty.APPLICANT, Duty.OWN_APPROVER)
    former.memberships.update(valid_from="2020-01-01", valid_until="2020-12-31")
    deputy = make_user("deputy", made.county_bureau, Duty.CATALOGUER)
    today = timezone.localdate()
    name_deputy(
        principal=made.applicant_head,
        deputy=deputy,
        department=made.county_bureau,
        duties=[Duty.OWN_APPROVER],
        valid_from=today,
        valid_until=today,
        reason="年休假",
        actor=actor(made.applicant_head),
    )
    return made


def status_of(role: str, name: str, objects: dict[str, Any]) -> int:
    """The answer that ``role`` gets; a redirect to the sign-in page counts as 401. What it changed is undone."""
    method, _roles, kwargs = TABLE[name]
    path = reverse(name, kwargs={key: objects[value] for key, value in kwargs.items()})
    client = Client(raise_request_exception=True)
    with transaction.atomic():
        if role != "anonymous":
            client.force_login(User.objects.get(username=role))
        response = client.generic(method, path)
        if hasattr(response, "streaming_content"):
            b"".join(response.streaming_content)
        transaction.set_rollback(True)
    sent_away = response.status_code == 302 and response.headers["Location"].startswith("/accounts/sign-in/")
    return 401 if sent_away else response.status_code


@pytest.mark.parametrize("part", range(PARTS))
def test_each_address_answers_its_roles_and_refuses_the_others(objects: dict[str, Any], part: int) -> None:
    """Each call is undone, so the roles of one part can share the objects, which take long to make."""
    wrong = []
    for role in ROLES[part::PARTS]:
        cache.clear()  # what one address may send in an hour
        for name in TABLE:
            status = status_of(role, name, objects)
            if status not in (ALLOWED if role in allowed(name) else REFUSED):
                wrong.append((role, name, status))
    assert wrong == [], "\n".join(map(str, wrong))
