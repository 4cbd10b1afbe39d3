"""Applications from outside: data that change meanwhile, what the offices see, e-mails, and what is deleted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from stdnum.cn import uscc

from catalog import lifecycle, revisions
from catalog.models import Dataset
from portal.access import Actor, Permission, can
from portal.departments import changes
from portal.departments.models import Duty
from portal.models import Notice
from sharing import drafts, grants
from sharing.delivery.gate import open_grant
from sharing.errors import GrantNotInForce
from sharing.extending import acts as extending
from sharing.letters import acts as letter_acts
from sharing.models import Grant, Letter, OpenApplicant, SharingRequest
from sharing.outside import keeping
from sharing.outside.tokens import follow_path
from sharing.thread import acts as thread
from tests.checks import findings
from tests.clients import client_of
from tests.factories import actor, decide, load, make_request, make_user, step_of, submit
from tests.queries import queries_of
from tests.sharing.applying import CODE, ROWS, Province, apply, conditional, granted, holder

pytestmark = pytest.mark.django_db


# --- the data change meanwhile -----------------------------------------------------------------------------------


def test_a_dataset_withdrawn_in_between_closes_its_item_alone(province: Province) -> None:
    other = conditional(province.world, "水耗")
    request = apply(province.dataset, other)
    lifecycle.withdraw(dataset=other, actor=actor(province.world.provider), reason="停止更新")
    states = dict(request.items.values_list("dataset", "state"))
    assert states == {province.dataset.pk: "in_review", other.pk: "closed"}
    assert "停止更新" in Client().get(follow_path(request.pk)).content.decode()
    assert findings() == []


@pytest.mark.parametrize(("open_type", "state"), [("not_open", "suspended"), ("open", "active")])
def test_a_dataset_not_conditionally_open_any_more_closes_its_items(
    province: Province, open_type: str, state: str
) -> None:
    grant, waiting = granted(province), apply(province.dataset)
    department = submit(province.world, make_request(province.world, province.dataset))
    revise(province, open_type=open_type)
    assert waiting.items.get().state == "closed"
    assert department.items.get().state == "in_review"
    grant.refresh_from_db()
    assert grant.state == state
    assert findings() == []


def revise(province: Province, **values: Any) -> None:
    """Publish a revision of the dataset, without its reviews."""
    dataset = Dataset.objects.get(pk=province.dataset.pk)
    author = make_user("author", province.world.province_bureau, Duty.CATALOGUER)
    revisions.begin(dataset=dataset, actor=actor(author))
    dataset = Dataset.objects.get(pk=dataset.pk)
    lifecycle.update(dataset=dataset, actor=actor(author), values=values, seen_revision=dataset.work.revision)
    from django.db import transaction

    with transaction.atomic():
        lifecycle._publish(lifecycle.lock(dataset), Actor.system())


def test_personal_items_without_a_mask_are_hidden(province: Province) -> None:
    load(province.dataset, ROWS)
    request = apply(province.dataset, columns=("code", "phone"))
    decide(step_of(request, "open-acceptance"), province.reviewer)
    decide(step_of(request, "open-answer"), province.world.provider)
    decide(step_of(request, "open-security"), province.world.security)
    letter_acts.issue_for(request.pk)
    letter_acts.confirm(letter=Letter.objects.get(kind="agreement"), actor=holder(request))
    grant = Grant.objects.select_related("dataset").get()
    opening = open_grant(grant, "file")  # type: ignore[arg-type]
    assert opening.page(opening.query()).rows == [("1", None), ("2", None)]
    grants.set_masks(grant=grant, actor=actor(province.world.provider), masks={"phone": "partial:3,2"}, reason="脱敏")
    grant.refresh_from_db()
    opening = open_grant(grant, "file")  # type: ignore[arg-type]
    assert [row[1] for row in opening.page(opening.query()).rows] == ["138******01", "138******02"]


def test_what_tells_people_apart_is_hidden_below_k(province: Province) -> None:
    items = [
        {"name": "代码", "column": "code", "open_type": "conditional"},
        {"name": "年龄", "column": "age", "open_type": "conditional", "disclosure_role": "quasi"},
    ]
    province.dataset = conditional(province.world, "抽样", items=items)
    load(province.dataset, b"code,age\n" + b"".join(b"%d,%d\n" % (n, 30 if n < 6 else 40) for n in range(7)))
    granted(province, columns=("code", "age"))
    grant = Grant.objects.select_related("dataset").get()
    opening = open_grant(grant, "file")  # type: ignore[arg-type]
    assert {row[1] for row in opening.page(opening.query()).rows} == {None}
    Grant.objects.update(row_filter=[{"column": "age", "op": "eq", "value": "30"}])
    grant.refresh_from_db()
    opening = open_grant(grant, "file")  # type: ignore[arg-type]
    assert [str(row[1]) for row in opening.page(opening.query()).rows] == ["30"] * 6


def test_items_not_open_any_more_are_not_delivered(province: Province) -> None:
    load(province.dataset, ROWS)
    grant = granted(province)
    province.dataset.items.filter(column="code").update(open_type="not_open")
    opening = open_grant(grant, "file")  # type: ignore[arg-type]
    assert [column.name for column in opening.columns] == ["name"]
    Dataset.objects.filter(pk=province.dataset.pk).update(open_type="not_open")
    grant = Grant.objects.select_related("dataset").get()
    with pytest.raises(GrantNotInForce):
        open_grant(grant, "file")  # type: ignore[arg-type]


# --- inside ------------------------------------------------------------------------------------------------------


def test_approvers_see_who_applies_and_what_the_same_organisation_has(province: Province) -> None:
    former = granted(province)
    other = apply(province.dataset, credit_code="91330100MADEMX003" + uscc.calc_check_digit("91330100MADEMX003"))
    request = apply(province.dataset, kind="research", name="杭州某研究所")
    client = client_of(province.reviewer)
    page = client.get(step_of(request, "open-acceptance").get_absolute_url())
    assert [each.pk for each in page.context["former_applications"]] == [former.item.request_id]
    assert page.context["held_outside"] == [former]
    text = page.content.decode()
    assert all(word in text for word in ("杭州某研究所", CODE, "data@example.com", "0571-88880000"))
    panel = client.get(reverse("sharing:step-panel", args=[step_of(request, "open-acceptance").pk]))
    assert "杭州某研究所" in panel.content.decode() and CODE in panel.content.decode()
    rows = client.get(reverse("sharing:queue") + "?kind=research").context["steps"]
    assert [step.request for step in rows] == [request]
    listed = client.get(reverse("sharing:request-list") + "?scope=handled&kind=enterprise").context["object_list"]
    assert {row.pk for row in listed} == {former.item.request_id, other.pk}
    exported = client.get(reverse("sharing:request-export") + "?scope=handled&kind=research")
    assert "杭州某研究所" in b"".join(exported.streaming_content).decode()  # type: ignore[attr-defined]


def test_the_queue_takes_the_same_queries_however_many_apply(province: Province) -> None:
    client = client_of(province.reviewer)
    apply(province.dataset)
    client.get(reverse("sharing:queue"))
    one = queries_of(client, reverse("sharing:queue"))
    for _n in range(4):
        apply(province.dataset)
    assert queries_of(client, reverse("sharing:queue")) == one


def test_the_public_list_takes_the_same_queries_however_long_it_is(province: Province) -> None:
    Client().get(reverse("sharing:conditional-list"))
    one = queries_of(Client(), reverse("sharing:conditional-list"))
    for n in range(5):
        conditional(province.world, f"数据{n}")
    assert queries_of(Client(), reverse("sharing:conditional-list")) == one


def test_figures_count_applications_and_grants(province: Province) -> None:
    granted(province)
    apply(province.dataset)
    figures = Client().get(reverse("sharing:conditional-list")).context["figures"]
    assert figures == {"datasets": 1, "applied": 2, "granted": 1, "median": 0}


def test_offices_read_the_whole_request_and_its_file(province: Province) -> None:
    request = apply(province.dataset)
    note = "与上次申请相同"
    thread.note(step=step_of(request, "open-acceptance"), actor=actor(province.reviewer), text=note)
    client = client_of(province.reviewer)
    page = client.get(reverse("sharing:request-detail", args=[request.pk])).content.decode()
    assert "杭州某科技公司" in page and note in page
    file = client.get(reverse("sharing:request-file", args=[request.pk, "json"])).json()
    assert (file["request"]["applicant"], file["request"]["filed_by"]) == ("杭州某科技公司", None)
    assert client.get(reverse("sharing:request-file", args=[request.pk, "pdf"])).status_code == 200
    assert note not in Client().get(follow_path(request.pk)).content.decode()


def test_an_authority_that_is_merged_hands_its_applications_and_extensions_on(province: Province) -> None:
    grant, request = granted(province), apply(province.dataset)
    decide(step_of(request, "open-acceptance"), province.reviewer)
    step = step_of(request, "open-answer")
    extension = extending.ask(step=step, actor=actor(province.world.provider), reason="核对")
    target = province.world.authority_department
    moves = changes.moves_of_merger([province.authority], target)
    keeper = actor(make_user("secadmin", admin_role="security"))
    changes.merge(
        sources=[province.authority],
        target=target,
        actor=keeper,
        seen=changes.preview(moves).seen,
        legal_basis="机构改革方案",
    )
    for obj in (grant, request, extension):
        obj.refresh_from_db()
    assert (grant.department, request.department, extension.authority) == (target, target, target)
    assert not can(actor(province.colleague), Permission.GRANT_USE, grant)
    assert can(holder(grant.item.request), Permission.GRANT_USE, grant)
    assert findings() == []


# --- e-mails and deletion ----------------------------------------------------------------------------------------


def test_an_email_tells_the_state_and_the_link_and_nothing_of_the_person(province: Province) -> None:
    request = apply(province.dataset)
    assert keeping.mail_applicant(str(request.pk))
    assert mail.outbox[0].to == ["data@example.com"]
    assert follow_path(request.pk) in mail.outbox[0].body and "王芳" not in mail.outbox[0].body
    department = submit(province.world, make_request(province.world, province.dataset))
    assert not keeping.mail_applicant(str(department.pk))


def test_each_change_queues_an_email(province: Province) -> None:
    from procrastinate.contrib.django.models import ProcrastinateJob

    def jobs() -> int:
        return ProcrastinateJob.objects.filter(task_name="sharing.mail_applicant").count()

    request = apply(province.dataset)
    assert jobs() == 1
    decide(step_of(request, "open-acceptance"), province.reviewer)
    assert jobs() == 1  # nothing that the applicant has to know
    thread.ask(step=step_of(request, "open-answer"), actor=actor(province.world.provider), text="？")
    assert jobs() == 2
    decide(step_of(request, "open-answer"), province.world.provider)
    assert jobs() == 3
    letter_acts.issue_for(request.pk)
    assert jobs() == 4
    grants.revoke(grant=Grant.objects.get(), actor=actor(province.world.provider), reason="违约")
    assert jobs() == 5
    assert Notice.objects.filter(user=province.colleague).count() == 0


def test_contacts_are_sealed_and_deleted_after_the_end(province: Province) -> None:
    grant = granted(province)
    known = OpenApplicant.objects.get()
    assert "example.com" not in known.sealed_email and known.email == "data@example.com"
    old = timezone.now() - dt.timedelta(days=60)
    SharingRequest.objects.update(modified=old)
    assert keeping.forget_contacts() == 0  # the grant goes on
    grants.revoke(grant=grant, actor=actor(province.world.provider), reason="违约")
    Grant.objects.update(ended_at=old)
    assert (keeping.forget_contacts(), keeping.forget_contacts()) == (1, 0)
    known.refresh_from_db()
    assert (known.contact, known.email, known.phone) == ("", "", "")
    assert not keeping.mail_applicant(str(known.pk))
    assert findings() == []


def test_the_database_refuses_an_applicant_who_is_both_inside_and_outside(province: Province) -> None:
    from django.db import IntegrityError, transaction

    request = apply(province.dataset)
    with pytest.raises(IntegrityError), transaction.atomic():
        SharingRequest.objects.filter(pk=request.pk).update(created_by=province.colleague)
    with pytest.raises(IntegrityError), transaction.atomic():
        SharingRequest.objects.filter(pk=request.pk).update(applicant_kind="department")


def test_a_department_cannot_use_the_public_columns_of_a_draft(province: Province) -> None:
    request = make_request(province.world, province.dataset)
    assert drafts.columns_for(request, province.dataset) == ["code", "name", "phone", "internal"]
