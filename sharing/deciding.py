"""Decisions on steps (审批意见): one, or up to a thousand in one transaction and a fixed number of statements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.calendars.working_days import WorkingDays, calendar_around
from portal.errors import InvalidInput, PortalError
from portal.notices.models import NoticeKind
from portal.notices.send import Message, notify_all
from sharing import grants, joint, marks
from sharing.errors import StaleStep
from sharing.flow import Board, People, applicants, conclude, item_states, move
from sharing.models import (
    ApprovalStep,
    RefusalReason,
    RequestItem,
    RequestState,
    SharingRequest,
    StepItem,
    StepState,
    Verdict,
    Vote,
)
from sharing.rules import Ties
from sharing.terms import NO_TERMS, Terms

BULK_LIMIT = 1_000
NOTE_LIMIT = 2_000


@dataclass(frozen=True)
class Decision:
    """A verdict on one item. Refusing needs ``reason`` (RefusalReason) and ``note``; returning needs ``note``.

    An approval may take something away (``terms``): then the applicant accepts that before the grant is issued.
    A return may mark what is to be changed (``marks``: names from ``sharing.marks``).
    """

    verdict: str
    reason: str = ""
    note: str = ""
    terms: Terms = NO_TERMS
    marks: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise InvalidInput, naming the field, when something required is missing."""
        if self.verdict not in Verdict.values:
            raise InvalidInput(_("Choose approve, refuse or return."), fields={"verdict": []})
        if self.verdict == Verdict.REFUSE and not (self.reason and self.note.strip()):
            message = _("A refusal needs its reason and a text that explains it.")
            raise InvalidInput(message, fields={"reason" if not self.reason else "note": [message]})
        if self.reason and self.reason not in RefusalReason.values:
            message = _("Choose one of the reasons for a refusal.")
            raise InvalidInput(message, fields={"reason": [message]})
        if len(self.note) > NOTE_LIMIT:
            message = _("A note may have at most %(limit)s characters.") % {"limit": NOTE_LIMIT}
            raise InvalidInput(message, fields={"note": [message]})
        if self.verdict == Verdict.RETURN and not self.note.strip():
            message = _("Say what the applicant should change.")
            raise InvalidInput(message, fields={"note": [message]})
        if self.marks and (self.verdict != Verdict.RETURN or len(marks.labels(self.marks)) < len(self.marks)):
            raise InvalidInput(_("Only a return marks what is to be changed."), fields={"marks": []})
        if self.terms and self.verdict != Verdict.APPROVE:
            raise InvalidInput(_("Only an approval can have conditions."), fields={"verdict": []})


@dataclass(frozen=True)
class BulkEntry:
    """One step to decide, unless it changed since ``seen_version``: all its open items alike, or those of a mapping."""

    step: ApprovalStep
    seen_version: int
    decision: Decision | Mapping[UUID, Decision]


@dataclass(frozen=True)
class BulkResult:
    """What became of one step of a bulk decision: ``error`` is None when it was decided."""

    step_id: UUID
    error: PortalError | None


@dataclass
class _Round:
    """What one transaction of decisions gathers before it writes."""

    ties: Ties
    calendar: WorkingDays
    touched: dict[UUID, Board] = field(default_factory=dict)
    events: list[record.Entry] = field(default_factory=list)
    grants: list[tuple[RequestItem, Actor]] = field(default_factory=list)
    letters: list[tuple[Board, ApprovalStep, NoticeKind, RequestItem, str]] = field(default_factory=list)
    votes: dict[int, list[Vote]] = field(default_factory=dict)
    """By entry, in steps that several decide together; those without a key are new."""
    revoked: list[tuple[RequestItem, Actor, str]] = field(default_factory=list)


