"""The queue: tabs, claims, workload, columns, saved views, and the panel beside it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.departments.models import Duty
from portal.deputies.delegations import name_deputy
from sharing import claims
from sharing.models import ApprovalStep, SavedView, SharingRequest
from tests.clients import client_of
from tests.factories import World, actor, approve_common, decide, make_dataset, make_request, make_user, step_of, submit

pytestmark = pytest.mark.django_db


def asked(world: World, title: str = "低保对象") -> SharingRequest:
    """A request that is with the provincial bureau."""
    request = submit(world, make_request(world, make_dataset(world.province_bureau, title), title=f"{title}共享"))
    approve_common(world, request)
    return request


def titles(client: Client, query: str) -> list[str]:
    page = client.get(f"/queue/?{query}")
    return [step.request.title for step in page.context["steps"]]


def test_a_claim_shows_colleagues_who_works_on_it(world: World) -> None:
    step = step_of(asked(world), "provider")
    client, other = client_of(world.provider), client_of(world.provider_head)
    asked(world, "残疾人")
    marked = f"{step.pk}:{step.version}"
    client.post("/queue/claim/", {"step": [marked], "act": "claim"})
    assert titles(client, "tab=mine") == ["低保对象共享"]
    assert titles(other, "tab=mine") == []
    assert titles(other, "claim=free") == ["残疾人共享"]
    assert titles(other, "claim=taken") == ["低保对象共享"]
    assert "provider" in other.get("/queue/").content.decode()
    other.post("/queue/claim/", {"step": [marked], "act": "claim"})
    assert ApprovalStep.objects.get(pk=step.pk).claimed_by == world.provider_head
    client.post("/queue/claim/", {"step": [marked], "act": "release"})
    assert ApprovalStep.objects.get(pk=step.pk).claimed_by == world.provider_head
    other.post("/queue/claim/", {"step": [marked], "act": "release"})
    assert ApprovalStep.objects.get(pk=step.pk).claimed_by is None


def test_a_claim_locks_nobody_out(world: World) -> None:
    step = step_of(asked(world), "provider")
    claims.claim(ids=[step.pk], actor=actor(world.provider_head))
    decide(ApprovalStep.objects.get(pk=step.pk), world.provider)
    assert claims.claim(ids=[step.pk], actor=actor(world.provider)) == 0


def test_only_what_one_may_decide_is_claimed(world: World) -> None:
    request = asked(world)
    step = step_of(request, "provider")
    for user in (world.applicant, world.authority, world.provider2):
        assert claims.claim(ids=[step.pk], actor=actor(user)) == 0
    assert client_of(world.applicant).post("/queue/claim/", {"step": [str(step.pk)]}).status_code == 403


def test_what_a_deputy_decides_stands_in_a_tab_of_its_own(world: World) -> None:
    asked(world)
    deputy = make_user("stand_in", world.province_bureau, Duty.SECURITY_OFFICER)
    assert b"tab=deputy" not in client_of(deputy).get("/queue/").content
    today = timezone.localdate()
    name_deputy(
        principal=world.provider,
        deputy=deputy,
        department=world.province_bureau,
        duties=["provider_approver"],
        valid_from=today,
        valid_until=today + dt.timedelta(days=3),
        reason="出差",
        actor=actor(world.provider),
    )
    client = client_of(deputy)
    assert b"tab=deputy" in client.get("/queue/").content
    assert titles(client, "tab=deputy") == ["低保对象共享"]


def test_columns_are_chosen_and_views_are_kept(world: World) -> None:
    asked(world)
    client = client_of(world.provider)
    page = client.get("/queue/?tab=open&col=request&col=purpose")
    assert page.context["columns"] == ["request", "purpose"]
    client.post("/queue/views/", {"name": "只看用途", "query": "?tab=open&col=request&col=purpose&page=3"})
    view = SavedView.objects.get()
    assert (view.name, view.query) == ("只看用途", "tab=open&col=request&col=purpose")
    assert "只看用途" in client.get("/queue/").content.decode()
    assert "只看用途" not in client_of(world.provider_head).get("/queue/").content.decode()
    client.post("/queue/views/", {"name": "只看用途", "query": "tab=late"})
    assert SavedView.objects.get().query == "tab=late"
    assert client_of(world.provider_head).post(f"/queue/views/{view.pk}/remove/").status_code == 404
    client.post(f"/queue/views/{view.pk}/remove/")
    assert not SavedView.objects.exists()


def test_a_view_needs_a_name_and_there_are_not_too_many(world: World) -> None:
    client = client_of(world.provider)
    client.post("/queue/views/", {"name": " ", "query": "tab=late"})
    assert not SavedView.objects.exists()
    SavedView.objects.bulk_create(SavedView(user=world.provider, name=str(n), query="") for n in range(20))
    client.post("/queue/views/", {"name": "more", "query": ""})
    client.post("/queue/views/", {"name": "3", "query": "tab=late"})
    assert SavedView.objects.count() == 20
    assert SavedView.objects.get(name="3").query == "tab=late"


def test_the_workload_of_colleagues(world: World, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    first, second = asked(world), asked(world, "残疾人")
    asked(world, "特困人员")
    claims.claim(ids=[step_of(first, "provider").pk], actor=actor(world.provider))
    decide(step_of(second, "provider"), world.provider_head)
    person = actor(world.provider)
    with django_assert_max_num_queries(5):
        [office] = claims.workload(person)
    assert (office.open, office.unclaimed, office.late) == (2, 1, 0)
    found = {load.name: (load.claimed, load.decided) for load in office.people.values()}
    assert found == {"provider": (1, 0), "provider_head": (0, 1)}
    page = client_of(world.provider).get("/queue/workload/").content.decode()
    assert "provider_head" in page
    assert client_of(world.applicant).get("/queue/workload/").status_code == 403


def test_the_panel_says_what_is_needed_to_decide(world: World) -> None:
    step = step_of(asked(world), "provider")
    page = client_of(world.provider).get(f"/steps/{step.pk}/panel/").content.decode()
    for words in ("低保对象", "社会救助暂行办法第十七条", "西湖区民政局", "用于履行职责"):
        assert words in page
    assert "<html" not in page
    assert client_of(world.provider2).get(f"/steps/{step.pk}/panel/").status_code == 404


def test_the_verdict_of_a_key_stands_in_the_confirmation(world: World) -> None:
    step = step_of(asked(world), "provider")
    page = client_of(world.provider).post("/queue/decide/", {"step": f"{step.pk}:{step.version}", "verdict": "approve"})
    assert page.context["form"]["verdict"].value() == "approve"
    assert ApprovalStep.objects.get(pk=step.pk).state == "open"
