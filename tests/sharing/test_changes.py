"""What changes while a request runs: datasets, routes, offices, and the people in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Dataset
from portal.access import Actor
from portal.departments import duties
from portal.departments.duties import assign
from portal.departments.models import Duty, Membership
from portal.deputies.delegations import name_deputy
from portal.errors import InvalidInput, NotPermitted, PortalError, WrongState
from portal.models import Event, Notice
from sharing import claims, deciding, drafts, vacancies, workflow
from sharing.deciding import Decision
from sharing.disputes import acts as disputes
from sharing.errors import StaleStep
from sharing.models import ApprovalStep, Dispute, Grant, RouteVersion, SharingRequest
from sharing.routing import rerouting
from sharing.terms import Terms
from sharing.thread import acts as thread
from tests.checks import findings
from tests.clients import client_of
from tests.factories import (
    ITEMS,
    World,
    actor,
    approve_common,
    decide,
    granted,
    make_dataset,
    make_department,
    make_request,
    make_user,
    revise,
    step_of,
    submit,
)

pytestmark = pytest.mark.django_db


def states(request: SharingRequest) -> dict[str, str]:
    return dict(request.items.values_list("dataset__title", "state"))


def changed(world: World, dataset: Dataset, **values: Any) -> Dataset:
    """A new version of a dataset of the city's bureau."""
    return revise(dataset, people=(world.cataloguer, world.provider2, world.authority), **values)


@pytest.fixture
def city_security(world: World) -> Any:
    return make_user("city_security", world.city_bureau, Duty.SECURITY_OFFICER)


def two_lanes(world: World) -> tuple[SharingRequest, Dataset]:
    """A request for a dataset of the city and one of the province, both with their providers."""
    ours, theirs = make_dataset(world.city_bureau, "排污"), make_dataset(world.province_bureau, "低保")
    request = submit(world, make_request(world, ours, theirs))
    approve_common(world, request)
    return request, ours


# the dataset


def test_a_dataset_graded_up_is_decided_again_and_alone(world: World, city_security: Any) -> None:
    request, dataset = two_lanes(world)
    decide(step_of(request, "provider", world.province_bureau), world.provider)
    changed(world, dataset, grade=3)
    assert states(request) == {"排污": "in_review", "低保": "approved"}
    assert step_of(request, "own-department").state == "open"
    assert step_of(request, "compliance").state == "waiting"
    security = step_of(request, "security", world.city_bureau)
    assert (security.state, [e.item.dataset for e in security.step_items.all()]) == ("waiting", [dataset])
    assert Notice.objects.filter(user=world.applicant, kind="item_changed").count() == 1
    assert findings() == []
    approve_common(world, request)
    decide(step_of(request, "provider", world.city_bureau), world.provider2)
    decide(step_of(request, "security"), city_security)
    assert states(request) == {"排污": "approved", "低保": "approved"}
    assert Grant.objects.count() == 2
    assert findings() == []


def test_a_dataset_shared_with_everybody_now_needs_no_provider_any_more(world: World) -> None:
    request, dataset = two_lanes(world)
    changed(world, dataset, sharing_type="unconditional")
    assert states(request) == {"排污": "approved", "低保": "in_review"}
    assert step_of(request, "provider", world.city_bureau).state == "skipped"
    assert Grant.objects.get().dataset == dataset
    assert findings() == []


def test_a_column_that_is_not_shared_any_more_leaves_the_item_and_its_decisions_stand(world: World) -> None:
    request, dataset = two_lanes(world)
    changed(world, dataset, items=[ITEMS[0], {**ITEMS[1], "sharing_type": "not_shared"}])
    item = request.items.get(dataset=dataset)
    assert (item.state, item.columns, item.submitted_columns) == ("in_review", ["code"], ["code"])
    assert step_of(request, "provider", world.city_bureau).state == "open"
    assert Event.objects.get(verb="item.narrowed").data["title"] == "排污"
    decide(step_of(request, "provider", world.city_bureau), world.provider2)
    assert Grant.objects.get().columns == ["code"]
    assert findings() == []


def test_an_item_is_closed_when_nothing_of_it_is_left(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "排污")
    request = make_request(world, dataset)
    drafts.change_item(item=request.items.get(), actor=actor(world.applicant), columns=["name"], row_filter=[])
    submit(world, request)
    changed(world, dataset, items=[ITEMS[0], {**ITEMS[1], "sharing_type": "not_shared"}])
    item = request.items.get()
    assert (item.state, "名称" in item.answer) == ("closed", True)
    assert SharingRequest.objects.get().state == "completed"
    assert findings() == []


def test_an_item_is_closed_rather_than_widened_when_its_rows_cannot_be_chosen_any_more(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "排污")
    request = make_request(world, dataset)
    rows = [{"column": "name", "op": "eq", "value": "西湖区"}]
    drafts.change_item(item=request.items.get(), actor=actor(world.applicant), columns=["code"], row_filter=rows)
    submit(world, request)
    changed(world, dataset, items=[ITEMS[0], {**ITEMS[1], "sharing_type": "not_shared"}])
    assert states(request) == {"排污": "closed"}