@transaction.atomic
def decide(*, step: ApprovalStep, actor: Actor, seen_version: int, decisions: Mapping[UUID, Decision]) -> ApprovalStep:
    """Record ``actor``'s decisions on items of ``step`` (by item id) and open what follows.

    Items left out stay undecided. A grant is issued the moment its item's last step agrees.

    Raises:
        StaleStep: somebody decided since ``seen_version``, or the step is not open; nothing was changed.
        NotPermitted: no holder of the duty, one's own request, or decided on it in another role.
        InvalidInput: no decision, an item that is not open in this step, or a verdict without what it needs.
    """
    error = _decide_all([BulkEntry(step, seen_version, decisions)], actor)[0].error
    if error:
        raise error
    step.refresh_from_db()
    return step


@transaction.atomic
def decide_many(*, entries: Sequence[BulkEntry], actor: Actor) -> list[BulkResult]:
    """Decide up to 1,000 steps in one transaction: what cannot be decided says why, the rest stands (design.md §4).

    Requests are locked in the order of their ids, so that two people deciding overlapping steps cannot block each
    other for good. Results come in the order of ``entries``.
    """
    if len(entries) > BULK_LIMIT:
        raise InvalidInput(_("At most %(limit)s steps can be decided at once.") % {"limit": BULK_LIMIT})
    return _decide_all(entries, actor)


def _decide_all(entries: Sequence[BulkEntry], actor: Actor) -> list[BulkResult]:
    """Everything is checked in memory before the first row is written: a refused entry leaves nothing behind."""
    locked = SharingRequest.objects.select_for_update(of=("self",)).select_related("department__region", "created_by")
    requests = list(locked.filter(pk__in={entry.step.request_id for entry in entries}).order_by("pk"))
    boards = Board.of_all(requests)
    people = frozenset().union(*(each.people_ids for each in actor.capacities or (actor,)))
    this = _Round(Ties.of(people, requests), calendar_around(timezone.localdate()))
    results = []
    for entry in entries:
        error: PortalError | None = None
        try:
            _take(this, boards.get(entry.step.request_id), entry, actor)
        except PortalError as caught:
            error = caught
        results.append(BulkResult(entry.step.pk, error))
    if this.touched:
        people_told = conclude(list(this.touched.values()))
        Vote.objects.bulk_create(vote for votes in this.votes.values() for vote in votes if vote.pk is None)
        record.append_all(this.events)
        if this.grants:
            grants.issue_all(this.grants)
        for item, reviewer, reason in this.revoked:
            grants.revoke_reviewed(item=item, actor=reviewer, reason=reason)
        _tell_applicants(this, people_told)
    return results


def _take(this: _Round, board: Board | None, entry: BulkEntry, actor: Actor) -> None:
    """Check one decision and carry it out in memory."""
    step = board.step(entry.step.pk) if board else None
    if board is None or step is None:
        raise StaleStep
    step.ties = this.ties
    actor = access.require(actor, Permission.STEP_DECIDE, step)
    if step.version != entry.seen_version or step.state != StepState.OPEN:
        raise StaleStep
    waiting = board.open_entries(step)
    chosen = entry.decision
    decisions = dict.fromkeys(waiting, chosen) if isinstance(chosen, Decision) else dict(chosen)
    if not decisions:
        raise InvalidInput(_("Decide at least one of the items."))
    checked = {pk: _checked(board, step, waiting, pk, decision) for pk, decision in decisions.items()}
    voting = joint.voting(step, waiting.values(), this.votes) if step.quorum != 1 else None
    if voting:
        voting.refuse_second_word(actor, [waiting[pk] for pk in checked])
    now = timezone.now()
    settled = {}
    for pk, decision in checked.items():
        outcome = voting.cast(actor, waiting[pk], decision, now) if voting else decision
        if outcome:
            settled[pk] = outcome
            _write(waiting[pk], outcome, actor, now)
    this.ties.add(actor, step)
    _follow(this, board, step, actor, settled, checked if voting else {})


