"""How a request moves: which steps are open, paused or done follows from the decisions on its items.

An item has *arrived* at a step when every step before it approved it. The state of a step, of an item and of the
request are functions of the decisions; ``advance`` recomputes them after each command and starts and stops the clocks.
The caller holds the lock on the request.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.utils import timezone

from portal.accounts.models import User
from portal.calendars.working_days import WorkingDays, calendar_around
from portal.departments.duties import holders
from portal.departments.models import Duty
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing.models import (
    ApprovalStep,
    ItemState,
    RequestItem,
    RequestState,
    SharingRequest,
    StepItem,
    StepState,
    Verdict,
)


@dataclass
class Board:
    """All steps of one request with their items, read in three queries and changed in memory."""

    request: SharingRequest
    steps: list[ApprovalStep]
    items: dict[UUID, RequestItem]
    entries: dict[UUID, list[StepItem]]
    opened: list[ApprovalStep] = field(default_factory=list)
    approved: list[RequestItem] = field(default_factory=list)
    was_undecided: set[tuple[UUID, UUID]] = field(default_factory=set)

    @classmethod
    def of(cls, request: SharingRequest) -> Board:
        """Read the board; steps stand in the order in which an item passes them."""
        steps = list(request.steps.select_related("department", "lane"))
        steps.sort(key=lambda step: (step.lane_id is not None, step.order, str(step.pk)))
        items = {item.pk: item for item in request.items.select_related("dataset__provider")}
        entries: dict[UUID, list[StepItem]] = {step.pk: [] for step in steps}
        for entry in StepItem.objects.filter(step__request=request).order_by("item_id"):
            entries[entry.step_id].append(entry)
        board = cls(request, steps, items, entries)
        board.was_undecided = board.undecided()
        return board

    def path_of(self, item_id: UUID) -> list[tuple[ApprovalStep, StepItem]]:
        """The steps that ``item_id`` must pass, in order."""
        found = []
        for step in self.steps:
            found += [(step, e) for e in self.entries[step.pk] if e.item_id == item_id and e.is_needed]
        return found

    def arrived(self) -> set[tuple[UUID, UUID]]:
        """(step, item) pairs where every earlier step approved the item, and the item is still asked for."""
        blocked: set[UUID] = set()
        pairs: set[tuple[UUID, UUID]] = set()
        for step in self.steps:
            for entry in self.entries[step.pk]:
                if entry.is_needed and entry.item_id not in blocked:
                    pairs.add((step.pk, entry.item_id))
                    if entry.verdict != Verdict.APPROVE:
                        blocked.add(entry.item_id)
        return pairs

    def undecided(self) -> set[tuple[UUID, UUID]]:
        """(step, item) pairs that wait for a decision now."""
        arrived = self.arrived()
        entries = (entry for run in self.entries.values() for entry in run)
        return {(e.step_id, e.item_id) for e in entries if e.is_open and (e.step_id, e.item_id) in arrived}


def _step_state(step: ApprovalStep, board: Board, arrived: set[tuple[UUID, UUID]]) -> StepState:
    needed = [entry for entry in board.entries[step.pk] if entry.is_needed]
    here = [entry for entry in needed if (step.pk, entry.item_id) in arrived]
    if any(not entry.verdict for entry in here):
        return StepState.OPEN
    if any(entry.verdict == Verdict.RETURN for entry in here):
        return StepState.PAUSED
    if len(here) < len(needed):
        return StepState.WAITING
    return StepState.DONE if needed else StepState.SKIPPED


def _settle_items(board: Board) -> None:
    """Items whose last decision ends them: refused at some step, approved at their last, or back with the applicant."""
    now = timezone.now()
    for item in board.items.values():
        if item.is_answered or item.state == ItemState.DRAFT:
            continue
        path = board.path_of(item.pk)
        verdicts = {entry.verdict for _step, entry in path}
        if Verdict.REFUSE in verdicts:
            refusal = next(entry for _step, entry in path if entry.verdict == Verdict.REFUSE)
            item.state, item.refusal_reason, item.answer = ItemState.REFUSED, refusal.reason, refusal.note
        elif Verdict.RETURN in verdicts:
            item.state = ItemState.RETURNED
            item.answer = next(entry.note for _step, entry in path if entry.verdict == Verdict.RETURN)
        elif verdicts == {Verdict.APPROVE}:
            item.state, item.answer = ItemState.APPROVED, path[-1][1].note
            board.approved.append(item)
        else:
            item.state, item.answer = ItemState.IN_REVIEW, ""
        item.answered_at = now if item.is_answered else None


def _release_answered(board: Board) -> None:
    """Steps that an answered item has not reached do not need it any more."""
    for entries in board.entries.values():
        for entry in entries:
            if entry.is_needed and entry.verdict in ("", Verdict.RETURN) and board.items[entry.item_id].is_answered:
                entry.is_needed = False


def _move(step: ApprovalStep, state: StepState, today: dt.date, calendar: WorkingDays) -> None:
    """Put ``step`` in ``state``; the clock starts on opening, stands while paused, goes on with what was left."""
    now = timezone.now()
    if state == StepState.OPEN:
        days = step.working_days if step.days_left is None else max(1, step.days_left)
        due = calendar.add(today, days)
        step.due_at, step.is_provisional, step.days_left, step.reminded_at = due.at, due.is_provisional, None, None
        step.opened_at = now
        step.decided_at = None
    elif state == StepState.PAUSED and step.due_at:
        step.days_left = calendar.between(today, timezone.localdate(step.due_at))
        step.due_at = None
    elif state in (StepState.DONE, StepState.SKIPPED, StepState.WAITING):
        step.days_left = None
        step.decided_at = now if state == StepState.DONE else None
    step.state = state


def _settle_request(board: Board) -> None:
    request, states = board.request, {item.state for item in board.items.values()}
    if states <= set(ItemState.answered()):
        if request.state != RequestState.WITHDRAWN:
            request.state = RequestState.COMPLETED
            request.completed_at = timezone.now()
    elif ItemState.RETURNED in states:
        request.state = RequestState.RETURNED
    else:
        request.state = RequestState.IN_REVIEW


def advance(board: Board) -> Board:
    """Recompute the states of items, steps and request after a change of decisions, save them, and tell the offices.

    A step's version grows with its state, and when items join those that wait in it: whoever read it before has not
    seen them. ``board.approved`` then holds the items that have just been approved: the caller issues their grants.
    """
    _settle_items(board)
    _release_answered(board)
    arrived = board.arrived()
    joined = {step_id for step_id, _item_id in board.undecided() - board.was_undecided}
    today = timezone.localdate()
    calendar = calendar_around(today)
    for step in board.steps:
        before, state = step.state, _step_state(step, board, arrived)
        if state != before:
            if state == StepState.OPEN:
                board.opened.append(step)
            _move(step, state, today, calendar)
        if state != before or step.pk in joined:
            step.version += 1
    _settle_request(board)
    _save(board)
    announce_opened(board)
    return board


def _save(board: Board) -> None:
    RequestItem.objects.bulk_update(
        board.items.values(), ["state", "refusal_reason", "answer", "answered_at"], batch_size=500
    )
    entries = [entry for run in board.entries.values() for entry in run]
    StepItem.objects.bulk_update(
        entries, ["is_needed", "verdict", "reason", "note", "decided_by", "decided_for", "decided_at"], batch_size=500
    )
    ApprovalStep.objects.bulk_update(
        board.steps,
        ["state", "opened_at", "due_at", "is_provisional", "days_left", "reminded_at", "decided_at", "version"],
    )
    board.request.version += 1
    board.request.save()


def told_of(request: SharingRequest) -> list[User]:
    """Who reads the answers: who made the request or, when they have left that duty, those who apply there now."""
    people = holders(request.department, Duty.APPLICANT)
    return [user for user in people if user.pk == request.created_by_id] or people


def announce_opened(board: Board) -> None:
    """One notice to every holder of the duty of each step that has just opened."""
    for step in board.opened:
        notify(
            holders(step.department, step.duty),
            NoticeKind.STEP_OPENED,
            url=step.get_absolute_url(),
            data={
                "number": board.request.number,
                "title": board.request.title,
                "department": board.request.department.name,
            },
            department=step.department,
        )


def item_states(items: Iterable[RequestItem]) -> dict[str, str]:
    """Item states by id, in the form in which events carry them."""
    return {str(item.pk): item.state for item in items}
