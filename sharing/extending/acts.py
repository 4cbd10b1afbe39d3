"""Asking for more time for a step, and the authority's answer.

R809 lets the provider have as many working days again, once, with the consent of the data authority (domain.md §5); the
rules of the provinces on conditionally open data do the same.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.calendars.working_days import calendar_around
from portal.departments.duties import holders
from portal.departments.models import AUTHORITY_DUTIES, Department
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing import workflow
from sharing.flow import told_of
from sharing.models import ApprovalStep, Extension, ExtensionOutcome, StepState
from sharing.outside import telling

TEXT_LIMIT = 2_000


def _text(text: str, name: str) -> str:
    text = text.strip()
    if not text or len(text) > TEXT_LIMIT:
        message = _("Write a text of at most %(limit)s characters.") % {"limit": TEXT_LIMIT}
        raise InvalidInput(message, fields={name: [message]})
    return text


def authority_of(step: ApprovalStep) -> Department | None:
    """Who answers: the data authority of the office's region, or the next above where the office is that itself."""
    region = step.department.region
    authority = Department.objects.authority_for(region)
    if authority is not None and authority.pk == step.department_id:
        return Department.objects.authority_for(region.parent) if region.parent else None
    return authority


def may_be_asked(step: ApprovalStep) -> bool:
    """Whether more time can still be asked for: for a provider's step that is open and not late, once."""
    is_open = step.state == StepState.OPEN and step.due_at is not None and step.due_at > timezone.now()
    return is_open and step.lane_id is not None and not step.is_afterwards and not hasattr(step, "extension")


def _locked(step: ApprovalStep) -> ApprovalStep:
    """The step, its request locked before it."""
    workflow.lock(step.request_id)
    rows = ApprovalStep.objects.select_for_update(of=("self",))
    return rows.select_related("request__department", "department__region", "extension").get(pk=step.pk)


def _log(extension: Extension, verb: str, actor: Actor, note: str) -> None:
    step = extension.step
    data = {"step": str(step.pk), "stage": step.stage, "department": step.department.name, "note": note}
    data |= {"extension": str(extension.pk), "days": str(extension.days)}
    record.append(stream=record.stream_of(step.request), verb=verb, actor=actor, data=data)


def _words(step: ApprovalStep, note: str) -> dict[str, str]:
    number, title = step.request.number or "", step.request.title
    return {"number": number, "title": title, "department": step.department.name, "note": note[:200]}


@transaction.atomic
def ask(*, step: ApprovalStep, actor: Actor, reason: str) -> Extension:
    """Ask the data authority for as many working days again; until it answers, the deadline stays.

    Raises:
        NotPermitted: whoever may not decide the step.
        WrongState: not a provider's open step, late already, asked before, or no authority to ask.
        InvalidInput: no reason.
    """
    step = _locked(step)
    actor = access.require(actor, Permission.STEP_DECIDE, step)
    assert actor.user
    if not may_be_asked(step):
        raise WrongState(_("More time can be asked for once, on a provider's step, before its deadline."))
    authority = authority_of(step)
    if authority is None:
        raise WrongState(_("There is no data authority that could consent."))
    extension = Extension.objects.create(
        step=step, authority=authority, days=step.working_days, reason=_text(reason, "reason"), asked_by=actor.user
    )
    _log(extension, "extension.asked", actor, extension.reason)
    people = [user for duty in AUTHORITY_DUTIES for user in holders(authority, duty)]
    url, data = extension.get_absolute_url(), _words(step, extension.reason)
    notify(people, NoticeKind.EXTENSION_ASKED, url=url, data=data, department=authority)
    return extension


@transaction.atomic
def answer(*, extension: Extension, actor: Actor, is_given: bool, note: str = "") -> Extension:
    """Consent, which moves the deadline, or not, with the reason; the office and the applicant are told.

    Raises:
        WrongState: answered already, or the step was decided meanwhile. InvalidInput: refused without a reason.
    """
    step = _locked(extension.step)
    extension = Extension.objects.select_for_update(of=("self",)).select_related("authority").get(pk=extension.pk)
    actor = access.require(actor, Permission.EXTENSION_ANSWER, extension)
    if extension.outcome != ExtensionOutcome.ASKED or step.state not in (StepState.OPEN, StepState.PAUSED):
        raise WrongState(_("This was answered already, or the step is decided."))
    extension.step = step
    extension.note = _text(note, "note") if note.strip() or not is_given else ""
    extension.outcome = ExtensionOutcome.GIVEN if is_given else ExtensionOutcome.DENIED
    extension.answered_by, extension.answered_at = actor.user, timezone.now()
    extension.save()
    if is_given:
        _lengthen(step, extension.days)
    _log(extension, f"extension.{extension.outcome}", actor, extension.note)
    _tell(extension)
    return extension


def _lengthen(step: ApprovalStep, days: int) -> None:
    """Count the deadline with ``days`` more from the day on which the clock last started."""
    step.working_days += days
    if step.state == StepState.PAUSED:
        step.days_left = (step.days_left or 0) + days
    else:
        assert step.opened_at
        step.term_days = (step.term_days or step.working_days - days) + days
        due = calendar_around(timezone.localdate()).add(timezone.localdate(step.opened_at), step.term_days)
        step.due_at, step.is_provisional = due.at, due.is_provisional
        step.warned_at = step.reminded_at = step.escalated_at = None
    step.save()


def _tell(extension: Extension) -> None:
    step, request = extension.step, extension.step.request
    note = f"{extension.get_outcome_display()} {extension.note}".strip()
    data, kind = _words(step, note), NoticeKind.EXTENSION_ANSWERED
    office = holders(step.department, step.duty)
    notify(office, kind, url=step.get_absolute_url(), data=data, department=step.department)
    if extension.outcome == ExtensionOutcome.GIVEN:
        telling.changed([request])
        url = request.get_absolute_url()
        notify(told_of(request), kind, url=url, data=data, department=request.department)
