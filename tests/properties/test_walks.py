"""Any sequence of commands on requests leaves states that agree with each other and with their events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from catalog import lifecycle
from catalog.models import Dataset
from portal.accounts.models import User
from portal.audit import checks
from portal.errors import PortalError
from sharing import deciding, drafts, grants, workflow
from sharing.deciding import BulkEntry, Decision
from sharing.models import ApprovalStep, Grant, ItemState, RequestItem, SharingRequest, StepItem
from tests.factories import World, actor, make_dataset, make_request

pytestmark = pytest.mark.django_db

VERDICTS = {
    "approve": Decision("approve"),
    "refuse": Decision("refuse", "other", "不符合"),
    "return": Decision("return", note="请修改"),
}
ROWS = [[], [{"column": "code", "op": "prefix", "value": "33"}]]
COLUMNS = [["code"], ["code", "name"]]
DECIDERS = ("applicant_head", "authority", "provider", "provider_head", "security", "provider2")


class Walk:
    """One request for three datasets of two providers, and the commands that people give on it."""

    def __init__(self) -> None:
        self.world = World()
        self.datasets = [
            make_dataset(self.world.province_bureau, "甲"),
            make_dataset(self.world.province_bureau, "乙", grade=3),
            make_dataset(self.world.city_bureau, "丙", sharing_type="unconditional"),
        ]
        self.request = make_request(self.world, *self.datasets)

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
        self.attempt(
            verdict,
            lambda: deciding.decide(step=step, actor=actor(person), seen_version=step.version, decisions=decisions),
        )

    def people(self) -> list[User]:
        return [getattr(self.world, name) for name in DECIDERS]

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
    items = {item.pk: item for item in RequestItem.objects.filter(request=request)}
    states = {item.state for item in items.values()}
    assert {grant.item_id for grant in Grant.objects.all()} == {
        pk for pk, item in items.items() if item.state == ItemState.APPROVED
    }
    assert (request.state == "returned") == (ItemState.RETURNED in states)
    assert (request.state in {"completed", "withdrawn"}) == (states <= set(ItemState.answered()))
    for item in items.values():
        assert (item.answered_at is not None) == item.is_answered
    assert_steps(items)


def assert_steps(items: dict[object, RequestItem]) -> None:
    """The steps of the request stand as the decisions on its items have it, and only running clocks have a deadline."""
    awaited = set()
    for step in ApprovalStep.objects.all():
        waiting = deciding.open_items(step)
        awaited.update(waiting)
        assert (step.state == "open") == bool(waiting)
        if step.state in ("open", "paused"):
            assert (step.due_at is not None, step.days_left is not None) == (
                step.state == "open",
                step.state == "paused",
            )
        entries = StepItem.objects.filter(step=step)
        assert all((e.verdict == "") == (e.decided_by_id is None) for e in entries)
        if step.state in ("done", "skipped"):
            assert all(e.verdict in ("approve", "refuse") for e in entries if e.is_needed)
    assert awaited == {pk for pk, item in items.items() if item.state == ItemState.IN_REVIEW}


COMMANDS: dict[str, Callable[[Walk, int], None]] = {
    "submit": Walk.submit,
    "approve": lambda walk, n: walk.decide(n, "approve", only_one=False),
    "approve one": lambda walk, n: walk.decide(n, "approve", only_one=True),
    "refuse one": lambda walk, n: walk.decide(n, "refuse", only_one=True),
    "return": lambda walk, n: walk.decide(n, "return", only_one=False),
    "return one": lambda walk, n: walk.decide(n, "return", only_one=True),
    "bulk": Walk.bulk,
    "change": Walk.change,
    "resubmit": Walk.resubmit,
    "withdraw": Walk.withdraw,
    "withdraw dataset": Walk.withdraw_dataset,
    "end grant": Walk.end_grant,
}
OFTEN = ["approve", "approve one", "return one", "return", "change", "resubmit", "bulk"]
walks = st.lists(st.tuples(st.sampled_from([*OFTEN, *OFTEN, *COMMANDS]), st.integers(0, 59)), min_size=4, max_size=18)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(walks)
def test_any_walk_leaves_states_that_agree_with_each_other_and_their_events(
    db: None, commands: list[tuple[str, int]]
) -> None:
    with transaction.atomic():
        walk = Walk()
        walk.submit(0)
        for name, choice in commands:
            COMMANDS[name](walk, choice)
            assert_consistent(walk)
        transaction.set_rollback(True)
