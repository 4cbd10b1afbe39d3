"""The check before submission: what each dataset will need, when it could be granted, and what is in its way."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from catalog.models import DataItem, Dataset
from portal.calendars.working_days import deadline
from sharing import drafts, workflow
from sharing.models import ApprovalStep, Grant, RequestItem, Restriction, Route, SharingRequest
from sharing.precheck.working import Precheck, Row, check
from sharing.questions import acts as forms
from sharing.questions.kinds import Kind, Question
from tests.clients import client_of
from tests.factories import World, actor, granted, make_dataset, make_department, make_request, submit
from tests.queries import queries_of

pytestmark = pytest.mark.django_db

SENSITIVE = [
    {"name": "代码", "column": "code"},
    {"name": "病史", "column": "illness", "sensitivity": "sensitive"},
]


def checked(world: World, request: SharingRequest) -> Precheck:
    with translation.override("zh-hans"):
        return check(SharingRequest.objects.get(pk=request.pk), actor(world.applicant))


def row_of(found: Precheck, dataset: Dataset) -> Row:
    return next(row for row in found.rows if row.item.dataset_id == dataset.pk)


def after(days: int) -> dt.date:
    return deadline(timezone.localdate(), days).day


def test_each_dataset_shows_its_offices_in_order_and_its_latest_day(world: World) -> None:
    plain = make_dataset(world.city_bureau, "排污许可", sharing_type="unconditional")
    graded = make_dataset(world.province_bureau, "低保对象", grade=3)
    found = checked(world, make_request(world, plain, graded))
    names = [(office.department, office.working_days) for office in row_of(found, graded).offices]
    assert names == [("西湖区民政局", 2), ("杭州市数据局", 2), ("浙江省民政厅", 10), ("浙江省民政厅", 3)]
    assert row_of(found, graded).needs_security
    assert row_of(found, graded).latest is not None
    assert (row_of(found, graded).latest or deadline(timezone.localdate(), 1)).day == after(17)
    assert [office.department for office in row_of(found, plain).offices] == ["西湖区民政局", "杭州市数据局"]
    assert not row_of(found, plain).needs_security
    assert (found.counts["security"], found.counts["problems"]) == (1, 0)
    assert found.latest == row_of(found, graded).latest


def test_the_steps_that_were_foretold_are_those_that_are_made(world: World) -> None:
    graded = make_dataset(world.province_bureau, "低保对象", grade=3)
    request = make_request(world, graded, make_dataset(world.city_bureau, "排污许可", sharing_type="unconditional"))
    foretold = [
        (row.item.pk, [(office.department, office.working_days) for office in row.offices])
        for row in checked(world, request).rows
    ]
    submit(world, request)
    for item, offices in foretold:
        steps = ApprovalStep.objects.filter(step_items__item=item).order_by("order").select_related("department")
        assert [(step.department.name, step.working_days) for step in steps] == offices


def test_the_usual_day_comes_from_how_long_these_offices_took(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "低保对象")
    request = make_request(world, dataset)
    assert checked(world, request).rows[0].usual is None
    granted(world, make_dataset(world.province_bureau, "残疾人"))
    ApprovalStep.objects.filter(stage="provider").update(days_used=4)
    ApprovalStep.objects.exclude(stage="provider").update(days_used=1)
    assert checked(world, request).rows[0].usual == after(6)


def test_leaving_out_the_sensitive_item_is_proposed_where_it_saves_a_stage(world: World) -> None:
    sensitive = make_dataset(world.province_bureau, "病历", items=SENSITIVE)
    graded = make_dataset(world.province_bureau, "低保对象", items=SENSITIVE, grade=3)
    only = make_dataset(world.province_bureau, "病史", items=SENSITIVE[1:])
    found = checked(world, make_request(world, sensitive, graded, only))
    narrower = row_of(found, sensitive).narrower
    assert narrower is not None
    assert (narrower.names, narrower.days) == (["病史"], 3)
    with translation.override("zh-hans"):
        assert str(narrower) == f"不申请“病史”，即无需“{narrower.stages[0]}”，可提前3个工作日。"
    assert row_of(found, graded).narrower is None, "its grade asks for the review anyway"
    assert row_of(found, only).narrower is None, "nothing would be left"
    assert row_of(found, only).needs_security


def test_a_condition_on_the_sensitive_item_keeps_the_review(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "病历", items=SENSITIVE)
    request = make_request(world, dataset)
    rows = [{"column": "illness", "op": "eq", "value": "无"}]
    item = request.items.get()
    drafts.change_item(item=item, actor=actor(world.applicant), columns=["code", "illness"], row_filter=rows)
    assert checked(world, request).rows[0].narrower is None


def test_the_narrower_request_is_as_fast_as_promised(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "病历", items=SENSITIVE)
    request = make_request(world, dataset)
    before = checked(world, request).rows[0]
    drafts.change_item(item=request.items.get(), actor=actor(world.applicant), columns=["code"], row_filter=[])
    now = checked(world, request).rows[0]
    assert before.narrower is not None
    days = [sum(office.working_days for office in row.offices) for row in (before, now)]
    assert days[0] - days[1] == before.narrower.days
    assert now.narrower is None


def test_what_the_department_has_or_asks_for_is_said(world: World) -> None:
    held, asked = make_dataset(world.province_bureau, "低保对象"), make_dataset(world.province_bureau, "残疾人")
    grant = Grant.objects.get(item__request=granted(world, held))
    number = submit(world, make_request(world, asked)).number
    found = checked(world, make_request(world, held, asked))
    assert (row_of(found, held).held, row_of(found, held).asked_in) == (grant.valid_until, None)
    assert (row_of(found, asked).held, row_of(found, asked).asked_in) == (None, number)
    assert found.counts["held"] == 2


def test_problems_stand_at_their_dataset_and_questions_at_those_that_ask(world: World) -> None:
    dataset, other = make_dataset(world.province_bureau, "低保对象"), make_dataset(world.city_bureau, "排污许可")
    form = forms.create(department=world.province_bureau, actor=actor(world.provider), title="安全条件")
    for seen, question in enumerate(
        [Question("place", Kind.TEXT, "地点", required=True), Question("paper", Kind.FILE, "证明", required=True)]
    ):
        forms.put_question(form=form, actor=actor(world.provider), seen=seen, question=question)
    forms.publish(form=form, actor=actor(world.provider), seen=2)
    forms.set_datasets(form=form, actor=actor(world.provider), add=[dataset])
    request = make_request(world, dataset, other)
    Dataset.objects.filter(pk=other.pk).update(sharing_type="not_shared")
    found = checked(world, request)
    asking = row_of(found, dataset)
    assert ([str(each.form) for each in asking.forms], asking.missing, asking.papers) == (["安全条件"], 2, ["证明"])
    assert "排污许可" in row_of(found, other).problem
    assert row_of(found, other).forms == []
    assert set(found.wrong) == {"items", "answers"}
    assert found.counts["problems"] == 2


def test_a_draft_of_a_listed_department_is_told_before_it_is_submitted(world: World) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    Restriction.objects.create(
        number="XZ2026000001",
        department=world.county_bureau,
        effect="block",
        reason="超范围使用",
        basis="协议第六条",
        since=timezone.localdate(),
        until=timezone.localdate(),
        authority=world.authority_department,
        entered_by=world.authority,
    )
    assert set(checked(world, request).wrong) == {"restrictions"}
    page = client_of(world.applicant).get(f"/requests/{request.pk}/check/").content.decode()
    assert "超范围使用" in page
    assert f'action="/requests/{request.pk}/submit/"' not in page


def test_a_route_that_cannot_be_followed_is_said_and_the_rest_is_checked(world: World) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    Route.objects.update(is_active=False)
    found = checked(world, request)
    assert found.route_error is not None
    assert [(row.offices, row.latest) for row in found.rows] == [([], None)]
    assert client_of(world.applicant).get(f"/requests/{request.pk}/check/").status_code == 200
    assert client_of(world.applicant).get(f"/requests/{request.pk}/").status_code == 200


def test_the_page_is_for_drafts_of_one_s_own_department(world: World) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    for path in ("", "export/"):
        assert client_of(world.provider).get(f"/requests/{request.pk}/check/{path}").status_code == 404
        assert client_of(world.applicant_head).get(f"/requests/{request.pk}/check/{path}").status_code == 200
    workflow.submit(request=request, actor=actor(world.applicant))
    assert client_of(world.applicant).get(f"/requests/{request.pk}/check/").status_code == 302


def test_an_empty_draft_says_what_it_lacks(world: World) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    drafts.remove_item(item=request.items.get(), actor=actor(world.applicant))
    page = client_of(world.applicant).get(f"/requests/{request.pk}/check/")
    assert list(page.context["check"].wrong) == ["items"]
    assert page.context["page"].paginator.count == 0


def test_the_table_as_csv_runs_no_formulas_and_follows_the_filter(world: World) -> None:
    formula = make_dataset(world.province_bureau, "=HYPERLINK(1)", grade=3)
    request = make_request(world, formula, make_dataset(world.city_bureau, "排污许可"))
    client = client_of(world.applicant)

    def rows(query: str) -> list[list[str]]:
        answer = client.get(f"/requests/{request.pk}/check/export/{query}")
        return list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))

    assert len(rows("")) == 3
    found = rows("?show=security")
    assert len(found) == 2
    assert found[1][0] == "'=HYPERLINK(1)"
    assert found[1][8] == after(17).isoformat()


def bulk(world: World, count: int, providers: int) -> SharingRequest:
    """A draft for ``count`` datasets of ``providers`` departments, half of them with a sensitive item."""
    departments = [make_department(f"厅局{n}", world.regions["province"]) for n in range(providers)]
    made = Dataset.objects.bulk_create(
        Dataset(
            provider=departments[n % providers],
            code=f"399{count}/{n:06d}",
            title=f"资源{count}-{n}",
            summary="用于测试的数据资源",
            sharing_type="conditional",
            state="published",
            grade=2,
        )
        for n in range(count)
    )
    DataItem.objects.bulk_create(
        DataItem(
            dataset=dataset,
            name=name,
            column=column,
            position=place,
            data_type="C",
            sensitivity="sensitive" if n % 2 and place else "none",
        )
        for n, dataset in enumerate(made)
        for place, (name, column) in enumerate([("代码", "code"), ("病史", "illness")])
    )
    request = SharingRequest.objects.create(
        title="批量",
        department=world.county_bureau,
        created_by=world.applicant,
        purpose="service",
        legal_basis="x",
        scenario="y",
        channels=["api"],
        valid_until=timezone.localdate() + dt.timedelta(days=300),
        has_commitment=True,
    )
    RequestItem.objects.bulk_create(
        RequestItem(request=request, dataset=dataset, columns=["code", "illness"]) for dataset in made
    )
    return request


def test_five_hundred_datasets_of_fifty_providers_take_as_few_queries_as_two(world: World) -> None:
    few, many = bulk(world, 2, 2), bulk(world, 500, 50)
    with CaptureQueriesContext(connection) as small:
        checked(world, few)
    with CaptureQueriesContext(connection) as large:
        found = checked(world, many)
    assert len(found.rows) == 500
    assert (found.counts["security"], found.counts["faster"]) == (250, 250)
    assert len(large) == len(small)
    assert len(large) <= 25
    client = client_of(world.applicant)
    assert queries_of(client, f"/requests/{many.pk}/check/") <= 45
    page = client.get(f"/requests/{many.pk}/check/?show=faster&page=2")
    assert len(page.context["page"].object_list) == 50
