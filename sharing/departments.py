"""What sharing knows of a department: requests in and out, open steps, and how fast it answers."""

from __future__ import annotations

import datetime as dt
import statistics

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.calendars.working_days import WorkingDays
from portal.departments.figures import Figure
from portal.departments.models import Department
from sharing.models import ApprovalStep, RequestItem, RequestState, SharingRequest, StepState

YEAR = dt.timedelta(days=365)
SAMPLE = 2_000
"""The newest decided steps from which the response time is told."""


def figures(department: Department) -> list[Figure]:
    """Six numbers in five queries."""
    out = (
        SharingRequest.objects.from_departments()
        .filter(department=department)
        .exclude(state=RequestState.DRAFT)
        .count()
    )
    asked = RequestItem.objects.filter(dataset__provider=department).exclude(request__state=RequestState.DRAFT)
    into = asked.aggregate(n=Count("request", distinct=True))["n"]
    steps = ApprovalStep.objects.filter(department=department)
    waiting = steps.filter(state=StepState.OPEN).aggregate(
        n=Count("pk"), late=Count("pk", filter=Q(due_at__lt=timezone.now()))
    )
    median, late = response_times(department)
    return [
        Figure(gettext_lazy("Requests it made"), out),
        Figure(gettext_lazy("Requests for its data"), into),
        Figure(gettext_lazy("Open steps"), waiting["n"], tone="bad" if waiting["late"] else ""),
        Figure(gettext_lazy("Median working days to decide"), "—" if median is None else f"{median:g}"),
        Figure(gettext_lazy("Decided late, last 12 months"), "—" if late is None else _percent(late)),
    ]


def _percent(share: float) -> str:
    return _("%(share)d%%") % {"share": round(share * 100)}


def response_times(department: Department) -> tuple[float | None, float | None]:
    """(median working days from opening to decision, share decided late) of the last 12 months; None without any."""
    decided = ApprovalStep.objects.filter(
        department=department,
        state=StepState.DONE,
        decided_at__gte=timezone.now() - YEAR,
        opened_at__isnull=False,
    ).order_by("-decided_at")
    rows = list(decided.values_list("opened_at", "decided_at", "due_at")[:SAMPLE])
    if not rows:
        return None, None
    days = [(timezone.localdate(opened), timezone.localdate(done)) for opened, done, _due in rows]
    calendar = WorkingDays(min(a for a, _b in days), max(b for _a, b in days))
    spent = [_between(calendar, first, last) for first, last in days]
    return statistics.median(spent), sum(bool(due and done and due < done) for _opened, done, due in rows) / len(rows)


def _between(calendar: WorkingDays, first: dt.date, last: dt.date) -> int:
    """Working days after ``first`` up to ``last``, as deadlines count them."""
    return sum(calendar.is_working(first + dt.timedelta(days=n)) for n in range(1, (last - first).days + 1))
