"""What the pages of applications from outside show."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from catalog.items import applicable_columns
from catalog.models import DataItem, Dataset
from portal.calendars.working_days import WorkingDays
from sharing.models import Grant, RequestState, RouteVersion, SharingRequest
from sharing.models.route import titled
from sharing.routes import Who, parse_stages

FIGURES_SECONDS = 300
SAMPLE = 2_000
FORMER = 10
ROUTE = "open-conditional"
"""The shipped route of applications from outside."""


def listed_datasets(text: str) -> QuerySet[Dataset]:
    """Conditionally open datasets, the newest first; of a title, a summary or a provider that has ``text``."""
    rows = Dataset.objects.conditionally_open()
    if text:
        named = Q(title__icontains=text) | Q(summary__icontains=text) | Q(provider__name__icontains=text)
        rows = rows.filter(named)
    return rows.select_related("provider", "search_row").prefetch_related("themes").order_by("-modified", "-id")


def items_of(dataset: Dataset) -> list[DataItem]:
    """The items that can be applied for."""
    return list(dataset.items.filter(column__in=applicable_columns(dataset)).order_by("position", "id"))


def items_by_dataset(datasets: Iterable[Dataset]) -> dict[UUID, list[DataItem]]:
    """The same for many; one query."""
    found: dict[UUID, list[DataItem]] = {}
    rows = DataItem.objects.filter(dataset__in=list(datasets)).exclude(open_type="not_open")
    for item in rows.order_by("position", "id"):
        found.setdefault(item.dataset_id, []).append(item)
    return found


def stages_of_route() -> list[dict[str, Any]]:
    """The stages through which applications go at present and their working days, for those who think of applying.

    A review that only some data need is left out.
    """
    version = RouteVersion.objects.in_force().filter(route=ROUTE).first()
    stages = parse_stages(version.stages) if version else ()
    return [
        {
            "label": titled(stage.title, stage.title_en),
            "days": stage.working_days,
            "is_lane": stage.who == Who.PROVIDER,
        }
        for stage in stages
        if not (stage.any_of or stage.is_copy or stage.afterwards)
    ]


def figures() -> dict[str, Any]:
    """How many applied, how many got data, and the median of working days; counted at most every five minutes."""
    found: dict[str, Any] | None = cache.get("open:applications")
    if found is None:
        rows = SharingRequest.objects.from_outside().filter(submitted_at__isnull=False)
        granted = rows.filter(Exists(Grant.objects.filter(outside=OuterRef("pk"))))
        found = {
            "datasets": Dataset.objects.conditionally_open().count(),
            "applied": rows.count(),
            "granted": granted.count(),
            "median": _median_days(rows.filter(state=RequestState.COMPLETED)),
        }
        cache.set("open:applications", found, FIGURES_SECONDS)
    return found


def _median_days(rows: QuerySet[SharingRequest]) -> float | None:
    """Median of the working days from receipt to the last answer, of the newest that are completed."""
    pairs = list(rows.order_by("-submitted_at").values_list("submitted_at", "completed_at")[:SAMPLE])
    days = [(timezone.localdate(first), timezone.localdate(last)) for first, last in pairs if first and last]
    if not days:
        return None
    calendar = WorkingDays(min(first for first, _last in days), max(last for _first, last in days))
    return statistics.median(max(0, calendar.between(first, last)) for first, last in days)


def former_of(request: SharingRequest) -> dict[str, Sequence[Any]]:
    """Other applications with the same credit code, and what it may use at present; nothing for departments."""
    if not request.is_outside:
        return {}
    code = request.outside.credit_code
    others = SharingRequest.objects.from_outside().filter(outside__credit_code=code).exclude(pk=request.pk)
    held = Grant.objects.in_force().filter(outside__credit_code=code).exclude(outside=request.pk)
    return {
        "former_applications": list(others.with_item_counts().order_by("-submitted_at")[:FORMER]),
        "held_outside": list(held.select_related("dataset__provider").order_by("-created_at")[:FORMER]),
    }
