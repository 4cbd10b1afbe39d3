"""A department's figures, now and day by day, and the ranking of departments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, Q, QuerySet, Sum
from django.utils import timezone

from catalog.models import HealthSnapshot, RecordHealth
from catalog.quality.queries import scores_by_department

WEIGHTS = {"completeness": 3, "timeliness": 3, "conformance": 2, "quality": 2}
"""What counts for the score; a part that cannot be measured yet leaves the others their proportion."""
KEPT_DAYS = 3 * 366


def measured(rows: QuerySet[RecordHealth], today: dt.date) -> Iterator[tuple[UUID, HealthSnapshot]]:
    """The figures of each department that has published records, by two queries; not saved."""
    counted = (
        rows.order_by()
        .values("provider")
        .annotate(
            records=Count("pk"),
            percent=Avg("completeness"),
            promised=Count("due_on"),
            late=Count("pk", filter=Q(due_on__lt=today)),
            conforming=Avg("dataset__conformance__score"),
            opened=Count("pk", filter=Q(is_open=True)),
            loaded=Count("pk", filter=Q(has_data=True)),
            all_items=Sum("items"),
            all_linked=Sum("linked"),
        )
    )
    found = list(counted)
    quality = scores_by_department(row["provider"] for row in found)
    for row in found:
        scored = quality.get(row["provider"])
        yield row["provider"], _snapshot({**row, "quality": scored.score if scored else None}, today)


def _snapshot(row: dict[str, Any], today: dt.date) -> HealthSnapshot:
    found = HealthSnapshot(
        department_id=row["provider"],
        day=today,
        records=row["records"],
        late=row["late"],
        completeness=row["percent"] / 100 if row["percent"] is not None else None,
        timeliness=1 - row["late"] / row["promised"] if row["promised"] else None,
        conformance=row["conforming"],
        quality=row["quality"],
        open_share=row["opened"] / row["records"],
        data_share=row["loaded"] / row["records"],
        linked_share=row["all_linked"] / row["all_items"] if row["all_items"] else None,
    )
    known = {name: getattr(found, name) for name in WEIGHTS if getattr(found, name) is not None}
    weight = sum(WEIGHTS[name] for name in known)
    found.score = sum(WEIGHTS[name] * value for name, value in known.items()) / weight if weight else None
    return found


def now(department: UUID) -> HealthSnapshot | None:
    """A department's figures at this moment; None without published records."""
    rows = RecordHealth.objects.filter(provider=department)
    return next((found for _pk, found in measured(rows, timezone.localdate())), None)


def keep(today: dt.date | None = None) -> int:
    """Keep today's figures of every department, once a day however often it runs; returns how many."""
    day = today or timezone.localdate()
    made = [found for _pk, found in measured(RecordHealth.objects.all(), day)]
    fields = [f.name for f in HealthSnapshot._meta.concrete_fields if f.name not in ("id", "department", "day")]
    HealthSnapshot.objects.bulk_create(
        made,
        update_conflicts=True,
        unique_fields=["department", "day"],
        update_fields=fields,
        batch_size=1_000,
    )
    HealthSnapshot.objects.filter(day__lt=day - dt.timedelta(days=KEPT_DAYS)).delete()
    return len(made)


def last_day() -> dt.date | None:
    """The day of the newest figures."""
    return HealthSnapshot.objects.order_by("-day").values_list("day", flat=True).first()
