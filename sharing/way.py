"""The way of a request as a picture: common steps, then a lane for each provider, with people, dates and decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from portal.calendars.working_days import Deadline, calendar_around
from portal.departments.duties import holders_of
from portal.departments.models import Department, Membership
from sharing.models import ApprovalStep, SharingRequest, StepItem, Verdict
from sharing.models.route import titled
from sharing.routes import PlannedStep


@dataclass(frozen=True)
class ShownStep:
    """One step: the record, who holds the duty there, the verdicts by count, and the decisions with names."""

    step: ApprovalStep
    people: list[str]
    verdicts: list[tuple[str, int]]
    decisions: list[StepItem]
    items: int


@dataclass(frozen=True)
class ShownLane:
    """The common steps (``department`` None), or those of one provider."""

    department: Department | None
    steps: list[ShownStep]


def way_of(request: SharingRequest) -> list[ShownLane]:
    """The lanes of a submitted request; four queries."""
    steps = list(request.steps.select_related("department", "lane").order_by("order", "id"))
    entries: dict[UUID, list[StepItem]] = {}
    rows = StepItem.objects.filter(step__request=request).select_related("decided_by", "decided_for", "item__dataset")
    for entry in rows.order_by("item_id"):
        entries.setdefault(entry.step_id, []).append(entry)
    people = _people(steps)
    lanes: dict[Any, ShownLane] = {}
    for step in sorted(steps, key=lambda s: (s.lane_id is not None, str(s.lane_id), s.order)):
        lane = lanes.setdefault(step.lane_id, ShownLane(step.lane, []))
        lane.steps.append(_shown(step, entries.get(step.pk, []), people))
    return list(lanes.values())


def _people(steps: list[ApprovalStep]) -> dict[tuple[UUID, str], list[str]]:
    found: dict[tuple[UUID, str], list[str]] = {}
    rows = Membership.objects.current().filter(department__in={step.department_id for step in steps})
    for row in rows.select_related("user").order_by("user__name"):
        found.setdefault((row.department_id, row.duty), []).append(str(row.user))
    return found


def _shown(step: ApprovalStep, entries: list[StepItem], people: dict[tuple[UUID, str], list[str]]) -> ShownStep:
    counted = Counter(entry.verdict for entry in entries if entry.verdict)
    return ShownStep(
        step=step,
        people=people.get((step.department_id, step.duty), []),
        verdicts=[(str(Verdict(verdict).label), n) for verdict, n in sorted(counted.items())],
        decisions=[entry for entry in entries if entry.verdict],
        items=sum(entry.is_needed for entry in entries),
    )


@dataclass(frozen=True)
class PreviewStep:
    """A step that would be made: whose, by whom, on how many items, and by which day it is due at the latest.

    ``due`` is None for a review afterwards.
    """

    title: str
    office: str
    people: list[str]
    working_days: int
    items: int
    quorum: int
    is_afterwards: bool
    due: Deadline | None


Preview = list[tuple[Department | None, list[PreviewStep]]]


def lanes_of(planned: Sequence[PlannedStep]) -> Preview:
    """Planned steps as lanes with people and dates, were each office to use its whole term from today on."""
    offices = {(p.department, p.stage.duty) for p in planned}
    departments = Department.objects.in_bulk({p.department for p in planned} | {p.lane for p in planned if p.lane})
    people = holders_of(offices)
    today = timezone.localdate()
    calendar = calendar_around(today)
    spent: dict[UUID | None, int] = {}
    lanes: dict[UUID | None, list[PreviewStep]] = {}
    for plan in planned:
        stage = plan.stage
        if not stage.afterwards:
            spent[plan.lane] = spent.get(plan.lane, spent.get(None, 0)) + stage.working_days
        step = PreviewStep(
            title=titled(stage.title, stage.title_en),
            office=departments[plan.department].name,
            people=[str(user) for user in people[plan.department, stage.duty]],
            working_days=stage.working_days,
            items=len(plan.item_ids),
            quorum=stage.quorum,
            is_afterwards=stage.afterwards,
            due=None if stage.afterwards else calendar.add(today, spent[plan.lane]),
        )
        lanes.setdefault(plan.lane, []).append(step)
    return [(departments.get(lane) if lane else None, steps) for lane, steps in lanes.items()]


def last_day(lanes: Preview) -> Deadline | None:
    """When everything is answered at the latest, were each office to use its whole term."""
    days = [step.due for _lane, steps in lanes for step in steps if step.due]
    return max(days, key=lambda due: due.day, default=None)
