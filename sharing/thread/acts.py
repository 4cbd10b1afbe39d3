"""Asking, answering, noting and forwarding.

Questions and their answers belong to the request's own record, which its applicant reads. Opinions and internal notes
stand in the record of the step, which the applicant does not.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.audit.models import Event
from portal.departments.duties import duty_group, holders
from portal.departments.models import Department, Duty
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing import workflow
from sharing.errors import StaleStep
from sharing.flow import Board, advance, log, told_of
from sharing.models import ApprovalStep, Enquiry, EnquiryKind, InternalNote, RequestCopy, StepState
from sharing.outside import telling
from sharing.vacancies import is_vacant

TEXT_LIMIT = 2_000
ANSWER_LIMIT = 4_000
OPEN_STATES = (StepState.OPEN, StepState.PAUSED)


def _text(text: str, limit: int = TEXT_LIMIT) -> str:
    text = text.strip()
    if not text or len(text) > limit:
        message = _("Write a text of at most %(limit)s characters.") % {"limit": limit}
        raise InvalidInput(message, fields={"text": [message]})
    return text


def _board(step: ApprovalStep) -> tuple[Board, ApprovalStep]:
    """The board of the step's request with its row locked, and the step on it."""
    board = Board.of(workflow.lock(step.request_id))
    found = board.step(step.pk)
    if found is None:
        raise StaleStep
    return board, found


def _log(board: Board, verb: str, actor: Actor, step: ApprovalStep, **data: object) -> None:
    """In the request's record, with the states that followed."""
    words = {"step": str(step.pk), "stage": step.stage, "department": step.department.name}
    log(board, verb, actor, **words | data)


def _words(step: ApprovalStep, note: str) -> dict[str, str]:
    request = step.request
    department = step.department.name
    return {
        "number": request.number or "",
        "title": request.title,
        "department": department,
        "note": note[:200],
    }


@transaction.atomic
def ask(*, step: ApprovalStep, actor: Actor, text: str, stops_clock: bool = False) -> Enquiry:
    """Ask the applicant something. With ``stops_clock`` the step waits for the answer, once for each step.

    What is missing is told at once, all of it (domain.md §5): a step cannot stop its clock again and again.

    Raises:
        NotPermitted: whoever may not decide the step. WrongState: it is not open.
        InvalidInput: no text, or the clock of the step was stopped before.
    """
    board, step = _board(step)
    actor = access.require(actor, Permission.STEP_DECIDE, step)
    assert actor.user
    if step.state != StepState.OPEN:
        raise WrongState(_("Only a step that is to be decided can ask."))
    text = _text(text)
    try:
        with transaction.atomic():
            enquiry = Enquiry.objects.create(
                request=board.request,
                step=step,
                kind=EnquiryKind.QUESTION,
                text=text,
                stops_clock=stops_clock,
                asked_by=actor.user,
            )
    except IntegrityError as error:
        message = _("The clock of this step was stopped once already. Ask without stopping it.")
        raise InvalidInput(message, fields={"stops_clock": [message]}) from error
    step.is_halted = step.is_halted or stops_clock
    advance(board)
    _log(board, "enquiry.asked", actor, step, note=text, stops_clock=stops_clock)
    request = board.request
    telling.changed([request])
    data = _words(step, text)
    notify(
        told_of(request),
        NoticeKind.QUESTION_ASKED,
        url=request.get_absolute_url(),
        data=data,
        department=request.department,
    )
    return enquiry


@transaction.atomic
def ask_opinion(*, step: ApprovalStep, actor: Actor, department: Department, duty: str, text: str) -> Enquiry:
    """Ask another office for its opinion, which gets a copy of the request; the step does not wait for it.

    Raises:
        InvalidInput: no text, the applicant's own department, or an office that nobody holds.
    """
    board, step = _board(step)
    actor = access.require(actor, Permission.STEP_DECIDE, step)
    assert actor.user
    if step.state not in OPEN_STATES:
        raise WrongState(_("Only a step that is to be decided can ask."))
    people = _office_for(board, department, duty)
    office = duty_group(department, duty)
    enquiry = Enquiry.objects.create(
        request=board.request,
        step=step,
        kind=EnquiryKind.OPINION,
        text=_text(text),
        department=department,
        duty=duty,
        office=office,
        asked_by=actor.user,
    )
    RequestCopy.objects.get_or_create(
        request=board.request, office=office, defaults={"department": department, "duty": duty}
    )
    data = {"department": department.name, "note": enquiry.text}
    record.append(stream=record.stream_of(step), verb="opinion.asked", actor=actor, data=data)
    url = board.request.get_absolute_url()
    notify(people, NoticeKind.OPINION_ASKED, url=url, data=_words(step, enquiry.text), department=department)
    return enquiry


def _office_for(board: Board, department: Department, duty: str) -> list:
    """Who holds ``duty`` there; an error when nobody does, or when it is the applicant's side."""
    is_theirs = department.pk == board.request.department_id and not board.request.is_outside
    if is_theirs or not department.is_active or duty not in Duty.values:
        message = _("Choose a department other than the applicant's.")
        raise InvalidInput(message, fields={"department": [message]})
    people = holders(department, duty)
    if not people:
        message = _("Nobody in %(department)s holds this duty.") % {"department": department.name}
        raise InvalidInput(message, fields={"department": [message]})
    return people


