"""Works out for each dataset of a draft which offices decide it and by when, what it asks for, what is in its way.

Nothing is saved, and the number of queries does not grow with the datasets or their providers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import DataItem, Sensitivity
from portal.access import Actor
from portal.calendars.working_days import Deadline, WorkingDays, calendar_around
from portal.departments.models import Department, Duty
from portal.lists import listed
from sharing import drafts
from sharing.facts import columns_of_rows, facts_from, highest_sensitivity
from sharing.models import ApplicantKind, Grant, ItemState, RequestItem, Restriction, SharingRequest
from sharing.models.route import titled
from sharing.questions.asked import Asked, asked_of
from sharing.questions.kinds import Kind
from sharing.restrictions.queries import on_request
from sharing.routes import ItemFacts, PlannedStep, RequestFacts, RouteError, Stage, parse_stages, resolve
from sharing.routing.choice import version_for
from sharing.supervision.figures import usual_days

TO_DROP = ({Sensitivity.SENSITIVE}, {Sensitivity.SENSITIVE, Sensitivity.PERSONAL})
"""Which data items may be left out to be faster: first the most sensitive alone, then all personal ones."""


@dataclass(frozen=True)
class Office:
    """One step on the way of a dataset."""

    title: str
    department: str
    working_days: int
    is_security: bool
    is_afterwards: bool


@dataclass(frozen=True)
class Narrower:
    """Without the data items called ``names`` these stages fall away, and it is so many working days shorter."""

    names: list[str]
    stages: list[str]
    days: int

    def __str__(self) -> str:
        names, stages = (listed(f"“{name}”" for name in part) for part in (self.names, self.stages))
        words = {"names": names, "stages": stages, "n": self.days}
        if not self.stages:
            return _("Without %(names)s it is %(n)s working days shorter.") % words
        return _("Without %(names)s, %(stages)s falls away: %(n)s working days sooner.") % words


@dataclass(frozen=True)
class Row:
    """One dataset. ``latest`` is the last day if each office uses its whole term, ``usual`` as they have decided so
    far (None where nobody has); ``held`` the end of a grant, ``asked_in`` the number of an open request for it."""

    item: RequestItem
    offices: list[Office]
    forms: list[Asked]
    latest: Deadline | None
    usual: dt.date | None
    held: dt.date | None
    asked_in: str | None
    narrower: Narrower | None
    problem: str

    @property
    def needs_security(self) -> bool:
        return any(office.is_security for office in self.offices)

    @property
    def missing(self) -> int:
        """Required answers that are missing."""
        return sum(len(form.missing) for form in self.forms)

    @property
    def papers(self) -> list[str]:
        """Files that the questions ask for."""
        return [q.title for form in self.forms for q in form.questions if q.kind == Kind.FILE and q.required]

    @property
    def is_ready(self) -> bool:
        return not (self.problem or self.missing)


FILTERS: dict[str, Any] = {
    "problems": lambda row: not row.is_ready,
    "security": lambda row: row.needs_security,
    "held": lambda row: row.held is not None or row.asked_in is not None,
    "faster": lambda row: row.narrower is not None,
}


@dataclass(frozen=True)
class Precheck:
    """The whole draft: its rows, what is missing by field (``drafts.missing``), and the steps that it would take."""

    rows: list[Row]
    wrong: dict[str, list[str]]
    planned: list[PlannedStep]
    asked: list[Asked]
    restrictions: list[Restriction]
    route_error: RouteError | None

    @cached_property
    def counts(self) -> dict[str, int]:
        return {name: sum(map(test, self.rows)) for name, test in FILTERS.items()}

    @property
    def latest(self) -> Deadline | None:
        days = [row.latest for row in self.rows if row.latest]
        return max(days, key=lambda due: due.day, default=None)

    @property
    def usual(self) -> dt.date | None:
        return max((row.usual for row in self.rows if row.usual), default=None)


def had(
    departments: Collection[UUID], dataset_ids: Collection[UUID], but: SharingRequest | None = None
) -> dict[str, dict[UUID, Any]]:
    """What departments have of these datasets: the end of the grant, or the number of the open request. Two queries."""
    held = Grant.objects.in_force().of_departments().filter(department__in=departments, dataset__in=dataset_ids)
    asked = RequestItem.objects.filter(
        request__department__in=departments,
        request__applicant_kind=ApplicantKind.DEPARTMENT,
        dataset__in=dataset_ids,
        state__in=ItemState.undecided(),
    )
    if but is not None:
        asked = asked.exclude(request=but)
    return {
        "held": dict(held.order_by("valid_until").values_list("dataset_id", "valid_until")),
        "asked": dict(asked.order_by("id").values_list("dataset_id", "request__number")),
    }


def check(request: SharingRequest, actor: Actor) -> Precheck:
    """Check a draft as ``actor`` would submit it now."""
    live = request.items.exclude(state__in=ItemState.answered())
    live = live.select_related("dataset__provider__region").prefetch_related("dataset__items")
    items = list(live.order_by("id"))
    asked, entries = asked_of(request), on_request(request, actor.people_ids)
    wrong = drafts.missing(request, items, asked, entries)
    if not items:
        return Precheck([], wrong, [], asked, entries, None)
    facts = facts_from(request, items)
    stages, planned, error = _plan(facts, request)
    having = had([request.department_id], [item.dataset_id for item in items], request)
    way = _Way(facts, stages, planned, _fields(items))
    rows = [_row(item, way, asked, having) for item in items]
    return Precheck(rows, wrong, planned, asked, entries, error)


def _plan(facts: RequestFacts, request: SharingRequest) -> tuple[Sequence[Stage], list[PlannedStep], RouteError | None]:
    try:
        stages = parse_stages(version_for(facts, request.department.region).stages)
        return stages, resolve(stages, facts), None
    except RouteError as error:
        return (), [], error


Fields = Mapping[UUID, Mapping[str, tuple[str, str]]]


def _fields(items: Sequence[RequestItem]) -> Fields:
    """(name, sensitivity) of each column of each dataset."""
    found: dict[UUID, dict[str, tuple[str, str]]] = {}
    rows = DataItem.objects.filter(dataset__in=[item.dataset_id for item in items])
    for dataset, column, name, sensitivity in rows.values_list("dataset_id", "column", "name", "sensitivity"):
        found.setdefault(dataset, {})[column] = (name, sensitivity)
    return found


class _Way:
    """The steps of all items, with names and days read once."""

    def __init__(
        self, facts: RequestFacts, stages: Sequence[Stage], planned: Sequence[PlannedStep], fields: Fields
    ) -> None:
        self.facts, self.fields = facts, fields
        self.stages = [stage for stage in stages if not stage.is_copy]
        self.of_item: dict[UUID, list[PlannedStep]] = {}
        for plan in planned:
            for item_id in plan.item_ids:
                self.of_item.setdefault(item_id, []).append(plan)
        self.by_item = {item.id: item for item in facts.items}
        self.names = dict(
            Department.objects.filter(pk__in={plan.department for plan in planned}).values_list("pk", "name")
        )
        self.usual = usual_days({(plan.department, plan.stage.key) for plan in planned})
        self.today = timezone.localdate()
        self._calendar: WorkingDays = calendar_around(self.today)
        self._days: dict[int, Deadline] = {}

    def day(self, working_days: int) -> Deadline:
        if working_days not in self._days:
            self._days[working_days] = self._calendar.add(self.today, working_days)
        return self._days[working_days]

    def offices(self, plans: Sequence[PlannedStep]) -> list[Office]:
        return [
            Office(
                titled(plan.stage.title, plan.stage.title_en),
                self.names[plan.department],
                plan.stage.working_days,
                plan.stage.duty == Duty.SECURITY_OFFICER,
                plan.stage.afterwards,
            )
            for plan in plans
        ]

    def latest(self, plans: Sequence[PlannedStep]) -> Deadline | None:
        days = sum(plan.stage.working_days for plan in plans if not plan.stage.afterwards)
        return self.day(days) if days else None

    def usual_day(self, plans: Sequence[PlannedStep]) -> dt.date | None:
        before = [plan for plan in plans if not plan.stage.afterwards]
        known = [self.usual.get((plan.department, plan.stage.key)) for plan in before]
        if not any(known):
            return None
        days = sum(n or plan.stage.working_days for n, plan in zip(known, before, strict=True))
        return self.day(days).day

    def narrower(self, item: RequestItem) -> Narrower | None:
        """The fewest data items to leave out for a shorter way; None where that makes no difference."""
        fields, fact = self.fields.get(item.dataset_id, {}), self.by_item[item.pk]
        covering = [stage for stage in self.stages if stage.covers(self.facts, fact)]
        for levels in TO_DROP:
            dropped = [c for c in item.columns if c in fields and fields[c][1] in levels]
            kept = [c for c in item.columns if c not in dropped]
            if not dropped or not kept:
                continue
            left = [stage for stage in self.stages if stage.covers(self.facts, self._with(fact, item, kept))]
            days = _days(covering) - _days(left)
            if days > 0 and _days(left):
                gone = [titled(stage.title, stage.title_en) for stage in covering if stage not in left]
                return Narrower([fields[column][0] for column in dropped], gone, days)
        return None

    def _with(self, fact: ItemFacts, item: RequestItem, columns: Sequence[str]) -> ItemFacts:
        known = {column: level for column, (_name, level) in self.fields[item.dataset_id].items()}
        return replace(fact, personal_data=highest_sensitivity(known, [*columns, *columns_of_rows(item)]))


def _days(stages: Sequence[Stage]) -> int:
    return sum(stage.working_days for stage in stages if not stage.afterwards)


def _row(item: RequestItem, way: _Way, asked: Sequence[Asked], having: dict[str, dict[UUID, Any]]) -> Row:
    plans = way.of_item.get(item.pk, [])
    return Row(
        item=item,
        offices=way.offices(plans),
        forms=[each for each in asked if item.pk in each.items],
        latest=way.latest(plans),
        usual=way.usual_day(plans),
        held=having["held"].get(item.dataset_id),
        asked_in=having["asked"].get(item.dataset_id),
        narrower=way.narrower(item) if plans else None,
        problem=drafts.item_problem(item),
    )
