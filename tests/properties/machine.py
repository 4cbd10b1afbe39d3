"""A state machine of requests: any people give any commands on requests under any route, and the rules hold after each.

``tests/properties/test_machine.py`` runs it as a test, ``make bench PART=machine`` for thousands of steps.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from catalog import lifecycle
from catalog.models import Dataset
from portal.access import Actor
from portal.accounts.models import User
from portal.audit import checks
from portal.departments.duties import assign
from portal.departments.models import Duty
from portal.deputies.delegations import name_deputy
from portal.errors import PortalError
from sharing import deciding, drafts, grants, workflow
from sharing.deciding import BulkEntry, Decision
from sharing.disputes import acts as disputes
from sharing.errors import StaleStep
from sharing.flow import Board
from sharing.models import (
    ApprovalStep,
    Dispute,
    Enquiry,
    Grant,
    ItemState,
    RequestItem,
    Route,
    RouteVersion,
    SharingRequest,
    StepItem,
    StepState,
    Vote,
)
from sharing.routes import parse_stages
from sharing.routing.rerouting import reroute
from sharing.terms import Terms, content_of
from sharing.thread import acts as thread
from tests.factories import ITEMS, World, actor, make_dataset, make_request, make_user, revise

CONDITIONS = Terms(columns=("code",))
VERDICTS = {
    "approve": Decision("approve"),
    "approve with conditions": Decision("approve", terms=CONDITIONS),
    "refuse": Decision("refuse", "other", "不符合"),
    "return": Decision("return", note="请修改"),
}
ROWS = [[], [{"column": "code", "op": "prefix", "value": "33"}]]
COLUMNS = [["code"], ["code", "name"]]
DECIDERS = ("applicant_head", "stand_in", "authority", "provider", "provider_head", "third", "security", "provider2")


def _stage(key: str, who: str, duty: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "title": key, "who": who, "duty": duty, "working_days": 3, **more}


CONDITIONAL = {"any_of": [[{"field": "sharing_type", "operator": "eq", "value": "conditional"}]]}
GRADED = {"any_of": [[{"field": "grade", "operator": "ge", "value": 3}]]}
COMMON = [
    _stage("own", "applicant", "own_approver"),
    _stage("check", "authority_of_applicant", "authority_reviewer"),
]
LANES = [
    _stage("giver", "provider", "provider_approver", **CONDITIONAL),
    _stage("giver", "provider", "provider_approver", quorum=2),
    _stage("giver", "provider", "provider_approver", quorum=0, **CONDITIONAL),
    _stage("security", "provider", "security_officer", **GRADED),
    _stage("transfer", "authority_of_provider", "authority_head"),
]
AFTER = [_stage("after", "authority_of_applicant", "authority_reviewer", afterwards=True)]
routes = st.tuples(
    st.lists(st.sampled_from(COMMON), min_size=1, max_size=2, unique_by=lambda row: row["key"]),
    st.lists(st.sampled_from(LANES), max_size=3, unique_by=lambda row: row["key"]),
    st.lists(st.sampled_from(AFTER), max_size=1),
)
"""Any route of these stages that has one before the grant."""


class Walk:
    """One request for three datasets of two providers, and the commands that people give on it."""

    def __init__(self, stages: list[dict[str, Any]]) -> None:
        self.world = World()
        self._people()
        self._take_route(stages)
        self.datasets = [
            make_dataset(self.world.province_bureau, "甲"),
            make_dataset(self.world.province_bureau, "乙", grade=3),
            make_dataset(self.world.city_bureau, "丙", sharing_type="unconditional"),
        ]
        self.request = make_request(self.world, *self.datasets)

    def _people(self) -> None:
        """Besides those of the world: a third who answers for the province, and a deputy of the own approver."""
        province, county = self.world.province_bureau, self.world.county_bureau
        self.third = make_user("third", province, Duty.PROVIDER_APPROVER)
        self.cataloguers = {
            province.pk: (make_user("describer", province, Duty.CATALOGUER), self.world.provider_head),
            self.world.city_bureau.pk: (self.world.cataloguer, self.world.provider2),
        }
        self.stand_in = make_user("stand_in", county, Duty.CATALOGUER)
        above = self.world.province_authority_department
        self.coordinator = make_user("coordinator", above, Duty.AUTHORITY_HEAD)
        assign(user=self.world.authority, department=province, duty="security_officer", actor=Actor.system())
        today = timezone.localdate()
        name_deputy(
            principal=self.world.applicant_head,
            deputy=self.stand_in,
            department=county,
            duties=["own_approver"],
            valid_from=today,
            valid_until=today + dt.timedelta(days=9),
            reason="出差",
            actor=actor(self.world.applicant_head),
        )

    def _take_route(self, stages: list[dict[str, Any]]) -> None:
        parse_stages(stages)
        Route.objects.update(is_active=False)
        Route.objects.create(key="tried", title="试行流程", is_active=True)
        self._publish(1, dt.date(2025, 8, 1), stages)

    def _publish(self, number: int, day: dt.date, stages: list[dict[str, Any]]) -> None:
        route, now = Route.objects.get(pk="tried"), timezone.now()
        RouteVersion.objects.create(route=route, number=number, stages=stages, effective_from=day, published_at=now)

    def states(self) -> dict[Any, str]:
        return dict(RequestItem.objects.filter(request=self.request).values_list("pk", "state"))

    def attempt(self, name: str, command: Callable[[], object]) -> None:
        """Give a command as a request of the web server would: refused, it leaves nothing behind."""
        try:
            with transaction.atomic():
                command()
        except PortalError:
            return
        event(name)

    def submit(self, choice: int) -> None:
        self.attempt("submit", lambda: workflow.submit(request=self.request, actor=actor(self.world.applicant)))

    def decide(self, choice: int, verdict: str, *, only_one: bool) -> None:
        """Somebody decides an open step: often one who may, sometimes one who may not."""
        steps = list(ApprovalStep.objects.filter(request=self.request, state="open").order_by("order", "id"))
        if not steps:
            return
        step = steps[choice % len(steps)]
        people = [p for p in self.people() if step.office_id in actor(p).standing.group_ids] if choice % 5 else []
        person = (people or self.people())[choice % len(people or self.people())]
        ids = deciding.open_items(step)
        chosen = ids[:1] if only_one else ids
        decisions = dict.fromkeys(chosen, VERDICTS[verdict])
        before = self.states()
        self.attempt(
            verdict,
            lambda: deciding.decide(step=step, actor=actor(person), seen_version=step.version, decisions=decisions),
        )
        untouched = before.keys() - decisions.keys()
        assert {pk: before[pk] for pk in untouched} == {pk: self.states()[pk] for pk in untouched}

    def decide_stale(self, choice: int) -> None:
        """A decision on what somebody saw before the last change is refused and changes nothing."""
        steps = list(ApprovalStep.objects.filter(request=self.request, state="open", version__gt=0))
        if not steps:
            return
        step = steps[choice % len(steps)]
        holders = [p for p in self.people() if step.office_id in actor(p).standing.group_ids]
        before = self.states()
        for person in holders:
            try:
                decisions = dict.fromkeys(deciding.open_items(step), VERDICTS["approve"])
                seen = step.version - 1
                with transaction.atomic():
                    deciding.decide(step=step, actor=actor(person), seen_version=seen, decisions=decisions)
            except StaleStep:
                event("stale")
            except PortalError:
                continue
            else:
                raise AssertionError("a stale decision was taken")
        assert self.states() == before

    def answer_terms(self, choice: int) -> None:
        """The applicant accepts conditions, or gives the item up."""
        items = list(RequestItem.objects.filter(request=self.request, state="offered").order_by("id"))
        if items:
            item, person = items[choice % len(items)], actor(self.world.applicant)
            accepts = choice % 4 > 0
            self.attempt("terms", lambda: workflow.answer_terms(item=item, actor=person, is_accepted=accepts))

    def people(self) -> list[User]:
        return [getattr(self, name, None) or getattr(self.world, name) for name in DECIDERS]

    def bulk(self, choice: int) -> None:
        steps = ApprovalStep.objects.filter(request=self.request).order_by("order", "id")
        entries = [BulkEntry(step, step.version, VERDICTS["approve"]) for step in steps]
        person = self.people()[choice % len(DECIDERS)]
        self.attempt("bulk", lambda: deciding.decide_many(entries=entries, actor=actor(person)))

    def change(self, choice: int) -> None:
        """The applicant changes an item: narrower or wider, as it happens."""
        items = list(RequestItem.objects.filter(request=self.request).order_by("id"))
        self.attempt(
            "change",
            lambda: drafts.change_item(
                item=items[choice % len(items)],
                actor=actor(self.world.applicant),
                columns=COLUMNS[choice // 3 % 2],
                row_filter=ROWS[choice // 6 % 2],
            ),
        )

    def resubmit(self, choice: int) -> None:
        self.attempt("resubmit", lambda: workflow.resubmit(request=self.request, actor=actor(self.world.applicant)))

    def withdraw(self, choice: int) -> None:
        self.attempt("withdraw", lambda: workflow.withdraw(request=self.request, actor=actor(self.world.applicant)))

    def withdraw_dataset(self, choice: int) -> None:
        dataset = Dataset.objects.get(pk=self.datasets[choice % 3].pk)
        person = self.world.provider if choice % 3 < 2 else self.world.provider2
        self.attempt("dataset", lambda: lifecycle.withdraw(dataset=dataset, actor=actor(person), reason="停止采集"))

    def revise(self, choice: int) -> None:
        """A new version of a dataset: graded or shared in another way, or sharing another number of items."""
        dataset = Dataset.objects.select_related("provider").get(pk=self.datasets[choice % 3].pk)
        kinds = ["conditional", "unconditional", "conditional", "not_shared"]
        shared = "not_shared" if choice // 3 % 4 == 0 else ""
        if not dataset.is_published:
            return
        values: dict[str, Any] = {"grade": 2 + choice // 5 % 2, "sharing_type": kinds[choice // 7 % 4]}
        items = [ITEMS[0], {**ITEMS[1], "sharing_type": shared}]
        people = (*self.cataloguers[dataset.provider_id], self.coordinator)
        if dataset.provider_id == self.world.city_bureau.pk:
            people = (*people[:2], self.world.authority)
        self.attempt("revise", lambda: revise(dataset, people=people, items=items, **values))

    def reroute(self, choice: int, stages: list[dict[str, Any]]) -> None:
        """The route was found wrong: another version holds from today, and the authority moves the request to it."""
        last = RouteVersion.objects.filter(route="tried").order_by("-number").first()
        assert last is not None
        self._publish(last.number + 1, timezone.localdate(), stages)
        request = SharingRequest.objects.select_related("department__region").get(pk=self.request.pk)
        seen, person = request.version - (choice % 7 == 0), actor(self.coordinator)
        self.attempt("reroute", lambda: reroute(request=request, actor=person, seen_version=seen, reason="流程有误"))

    def enquire(self, choice: int) -> None:
        """An office asks, with or without its clock; the applicant answers, or the office takes it back."""
        steps = list(ApprovalStep.objects.filter(request=self.request).exclude(state="waiting").order_by("order", "id"))
        waiting = Enquiry.objects.filter(request=self.request, closed_at=None).select_related("step").first()
        if waiting and choice % 3:
            commands: list[Callable[[], object]] = [
                lambda: thread.answer(enquiry=waiting, actor=actor(self.world.applicant), text="见附件"),
                lambda: thread.take_back(enquiry=waiting, actor=actor(self._holder(waiting.step, choice))),
            ]
            self.attempt("answer", commands[choice % 2])
        elif steps:
            step = steps[choice % len(steps)]
            stops = choice % 2 == 0
            person = actor(self._holder(step, choice))
            self.attempt("ask", lambda: thread.ask(step=step, actor=person, text="范围？", stops_clock=stops))

    def _holder(self, step: ApprovalStep, choice: int) -> User:
        people = [p for p in self.people() if step.office_id in actor(p).standing.group_ids] or self.people()
        return people[choice % len(people)]

    def forward(self, choice: int) -> None:
        """An office hands a step on to another department."""
        steps = list(ApprovalStep.objects.filter(request=self.request, state="open").order_by("order", "id"))
        if steps:
            step = steps[choice % len(steps)]
            target = [self.world.city_bureau, self.world.province_bureau][choice % 2]
            person = actor(self._holder(step, choice))
            self.attempt(
                "forward",
                lambda: thread.forward(
                    step=step, actor=person, seen_version=step.version, department=target, reason="职责"
                ),
            )

    def contest(self, choice: int) -> None:
        """The applicant contests what was refused or narrowed; the office gives way, or the authority settles it."""
        dispute = Dispute.objects.exclude(stage="settled").order_by("id").first()
        if dispute is None:
            found = RequestItem.objects.filter(request=self.request, state__in=["refused", "offered"])
            items = list(found.order_by("id"))
            if items:
                item, person = items[choice % len(items)], actor(self.world.applicant)
                self.attempt("contest", lambda: disputes.open_dispute(item=item, actor=person, text="符合必要性"))
            return
        asked: dict[str, Any] = {"dispute": dispute}
        office, coordinator = actor(self._holder(dispute.step, choice)), actor(self.coordinator)
        overturns = choice % 2 == 0
        commands: list[Callable[[], object]] = [
            lambda: disputes.say(actor=office, text="理由", **asked),
            lambda: disputes.give_way(actor=office, text="同意", **asked),
            lambda: disputes.move_up(actor=actor(self.world.applicant), **asked),
            lambda: disputes.settle(actor=coordinator, is_overturned=overturns, text="裁定", **asked),
            lambda: disputes.withdraw(actor=actor(self.world.applicant), **asked),
        ]
        self.attempt("dispute", commands[choice % 5])

    def end_grant(self, choice: int) -> None:
        grant = Grant.objects.order_by("id").first()
        if grant is None:
            return
        asked: dict[str, Any] = {"grant": grant, "actor": actor(self.world.provider)}
        commands: list[Callable[[], object]] = [
            lambda: grants.suspend(reason="核查", **asked),
            lambda: grants.resume(**asked),
            lambda: grants.revoke(reason="违规", **asked),
        ]
        self.attempt("grant", commands[choice % 3])


def assert_consistent(walk: Walk) -> None:
    """What must hold of a request whatever was done with it."""
    assert [(found.subject, found.message) for _name, rows in checks.run() for found in rows] == []
    request = SharingRequest.objects.get(pk=walk.request.pk)
    items = {item.pk: item for item in RequestItem.objects.filter(request=request).select_related("request")}
    states = {item.state for item in items.values()}
    assert_grants(items)
    assert (request.state == "returned") == (ItemState.RETURNED in states)
    assert (request.state == "offered") == (ItemState.OFFERED in states and ItemState.RETURNED not in states)
    assert (request.state in {"completed", "withdrawn"}) == (states <= set(ItemState.answered()))
    for item in items.values():
        assert (item.answered_at is not None) == item.is_answered
    assert_steps(items)
    assert_deciders(request)


def assert_grants(items: dict[Any, RequestItem]) -> None:
    """A grant for each item that everybody agreed to, of what was asked less the conditions that were accepted."""
    found = {grant.item_id: grant for grant in Grant.objects.all()}
    assert set(found) == {pk for pk, item in items.items() if item.state == ItemState.APPROVED}
    for pk, grant in found.items():
        before = StepItem.objects.filter(item=pk, is_needed=True, step__is_afterwards=False)
        assert set(before.values_list("verdict", flat=True)) == {"approve"}
        assert bool(items[pk].terms) == (items[pk].terms_accepted_at is not None)
        assert grant.columns == content_of(items[pk]).columns
    reviewed = StepItem.objects.filter(step__is_afterwards=True, verdict="refuse")
    assert all(found[entry.item_id].state == "revoked" for entry in reviewed)


def assert_deciders(request: SharingRequest) -> None:
    """Nobody decided on their own request, nor in two stages of it; a deputy's decision names both people."""
    stages: dict[int, set[str]] = {}
    entries = StepItem.objects.filter(step__request=request).exclude(verdict="").select_related("step", "decided_by")
    for entry in entries:
        people = {pk for pk in (entry.decided_by_id, entry.decided_for_id) if pk is not None}
        for person in people:
            stages.setdefault(person, set()).add(entry.step.stage)
        assert entry.decided_by and (entry.decided_by.username == "stand_in") == (entry.decided_for_id is not None)
    for vote in Vote.objects.filter(entry__step__request=request).select_related("entry__step"):
        stages.setdefault(vote.voter_id, set()).add(vote.entry.step.stage)
    assert request.created_by_id not in stages
    assert all(len(found) == 1 for found in stages.values()), stages


