"""What changes while a request runs: the offices that decide, and the people in them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from portal.access import Actor
from portal.departments import duties
from portal.departments.duties import assign
from portal.departments.models import Duty, Membership
from portal.deputies.delegations import name_deputy
from portal.errors import InvalidInput, NotPermitted
from portal.models import Notice
from sharing import claims, vacancies, workflow
from sharing.models import ApprovalStep, SharingRequest
from sharing.thread import acts as thread
from tests.checks import findings
from tests.clients import client_of
from tests.factories import (
    World,
    actor,
    decide,
    make_dataset,
    make_department,
    make_request,
    make_user,
    step_of,
    submit,
)
from tests.sharing import running
from tests.sharing.running import states, two_lanes

pytestmark = pytest.mark.django_db
keeper = running.keeper


def end_duty(user: Any, duty: str) -> None:
    duties.end(membership=Membership.objects.get(user=user, duty=duty), actor=Actor.system())


def test_a_step_that_nobody_can_decide_is_told_once_and_handed_over_by_the_authority(world: World, keeper: Any) -> None:
    clerk = make_user("clerk", world.city_bureau, Duty.CLERK)
    other = make_department("杭州市水务局", world.regions["city"])
    successor = make_user("successor", other, Duty.PROVIDER_APPROVER)
    request, _dataset = two_lanes(world)
    end_duty(world.provider2, Duty.PROVIDER_APPROVER)
    assert [vacancies.look()["vacant"] for _run in range(3)] == [1, 0, 0]
    told = Notice.objects.filter(kind="step_vacant").values_list("user__username", flat=True)
    assert set(told) == {"applicant", "authority", clerk.username}
    step = step_of(request, "provider", world.city_bureau)
    client = client_of(world.authority)
    assert [row.pk for row in client.get("/supervision/vacant/").context["object_list"]] == [step.pk]
    typed = {"department": str(other), "reason": "原办理人员已调离", "seen_version": step.version}
    assert client.get(f"/supervision/vacant/{step.pk}/").status_code == 200
    assert client.post(f"/supervision/vacant/{step.pk}/", {**typed, "reason": ""}).status_code == 422
    assert client.post(f"/supervision/vacant/{step.pk}/", typed).status_code == 302
    decide(step_of(request, "provider", world.city_bureau), successor)
    assert states(request)["排污"] == "approved"
    assert findings() == []


def test_an_office_that_has_somebody_is_not_handed_over_by_the_authority(world: World) -> None:
    other = make_department("杭州市水务局", world.regions["city"])
    make_user("successor", other, Duty.PROVIDER_APPROVER)
    request, _dataset = two_lanes(world)
    step = step_of(request, "provider", world.city_bureau)
    with pytest.raises(NotPermitted):
        thread.forward(
            step=step, actor=actor(world.authority), seen_version=step.version, department=other, reason="催办"
        )
    assert client_of(world.authority).get(f"/supervision/vacant/{step.pk}/").status_code == 404


def test_the_own_review_goes_to_a_superior_of_the_line_alone(world: World) -> None:
    superior = make_department("杭州市民政局", world.regions["city"])
    make_user("superior", superior, Duty.OWN_APPROVER)
    world.county_bureau.parent = superior
    world.county_bureau.save()
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保")))
    end_duty(world.applicant_head, Duty.OWN_APPROVER)
    step = step_of(request, "own-department")
    asked: dict[str, Any] = {"step": step, "actor": actor(world.authority), "seen_version": step.version}
    with pytest.raises(InvalidInput):
        thread.forward(department=world.city_bureau, reason="无人审核", **asked)
    assert thread.forward(department=superior, reason="无人审核", **asked).department == superior


def test_who_holds_an_office_again_is_told_what_waits_there(world: World) -> None:
    request, _dataset = two_lanes(world)
    end_duty(world.provider2, Duty.PROVIDER_APPROVER)
    vacancies.look()
    after = make_user("after", world.city_bureau, Duty.PROVIDER_APPROVER)
    assert [vacancies.look()["filled"] for _run in range(2)] == [1, 0]
    assert Notice.objects.filter(user=after, kind="step_opened").count() == 1
    assert step_of(request, "provider", world.city_bureau).vacant_at is None


def test_a_step_in_the_hands_of_somebody_who_left_is_given_back(world: World) -> None:
    request, _dataset = two_lanes(world)
    step = step_of(request, "provider", world.province_bureau)
    claims.claim(ids=[step.pk], actor=actor(world.provider))
    assert vacancies.release_claims() == 0
    end_duty(world.provider, Duty.PROVIDER_APPROVER)
    assert vacancies.release_claims() == 1
    assert ApprovalStep.objects.get(pk=step.pk).claimed_by is None
    assert findings() == []


def test_a_request_whose_applicant_left_is_told_to_the_clerk_once(world: World) -> None:
    clerk = make_user("clerk", world.county_bureau, Duty.CLERK)
    request, _dataset = two_lanes(world)
    decide(step_of(request, "provider", world.city_bureau), world.provider2, "return", note="缩小范围")
    end_duty(world.applicant, Duty.APPLICANT)
    assert [vacancies.look()["orphaned"] for _run in range(3)] == [1, 0, 0]
    assert Notice.objects.filter(user=clerk, kind="request_orphaned").count() == 1
    after = make_user("after", world.county_bureau)
    assign(user=after, department=world.county_bureau, duty=Duty.APPLICANT, actor=Actor.system())
    workflow.resubmit(request=request, actor=actor(after))
    assert vacancies.look()["orphaned"] == 0
    assert SharingRequest.objects.get().orphaned_at is None


def test_the_list_of_vacant_offices_takes_a_fixed_number_of_queries(
    world: World, django_assert_max_num_queries: Any
) -> None:
    for title in ("甲", "乙", "丙"):
        submit(world, make_request(world, make_dataset(world.city_bureau, title)))
    end_duty(world.applicant_head, Duty.OWN_APPROVER)
    client = client_of(world.authority)
    client.get("/supervision/vacant/")
    with django_assert_max_num_queries(20):
        assert len(client.get("/supervision/vacant/").context["object_list"]) == 3


def test_a_deputy_whose_term_ends_between_page_and_click_decides_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    deputy = make_user("deputy", world.county_bureau, Duty.CATALOGUER)
    today = timezone.localdate()
    name_deputy(
        principal=world.applicant_head,
        deputy=deputy,
        department=world.county_bureau,
        duties=["own_approver"],
        valid_from=today,
        valid_until=today,
        reason="出差",
        actor=actor(world.applicant_head),
    )
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保")))
    client = client_of(deputy)
    step = step_of(request, "own-department")
    page = client.get(step.get_absolute_url())
    assert page.status_code == 200
    tomorrow = timezone.now() + dt.timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    client = client_of(deputy)  # the session of the day before has ended, too
    item = request.items.get()
    typed = {"seen_version": step.version, f"{item.pk}-verdict": "approve"}
    assert client.post(f"{step.get_absolute_url()}decide/", typed).status_code == 404
    assert step_of(request, "own-department").state == "open"
