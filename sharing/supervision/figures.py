"""What departments need for their decisions: working days by stage and office, and the share on time.

Everything is counted from steps that were decided; ``days_used`` are the working days during which a step was open,
without those on which it waited for the applicant.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Aggregate, Count, F, FloatField, Q, QuerySet
from django.utils import timezone

from portal.access import Standing
from portal.calendars.working_days import calendar_around
from portal.departments.scope import regions_in_charge
from sharing.models import ApprovalStep, StepItem, StepState, Verdict
from sharing.models.step import ApprovalStepQuerySet

KNOWN_FROM = 5
"""Decided steps from which on an office's own median is told."""


class Percentile(Aggregate):
    """``percentile_cont`` of an expression."""

    function = "percentile_cont"
    output_field = FloatField()
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, expression: Any, fraction: float, **extra: Any) -> None:
        super().__init__(expression, fraction=fraction, **extra)


@dataclass(frozen=True)
class Period:
    """Days from ``first`` to ``last`` inclusive."""

    first: dt.date
    last: dt.date

    @classmethod
    def year(cls, year: int) -> Period:
        return cls(dt.date(year, 1, 1), dt.date(year, 12, 31))

    def of(self, field: str) -> Q:
        """Rows whose moment ``field`` lies in the period."""
        start = timezone.make_aware(dt.datetime.combine(self.first, dt.time()))
        end = timezone.make_aware(dt.datetime.combine(self.last + dt.timedelta(days=1), dt.time()))
        return Q(**{f"{field}__gte": start, f"{field}__lt": end})


def in_charge(standing: Standing) -> ApprovalStepQuerySet:
    """Steps of the offices in the regions of which one is the authority, and below."""
    within = Q(pk__in=[])
    for path in regions_in_charge(standing):
        within |= Q(department__region__path__startswith=path)
    return ApprovalStep.objects.filter(within)


def by_office(steps: QuerySet[ApprovalStep], period: Period) -> Any:
    """A line for each department and stage: decided, median and 90th percentile of working days, on time."""
    done = steps.filter(period.of("decided_at"), state=StepState.DONE)
    grouped = done.values("department", "department__name", "department__region__name", "stage", "title", "title_en")
    return grouped.annotate(
        decided=Count("pk"),
        median=Percentile("days_used", 0.5),
        p90=Percentile("days_used", 0.9),
        on_time=Count("pk", filter=Q(decided_at__lte=F("due_at"))),
    ).order_by("-decided", "department__name", "stage")


def board(steps: QuerySet[ApprovalStep], period: Period) -> dict[str, int]:
    """The figures of the authority's board: steps open and late now; decided in the period, on time; verdicts."""
    now = timezone.now()
    counted = steps.aggregate(
        open=Count("pk", filter=Q(state=StepState.OPEN)),
        late=Count("pk", filter=Q(state=StepState.OPEN, due_at__lt=now)),
        decided=Count("pk", filter=period.of("decided_at") & Q(state=StepState.DONE)),
        on_time=Count("pk", filter=period.of("decided_at") & Q(state=StepState.DONE, decided_at__lte=F("due_at"))),
    )
    entries = StepItem.objects.filter(period.of("decided_at"), step__in=steps).exclude(verdict="")
    verdicts = {verdict: Count("pk", filter=Q(verdict=verdict)) for verdict in Verdict.values}
    return {name: int(n) for name, n in {**counted, **entries.aggregate(**verdicts)}.items()}


def usual_days(offices: Iterable[tuple[UUID, str]], since: dt.date | None = None) -> dict[tuple[UUID, str], int]:
    """Working days in which an office usually decides in a stage, by (department, stage), over the last year.

    The median of its own decisions where there are enough, else of all offices in that stage; none where nobody has
    decided in it yet. Two queries.
    """
    wanted = set(offices)
    stages = {stage for _department, stage in wanted}
    start = since or timezone.localdate() - dt.timedelta(days=365)
    done = ApprovalStep.objects.filter(state=StepState.DONE, decided_at__date__gte=start, stage__in=stages).order_by()
    own = done.filter(department__in={department for department, _stage in wanted})
    rows = own.values_list("department", "stage").annotate(n=Count("pk"), days=Percentile("days_used", 0.5))
    found = {(department, stage): days for department, stage, n, days in rows if n >= KNOWN_FROM}
    general = dict(done.values_list("stage").annotate(days=Percentile("days_used", 0.5)))
    known = {office: found.get(office, general.get(office[1])) for office in wanted}
    return {office: max(1, round(days)) for office, days in known.items() if days is not None}


def expected_day(steps: Collection[ApprovalStep]) -> dt.date | None:
    """When the steps of a request that are not decided yet are usually done; None when all are, or nothing is known.

    Lanes run at the same time; within a lane and before it, steps follow each other.
    """

    left = [
        s for s in steps if s.state in (StepState.OPEN, StepState.WAITING, StepState.PAUSED) and not s.is_afterwards
    ]
    if not left:
        return None
    usual = usual_days((step.department_id, step.stage) for step in left)
    if not usual:
        return None
    spent: dict[UUID | None, int] = {}
    for step in sorted(left, key=lambda each: (each.lane_id is not None, each.order)):
        days = usual.get((step.department_id, step.stage), step.working_days)
        spent[step.lane_id] = spent.get(step.lane_id, spent.get(None, 0)) + days
    today = timezone.localdate()
    return calendar_around(today).add(today, max(spent.values())).day
