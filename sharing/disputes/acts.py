"""What both sides and the authorities do in a dispute; an overturned refusal issues the grant."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.codes import next_serial
from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.calendars.working_days import deadline
from portal.departments.duties import holders
from portal.departments.models import Department, Duty
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from sharing import drafts, grants, workflow
from sharing.disputes import rules
from sharing.disputes.settling import log as record_in
from sharing.disputes.settling import office_people, settle_as, tell, tell_parties
from sharing.flow import Board, advance, log
from sharing.models import (
    ApprovalStep,
    Dispute,
    DisputeOutcome,
    DisputeStage,
    DisputeStatement,
    ItemState,
    RequestItem,
    RequestState,
    StepItem,
    Verdict,
)

NEGOTIATION_DAYS = 10
COORDINATION_DAYS = 15
APPEAL_DAYS = 10
TEXT_LIMIT = 4_000


def _text(text: str) -> str:
    text = text.strip()
    if not text or len(text) > TEXT_LIMIT:
        message = _("Write a text of at most %(limit)s characters.") % {"limit": TEXT_LIMIT}
        raise InvalidInput(message, fields={"text": [message]})
    return text


def _lock(dispute: Dispute) -> Dispute:
    """The dispute with its row locked; its request is locked first, as every command does."""
    workflow.lock(dispute.item.request_id)
    locked = Dispute.objects.select_for_update(of=("self",))
    related = ("item__request__department", "item__dataset", "step__department__region", "coordinator", "superior")
    return locked.select_related(*related).get(pk=dispute.pk)


def _authority_people(dispute: Dispute) -> list[User]:
    authority = dispute.authority
    return holders(authority, Duty.AUTHORITY_HEAD) + holders(authority, Duty.AUTHORITY_REVIEWER) if authority else []


def contested(item: RequestItem) -> StepItem | None:
    """The decision that can be contested: the refusal, or the last approval that has conditions."""
    if item.request.state == RequestState.WITHDRAWN:
        return None
    entries = StepItem.objects.filter(item=item, is_needed=True, step__is_afterwards=False).select_related("step")
    if item.state == ItemState.REFUSED:
        return entries.filter(verdict=Verdict.REFUSE).first()
    if item.state == ItemState.OFFERED:
        return entries.exclude(terms={}).order_by("-decided_at").first()
    return None


def may_open(item: RequestItem) -> bool:
    """Whether ``item`` has something to contest that was not contested to the end already."""
    return contested(item) is not None and not item.disputes.exists()


@transaction.atomic
def open_dispute(*, item: RequestItem, actor: Actor, text: str) -> Dispute:
    """Contest the refusal or the conditions of an item; both sides then negotiate for ten working days.

    Raises:
        WrongState: there is nothing to contest, or it was contested already.
        InvalidInput: no grounds.
    """
    request = workflow.lock(item.request_id)
    actor = access.require(actor, Permission.REQUEST_SUBMIT, request)
    item = RequestItem.objects.select_related("dataset", "request").get(pk=item.pk)
    entry = contested(item)
    if entry is None or item.disputes.exists():
        raise WrongState(_("There is nothing to contest here, or it was contested already."))
    text = _text(text)
    today = timezone.localdate()
    number = f"ZY{today:%Y}{next_serial(f'ZY{today:%Y}'):06d}"
    dispute = Dispute(number=number, item=item, step=entry.step, opened_by=actor.user)
    dispute.set_term(deadline(today, NEGOTIATION_DAYS))
    dispute.save(force_insert=True)
    side = None if request.is_outside else request.department
    DisputeStatement.objects.create(dispute=dispute, department=side, author=actor.user, text=text)
    record_in(dispute, "dispute.opened", actor, item=str(item.pk), step=str(entry.step_id))
    step = ApprovalStep.objects.select_related("department").get(pk=entry.step_id)
    dispute.step = step
    tell(dispute, office_people(dispute), NoticeKind.DISPUTE_TO_ANSWER, text, step.department)
    return dispute


@transaction.atomic
def say(*, dispute: Dispute, actor: Actor, text: str) -> DisputeStatement:
    """Add a statement for one's side; the other side is told."""
    dispute = _lock(dispute)
    actor = access.require(actor, Permission.DISPUTE_SAY, dispute)
    if dispute.stage == DisputeStage.SETTLED:
        raise WrongState(_("This dispute is settled."))
    side = side_of(dispute, actor)
    statement = DisputeStatement.objects.create(dispute=dispute, department=side, author=actor.user, text=_text(text))
    name = side.name if side else dispute.item.request.applicant_name
    record_in(dispute, "dispute.said", actor, department=name)
    tell_parties(dispute, text)
    return statement


