"""How much a record is used, how good its data are and whether they are fresh: what the order of a search weighs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Avg
from django.utils import timezone

from catalog.models import DatasetSearchRow, Freshness, QualityBand, QualityScore, RecordHealth

USE_DAYS = 90
BATCH = 1_000
_FIELDS = ("uses", "quality", "quality_band", "freshness")
Counter = Callable[[Sequence[UUID], dt.date], Mapping[UUID, int]]
_counters: list[Counter] = []


def register_uses(counter: Counter) -> None:
    """Count by ``counter(ids, since)`` how often datasets were used since a day."""
    _counters.append(counter)


@transaction.atomic
def renew(ids: Sequence[UUID]) -> int:
    """Bring these records' standing up to date; a fixed number of queries however many. Returns how many changed."""
    today = timezone.localdate()
    since = today - dt.timedelta(days=USE_DAYS)
    uses: dict[UUID, int] = {}
    for counter in _counters:
        for pk, n in counter(ids, since).items():
            uses[pk] = uses.get(pk, 0) + n
    scores = QualityScore.objects.filter(version__current_of__dataset__in=ids).order_by()
    quality = dict(scores.values_list("version__current_of__dataset").annotate(mean=Avg("total")))
    due = dict(RecordHealth.objects.filter(pk__in=ids).values_list("pk", "due_on"))
    changed = []
    rows = DatasetSearchRow.objects.filter(pk__in=ids).defer("heading", "tokens").order_by("pk")
    # a row that another transaction holds is being indexed, and gets its standing there
    for row in rows.select_for_update(of=("self",), skip_locked=True):
        before = [getattr(row, name) for name in _FIELDS]
        score = quality.get(row.pk)
        row.uses = uses.get(row.pk, 0)
        row.quality = 0 if score is None else max(1, round(100 * score))
        row.quality_band = _band(row.quality)
        row.freshness = _freshness(due.get(row.pk), today)
        if before != [getattr(row, name) for name in _FIELDS]:
            changed.append(row)
    DatasetSearchRow.objects.bulk_update(changed, _FIELDS, batch_size=BATCH)
    return len(changed)


def on_indexed(ids: Sequence[UUID]) -> None:
    """With the search rows that are written."""
    renew(ids)


def renew_all() -> int:
    """The standing of every record, a batch at a time: every night, as days pass and data are used."""
    done, last = 0, UUID(int=0)
    rows = DatasetSearchRow.objects.order_by("pk").values_list("pk", flat=True)
    while ids := list(rows.filter(pk__gt=last)[:BATCH]):
        done, last = done + renew(ids), ids[-1]
    return done


def _band(quality: int) -> QualityBand:
    if not quality:
        return QualityBand.UNKNOWN
    if quality < 60:
        return QualityBand.LOW
    return QualityBand.FAIR if quality < 80 else QualityBand.GOOD


def _freshness(due: dt.date | None, today: dt.date) -> Freshness:
    if due is None:
        return Freshness.NONE
    return Freshness.LATE if due < today else Freshness.FRESH
