"""What changes while a request runs: its route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from portal.departments.models import Duty
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Event, Notice
from sharing import claims, workflow
from sharing.errors import StaleStep
from sharing.models import Grant, RouteVersion, SharingRequest
from sharing.routing import rerouting
from tests.checks import findings
from tests.clients import client_of
from tests.factories import World, actor, approve_common, decide, make_dataset, make_request, make_user, step_of, submit
from tests.sharing import running
from tests.sharing.running import states

pytestmark = pytest.mark.django_db
keeper = running.keeper


def publish_again(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> RouteVersion:
    """The next version of the national route, in force from today."""
    last = RouteVersion.objects.in_force().get(route="national")
    return RouteVersion.objects.create(
        route=last.route,
        number=last.number + 1,
        stages=change([dict(row) for row in last.stages]),
        effective_from=timezone.localdate(),
        published_at=timezone.now(),
    )


def without_check(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        row | ({"working_days": 4} if row["key"] == "provider" else {}) for row in rows if row["key"] != "compliance"
    ]


def reroute(request: SharingRequest, user: Any, seen: int | None = None) -> SharingRequest:
    seen = SharingRequest.objects.get(pk=request.pk).version if seen is None else seen
    return rerouting.reroute(request=request, actor=actor(user), seen_version=seen, reason="流程有误")


def test_a_request_on_a_wrong_route_is_moved_with_what_was_decided(world: World, keeper: Any) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保")))
    decide(step_of(request, "own-department"), world.applicant_head)
    version = publish_again(without_check)
    assert rerouting.proposed(request) == version
    reroute(request, keeper)
    assert step_of(request, "own-department").state == "done"
    assert step_of(request, "compliance").state == "skipped"
    provider = step_of(request, "provider")
    assert (provider.state, provider.working_days, provider.term_days) == ("open", 4, 4)
    assert Notice.objects.filter(user=world.provider, kind="step_opened").count() == 1
    assert Notice.objects.filter(user=world.applicant, kind="request_rerouted").count() == 1
    assert SharingRequest.objects.get().route_version == version
    decide(provider, world.provider)
    assert states(request) == {"低保": "approved"}
    assert findings() == []


def test_a_request_that_needs_nothing_more_on_the_new_route_is_granted(world: World, keeper: Any) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保")))
    decide(step_of(request, "own-department"), world.applicant_head)
    publish_again(lambda rows: [row for row in rows if row["key"] == "own-department"])
    reroute(request, keeper)
    assert states(request) == {"低保": "approved"}
    assert Grant.objects.count() == 1
    assert findings() == []


def test_a_new_step_waits_while_the_applicant_has_the_item(world: World, keeper: Any) -> None:
    """The route gains a stage before the one that returned the item: nobody decides on what is being changed."""
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保")))
    approve_common(world, request)
    decide(step_of(request, "provider"), world.provider, "return", note="请缩小范围")
    before_all = {"key": "first", "title": "复核", "who": "applicant", "duty": "clerk", "working_days": 2}
    clerk, checked = make_user("clerk", world.county_bureau, Duty.CLERK), step_of(request, "compliance").decided_at
    publish_again(lambda rows: [before_all, *rows])
    reroute(request, keeper)
    assert (states(request), step_of(request, "first").state) == ({"低保": "returned"}, "waiting")
    assert step_of(request, "provider").state == "paused"
    workflow.resubmit(request=SharingRequest.objects.get(), actor=actor(world.applicant))
    assert (states(request), step_of(request, "first").state) == ({"低保": "in_review"}, "open")
    assert step_of(request, "provider").state == "waiting"
    decide(step_of(request, "first"), clerk)
    assert (step_of(request, "compliance").state, step_of(request, "compliance").decided_at) == ("done", checked)
    assert step_of(request, "provider").state == "open"
    assert findings() == []


def test_an_open_step_whose_office_changes_goes_to_the_new_office(world: World, keeper: Any) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保")))
    approve_common(world, request)
    claims.claim(ids=[step_of(request, "provider").pk], actor=actor(world.provider))
    publish_again(
        lambda rows: [row | ({"duty": "security_officer"} if row["key"] == "provider" else {}) for row in rows]
    )
    reroute(request, keeper)
    step = step_of(request, "provider")
    assert (step.state, step.duty, step.claimed_by) == ("open", "security_officer", None)
    assert Notice.objects.filter(user=world.security, kind="step_opened").count() == 1
    with pytest.raises(NotPermitted):
        decide(step, world.provider)


def test_what_keeps_a_request_from_being_moved(world: World, keeper: Any) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保")))
    with pytest.raises(WrongState):
        reroute(request, keeper)
    publish_again(without_check)
    for person in (world.applicant, world.applicant_head, world.provider):
        with pytest.raises(NotPermitted):
            reroute(request, person)
    with pytest.raises(StaleStep):
        reroute(request, keeper, seen=0)
    with pytest.raises(InvalidInput):
        rerouting.reroute(
            request=request, actor=actor(keeper), seen_version=SharingRequest.objects.get().version, reason=" "
        )
    assert step_of(request, "own-department").state == "open"
    assert not Event.objects.filter(verb="request.rerouted").exists()


def test_many_requests_are_moved_on_the_page_of_their_route(world: World, keeper: Any) -> None:
    made = [submit(world, make_request(world, make_dataset(world.province_bureau, t))) for t in ("甲", "乙")]
    publish_again(without_check)
    client = client_of(keeper)
    page = client.get("/routes/national/running/")
    assert [row.pk for row in page.context["page_obj"]] == [request.pk for request in made]
    versions = {f"version-{r.pk}": SharingRequest.objects.get(pk=r.pk).version for r in made}
    stale = versions | {f"version-{made[1].pk}": 0}
    answer = client.post("/routes/national/running/", {"request": [r.pk for r in made], "reason": "流程有误", **stale})
    assert [outcome.error is None for outcome in answer.context["outcomes"]] == [True, False]
    assert [row.pk for row in answer.context["page_obj"]] == [made[1].pk]
    assert client.post("/routes/national/running/", {"reason": "流程有误"}).status_code == 422
    one = f"/routes/requests/{made[1].pk}/"
    assert client.get(one).context["version"].number == 2
    assert client.post(one, {"reason": "", **versions}).status_code == 422
    assert client.post(one, {"reason": "流程有误", **versions}).status_code == 302
    assert "已按现行流程办理" in client.get(one).content.decode()
    assert client_of(world.provider).get(one).status_code == 404
