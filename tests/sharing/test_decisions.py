"""Decisions with conditions, joint decisions, reviews afterwards, and copies."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from portal.access import Actor
from portal.departments.duties import assign, end
from portal.departments.models import Duty, Membership
from portal.errors import InvalidInput, NotPermitted, PortalError, WrongState
from portal.models import Notice
from sharing import deciding, workflow
from sharing.deciding import BulkEntry, Decision
from sharing.models import Grant, RequestItem, Route, RouteVersion, SharingRequest, StepItem
from sharing.terms import Terms
from tests.checks import findings
from tests.factories import (
    World,
    actor,
    approve_common,
    decide,
    make_dataset,
    make_department,
    make_request,
    make_user,
    step_of,
    submit,
)

pytestmark = pytest.mark.django_db
OWN = {"key": "own-department", "title": "本部门审核", "who": "applicant", "duty": "own_approver", "working_days": 2}
PROVIDER = {
    "key": "provider",
    "title": "提供部门审核",
    "who": "provider",
    "duty": "provider_approver",
    "working_days": 5,
}


def route_of(*stages: dict[str, Any]) -> None:
    """The only route there is: these stages."""
    Route.objects.update(is_active=False)
    route = Route.objects.create(key="tried", title="试行流程", is_active=True)
    day = dt.date(2025, 8, 1)
    RouteVersion.objects.create(
        route=route, number=1, stages=list(stages), effective_from=day, published_at=timezone.now()
    )


def conditional(world: World, terms: Terms, verdict: str = "approve") -> SharingRequest:
    """A request for one dataset, approved by everybody, by its provider with conditions."""
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    approve_common(world, request)
    step = step_of(request, "provider")
    decisions = {pk: Decision(verdict, terms=terms) for pk in deciding.open_items(step)}
    deciding.decide(step=step, actor=actor(world.provider), seen_version=step.version, decisions=decisions)
    return SharingRequest.objects.get(pk=request.pk)


UNTIL = timezone.localdate() + dt.timedelta(days=30)
ROWS = ({"column": "code", "op": "prefix", "value": "3301"},)


def test_conditions_are_offered_and_the_grant_waits_until_they_are_accepted(world: World) -> None:
    request = conditional(world, Terms(columns=("code",), rows=ROWS, valid_until=UNTIL, masks={"code": "partial:1,1"}))
    item = request.items.get()
    assert (request.state, item.state, Grant.objects.count()) == ("offered", "offered", 0)
    assert Notice.objects.filter(user=world.applicant, kind="item_offered").exists()
    workflow.answer_terms(item=item, actor=actor(world.applicant), is_accepted=True)
    grant = Grant.objects.get()
    assert (grant.columns, grant.valid_until, grant.masks) == (["code"], UNTIL, {"code": "partial:1,1"})
    assert [row["value"] for row in grant.row_filter] == ["3301"]
    assert SharingRequest.objects.get().state == "completed"
    assert findings() == []


def test_conditions_that_are_not_accepted_give_the_item_up(world: World) -> None:
    request = conditional(world, Terms(columns=("code",)))
    workflow.answer_terms(item=request.items.get(), actor=actor(world.applicant), is_accepted=False)
    assert (RequestItem.objects.get().state, Grant.objects.count()) == ("withdrawn", 0)
    with pytest.raises(WrongState):
        workflow.answer_terms(item=request.items.get(), actor=actor(world.applicant), is_accepted=True)
    assert findings() == []


def test_conditions_that_take_nothing_away_grant_at_once(world: World) -> None:
    request = conditional(world, Terms(columns=("code", "name")))
    assert (request.state, Grant.objects.get().columns) == ("completed", ["code", "name"])


def test_the_provider_does_not_accept_its_own_conditions(world: World) -> None:
    request = conditional(world, Terms(columns=("code",)))
    with pytest.raises(NotPermitted):
        workflow.answer_terms(item=request.items.get(), actor=actor(world.provider), is_accepted=True)


@pytest.mark.parametrize(
    ("terms", "verdict", "field"),
    [
        (Terms(columns=()), "approve", "columns"),
        (Terms(columns=("code", "salary")), "approve", "columns"),
        (Terms(rows=({"column": "salary", "op": "eq", "value": "1"},)), "approve", "rows"),
        (Terms(valid_until=dt.date(2020, 1, 1)), "approve", "valid_until"),
        (Terms(masks={"salary": "partial"}), "approve", "masks"),
        (Terms(masks={"code": "blacken"}), "approve", "rows"),
        (Terms(columns=("code",)), "return", "note"),
    ],
)
def test_conditions_that_cannot_be_are_refused_by_field(world: World, terms: Terms, verdict: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        conditional(world, terms, verdict)
    assert field in caught.value.fields


def test_conditions_of_two_offices_hold_together() -> None:
    one = Terms(columns=("a", "b"), valid_until=dt.date(2030, 1, 1), masks={"a": "hide"})
    two = Terms(columns=("b", "c"), rows=ROWS, valid_until=dt.date(2029, 1, 1))
    both = one & two
    assert both == Terms(("b",), ROWS, dt.date(2029, 1, 1), {"a": "hide"})
    assert Terms.of_json(both.to_json()) == both


def joint(world: World, quorum: int) -> SharingRequest:
    """A request whose provider step three people decide together."""
    assign(user=world.security, department=world.province_bureau, duty="provider_approver", actor=Actor.system())
    route_of(OWN, {**PROVIDER, "quorum": quorum})
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    decide(step_of(request, "own-department"), world.applicant_head)
    return request


def test_a_joint_decision_needs_everybody(world: World) -> None:
    request = joint(world, 0)
    for person in (world.provider, world.provider_head):
        decide(step_of(request, "provider"), person)
        assert (step_of(request, "provider").state, Grant.objects.count()) == ("open", 0)
    with pytest.raises(InvalidInput):
        decide(step_of(request, "provider"), world.provider)
    decide(step_of(request, "provider"), world.security)
    assert Grant.objects.count() == 1
    assert findings() == []


def test_two_of_three_agree_and_one_refusal_does_not_end_it(world: World) -> None:
    request = joint(world, 2)
    decide(step_of(request, "provider"), world.provider, "refuse", reason="other", note="范围过大")
    decide(step_of(request, "provider"), world.provider_head)
    assert step_of(request, "provider").state == "open"
    decide(step_of(request, "provider"), world.security)
    assert RequestItem.objects.get().state == "approved"
    assert findings() == []


def test_two_of_three_refuse_and_the_third_is_not_waited_for(world: World) -> None:
    request = joint(world, 2)
    for person in (world.provider, world.provider_head):
        decide(step_of(request, "provider"), person, "refuse", reason="other", note=f"不同意 {person.pk}")
    item = RequestItem.objects.get()
    assert (item.state, item.answer.count("不同意")) == ("refused", 2)
    assert findings() == []


def test_who_leaves_is_not_waited_for(world: World) -> None:
    request = joint(world, 0)
    decide(step_of(request, "provider"), world.provider)
    end(membership=Membership.objects.get(user=world.security, duty="provider_approver"), actor=Actor.system())
    decide(step_of(request, "provider"), world.provider_head)
    assert RequestItem.objects.get().state == "approved"


def test_a_word_in_a_joint_decision_binds_in_other_roles(world: World) -> None:
    request = joint(world, 0)
    decide(step_of(request, "provider"), world.provider)
    step = step_of(request, "provider")
    step.stage = "another"
    from portal.access import Permission, can

    assert not can(actor(world.provider), Permission.STEP_DECIDE, step)


def emergency(world: World) -> SharingRequest:
    """An emergency: granted after the own department and the provider."""
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象"), purpose="emergency"))
    assert step_of(request, "own-department").working_days == 1
    decide(step_of(request, "own-department"), world.applicant_head)
    assert step_of(request, "afterwards").state == "waiting"
    decide(step_of(request, "provider"), world.provider)
    return SharingRequest.objects.get(pk=request.pk)


def test_an_emergency_is_granted_in_days_and_looked_at_afterwards(world: World) -> None:
    request = emergency(world)
    assert (request.state, Grant.objects.get().state) == ("completed", "active")
    completed = request.completed_at
    assert step_of(request, "afterwards").state == "open"
    decide(step_of(request, "afterwards"), world.authority)
    request.refresh_from_db()
    assert (step_of(request, "afterwards").state, Grant.objects.get().state) == ("done", "active")
    assert request.completed_at == completed
    assert findings() == []


def test_a_review_afterwards_that_refuses_ends_the_grant(world: World) -> None:
    request = emergency(world)
    step = step_of(request, "afterwards")
    with pytest.raises(InvalidInput):
        decide(step, world.authority, "return", note="不能退回")
    decide(step, world.authority, "refuse", reason="purpose_unclear", note="并非突发事件")
    grant = Grant.objects.get()
    assert (grant.state, grant.state_note) == ("revoked", "并非突发事件")
    assert RequestItem.objects.get().state == "approved"
    assert findings() == []


def test_levels_between_get_a_copy_and_no_vote(world: World) -> None:
    county_authority = make_department("西湖区数据局", world.regions["county"], "data_authority")
    reader = make_user("between", world.authority_department, "authority_reviewer")
    assert county_authority
    copy = {
        "key": "levels",
        "title": "知会",
        "who": "levels_between",
        "duty": "authority_reviewer",
        "working_days": 1,
        "is_copy": True,
    }
    route_of(OWN, PROVIDER, copy)
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    assert [c.department for c in request.copies.all()] == [world.authority_department]
    assert set(request.steps.values_list("stage", flat=True)) == {"own-department", "provider"}
    assert Notice.objects.filter(user=reader, kind="request_copied").exists()
    assert SharingRequest.objects.readable_by(actor(reader).standing).exists()


def test_of_a_thousand_steps_at_once_what_cannot_be_decided_says_why_and_the_rest_stands(world: World) -> None:
    """Some are stale, some not permitted, one withdrawn: on a smaller lot of the same mixture."""
    dataset = make_dataset(world.province_bureau, "低保对象")
    requests = [submit(world, make_request(world, dataset)) for _ in range(30)]
    steps = [step_of(request, "own-department") for request in requests]
    entries = [BulkEntry(step, step.version, Decision("approve")) for step in steps]
    for step in steps[:5]:
        decide(step, world.applicant_head, "return", note="补充材料")
    workflow.withdraw(request=requests[5], actor=actor(world.applicant))
    assign(user=world.applicant, department=world.county_bureau, duty=Duty.OWN_APPROVER, actor=Actor.system())
    outside = [BulkEntry(step_of(requests[6], "provider"), 0, Decision("approve"))]
    results = deciding.decide_many(entries=[*entries, *outside], actor=actor(world.applicant_head))
    codes = [result.error.code if result.error else None for result in results]
    assert codes == ["stale_step"] * 6 + [None] * 24 + ["not_permitted"]
    own = [BulkEntry(step, step.version, Decision("approve")) for step in steps[:2]]
    assert {r.error.code for r in deciding.decide_many(entries=own, actor=actor(world.applicant)) if r.error} == {
        "not_permitted"
    }
    assert StepItem.objects.filter(step__stage="own-department", verdict="approve").count() == 24
    assert findings() == []


def test_bulk_decisions_take_as_many_queries_for_twenty_steps_as_for_two(
    world: World, django_assert_max_num_queries: Any
) -> None:
    dataset = make_dataset(world.province_bureau, "低保对象")

    def entries(n: int) -> list[BulkEntry]:
        steps = [step_of(submit(world, make_request(world, dataset)), "own-department") for _ in range(n)]
        return [BulkEntry(step, step.version, Decision("approve")) for step in steps]

    person = actor(world.applicant_head)
    few, many = entries(2), entries(20)
    with django_assert_max_num_queries(200) as first:
        deciding.decide_many(entries=few, actor=person)
    with django_assert_max_num_queries(len(first.captured_queries)):
        results = deciding.decide_many(entries=many, actor=person)
    assert not any(result.error for result in results)


def test_one_person_in_two_roles_decides_a_bulk_of_both_only_in_one(world: World) -> None:
    assign(user=world.provider, department=world.province_bureau, duty="security_officer", actor=Actor.system())
    route_of(PROVIDER, {**PROVIDER, "key": "security", "duty": "security_officer"})
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    decide(step_of(request, "provider"), world.provider)
    step = step_of(request, "security")
    with pytest.raises(PortalError) as caught:
        decide(step, world.provider)
    assert caught.value.code == "not_permitted"


def test_who_left_between_page_and_click_decides_no_more(world: World) -> None:
    """The standing is read at the click, whatever the page showed."""
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    step = step_of(request, "own-department")
    end(membership=Membership.objects.get(user=world.applicant_head), actor=Actor.system())
    with pytest.raises(NotPermitted):
        decide(step, world.applicant_head)