def _may_answer(actor: Actor, enquiry: Enquiry) -> Actor:
    if enquiry.kind == EnquiryKind.QUESTION:
        return access.require(actor, Permission.REQUEST_SUBMIT, enquiry.request)
    found = next((c for c in actor.capacities or (actor,) if enquiry.office_id in c.standing.group_ids), None)
    if found is None:
        raise NotPermitted
    return found


@transaction.atomic
def answer(*, enquiry: Enquiry, actor: Actor, text: str) -> Enquiry:
    """Answer a question or give an opinion; a clock that stood still goes on with what was left.

    Raises:
        WrongState: it was answered or taken back already.
    """
    board, step = _board(enquiry.step)
    enquiry = Enquiry.objects.select_for_update(of=("self",)).select_related("request", "department").get(pk=enquiry.pk)
    actor = _may_answer(actor, enquiry)
    if not enquiry.is_open:
        raise WrongState(_("This was answered or taken back already."))
    enquiry.answer, enquiry.answered_by = _text(text, ANSWER_LIMIT), actor.user
    _close(board, step, enquiry)
    if enquiry.kind == EnquiryKind.QUESTION:
        _log(board, "enquiry.answered", actor, step, note=enquiry.answer)
    else:
        data = {"department": enquiry.department.name if enquiry.department else "", "note": enquiry.answer}
        record.append(stream=record.stream_of(step), verb="opinion.given", actor=actor, data=data)
    people = holders(step.department, step.duty)
    url, data_ = step.get_absolute_url(), _words(step, enquiry.answer)
    notify(people, NoticeKind.ENQUIRY_ANSWERED, url=url, data=data_, department=step.department)
    return enquiry


@transaction.atomic
def take_back(*, enquiry: Enquiry, actor: Actor) -> Enquiry:
    """The office does not need the answer any more; a clock that stood still goes on."""
    board, step = _board(enquiry.step)
    enquiry = Enquiry.objects.select_for_update().get(pk=enquiry.pk)
    actor = access.require(actor, Permission.STEP_DECIDE, step)
    if not enquiry.is_open:
        raise WrongState(_("This was answered or taken back already."))
    _close(board, step, enquiry)
    if enquiry.kind == EnquiryKind.QUESTION:
        _log(board, "enquiry.taken_back", actor, step, note=enquiry.text)
    else:
        record.append(
            stream=record.stream_of(step), verb="opinion.taken_back", actor=actor, data={"note": enquiry.text}
        )
    return enquiry


def _close(board: Board, step: ApprovalStep, enquiry: Enquiry) -> None:
    enquiry.closed_at = timezone.now()
    enquiry.save(update_fields=["answer", "answered_by", "closed_at"])
    if enquiry.stops_clock:
        step.is_halted = False
        advance(board)


@transaction.atomic
def note(*, step: ApprovalStep, actor: Actor, text: str, is_shared: bool = False) -> InternalNote:
    """Write an internal note, for one's own office or for the others that decide, too."""
    step = _board(step)[1]
    actor = access.require(actor, Permission.STEP_ANSWER, step)
    assert actor.user
    made = InternalNote.objects.create(step=step, author=actor.user, text=_text(text), is_shared=is_shared)
    data = {"note": made.text, "is_shared": is_shared}
    record.append(stream=record.stream_of(step), verb="note.added", actor=actor, data=data)
    return made


def _is_above(department: Department, step: ApprovalStep) -> bool:
    """Whether ``department`` is a superior of the one whose step it is, in its line."""
    above = step.department.parent
    while above is not None and above.pk != department.pk:
        above = above.parent
    return above is not None


@transaction.atomic
def forward(
    *, step: ApprovalStep, actor: Actor, seen_version: int, department: Department, reason: str
) -> ApprovalStep:
    """Hand a step to the same office of the department that it belongs to (转办); the deadline stays.

    The office does so itself; the authority that supervises it does where nobody holds the office.

    Raises:
        StaleStep: somebody decided since ``seen_version``, or the step is not open.
        InvalidInput: no reason, a department that had the step already, the applicant's, or nobody to decide there.
    """
    board, step = _board(step)
    nobody = is_vacant(step)
    actor = access.require(actor, Permission.STEP_SUPERVISE if nobody else Permission.STEP_DECIDE, step)
    if step.version != seen_version or step.state != StepState.OPEN:
        raise StaleStep
    if step.duty == Duty.OWN_APPROVER and step.lane_id is None and not (nobody and _is_above(department, step)):
        message = _("The applicant's own review stays in its department.")
        raise InvalidInput(message, fields={"department": [message]})
    reason = _text(reason)
    moved = Event.objects.filter(stream=record.stream_of(board.request), verb="step.forwarded", data__step=str(step.pk))
    had = {str(step.department_id), *(event.data["from_id"] for event in moved)}
    if str(department.pk) in had:
        message = _("%(department)s had this step already.") % {"department": department.name}
        raise InvalidInput(message, fields={"department": [message]})
    people = _office_for(board, department, step.duty)
    before = step.department
    step.department, step.office = department, duty_group(department, step.duty)
    step.version += 1
    step.claimed_by = step.vacant_at = None
    step.save(update_fields=["department", "office", "version", "claimed_by", "vacant_at"])
    data = {"from": before.name, "from_id": str(before.pk), "to": department.name, "note": reason}
    _log(board, "step.forwarded", actor, step, **data)
    notify(
        people,
        NoticeKind.STEP_OPENED,
        url=step.get_absolute_url(),
        data=_words(step, reason) | {"department": board.request.applicant_name},
        department=department,
    )
    return step
