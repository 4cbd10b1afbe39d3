"""Issuing supervision notices and answering them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.codes import next_serial
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.calendars.working_days import calendar_around
from portal.departments.duties import holders
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing.models import ApprovalStep, StepState, SupervisionNotice

NOTICE_LIMIT = 100
TEXT_LIMIT = 2_000


def _checked(text: str, name: str) -> str:
    text = text.strip()
    if not text or len(text) > TEXT_LIMIT:
        message = _("Write a text of at most %(limit)s characters.") % {"limit": TEXT_LIMIT}
        raise InvalidInput(message, fields={name: [message]})
    return text


@transaction.atomic
def issue(*, step_ids: Collection[UUID], actor: Actor, text: str, days: int) -> list[SupervisionNotice]:
    """Send the same notice on each of these late steps; those decided meanwhile are passed over.

    ``days`` are working days until the answer is due.

    Raises:
        NotPermitted: one of the offices is not in the actor's charge.
        InvalidInput: no text, too many steps, or a term that is not between 1 and 30 days.
    """
    text = _checked(text, "text")
    if not 1 <= days <= 30 or len(step_ids) > NOTICE_LIMIT:
        message = _("Choose at most %(limit)s steps, and between 1 and 30 working days.") % {"limit": NOTICE_LIMIT}
        raise InvalidInput(message, fields={"days": [message]})
    rows = ApprovalStep.objects.filter(pk__in=step_ids, state=StepState.OPEN, due_at__lt=timezone.now())
    locked = rows.select_for_update(of=("self",)).select_related("request", "department__region").order_by("pk")
    now = timezone.localtime()
    due = calendar_around(now.date()).add(now.date(), days)
    made = []
    for step in locked:
        who = access.require(actor, Permission.STEP_SUPERVISE, step)
        assert who.user
        notice = SupervisionNotice(
            number=f"DB{now:%Y}{next_serial(f'DB{now:%Y}'):06d}",
            step=step,
            authority=_authority(who, step),
            issued_by=who.user,
            text=text,
        )
        notice.set_term(due)
        notice.save(force_insert=True)
        _log(notice, "supervision.issued", who, text)
        people = holders(step.department, step.duty) + holders(step.department, Duty.CLERK)
        data = {"number": notice.number, "title": step.request.title, "note": text}
        url = step.get_absolute_url()
        notify(people, NoticeKind.SUPERVISED, url=url, data=data, department=step.department)
        made.append(notice)
    return made


def _authority(actor: Actor, step: ApprovalStep) -> Department:
    """The actor's authority nearest to the office."""
    mine = actor.standing.departments_with(*AUTHORITY_DUTIES)
    rows = Department.objects.filter(pk__in=mine, region__code__in=step.department.region.path_codes)
    found = rows.exclude(pk=step.department_id).order_by("-region__level").first()
    assert found
    return found


def _log(notice: SupervisionNotice, verb: str, actor: Actor, note: str) -> None:
    data = {"number": notice.number, "step": str(notice.step_id), "note": note}
    record.append(stream=record.stream_of(notice.step.request), verb=verb, actor=actor, data=data)


@transaction.atomic
def answer(*, notice: SupervisionNotice, actor: Actor, text: str) -> SupervisionNotice:
    """Answer a notice for the office; once.

    Raises:
        WrongState: it was answered already.
    """
    locked = SupervisionNotice.objects.select_for_update(of=("self",))
    notice = locked.select_related("step__request", "step__department", "authority", "issued_by").get(pk=notice.pk)
    actor = access.require(actor, Permission.STEP_ANSWER, notice.step)
    if notice.answered_at:
        raise WrongState(_("This notice has been answered already."))
    notice.answer, notice.answered_by, notice.answered_at = _checked(text, "text"), actor.user, timezone.now()
    notice.save(update_fields=["answer", "answered_by", "answered_at"])
    _log(notice, "supervision.answered", actor, notice.answer)
    data = {"number": notice.number, "department": notice.step.department.name, "note": notice.answer}
    url = notice.step.request.get_absolute_url()
    notify([notice.issued_by], NoticeKind.SUPERVISION_ANSWERED, url=url, data=data, department=notice.authority)
    return notice


def notices_on(step_id: UUID) -> QuerySet[SupervisionNotice]:
    """The notices on a step, the newest first."""
    rows = SupervisionNotice.objects.filter(step=step_id)
    return rows.select_related("authority", "issued_by", "answered_by").order_by("-issued_at")