def side_of(dispute: Dispute, actor: Actor) -> Department | None:
    """For which side ``actor`` speaks: the applicant's first (None from outside), the office, the authority."""
    request = dispute.item.request
    if rules.is_applicant(actor, dispute):
        return None if request.is_outside else request.department
    if dispute.step.office_id in actor.standing.group_ids:
        return dispute.step.department
    assert dispute.authority
    return dispute.authority


def _coordinator(step: ApprovalStep) -> tuple[Department | None, DisputeStage]:
    """The authority of the office's region; its superior where the office is that authority itself."""
    authority = Department.objects.authority_for(step.department.region)
    if authority is not None and authority.pk != step.department_id:
        return authority, DisputeStage.COORDINATION
    return superior_of(step.department), DisputeStage.SUPERIOR


def superior_of(authority: Department) -> Department | None:
    """The data authority of the next region above that has one."""
    parent = authority.region.parent
    return Department.objects.authority_for(parent) if parent else None


@transaction.atomic
def move_up(*, dispute: Dispute, actor: Actor) -> Dispute:
    """To the authority when both sides do not agree, and from it to its superior.

    Either side may go to the authority once the other has spoken, or when the time for negotiation is over. From the
    authority it goes up when the authority refers it, or when its time is over.

    Raises:
        WrongState: it is too early, there is nobody above, or it is settled.
    """
    dispute = _lock(dispute)
    actor = access.require(actor, Permission.DISPUTE_MOVE_UP, dispute)
    is_over = dispute.due_at is not None and dispute.due_at < timezone.now()
    if dispute.stage == DisputeStage.NEGOTIATION:
        sides = set(dispute.statements.values_list("department", flat=True))
        if len(sides) < 2 and not is_over:
            raise WrongState(_("Wait for the other side's statement, or until the time for negotiation is over."))
        found, stage = _coordinator(dispute.step)
    elif dispute.stage == DisputeStage.COORDINATION and dispute.coordinator:
        refers = actor.standing.holds(dispute.coordinator_id, Duty.AUTHORITY_HEAD, Duty.AUTHORITY_REVIEWER)  # type: ignore[arg-type]
        if not (refers or is_over):
            raise WrongState(_("The authority still has time to settle it."))
        found, stage = superior_of(dispute.coordinator), DisputeStage.SUPERIOR
    else:
        raise WrongState
    return _hand_to(dispute, found, stage, actor)


def _hand_to(dispute: Dispute, authority: Department | None, stage: DisputeStage, actor: Actor) -> Dispute:
    if authority is None:
        raise WrongState(_("There is no data authority above that could settle it."))
    if stage == DisputeStage.COORDINATION:
        dispute.coordinator = authority
    else:
        dispute.superior = authority
    dispute.stage, dispute.reminded_at = stage, None
    dispute.set_term(deadline(timezone.localdate(), COORDINATION_DAYS))
    dispute.outcome, dispute.outcome_note, dispute.settled_at, dispute.settled_by = "", "", None, None
    dispute.save()
    record_in(dispute, "dispute.moved_up", actor, authority=authority.name)
    tell(dispute, _authority_people(dispute), NoticeKind.DISPUTE_TO_ANSWER, "", authority)
    tell_parties(dispute, authority.name)
    return dispute


@transaction.atomic
def give_way(*, dispute: Dispute, actor: Actor, text: str) -> Dispute:
    """The office agrees after all, while both sides negotiate: the item goes as if it had been approved as asked."""
    dispute = _lock(dispute)
    actor = access.require(actor, Permission.DISPUTE_GIVE_WAY, dispute)
    if dispute.stage != DisputeStage.NEGOTIATION:
        raise WrongState
    _overturn(dispute, actor, text.strip())
    return settle_as(dispute, DisputeOutcome.AGREED, actor, text.strip())


@transaction.atomic
def withdraw(*, dispute: Dispute, actor: Actor) -> Dispute:
    """The applicant gives the dispute up; the decision stands."""
    dispute = _lock(dispute)
    actor = access.require(actor, Permission.REQUEST_WITHDRAW, dispute.item.request)
    if dispute.stage == DisputeStage.SETTLED:
        raise WrongState
    return settle_as(dispute, DisputeOutcome.WITHDRAWN, actor, "")


