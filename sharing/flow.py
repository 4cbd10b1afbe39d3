"""How requests move: which steps are open, paused or done follows from the decisions on their items.

An item has *arrived* at a step when every step before it approved it. The state of a step, of an item and of the
request are functions of the decisions; ``move`` recomputes them in memory after each command and starts and stops the
clocks, and ``conclude`` saves what changed and tells the offices: any number of requests in the same few statements.
The caller holds the locks on the requests.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils import timezone

from portal.access import Actor
from portal.accounts.models import User
from portal.audit import record
from portal.calendars.working_days import WorkingDays, calendar_around
from portal.departments.duties import holders_of
from portal.departments.models import Duty
from portal.notices.models import NoticeKind
from portal.notices.send import Message, notify_all
from portal.rows import update_rows
from sharing.letters.tasks import due
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
from sharing.outside import telling
from sharing.terms import Terms

ITEM_FIELDS = ("state", "refusal_reason", "answer", "answered_at", "terms", "terms_accepted_at")
ENTRY_FIELDS = (
    "is_needed",
    "verdict",
    "reason",
    "note",
    "decided_by_id",
    "decided_for_id",
    "decided_at",
    "terms",
    "marks",
)
STEP_FIELDS = (
    "state",
    "is_halted",
    "opened_at",
    "due_at",
    "is_provisional",
    "days_left",
    "term_days",
    "days_used",
    "warned_at",
    "reminded_at",
    "escalated_at",
    "decided_at",
    "version",
)
REQUEST_FIELDS = ("state", "completed_at", "version", "modified")
ENDED = (RequestState.COMPLETED, RequestState.WITHDRAWN)
People = dict[tuple[UUID, str], list[User]]


def _values(obj: Model, fields: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(obj, name) for name in fields)


@dataclass
class Board:
    """All steps of one request with their items, changed in memory; ``before`` is what was read, by key."""

    request: SharingRequest
    steps: list[ApprovalStep]
    items: dict[UUID, RequestItem]
    entries: dict[UUID, list[StepItem]]
    opened: list[ApprovalStep] = field(default_factory=list)
    approved: list[RequestItem] = field(default_factory=list)
    offered: list[RequestItem] = field(default_factory=list)
    was_undecided: set[tuple[UUID, UUID]] = field(default_factory=set)
    before: dict[Any, tuple[Any, ...]] = field(default_factory=dict)
    was_open: bool = True

    @classmethod
    def of(cls, request: SharingRequest) -> Board:
        """Read the board of one request; steps stand in the order in which an item passes them."""
        return cls.of_all([request])[request.pk]

    @classmethod
    def of_all(cls, requests: Collection[SharingRequest]) -> dict[UUID, Board]:
        """The boards of many requests; three queries."""
        boards = {request.pk: cls(request, [], {}, {}) for request in requests}
        for item in RequestItem.objects.filter(request__in=boards).select_related("dataset").order_by("id"):
            board = boards[item.request_id]
            item.request, board.items[item.pk] = board.request, item
        owners: dict[UUID, Board] = {}
        for step in ApprovalStep.objects.filter(request__in=boards).select_related("department"):
            board = owners[step.pk] = boards[step.request_id]
            step.request, board.entries[step.pk] = board.request, []
            board.steps.append(step)
        for entry in StepItem.objects.filter(step__request__in=boards).order_by("item_id"):
            owners[entry.step_id].entries[entry.step_id].append(entry)
        for board in boards.values():
            board.steps.sort(key=lambda step: (step.is_afterwards, step.lane_id is not None, step.order, str(step.pk)))
            board.was_undecided, board.was_open = board.undecided(), board.request.is_open
            board._remember()
        return boards

    def _remember(self) -> None:
        self.before = {item.pk: _values(item, ITEM_FIELDS) for item in self.items.values()}
        self.before |= {step.pk: _values(step, STEP_FIELDS) for step in self.steps}
        self.before |= {e.pk: _values(e, ENTRY_FIELDS) for run in self.entries.values() for e in run}

    def has_news(self) -> bool:
        """Whether an item got another state since the board was read or saved."""
        return any(self.before.get(item.pk, (item.state,))[0] != item.state for item in self.items.values())

    def step(self, pk: UUID) -> ApprovalStep | None:
        return next((step for step in self.steps if step.pk == pk), None)

    def paths(self) -> dict[UUID, list[tuple[ApprovalStep, StepItem]]]:
        """For each item the steps that it must pass before its grant, in order."""
        found: dict[UUID, list[tuple[ApprovalStep, StepItem]]] = {pk: [] for pk in self.items}
        for step in self.steps:
            for entry in self.entries[step.pk]:
                if entry.is_needed and not step.is_afterwards:
                    found[entry.item_id].append((step, entry))
        return found

    def arrived(self) -> set[tuple[UUID, UUID]]:
        """(step, item) pairs where every earlier step approved the item, and the item is still asked for.

        An item that is with the applicant is only where it was decided: it waits in no step that a new route put before
        the one that returned it. A step that looks at grants afterwards has the items that were approved.
        """
        returned = {pk for pk, path in self.paths().items() if any(e.verdict == Verdict.RETURN for _step, e in path)}
        blocked: set[UUID] = set()
        pairs: set[tuple[UUID, UUID]] = set()
        for step in self.steps:
            for entry in self.entries[step.pk]:
                if not entry.is_needed:
                    continue
                if step.is_afterwards:
                    if self.items[entry.item_id].state == ItemState.APPROVED:
                        pairs.add((step.pk, entry.item_id))
                elif entry.item_id not in blocked and (entry.verdict or entry.item_id not in returned):
                    pairs.add((step.pk, entry.item_id))
                    if entry.verdict != Verdict.APPROVE:
                        blocked.add(entry.item_id)
        return pairs

    def undecided(self) -> set[tuple[UUID, UUID]]:
        """(step, item) pairs that wait for a decision now."""
        arrived = self.arrived()
        entries = (entry for run in self.entries.values() for entry in run)
        return {(e.step_id, e.item_id) for e in entries if e.is_open and (e.step_id, e.item_id) in arrived}

    def open_entries(self, step: ApprovalStep) -> dict[UUID, StepItem]:
        """The items that wait for a decision in ``step`` now, by id; none while the step is not open."""
        if step.state != StepState.OPEN:
            return {}
        arrived = self.arrived()
        return {e.item_id: e for e in self.entries[step.pk] if e.is_open and (step.pk, e.item_id) in arrived}


def _step_state(step: ApprovalStep, board: Board, arrived: set[tuple[UUID, UUID]]) -> StepState:
    needed = [entry for entry in board.entries[step.pk] if entry.is_needed]
    here = [entry for entry in needed if (step.pk, entry.item_id) in arrived]
    if any(not entry.verdict for entry in here):
        return StepState.PAUSED if step.is_halted else StepState.OPEN
    if any(entry.verdict == Verdict.RETURN for entry in here):
        return StepState.PAUSED
    if len(here) < len(needed):
        return StepState.WAITING
    return StepState.DONE if needed else StepState.SKIPPED


def _settle_items(board: Board, now: dt.datetime) -> None:
    """Items whose last decision ends them: refused at some step, approved at their last, or back with the applicant."""
    paths = board.paths()
    for item in board.items.values():
        if item.is_answered or item.state == ItemState.DRAFT:
            continue
        entries = [entry for _step, entry in paths[item.pk]]
        verdicts = {entry.verdict for entry in entries}
        if Verdict.REFUSE in verdicts:
            refusal = next(entry for entry in entries if entry.verdict == Verdict.REFUSE)
            item.state, item.refusal_reason, item.answer = ItemState.REFUSED, refusal.reason, refusal.note
        elif Verdict.RETURN in verdicts:
            item.state = ItemState.RETURNED
            item.answer = next(entry.note for entry in entries if entry.verdict == Verdict.RETURN)
        elif verdicts == {Verdict.APPROVE}:
            item.answer = entries[-1].note
            _agree(board, item, entries)
        else:
            item.state, item.answer, item.terms = ItemState.IN_REVIEW, "", {}
        item.answered_at = now if item.is_answered else None


def _agree(board: Board, item: RequestItem, entries: Sequence[StepItem]) -> None:
    """All offices agreed: granted at once, or offered under the conditions of all of them together."""
    terms = reduce(and_, (Terms.of_json(entry.terms) for entry in entries)).to_json()
    if terms and not (item.terms_accepted_at and item.terms == terms):
        if item.state != ItemState.OFFERED:
            board.offered.append(item)
        item.state, item.terms, item.terms_accepted_at = ItemState.OFFERED, terms, None
        return
    item.state, item.terms = ItemState.APPROVED, terms
    board.approved.append(item)


def _release_answered(board: Board) -> None:
    """Steps that an answered item has not reached do not need it any more; what was granted is still looked at."""
    for step in board.steps:
        for entry in board.entries[step.pk]:
            item = board.items[entry.item_id]
            ended = item.is_answered and not (step.is_afterwards and item.state == ItemState.APPROVED)
            if entry.is_needed and entry.verdict in ("", Verdict.RETURN) and ended:
                entry.is_needed = False


def _turn(board: Board, step: ApprovalStep, state: StepState, now: dt.datetime, calendar: WorkingDays) -> None:
    """Put ``step`` in ``state``; the clock starts on opening, stands while paused, goes on with what was left.

    A step is done on the day of its last decision, also when it is done again because one before it was decided.
    """
    today = timezone.localdate(now)
    if step.state == StepState.OPEN and step.opened_at:
        step.days_used += max(0, calendar.between(timezone.localdate(step.opened_at), today))
    if state == StepState.OPEN:
        step.term_days = step.working_days if step.days_left is None else max(1, step.days_left)
        due = calendar.add(today, step.term_days)
        step.due_at, step.is_provisional, step.days_left = due.at, due.is_provisional, None
        step.warned_at = step.reminded_at = step.escalated_at = None
        step.opened_at = now
        step.decided_at = None
    elif state == StepState.PAUSED and step.due_at:
        step.days_left = calendar.between(today, timezone.localdate(step.due_at))
        step.due_at = None
    elif state in (StepState.DONE, StepState.SKIPPED, StepState.WAITING):
        step.days_left = None
        moments = [entry.decided_at for entry in board.entries[step.pk] if entry.decided_at]
        step.decided_at = max(moments, default=now) if state == StepState.DONE else None
    step.state = state


def _settle_request(board: Board, now: dt.datetime) -> None:
    request, states = board.request, {item.state for item in board.items.values()}
    if states <= set(ItemState.answered()):
        if request.state not in (RequestState.WITHDRAWN, RequestState.COMPLETED):
            request.state = RequestState.COMPLETED
            request.completed_at = now
    elif ItemState.RETURNED in states:
        request.state = RequestState.RETURNED
    elif ItemState.OFFERED in states:
        request.state = RequestState.OFFERED
    else:
        request.state = RequestState.IN_REVIEW


def move(board: Board, calendar: WorkingDays) -> None:
    """Recompute the states of items, steps and request after a change of decisions, in memory.

    A step's version grows with its state, and when items join those that wait in it: whoever read it before has not
    seen them. ``board.approved`` gains the items that have just been approved: the caller issues their grants.
    ``board.offered`` gains those approved under conditions that the applicant has not accepted.
    """
    now = timezone.now()
    _settle_items(board, now)
    _release_answered(board)
    arrived, undecided = board.arrived(), board.undecided()
    joined = {step_id for step_id, _item_id in undecided - board.was_undecided}
    board.was_undecided = undecided
    for step in board.steps:
        before, state = step.state, _step_state(step, board, arrived)
        if state != before:
            if state == StepState.OPEN:
                board.opened.append(step)
            _turn(board, step, state, now, calendar)
        if state != before or step.pk in joined:
            step.version += 1
    _settle_request(board, now)


def conclude(boards: Collection[Board]) -> People:
    """Save what changed on these boards and tell the offices whose steps have opened.

    Returns who holds the duties concerned, by (department, duty): the applicants of each request among them.
    """
    telling.changed(board.request for board in boards if board.has_news())
    _save(boards)
    due(board.request.pk for board in boards if board.approved or board.request.state in ENDED)
    offices = [(step.department_id, step.duty) for board in boards for step in board.opened]
    offices += [office for board in boards for office in _applying(board.request)]
    people = holders_of(offices)
    opened = [
        Message(
            users=people[step.department_id, step.duty],
            kind=NoticeKind.STEP_OPENED,
            url=step.get_absolute_url(),
            data=_step_words(step),
            department=step.department,
        )
        for board in boards
        for step in board.opened
        if step.state == StepState.OPEN
    ]
    notify_all(opened)
    return people


def _step_words(step: ApprovalStep) -> dict[str, str]:
    request = step.request
    return {"number": request.number or "", "title": request.title, "department": request.applicant_name}


def advance(board: Board) -> Board:
    """``move`` and ``conclude`` one board."""
    move(board, calendar_around(timezone.localdate()))
    conclude([board])
    return board


def _save(boards: Iterable[Board]) -> None:
    items: list[RequestItem] = []
    entries: list[StepItem] = []
    steps: list[ApprovalStep] = []
    requests: list[SharingRequest] = []
    now = timezone.now()
    for board in boards:
        before = board.before
        items += [i for i in board.items.values() if before.get(i.pk) != _values(i, ITEM_FIELDS)]
        entries += [e for run in board.entries.values() for e in run if before.get(e.pk) != _values(e, ENTRY_FIELDS)]
        steps += [s for s in board.steps if before.get(s.pk) != _values(s, STEP_FIELDS)]
        board.request.version += 1
        board.request.modified = now
        requests.append(board.request)
        board._remember()
    update_rows(items, ITEM_FIELDS)
    update_rows(entries, ENTRY_FIELDS)
    update_rows(steps, STEP_FIELDS)
    update_rows(requests, REQUEST_FIELDS)


def _applying(request: SharingRequest) -> list[tuple[UUID, str]]:
    """The offices that apply: the department's, and the superior's that files for it; none for somebody outside."""
    if request.is_outside:
        return []
    departments = [request.department_id, request.filed_by_department_id]
    return [(department, Duty.APPLICANT) for department in departments if department]


def applicants(request: SharingRequest, people: People) -> list[User]:
    """Who reads the answers: who made the request or, when they have left that duty, those who apply there now."""
    found = [user for office in _applying(request) for user in people[office]]
    return [user for user in found if user.pk == request.created_by_id] or found


def told_of(request: SharingRequest) -> list[User]:
    """``applicants``, read for one request."""
    return applicants(request, holders_of(_applying(request)))


def item_states(items: Iterable[RequestItem]) -> dict[str, str]:
    """Item states by id, in the form in which events carry them."""
    return {str(item.pk): item.state for item in items}


def log(board: Board, verb: str, actor: Actor, **data: Any) -> None:
    """One event with what was done and the states that followed, from which ``verify`` recomputes them."""
    after = {"state": board.request.state, "items": item_states(board.items.values())}
    record.append(stream=record.stream_of(board.request), verb=verb, actor=actor, data={**data, **after})