def assert_steps(items: dict[Any, RequestItem]) -> None:
    """The steps of the request stand as the decisions on its items have it, and only running clocks have a deadline."""
    request = next(iter(items.values())).request
    board = Board.of(request)
    afterwards = {step.pk for step in board.steps if step.is_afterwards}
    awaited = {item_id for step_id, item_id in board.undecided() if step_id not in afterwards}
    for step in ApprovalStep.objects.all():
        waiting = deciding.open_items(step)
        assert (step.state == "open") == bool(waiting)
        if step.state in (StepState.OPEN, StepState.PAUSED):
            is_open = step.state == StepState.OPEN
            assert (step.due_at is not None, step.days_left is not None) == (is_open, not is_open)
        entries = StepItem.objects.filter(step=step)
        assert all((e.verdict == "") == (e.decided_by_id is None) for e in entries)
        if step.state in (StepState.DONE, StepState.SKIPPED):
            assert all(e.verdict in ("approve", "refuse") for e in entries if e.is_needed)
    assert awaited == {pk for pk, item in items.items() if item.state == ItemState.IN_REVIEW}


choices = st.integers(0, 59)


class RequestMachine(RuleBasedStateMachine):
    """Commands in any order by anybody; ``invariant`` checks the rules of the workflow after each."""

    walk: Walk

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize(stages=routes)
    def begin(self, stages: tuple[list[dict[str, Any]], ...]) -> None:
        self.walk = Walk([row for part in stages for row in part])
        self.walk.submit(0)

    @rule(n=choices, verdict=st.sampled_from(["approve", "approve", "approve", *VERDICTS]), only_one=st.booleans())
    def decide(self, n: int, verdict: str, only_one: bool) -> None:
        self.walk.decide(n, verdict, only_one=only_one)

    @rule(n=choices)
    def decide_stale(self, n: int) -> None:
        self.walk.decide_stale(n)

    @rule(n=choices)
    def bulk(self, n: int) -> None:
        self.walk.bulk(n)

    @rule(n=choices)
    def change(self, n: int) -> None:
        self.walk.change(n)

    @rule(n=choices)
    def resubmit(self, n: int) -> None:
        self.walk.resubmit(n)

    @rule(n=choices)
    def enquire(self, n: int) -> None:
        self.walk.enquire(n)

    @rule(n=choices)
    def forward(self, n: int) -> None:
        if n % 3 == 0:
            self.walk.forward(n)

    @precondition(lambda self: RequestItem.objects.filter(state__in=["refused", "offered"]).exists())
    @rule(n=choices)
    def contest(self, n: int) -> None:
        self.walk.contest(n)

    @precondition(lambda self: RequestItem.objects.filter(state="offered").exists())
    @rule(n=choices)
    def answer_terms(self, n: int) -> None:
        self.walk.answer_terms(n)

    @rule(n=choices)
    def end_grant(self, n: int) -> None:
        self.walk.end_grant(n)

    @rule(n=choices)
    def withdraw_dataset(self, n: int) -> None:
        if n % 6 == 0:
            self.walk.withdraw_dataset(n)

    @rule(n=choices)
    def revise(self, n: int) -> None:
        if n % 3 == 0:
            self.walk.revise(n)

    @rule(n=choices, stages=routes)
    def reroute(self, n: int, stages: tuple[list[dict[str, Any]], ...]) -> None:
        if n % 3 == 0:
            self.walk.reroute(n, [row for part in stages for row in part])

    @rule(n=choices)
    def withdraw(self, n: int) -> None:
        if n % 12 == 0:
            self.walk.withdraw(n)

    @invariant()
    def the_rules_hold(self) -> None:
        if hasattr(self, "walk"):
            assert_consistent(self.walk)