@transaction.atomic
def settle(*, dispute: Dispute, actor: Actor, is_overturned: bool, text: str) -> Dispute:
    """The authority's ruling, with its reasons. It binds: an overturned refusal issues the grant.

    Raises:
        NotPermitted: not the authority whose turn it is, or somebody who decided on the request.
        WrongState: it is not with an authority, or the data cannot be granted any more.
    """
    dispute = _lock(dispute)
    actor = access.require(actor, Permission.DISPUTE_SETTLE, dispute)
    if dispute.authority is None:
        raise WrongState
    text = _text(text)
    if is_overturned:
        _overturn(dispute, actor, text)
    return settle_as(dispute, DisputeOutcome.OVERTURNED if is_overturned else DisputeOutcome.UPHELD, actor, text)


@transaction.atomic
def appeal(*, dispute: Dispute, actor: Actor) -> Dispute:
    """Go to the superior after the authority upheld the decision, within ten working days.

    Raises:
        WrongState: it was not upheld by a coordinating authority, or the time is over.
    """
    dispute = _lock(dispute)
    actor = access.require(actor, Permission.REQUEST_SUBMIT, dispute.item.request)
    until = appeal_until(dispute)
    if until is None or until < timezone.localdate() or dispute.coordinator is None:
        raise WrongState(_("The time to appeal is over, or there is nothing to appeal against."))
    return _hand_to(dispute, superior_of(dispute.coordinator), DisputeStage.SUPERIOR, actor)


def appeal_until(dispute: Dispute) -> dt.date | None:
    """The last day on which the applicant may go to the superior; None where that is not possible."""
    is_first = dispute.outcome == DisputeOutcome.UPHELD and dispute.superior_id is None
    if not is_first or dispute.settled_at is None:
        return None
    return deadline(timezone.localdate(dispute.settled_at), APPEAL_DAYS).day


def _overturn(dispute: Dispute, actor: Actor, text: str) -> None:
    """Put an approval as asked in the place of the decision that was contested, and draw the consequences."""
    board = Board.of(workflow.lock(dispute.item.request_id))
    item, step = board.items[dispute.item_id], board.step(dispute.step_id)
    assert step
    entry = next(each for each in board.entries[step.pk] if each.item_id == item.pk)
    if not drafts.may_be_asked(board.request, item.dataset) or board.request.valid_until < timezone.localdate():
        raise WrongState(_("The data cannot be granted any more: withdrawn, or the term asked for is over."))
    if item.state not in (ItemState.REFUSED, ItemState.OFFERED) or board.request.state == RequestState.WITHDRAWN:
        raise WrongState(_("The applicant has taken the request back."))
    was_refused = item.state == ItemState.REFUSED
    entry.terms = {}
    if was_refused:
        entry.verdict, entry.reason, entry.note = Verdict.APPROVE, "", text
        entry.decided_by, entry.decided_for, entry.decided_at = actor.user, actor.on_behalf_of, timezone.now()
        item.state, item.refusal_reason, item.answered_at = ItemState.IN_REVIEW, "", None
        for later in board.steps:
            for each in board.entries[later.pk] if later.is_afterwards else ():
                each.is_needed = each.is_needed or each.item_id == item.pk
    advance(board)
    decisions = {str(item.pk): {"verdict": Verdict.APPROVE, "reason": "", "note": text}} if was_refused else {}
    data = {"step": str(step.pk), "stage": step.stage, "decisions": decisions, "number": dispute.number, "note": text}
    log(board, "dispute.overturned", actor, **data)
    grants.issue_all([(each, actor) for each in board.approved])


def remind_late() -> int:
    """Tell those whose turn it is, once, that the time of a dispute is over; returns how many."""
    late = Dispute.objects.exclude(stage=DisputeStage.SETTLED).filter(due_at__lt=timezone.now(), reminded_at=None)
    count = 0
    for pk in list(late.values_list("pk", flat=True)[:500]):
        with transaction.atomic():
            dispute = late.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
            if dispute is None:
                continue
            Dispute.objects.filter(pk=pk).update(reminded_at=timezone.now())
            people = _authority_people(dispute) or office_people(dispute)
            department = dispute.authority or dispute.step.department
            tell(dispute, people, NoticeKind.DISPUTE_TO_ANSWER, _("The time for it is over."), department)
            count += 1
    return count
