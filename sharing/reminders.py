"""Deadlines of steps: reminders before and after, what follows when nobody decides, and a calendar that changes.

Each is sent once for each running of the clock, however long the worker was away and however often the job runs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.accounts.models import User
from portal.calendars import terms
from portal.calendars.working_days import calendar_around
from portal.departments.duties import holders
from portal.departments.models import Department, Duty
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing.models import (
    ApprovalStep,
    CorrectionReport,
    Demand,
    Dispute,
    DisputeStage,
    GrantRenewal,
    SharingQuestion,
    SharingRequest,
    SupervisionNotice,
)
from sharing.once import each_once
from sharing.routes import Late

LOT = 1_000
RECEIVED = "opened_at__date"
WARN_DAYS = 1
"""Working days before the deadline on which an office is reminded."""
ESCALATE_DAYS = 2
"""Working days after the deadline on which others are told, where the route says so."""


def _each(rows: QuerySet[ApprovalStep], mark: str, tell: Callable[[ApprovalStep], object]) -> int:
    """Mark and tell the steps of ``rows`` one by one; returns how many."""
    return each_once(rows, mark, tell, "request__department", "department__region")


def _tell(step: ApprovalStep, kind: NoticeKind, people: Iterable[User], department: Department) -> None:
    request = step.request
    data = {"number": request.number, "title": request.title, "department": step.department.name}
    notify(people, kind, url=step.get_absolute_url(), data=data, department=department)


def _tell_office(step: ApprovalStep, kind: NoticeKind) -> None:
    _tell(step, kind, holders(step.department, step.duty), step.department)


def warn_early() -> int:
    """Remind the offices whose deadline is ``WARN_DAYS`` working days away or nearer; returns how many steps."""
    today = timezone.localdate()
    limit = calendar_around(today).add(today, WARN_DAYS).at
    soon = ApprovalStep.objects.open().filter(due_at__gte=timezone.now(), due_at__lte=limit, warned_at__isnull=True)
    return _each(
        soon,
        "warned_at",
        lambda step: _tell(step, NoticeKind.STEP_DUE, holders(step.department, step.duty), step.department),
    )


def remind_late() -> int:
    """Remind the offices whose deadline has passed; returns how many steps."""
    late = ApprovalStep.objects.open().filter(due_at__lt=timezone.now(), reminded_at__isnull=True)
    return _each(late, "reminded_at", lambda step: _tell_office(step, NoticeKind.STEP_LATE))


def superior_of(step: ApprovalStep) -> Department | None:
    """Who is told when a step stays late: the office's superior in its line, or its data authority."""
    department = step.department
    if step.late == Late.ESCALATE and department.parent and department.parent.is_active:
        return department.parent
    region = department.region
    authority = Department.objects.authority_for(region)
    if authority == department and region.parent:
        authority = Department.objects.authority_for(region.parent)
    return authority if authority != department else None


def _escalate(step: ApprovalStep) -> None:
    superior = superior_of(step)
    if superior is None:
        return
    duty = Duty.AUTHORITY_REVIEWER if superior.is_authority else step.duty
    people = holders(superior, duty) or holders(superior, Duty.CLERK)
    _tell(step, NoticeKind.STEP_ESCALATED, people, superior)


def escalate() -> int:
    """Tell the superior or the authority of steps that stay late, where their route says so; returns how many."""
    today = timezone.localdate()
    calendar = calendar_around(today)
    day = today
    for _n in range(ESCALATE_DAYS):
        day -= dt.timedelta(days=1)
        while not calendar.is_working(day):
            day -= dt.timedelta(days=1)
    limit = timezone.make_aware(dt.datetime.combine(day, timezone.localtime().time()))
    late = ApprovalStep.objects.open().filter(due_at__lt=limit, escalated_at__isnull=True).exclude(late=Late.REMIND)
    return _each(late, "escalated_at", _escalate)


def recount(years: Collection[int]) -> int:
    """Count the deadlines of whatever waits again that reach into ``years``; returns how many changed.

    Requests are locked before what belongs to them, as every command does; demands and reports before requests, as a
    merger of departments does.
    """
    if not years:
        return 0
    count = sum(terms.recount_terms(rows, years) for rows in (Demand.objects.all(), CorrectionReport.objects.all()))
    disputes = Dispute.objects.exclude(stage=DisputeStage.SETTLED)
    steps = terms.reaching(ApprovalStep.objects.open(), years, RECEIVED)
    contested = terms.reaching(disputes, years, "term_from")
    waiting = Q(pk__in=steps.values("request")) | Q(pk__in=contested.values("item__request"))
    requests = SharingRequest.objects.filter(waiting).select_for_update(of=("self",)).order_by("pk")
    for _pk in requests.values_list("pk", flat=True).iterator(chunk_size=LOT):
        pass
    count += terms.recount(ApprovalStep.objects.open(), years, RECEIVED, _counted)
    others: tuple[QuerySet[Any], ...] = (
        disputes,
        SupervisionNotice.objects.filter(answered_at__isnull=True),
        GrantRenewal.objects.pending(),
        SharingQuestion.objects.filter(answered_at__isnull=True),
    )
    return count + sum(terms.recount_terms(rows, years) for rows in others)


def _counted(step: ApprovalStep) -> tuple[dt.date, int]:
    assert step.opened_at
    return timezone.localdate(step.opened_at), step.term_days or step.working_days
