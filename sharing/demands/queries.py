"""The list of demands as pages, exports and the API ask for it, its figures, and what exists already."""

from __future__ import annotations

import datetime as dt
import statistics
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog.models import Dataset
from catalog.search import SearchQuery, search
from portal.access import Standing
from portal.calendars.working_days import WorkingDays
from portal.views import clean_text
from sharing.models import Demand, DemandState
from sharing.models.demand import ACTIVE_STATES, DemandQuerySet, in_charge

YEAR = dt.timedelta(days=365)
SAMPLE = 2_000
"""The newest answers from which the time to answer is told."""
SIMILAR = 5
SORTS: dict[str, tuple[Any, ...]] = {
    "created": ("created_at", "id"),
    "-created": ("-created_at", "-id"),
    "due": ("due_at", "id"),
    "-due": (F("due_at").desc(nulls_last=True), "-id"),
    "title": ("title", "id"),
    "-title": ("-title", "-id"),
}
SIDES = ("all", "mine", "answer", "charge")


def side_of(standing: Standing, side: str) -> DemandQuerySet:
    """One's department's own demands, those it has to answer, those in one's charge, or all that one may read."""
    rows = Demand.objects.readable_by(standing)
    departments = standing.departments_with()
    if side == "mine":
        return rows.filter(Q(department__in=departments) | Q(pk__in=joined_by(standing)))
    if side == "answer":
        return rows.filter(holder__in=departments)
    if side == "charge":
        return rows.filter(in_charge(standing))
    return rows


def joined_by(standing: Standing) -> Any:
    """Demands that one's departments joined."""
    return Demand.objects.filter(supporters__department__in=standing.departments_with()).values("pk")


def matching(rows: DemandQuerySet, params: Any) -> DemandQuerySet:
    """``rows`` under the filters of the address: words, state, department, lateness, and in its order."""
    if text := clean_text(params.get("q", ""))[:100]:
        rows = rows.filter(Q(number__istartswith=text) | Q(title__icontains=text) | Q(content__icontains=text))
    if (state := params.get("state", "")) in DemandState.values:
        rows = rows.filter(state=state)
    elif state == "open":
        rows = rows.open()
    if text := clean_text(params.get("department", ""))[:100]:
        named = Q(department__name__icontains=text) | Q(holder__name__icontains=text)
        rows = rows.filter(named | Q(department__credit_code=text) | Q(holder__credit_code=text))
    if params.get("late") == "1":
        rows = rows.late()
    return rows.order_by(*SORTS.get(params.get("sort", ""), SORTS["-created"]))


def shown(rows: QuerySet[Demand]) -> QuerySet[Demand]:
    """With what a line shows."""
    return rows.select_related("department", "holder", "authority").annotate(joined=Count("supporters", distinct=True))


@dataclass(frozen=True)
class Figures:
    """What stands above the list; ``median_days`` are working days, ``fulfilled`` a share in percent."""

    open: int
    late: int
    median_days: float | None
    fulfilled: int | None


def figures(rows: QuerySet[Demand]) -> Figures:
    """Four numbers in four queries, however many demands there are."""
    ended = Q(state__in=[DemandState.DECLINED, DemandState.REJECTED])
    met = Q(state__in=[DemandState.CATALOGUED, DemandState.FULFILLED])
    counted = rows.order_by().aggregate(
        active=Count("pk", filter=Q(state__in=ACTIVE_STATES)),
        late=Count("pk", filter=Q(state__in=ACTIVE_STATES, due_at__lt=timezone.now())),
        met=Count("pk", filter=met),
        ended=Count("pk", filter=ended),
    )
    total = counted["met"] + counted["ended"]
    share = round(100 * counted["met"] / total) if total else None
    return Figures(counted["active"], counted["late"], median_days(rows), share)


def median_days(rows: QuerySet[Demand]) -> float | None:
    """The median of the working days from asking to the holder's or authority's answer, of the last 12 months."""
    now = timezone.now()
    answered = rows.filter(answered_at__gte=now - YEAR).order_by(Coalesce("answered_at", "created_at").desc())
    times = list(answered.values_list("created_at", "answered_at")[:SAMPLE])
    if not times:
        return None
    days = [(timezone.localdate(a), timezone.localdate(b)) for a, b in times]
    calendar = WorkingDays(min(a for a, _b in days), max(b for _a, b in days))
    return float(statistics.median(calendar.between(a, b) for a, b in days))


@dataclass(frozen=True)
class Similar:
    """What may be meant already: records of the catalogue, and open demands that one could join."""

    datasets: list[Dataset]
    demands: list[Demand]


def similar(text: str, standing: Standing | None) -> Similar:
    """What exists for these words; without a standing only what the public may see."""
    text = clean_text(text)[:100]
    if len(text) < 2:
        return Similar([], [])
    groups = standing.reader_groups if standing else []
    found = search(SearchQuery(text=text), groups, is_public=standing is None, facets=False)
    rows = Demand.objects.readable_by(standing).open() if standing else Demand.objects.public().open()
    field = "title__icontains" if standing else "public_title__icontains"
    demands = rows.filter(**{field: text}).order_by("-created_at", "-id")
    return Similar(found.datasets[:SIMILAR], list(demands.select_related("department", "holder")[:SIMILAR]))
