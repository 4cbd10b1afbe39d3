"""``/api/v1/``: requests, steps and grants by programs that are signed in, with the commands of the pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from sharing.models import Grant, SharingRequest, StepItem
from tests.clients import client_of
from tests.factories import World, granted, make_dataset, make_request, step_of, submit

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json")


def new_request(world: World, **item: Any) -> dict[str, Any]:
    dataset = make_dataset(world.province_bureau, "救助对象")
    return {
        "department": str(world.county_bureau.pk),
        "title": "核查",
        "purpose": "service",
        "legal_basis": "社会救助暂行办法",
        "scenario": "核对",
        "valid_until": "2099-12-31",
        "has_commitment": True,
        "items": [{"dataset": str(dataset.pk), **item}],
    }


def test_a_request_is_created_submitted_and_decided(world: World) -> None:
    applicant = client_of(world.applicant)
    rows = [{"column": "code", "op": "prefix", "value": "33"}]
    made = post(applicant, "requests/", new_request(world, columns=["code"], row_filter=rows))
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    assert made.json()["items"][0]["columns"] == ["code"]
    sent = post(applicant, f"requests/{made.json()['id']}/submit/")
    assert (sent.status_code, sent.json()["state"]) == (200, "in_review")
    head = client_of(world.applicant_head)
    step = head.get("/api/v1/steps/").json()["results"][0]
    body = {"version": step["version"], "decisions": [{"item": step["items"][0]["item"], "verdict": "approve"}]}
    assert post(head, f"steps/{step['id']}/decide/", body).json()["state"] == "done"
    again = post(head, f"steps/{step['id']}/decide/", body)
    assert (again.status_code, again.json()["code"]) == (409, "stale_step")
    assert again.headers["Content-Type"] == "application/problem+json"


def test_a_field_that_does_not_exist_is_named(world: World) -> None:
    response = post(client_of(world.applicant), "requests/", new_request(world, columns=["code", "secret"]))
    assert (response.status_code, response.json()["code"]) == (400, "unknown_column")
    assert response.json()["columns"] == ["secret"]
    assert SharingRequest.objects.count() == 0


def test_everything_missing_is_told_by_field(world: World) -> None:
    applicant = client_of(world.applicant)
    made = post(applicant, "requests/", new_request(world) | {"has_commitment": False})
    response = post(applicant, f"requests/{made.json()['id']}/submit/")
    assert (response.status_code, set(response.json()["errors"])) == (422, {"has_commitment"})
    assert set(post(applicant, "requests/", {}).json()["errors"]) >= {"department", "title", "items"}


def test_requests_steps_and_grants_of_others_are_not_found(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "救助对象")))
    stranger = client_of(world.provider2)
    assert stranger.get(f"/api/v1/requests/{request.pk}/").status_code == 404
    body = {"version": 0, "decisions": [{"item": str(request.items.get().pk), "verdict": "approve"}]}
    assert post(stranger, f"steps/{step_of(request, 'own-department').pk}/decide/", body).status_code == 404
    assert stranger.get("/api/v1/requests/").json()["results"] == []
    assert not StepItem.objects.exclude(verdict="").exists()


def test_bulk_decisions_answer_per_step(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "救助对象")
    steps = [step_of(submit(world, make_request(world, dataset)), "own-department") for _ in range(2)]
    rows = [{"step": str(step.pk), "version": step.version} for step in steps]
    rows[1]["version"] += 1
    rows.append({"step": "00000000-0000-7000-8000-000000000000", "version": 0})
    head = client_of(world.applicant_head)
    answer = post(head, "steps/decide/", {"verdict": "approve", "steps": rows}).json()
    found = [(row["decided"], row["problem"] and row["problem"]["code"]) for row in answer]
    assert found == [(True, None), (False, "stale_step"), (False, "not_found")]


def test_the_signed_in_session_needs_its_token_and_the_anonymous_are_refused(world: World) -> None:
    assert post(client_of(world.applicant, enforce_csrf=True), "requests/").status_code == 403
    assert Client().get("/api/v1/requests/").status_code == 403
    assert Client().get("/api/v1/requests/").json()["code"] == "not_authenticated"


def test_the_schema_is_complete() -> None:
    from drf_spectacular.drainage import GENERATOR_STATS
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.validation import validate_schema

    GENERATOR_STATS.reset()
    schema = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(schema)
    assert (dict(GENERATOR_STATS._error_cache), dict(GENERATOR_STATS._warn_cache)) == ({}, {})
    paths = {path.removeprefix("/api/v1") for path in schema["paths"] if path.startswith("/api/v1")}
    assert {"/datasets/", "/requests/{request_id}/submit/", "/steps/decide/", "/data/{grant_id}/rows"} <= paths


def test_more_than_a_thousand_steps_at_once_are_refused_and_none_is_decided(world: World) -> None:
    step = step_of(
        submit(world, make_request(world, make_dataset(world.province_bureau, "救助对象"))), "own-department"
    )
    rows = [{"step": f"00000000-0000-7000-8000-{number:012d}", "version": 0} for number in range(1_000)]
    rows.append({"step": str(step.pk), "version": step.version})
    answer = post(client_of(world.applicant_head), "steps/decide/", {"verdict": "approve", "steps": rows})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"steps"})
    assert not StepItem.objects.exclude(verdict="").exists()


def test_a_refusal_in_bulk_needs_its_reason(world: World) -> None:
    step = step_of(
        submit(world, make_request(world, make_dataset(world.province_bureau, "救助对象"))), "own-department"
    )
    rows = [{"step": str(step.pk), "version": step.version}]
    answer = post(client_of(world.applicant_head), "steps/decide/", {"verdict": "refuse", "steps": rows, "note": "否"})
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"reason"})
    assert not StepItem.objects.exclude(verdict="").exists()


def test_both_sides_read_a_grant_and_nobody_else_finds_it(world: World) -> None:
    granted(world, make_dataset(world.province_bureau, "救助对象"))
    grant = Grant.objects.get()
    for person in (world.applicant, world.provider):
        client = client_of(person)
        assert [row["id"] for row in client.get("/api/v1/grants/").json()["results"]] == [str(grant.pk)]
        assert client.get(f"/api/v1/grants/{grant.pk}/").json()["columns"] == ["code", "name"]
    stranger = client_of(world.provider2)
    assert stranger.get("/api/v1/grants/").json()["results"] == []
    missing = stranger.get(f"/api/v1/grants/{grant.pk}/")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
