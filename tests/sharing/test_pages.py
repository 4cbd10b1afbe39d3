"""Pages of sharing over HTTP: nothing typed is lost, nothing foreign is found, lists take a fixed number of queries."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.departments.models import Duty
from sharing import drafts
from sharing.models import ApprovalStep, BasketItem, Grant, SharingRequest, StepItem
from tests.clients import client_of, text_of
from tests.factories import (
    World,
    actor,
    approve_common,
    decide,
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
from tests.queries import queries_of
from tests.words import zh

pytestmark = pytest.mark.django_db


def test_a_basket_of_several_providers_becomes_one_request(world: World) -> None:
    datasets = [make_dataset(world.province_bureau, "甲"), make_dataset(world.city_bureau, "乙")]
    client = client_of(world.applicant)
    client.post("/basket/add/", {"dataset": [d.pk for d in datasets], "next": "https://evil.example/"})
    form = {
        "department": world.county_bureau.pk,
        "title": "核查",
        "purpose": "service",
        "legal_basis": "办法",
        "scenario": "核对",
        "channels": ["api"],
        "frequency": "irregular",
        "valid_until": "2099-01-01",
        "has_commitment": "on",
    }
    answer = client.post("/requests/new/", form)
    request = SharingRequest.objects.get()
    assert answer.headers["Location"] == f"/requests/{request.pk}/"
    assert {item.dataset for item in request.items.all()} == set(datasets)
    assert BasketItem.objects.count() == 0


def test_going_back_leads_only_to_this_portal(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "甲")
    body = {"dataset": dataset.pk, "next": "https://evil.example/"}
    assert client_of(world.applicant).post("/basket/add/", body).headers["Location"] == "/basket/"


def test_a_failing_form_keeps_its_text_and_says_what_to_fix(world: World) -> None:
    drafts.add_to_basket(actor=actor(world.applicant), dataset_ids=[make_dataset(world.province_bureau, "甲").pk])
    response = client_of(world.applicant).post("/requests/new/", {"title": "低保核查", "scenario": "很长的说明"})
    assert response.status_code == 422
    page = text_of(response)
    assert 'value="低保核查"' in page
    assert "很长的说明</textarea>" in page
    assert zh("Some entries need to be corrected. Nothing was lost.") in page
    assert SharingRequest.objects.count() == 0


def test_a_new_form_brings_a_term_that_a_chinese_browser_shows(world: World) -> None:
    drafts.add_to_basket(actor=actor(world.applicant), dataset_ids=[make_dataset(world.province_bureau, "甲").pk])
    page = text_of(client_of(world.applicant).get("/requests/new/"))
    expected = timezone.localdate() + dt.timedelta(days=365)
    assert f'name="valid_until" value="{expected.isoformat()}"' in page


def test_an_item_form_names_what_is_wrong_and_keeps_the_choice(world: World) -> None:
    request = make_request(world, load(make_dataset(world.province_bureau, "甲"), b"code,name\n01,a\n"))
    path = f"/requests/{request.pk}/items/{request.items.get().pk}/"
    body = {"columns": ["code"], "c": ["name"], "o": ["between"], "v": ["只有一个"]}
    response = client_of(world.applicant).post(path, body)
    assert response.status_code == 422
    assert zh("“%(column)s”: give the lower and the upper limit.") % {"column": "name"} in text_of(response)
    assert 'value="只有一个"' in text_of(response)


def test_a_decision_on_the_page_opens_the_next_step(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    step, item = step_of(request, "own-department"), request.items.get()
    body = {"seen_version": step.version, f"{item.pk}-verdict": "approve"}
    response = client_of(world.applicant_head).post(f"/steps/{step.pk}/decide/", body)
    assert (response.status_code, response.headers["Location"]) == (302, "/queue/")
    assert [s.stage for s in ApprovalStep.objects.filter(state="open")] == ["compliance"]


def test_a_stale_decision_is_409_and_keeps_the_typed_note(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    approve_common(world, request)
    step, item = step_of(request, "provider"), request.items.get()
    client = client_of(world.provider_head)
    body = {
        "seen_version": step.version - 1,
        f"{item.pk}-verdict": "refuse",
        f"{item.pk}-reason": "other",
        f"{item.pk}-note": "我的意见",
    }
    response = client.post(f"/steps/{step.pk}/decide/", body)
    assert response.status_code == 409
    assert "我的意见</textarea>" in text_of(response)
    assert zh("Somebody decided on this in the meantime. Nothing was changed: reload and look again.") in text_of(
        response
    )
    decide(step, world.provider)
    body["seen_version"] = step.version
    assert client.post(f"/steps/{step.pk}/decide/", body).status_code == 409
    assert Grant.objects.count() == 1


def test_bulk_decisions_show_first_what_will_happen_then_a_line_a_step(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "甲")
    steps = [step_of(submit(world, make_request(world, dataset)), "own-department") for _ in range(2)]
    client = client_of(world.applicant_head)
    rows = {"step": [f"{step.pk}:{step.version}" for step in steps]}
    asked = client.post("/queue/decide/", rows)
    assert (asked.status_code, ApprovalStep.objects.filter(state="done").count()) == (200, 0)
    refused = client.post("/queue/decide/", rows | {"confirmed": "1", "verdict": "refuse"})
    assert (refused.status_code, zh("A refusal needs its reason and a text that explains it.") in text_of(refused)) == (
        422,
        True,
    )
    decide(steps[0], world.applicant_head)
    done = text_of(client.post("/queue/decide/", rows | {"confirmed": "1", "verdict": "approve"}))
    assert (done.count("is-good"), done.count("is-bad")) == (1, 1)


def test_foreign_requests_steps_and_grants_are_not_found(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "甲")
    request = granted(world, dataset)
    step, grant = step_of(request, "own-department"), Grant.objects.get()
    client = client_of(world.provider2)
    for path in (request.get_absolute_url(), step.get_absolute_url(), grant.get_absolute_url()):
        assert client.get(path).status_code == 404
    assert client.get("/requests/00000000-0000-7000-8000-000000000000/").status_code == 404


def test_a_draft_is_seen_by_its_department_alone(world: World) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "甲"))
    assert client_of(world.applicant_head).get(request.get_absolute_url()).status_code == 200
    assert client_of(world.authority).get(request.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("path", ["/queue/", "/queue/?tab=done", "/requests/", "/grants/"])
def test_lists_take_a_fixed_number_of_queries(world: World, path: str) -> None:
    def fill(count: int) -> None:
        for number in range(count):
            dataset = make_dataset(world.province_bureau, f"{path} {number} {count}")
            granted(world, dataset)
            submit(world, make_request(world, dataset))

    client = client_of(world.applicant_head)
    client.get(path)
    fill(1)
    few = queries_of(client, path)
    fill(6)
    assert queries_of(client, path) == few


def test_the_pages_of_a_request_and_a_step_take_a_fixed_number_of_queries(world: World) -> None:
    few = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    many = [make_dataset(world.province_bureau, f"乙{n}") for n in range(6)]
    more = submit(world, make_request(world, *many))
    client = client_of(world.applicant_head)
    client.get("/")
    assert queries_of(client, few.get_absolute_url()) == queries_of(client, more.get_absolute_url())
    one, other = (step_of(r, "own-department").get_absolute_url() for r in (few, more))
    assert queries_of(client, one) == queries_of(client, other)


def test_exports_hold_what_the_list_shows_and_no_formulas(world: World) -> None:
    submit(world, make_request(world, make_dataset(world.province_bureau, "甲"), title="=HYPERLINK(1)"))
    content = b"".join(client_of(world.applicant).get("/requests/export/").streaming_content).decode("utf-8-sig")
    assert content.splitlines()[1].split(",")[1:4] == ["'=HYPERLINK(1)", "西湖区民政局", zh("In review")]


def test_a_revoked_grant_says_why(world: World) -> None:
    granted(world, make_dataset(world.province_bureau, "甲"))
    grant = Grant.objects.get()
    client = client_of(world.provider)
    assert client.post(f"/grants/{grant.pk}/revoke/", {"reason": ""}).status_code == 422
    client.post(f"/grants/{grant.pk}/revoke/", {"reason": "超范围使用"})
    assert "超范围使用" in text_of(client_of(world.applicant).get(grant.get_absolute_url()))


@pytest.mark.parametrize(
    "other", [{"note": "先核实"}, {"reason": "other"}, {"verdict": "return", "note": "长" * 2_001}, {"verdict": "burn"}]
)
def test_a_decision_that_cannot_be_read_is_told_and_records_nothing_of_the_page(
    world: World, other: dict[str, str]
) -> None:
    one, two = (make_dataset(world.province_bureau, title) for title in ("甲", "乙"))
    request = submit(world, make_request(world, one, two))
    step, items = step_of(request, "own-department"), {item.dataset: item.pk for item in request.items.all()}
    body = {"seen_version": step.version, f"{items[one]}-verdict": "approve"}
    body |= {f"{items[two]}-{name}": value for name, value in other.items()}
    response = client_of(world.applicant_head).post(f"/steps/{step.pk}/decide/", body)
    assert response.status_code == 422
    if "note" in other:
        assert f"{other['note']}</textarea>" in text_of(response)
    assert not StepItem.objects.exclude(verdict="").exists()


def test_supervision_lists_late_steps_of_the_region_in_a_fixed_number_of_queries(world: World) -> None:
    def late(count: int) -> None:
        for number in range(count):
            submit(world, make_request(world, make_dataset(world.province_bureau, f"{count} {number}")))
        ApprovalStep.objects.filter(state="open").update(due_at=timezone.now() - dt.timedelta(days=1))

    client = client_of(world.authority)
    client.get("/supervision/")
    late(1)
    few = queries_of(client, "/supervision/")
    late(6)
    assert queries_of(client, "/supervision/") == few
    assert len(client.get("/supervision/").context["object_list"]) == 7
    elsewhere = make_region("340000", "安徽省", 2, world.regions["nation"])
    authority = make_department("安徽省数据局", elsewhere, "data_authority")
    abroad = make_user("abroad", authority, Duty.AUTHORITY_REVIEWER)
    assert list(client_of(abroad).get("/supervision/").context["object_list"]) == []


def test_the_queue_takes_as_many_queries_for_thirty_steps_as_for_one(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "甲")
    client = client_of(world.applicant_head)
    client.get("/queue/")
    submit(world, make_request(world, dataset))
    few = queries_of(client, "/queue/")
    for _number in range(29):
        submit(world, make_request(world, dataset))
    assert queries_of(client, "/queue/") == few
    assert len(client.get("/queue/").context["steps"]) == 20
    assert len(client.get("/queue/?page=2").context["steps"]) == 10


def test_the_datasets_of_a_large_request_are_paged_and_searched(
    world: World, django_assert_max_num_queries: Any
) -> None:
    datasets = [make_dataset(world.city_bureau, f"空气{n:02d}") for n in range(55)]
    request = submit(world, make_request(world, *datasets, make_dataset(world.province_bureau, "低保")))
    client = Client()
    client.force_login(world.applicant, backend="allauth.account.auth_backends.AuthenticationBackend")
    with django_assert_max_num_queries(60):
        first = client.get(request.get_absolute_url())
    assert (len(first.context["rows"]), first.context["item_count"]) == (50, 56)
    assert len(client.get(f"{request.get_absolute_url()}?page=2").context["rows"]) == 6
    found = client.get(f"{request.get_absolute_url()}?q=低保&answer=in_review").context["rows"]
    assert [row["item"].dataset.title for row in found] == ["低保"]
    assert client.get(f"{request.get_absolute_url()}?answer=approved").context["rows"] == []