def _checked(
    board: Board, step: ApprovalStep, waiting: Mapping[UUID, StepItem], item_id: UUID, decision: Decision
) -> Decision:
    """``decision`` with its conditions in their stored form, or the error that names what is wrong with it."""
    decision.check()
    if item_id not in waiting:
        raise InvalidInput(_("One of the items is not to be decided in this step."), item=str(item_id))
    if step.is_afterwards and (decision.verdict == Verdict.RETURN or decision.terms):
        message = _("What was granted already is agreed to, or refused, which ends the grant.")
        raise InvalidInput(message, fields={"verdict": [message]})
    terms = decision.terms.check(board.items[item_id]) if decision.terms else decision.terms
    return replace(decision, note=decision.note.strip(), terms=terms)


def _write(entry: StepItem, decision: Decision, actor: Actor, now: dt.datetime) -> None:
    entry.verdict, entry.reason, entry.note = decision.verdict, decision.reason, decision.note
    entry.terms, entry.marks = decision.terms.to_json(), list(decision.marks)
    entry.decided_by, entry.decided_for, entry.decided_at = actor.user, actor.on_behalf_of, now


def _as_data(decisions: Mapping[UUID, Decision]) -> dict[str, dict[str, Any]]:
    """Decisions as events carry them."""
    found = {}
    for pk, decision in decisions.items():
        data: dict[str, Any] = {"verdict": decision.verdict, "reason": decision.reason, "note": decision.note}
        if decision.terms:
            data["terms"] = decision.terms.to_json()
        if decision.marks:
            data["marks"] = list(decision.marks)
        found[str(pk)] = data
    return found


def _follow(
    this: _Round,
    board: Board,
    step: ApprovalStep,
    actor: Actor,
    decisions: Mapping[UUID, Decision],
    votes: Mapping[UUID, Decision],
) -> None:
    """The consequences of decisions that were taken: states, the event, the grants, and what the applicant is told."""
    approved, offered = len(board.approved), len(board.offered)
    move(board, this.calendar)
    step.version += 1
    data = {
        "step": str(step.pk),
        "stage": step.stage,
        "decisions": _as_data(decisions),
        "state": board.request.state,
        "items": item_states(board.items.values()),
    }
    if votes:
        data["votes"] = _as_data(votes)
    verb = "step.decided" if decisions else "step.voted"
    this.events.append(record.Entry(record.stream_of(board.request), verb, actor, data))
    this.grants += [(item, actor) for item in board.approved[approved:]]
    kinds = {Verdict.RETURN: NoticeKind.ITEM_RETURNED, Verdict.REFUSE: NoticeKind.ITEM_REFUSED}
    for item_id, decision in decisions.items():
        item = board.items[item_id]
        if step.is_afterwards and decision.verdict == Verdict.REFUSE:
            this.revoked.append((item, actor, decision.note))
        elif decision.verdict in kinds:
            this.letters.append((board, step, kinds[Verdict(decision.verdict)], item, decision.note))
    this.letters += [(board, step, NoticeKind.ITEM_GRANTED, item, "") for item in board.approved[approved:]]
    this.letters += [(board, step, NoticeKind.ITEM_OFFERED, item, item.answer) for item in board.offered[offered:]]
    this.touched[board.request.pk] = board


def _tell_applicants(this: _Round, people: People) -> None:
    messages = []
    for board, step, kind, item, note in this.letters:
        request = board.request
        data = {"number": request.number, "title": item.dataset.title, "note": note, "department": step.department.name}
        told = applicants(request, people)
        messages.append(Message(told, kind, request.get_absolute_url(), data, request.department))
    for board in this.touched.values():
        request = board.request
        if request.state == RequestState.COMPLETED and board.was_open:
            data = {"number": request.number, "title": request.title}
            told = applicants(request, people)
            url = request.get_absolute_url()
            messages.append(Message(told, NoticeKind.REQUEST_COMPLETED, url, data, request.department))
    notify_all(messages)


def open_items(step: ApprovalStep) -> list[UUID]:
    """Ids of the items that wait for a decision in ``step`` now."""
    if step.state != StepState.OPEN:
        return []
    board = Board.of(step.request)
    found = board.step(step.pk)
    return list(board.open_entries(found)) if found else []