def test_a_dataset_not_shared_any_more_closes_items_and_suspends_grants(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "排污")
    granted(world, dataset)
    request = submit(world, make_request(world, dataset))
    basis = {"sharing_condition": "", "sharing_basis": "保守国家秘密法第九条"}
    changed(world, dataset, sharing_type="not_shared", open_type="not_open", channels=[], **basis)
    assert states(request) == {"排污": "closed"}
    assert Grant.objects.get().state == "suspended"
    assert findings() == []


def test_who_holds_a_grant_is_told_what_it_does_not_deliver_any_more(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "排污")
    granted(world, dataset)
    changed(world, dataset, items=[ITEMS[0], {**ITEMS[1], "sharing_type": "not_shared"}])
    notice = Notice.objects.get(user=world.applicant, kind="grant_narrowed")
    assert "名称" in notice.data["note"]
    assert Grant.objects.get().state == "active"


def test_a_returned_item_stays_with_the_applicant_and_starts_again_when_it_comes_back(
    world: World, city_security: Any
) -> None:
    request, dataset = two_lanes(world)
    decide(step_of(request, "provider", world.city_bureau), world.provider2, "return", note="缩小范围")
    changed(world, dataset, grade=3)
    assert states(request) == {"排污": "returned", "低保": "in_review"}
    workflow.resubmit(request=request, actor=actor(world.applicant))
    assert step_of(request, "own-department").state == "open"
    assert step_of(request, "security", world.city_bureau).state == "waiting"
    assert findings() == []


def test_a_dispute_over_conditions_lapses_when_the_item_is_decided_again(world: World, city_security: Any) -> None:
    request, dataset = two_lanes(world)
    step = step_of(request, "provider", world.city_bureau)
    item = request.items.get(dataset=dataset)
    decision = {item.pk: Decision("approve", terms=Terms(columns=("code",)))}
    deciding.decide(step=step, actor=actor(world.provider2), seen_version=step.version, decisions=decision)
    item.refresh_from_db()
    disputes.open_dispute(item=item, actor=actor(world.applicant), text="名称为履职所必需")
    changed(world, dataset, grade=3)
    dispute = Dispute.objects.get()
    assert (dispute.stage, dispute.outcome) == ("settled", "lapsed")
    item.refresh_from_db()
    assert (item.state, item.terms) == ("in_review", {})
    assert findings() == []


def test_a_dispute_lapses_when_its_request_is_withdrawn(world: World) -> None:
    request, dataset = two_lanes(world)
    step = step_of(request, "provider", world.city_bureau)
    item = request.items.get(dataset=dataset)
    decision = {item.pk: Decision("approve", terms=Terms(columns=("code",)))}
    deciding.decide(step=step, actor=actor(world.provider2), seen_version=step.version, decisions=decision)
    item.refresh_from_db()
    disputes.open_dispute(item=item, actor=actor(world.applicant), text="名称为履职所必需")
    workflow.withdraw(request=request, actor=actor(world.applicant))
    assert Dispute.objects.get().outcome == "lapsed"
    assert findings() == []


def test_a_draft_that_asks_for_what_is_not_shared_any_more_says_so_before_submission(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "排污")
    draft = make_request(world, dataset)
    changed(world, dataset, items=[ITEMS[0], {**ITEMS[1], "sharing_type": "not_shared"}])
    with pytest.raises(InvalidInput) as caught:
        submit(world, draft)
    assert [("排污" in text, "name" in text) for text in caught.value.fields["items"]] == [(True, True)]
    assert SharingRequest.objects.get().state == "draft"


# the route


@pytest.fixture
def keeper(world: World) -> Any:
    """The authority of the province, which is the highest that is staffed."""
    return make_user("keeper", world.province_authority_department, Duty.AUTHORITY_HEAD)


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


# the people


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


def test_a_step_decided_while_its_request_is_withdrawn_leaves_one_of_both(
    committed: None, concurrently: Callable[..., list[Any]]
) -> None:
    world = World()
    for number in range(4):
        dataset = make_dataset(world.city_bureau, f"空气{number}", sharing_type="unconditional")
        request = submit(world, make_request(world, dataset))
        decide(step_of(request, "own-department"), world.applicant_head)
        step = step_of(request, "compliance")
        decided, withdrawn = concurrently(
            lambda step=step: decide(step, world.authority),
            lambda request=request: workflow.withdraw(request=request, actor=actor(world.applicant)),
        )
        state = states(request)[dataset.title]
        if isinstance(decided, PortalError):
            assert (state, isinstance(withdrawn, PortalError)) == ("withdrawn", False)
        else:
            assert (state, isinstance(withdrawn, PortalError)) == ("approved", True)
        assert Grant.objects.filter(dataset=dataset).count() == (state == "approved")
    assert findings() == []
