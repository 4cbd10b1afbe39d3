"""The commands on a request, from submission to the grant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from catalog import lifecycle
from catalog.models import DataItem
from portal.access import Actor
from portal.departments.duties import assign, end
from portal.departments.models import Duty, Membership
from portal.errors import InvalidInput, NotPermitted, PortalError
from portal.models import Notice
from sharing import deciding, drafts, reminders, workflow
from sharing.deciding import BulkEntry, Decision
from sharing.errors import StaleStep, UnknownColumns
from sharing.models import ApprovalStep, Grant, RequestItem, SharingRequest, StepItem
from tests.checks import findings
from tests.factories import (
    World,
    actor,
    approve_common,
    decide,
    details,
    granted,
    make_dataset,
    make_request,
    step_of,
    submit,
)
from tests.sharing.running import states

pytestmark = pytest.mark.django_db


def test_a_grant_is_issued_the_moment_its_items_last_step_agrees(world: World) -> None:
    province = make_dataset(world.province_bureau, "社会救助对象")
    city = make_dataset(world.city_bureau, "空气质量", sharing_type="unconditional")
    request = submit(world, make_request(world, province, city))
    decide(step_of(request, "own-department"), world.applicant_head)
    assert Grant.objects.count() == 0
    decide(step_of(request, "compliance"), world.authority)
    assert [grant.dataset for grant in Grant.objects.all()] == [city]
    decide(step_of(request, "provider", world.province_bureau), world.provider)
    assert {grant.dataset for grant in Grant.objects.all()} == {province, city}
    assert SharingRequest.objects.get().state == "completed"
    assert findings() == []


def test_grade_three_needs_the_security_office(world: World) -> None:
    request = granted(world, make_dataset(world.province_bureau, "救助对象", grade=3))
    assert request.state == "in_review"
    decide(step_of(request, "security"), world.security)
    assert Grant.objects.count() == 1


def test_everything_missing_is_told_at_once(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "社会救助对象")
    request = make_request(world, dataset, has_commitment=False, scenario=" ", valid_until=dt.date(2020, 1, 1))
    with pytest.raises(InvalidInput) as error:
        submit(world, request)
    assert set(error.value.fields) == {"has_commitment", "scenario", "valid_until"}
    assert SharingRequest.objects.get().state == "draft"


def test_submission_numbers_the_request_and_tells_the_office(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "社会救助对象")))
    assert request.number == f"GX{timezone.localdate():%Y}000001"
    assert [(n.user.username, n.kind) for n in Notice.objects.all()] == [("applicant_head", "step_opened")]


def test_second_decision_on_a_step_is_refused_and_changes_nothing(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "社会救助对象")))
    step = step_of(request, "own-department")
    decide(step, world.applicant_head)
    before = list(StepItem.objects.values())
    with pytest.raises(StaleStep):
        decide(step, world.applicant_head, "refuse", only=request.items.get().pk, reason="other", note="再想")
    assert list(StepItem.objects.values()) == before


def test_refusing_one_item_leaves_the_others_untouched(world: World) -> None:
    one, two = (make_dataset(world.province_bureau, title) for title in ("甲", "乙"))
    request = submit(world, make_request(world, one, two))
    approve_common(world, request)
    items = {item.dataset: item.pk for item in request.items.all()}
    step = step_of(request, "provider")
    decide(step, world.provider, "refuse", only=items[one], reason="law_forbids", note="法律禁止")
    assert states(request) == {"甲": "refused", "乙": "in_review"}
    decide(step_of(request, "provider"), world.provider)
    assert states(request) == {"甲": "refused", "乙": "approved"}
    assert findings() == []


@pytest.mark.parametrize(("verdict", "words"), [("refuse", {}), ("refuse", {"reason": "other"}), ("return", {})])
def test_a_refusal_needs_reason_and_note_and_a_return_a_note(world: World, verdict: str, words: dict[str, str]) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    with pytest.raises(InvalidInput):
        decide(step_of(request, "own-department"), world.applicant_head, verdict, **words)
    assert not StepItem.objects.exclude(verdict="").exists()


def test_the_clock_stands_while_an_item_is_with_the_applicant(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monday = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
    Membership.objects.update(valid_from=monday.date())
    monkeypatch.setattr(timezone, "now", lambda: monday)
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    approve_common(world, request)
    step = step_of(request, "provider")
    assert timezone.localdate(step.due_at) == dt.date(2026, 3, 16)
    monkeypatch.setattr(timezone, "now", lambda: monday + dt.timedelta(days=3))
    decide(step, world.provider, "return", note="请缩小范围")
    assert (step_of(request, "provider").state, step_of(request, "provider").days_left) == ("paused", 7)
    monkeypatch.setattr(timezone, "now", lambda: monday + dt.timedelta(days=28))
    workflow.resubmit(request=request, actor=actor(world.applicant))
    again = step_of(request, "provider")
    assert (again.state, timezone.localdate(again.due_at)) == ("open", dt.date(2026, 4, 9))


def test_a_narrowed_item_goes_on_where_it_was_returned_and_a_widened_one_starts_again(world: World) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "甲"))
    item = request.items.get()
    drafts.change_item(item=item, actor=actor(world.applicant), columns=["code"], row_filter=[])
    submit(world, request)
    approve_common(world, request)
    decide(step_of(request, "provider"), world.provider, "return", note="只要杭州")
    rows = [{"column": "code", "op": "prefix", "value": "3301"}]
    drafts.change_item(item=item, actor=actor(world.applicant), columns=["code"], row_filter=rows)
    workflow.resubmit(request=request, actor=actor(world.applicant))
    assert [s.stage for s in ApprovalStep.objects.filter(state="open")] == ["provider"]
    decide(step_of(request, "provider"), world.provider, "return", note="说明用途")
    drafts.change_item(item=item, actor=actor(world.applicant), columns=["code", "name"], row_filter=rows)
    workflow.resubmit(request=request, actor=actor(world.applicant))
    assert [s.stage for s in ApprovalStep.objects.filter(state="open")] == ["own-department"]
    assert findings() == []


def test_adding_a_sensitive_column_adds_the_security_step(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "甲")
    DataItem.objects.filter(dataset=dataset, column="name").update(sensitivity="sensitive")
    request = make_request(world, dataset)
    item = request.items.get()
    drafts.change_item(item=item, actor=actor(world.applicant), columns=["code"], row_filter=[])
    submit(world, request)
    assert not ApprovalStep.objects.filter(stage="security").exists()
    decide(step_of(request, "own-department"), world.applicant_head, "return", note="需要姓名吗")
    drafts.change_item(item=item, actor=actor(world.applicant), columns=["code", "name"], row_filter=[])
    workflow.resubmit(request=request, actor=actor(world.applicant))
    assert ApprovalStep.objects.filter(stage="security").count() == 1


def test_nobody_decides_on_their_own_request(world: World) -> None:
    assign(user=world.applicant, department=world.county_bureau, duty=Duty.OWN_APPROVER, actor=Actor.system())
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    with pytest.raises(NotPermitted):
        decide(step_of(request, "own-department"), world.applicant)


def test_nobody_decides_twice_in_two_roles(world: World) -> None:
    assign(
        user=world.applicant_head,
        department=world.authority_department,
        duty=Duty.AUTHORITY_REVIEWER,
        actor=Actor.system(),
    )
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    decide(step_of(request, "own-department"), world.applicant_head)
    with pytest.raises(NotPermitted):
        decide(step_of(request, "compliance"), world.applicant_head)


def test_a_duty_that_ended_decides_no_more(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    end(membership=Membership.objects.get(user=world.applicant_head), actor=Actor.system())
    with pytest.raises(NotPermitted):
        decide(step_of(request, "own-department"), world.applicant_head)


def test_a_withdrawn_dataset_closes_its_items_and_suspends_its_grants(world: World) -> None:
    one, two = (make_dataset(world.province_bureau, title) for title in ("甲", "乙"))
    granted(world, one)
    request = submit(world, make_request(world, one, two))
    lifecycle.withdraw(dataset=one, actor=actor(world.provider), reason="停止采集")
    assert states(request) == {"甲": "closed", "乙": "in_review"}
    assert [(g.dataset, g.state) for g in Grant.objects.all()] == [(one, "suspended")]
    assert findings() == []


def test_withdrawing_a_request_keeps_the_grants_given(world: World) -> None:
    one = make_dataset(world.city_bureau, "甲", sharing_type="unconditional")
    two = make_dataset(world.province_bureau, "乙")
    request = submit(world, make_request(world, one, two))
    approve_common(world, request)
    workflow.withdraw(request=request, actor=actor(world.applicant))
    assert states(request) == {"甲": "approved", "乙": "withdrawn"}
    assert [g.state for g in Grant.objects.all()] == ["active"]
    assert not ApprovalStep.objects.filter(state="open").exists()
    assert findings() == []


def test_bulk_decisions_say_per_step_what_could_not_be_decided(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "甲")
    requests = [submit(world, make_request(world, dataset)) for _ in range(3)]
    steps = [step_of(request, "own-department") for request in requests]
    entries = [BulkEntry(step, step.version + (step == steps[1]), Decision("approve")) for step in steps]
    results = deciding.decide_many(entries=entries, actor=actor(world.applicant_head))
    assert [r.error and r.error.code for r in results] == [None, "stale_step", None]
    assert [step_of(r, "own-department").state for r in requests] == ["done", "open", "done"]


def test_more_than_a_thousand_steps_at_once_are_refused(world: World) -> None:
    entry = BulkEntry(ApprovalStep(), 0, Decision("approve"))
    with pytest.raises(InvalidInput):
        deciding.decide_many(entries=[entry] * 1_001, actor=actor(world.provider))


def test_a_late_step_reminds_once(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    ApprovalStep.objects.filter(request=request, state="open").update(due_at=timezone.now() - dt.timedelta(days=1))
    assert (reminders.remind_late(), reminders.remind_late()) == (1, 0)
    assert Notice.objects.filter(kind="step_late").count() == 1


def test_an_unknown_column_is_named(world: World) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "甲"))
    with pytest.raises(UnknownColumns) as error:
        drafts.change_item(
            item=request.items.get(), actor=actor(world.applicant), columns=["code", "secret"], row_filter=[]
        )
    assert error.value.details == {"columns": ["secret"]}


def test_ones_own_data_and_data_not_shared_cannot_be_applied_for(world: World) -> None:
    own = make_dataset(world.county_bureau, "甲")
    closed = make_dataset(world.province_bureau, "乙", sharing_type="not_shared")
    for dataset in (own, closed):
        with pytest.raises(InvalidInput):
            make_request(world, dataset)
    assert SharingRequest.objects.count() == 0


def test_another_departments_applicant_cannot_file_for_ours(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "甲")
    with pytest.raises(NotPermitted):
        drafts.create(
            actor=actor(world.provider), department=world.county_bureau, details=details(), dataset_ids=[dataset.pk]
        )


def test_two_approvers_at_once_leave_exactly_one_decision(
    committed: None, concurrently: Callable[..., list[Any]]
) -> None:
    world = World()
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    approve_common(world, request)
    step = step_of(request, "provider")
    results = concurrently(
        lambda: decide(step, world.provider),
        lambda: decide(
            step, world.provider_head, "refuse", only=step.step_items.get().item_id, reason="other", note="否"
        ),
    )
    refused = [result for result in results if isinstance(result, PortalError)]
    assert [error.code for error in refused] == ["stale_step"]
    assert len([result for result in results if isinstance(result, ApprovalStep)]) == 1
    entry = StepItem.objects.get(step=step)
    assert (entry.verdict, Grant.objects.count()) in {("approve", 1), ("refuse", 0)}
    assert findings() == []


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (StepItem, {"verdict": "refuse"}, "its decisions are not what its events say"),
        (SharingRequest, {"state": "withdrawn"}, "its state is not what its events say"),
        (
            RequestItem,
            {"state": "refused", "refusal_reason": "other"},
            "the states of its items are not what its events say",
        ),
        (Grant, {"state": "revoked"}, "its state is not what its events say"),
    ],
)
def test_a_state_changed_behind_its_back_is_found(
    world: World, model: Any, values: dict[str, str], message: str
) -> None:
    from django.utils import translation

    granted(world, make_dataset(world.province_bureau, "甲"))
    assert findings() == []
    model.objects.update(**values)
    with translation.override("en"):
        assert [found.message for found in findings()] == [message]


def test_an_item_that_joins_an_open_step_makes_what_was_read_before_stale(world: World) -> None:
    one, two = (make_dataset(world.province_bureau, title) for title in ("甲", "乙"))
    request = submit(world, make_request(world, one, two))
    ids = {item.dataset: item.pk for item in request.items.all()}
    decide(step_of(request, "own-department"), world.applicant_head, "return", only=ids[two], note="补充")
    read = step_of(request, "own-department")
    assert deciding.open_items(read) == [ids[one]]
    workflow.resubmit(request=request, actor=actor(world.applicant))
    with pytest.raises(StaleStep):
        decide(read, world.applicant_head, only=ids[one])
    entries = [BulkEntry(read, read.version, Decision("approve"))]
    assert [
        r.error and r.error.code for r in deciding.decide_many(entries=entries, actor=actor(world.applicant_head))
    ] == ["stale_step"]
    assert not StepItem.objects.filter(verdict="approve").exists()


def test_an_item_that_arrives_from_the_step_before_makes_what_was_read_stale(world: World) -> None:
    one, two = (make_dataset(world.province_bureau, title) for title in ("甲", "乙"))
    request = submit(world, make_request(world, one, two))
    ids = {item.dataset: item.pk for item in request.items.all()}
    decide(step_of(request, "own-department"), world.applicant_head, only=ids[one])
    read = step_of(request, "compliance")
    assert (read.state, deciding.open_items(read)) == ("open", [ids[one]])
    decide(step_of(request, "own-department"), world.applicant_head, only=ids[two])
    with pytest.raises(StaleStep):
        decide(read, world.authority, only=ids[one])
    decide(step_of(request, "compliance"), world.authority)
    assert step_of(request, "compliance").state == "done"
    assert findings() == []


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
