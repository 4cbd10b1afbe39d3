"""Keeps a row on the keeping of each published record, in the transaction of each change."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, Subquery
from django.utils import timezone

from catalog.completeness import WEIGHTS, score_of
from catalog.cycles import next_due
from catalog.models import DataItem, Dataset, Distribution, OpenType, RecordHealth

_WRITTEN = ("provider", "completeness", "renewed_on", "due_on", "is_open", "has_data", "items", "linked")


@transaction.atomic
def renew(ids: Sequence[UUID]) -> None:
    """Bring the rows of these records up to date; a fixed number of queries however many records."""
    loaded = Distribution.objects.filter(dataset=OuterRef("pk"), current__isnull=False)
    newest = loaded.order_by().values("dataset").annotate(at=Max("current__created_at")).values("at")
    themes = Dataset.themes.through.objects.filter(dataset=OuterRef("pk"))
    rows = Dataset.objects.filter(pk__in=list(ids)).published()
    rows = rows.annotate(has_themes=Exists(themes), loaded_at=Subquery(newest))
    counted = _items_of(ids)
    made = [_row(dataset, *counted.get(dataset.pk, (0, 0, 0))) for dataset in rows]
    RecordHealth.objects.filter(dataset__in=list(ids)).exclude(dataset__in=[row.dataset_id for row in made]).delete()
    RecordHealth.objects.bulk_create(
        made, update_conflicts=True, unique_fields=["dataset"], update_fields=_WRITTEN, batch_size=1_000
    )


def _items_of(ids: Sequence[UUID]) -> dict[UUID, tuple[int, int, int]]:
    """How many items each record has, how many say what they are, and how many follow a data element."""
    linked = Q(element__isnull=False)
    rows = DataItem.objects.filter(dataset__in=list(ids)).order_by().values_list("dataset")
    counted = rows.annotate(
        n=Count("pk"), described=Count("pk", filter=linked | ~Q(description="")), linked=Count("pk", filter=linked)
    )
    return {pk: (n, described, links) for pk, n, described, links in counted}


def _row(dataset: Dataset, items: int, described: int, linked: int) -> RecordHealth:
    loaded_at = dataset.loaded_at  # type: ignore[attr-defined]
    said = {name: getattr(dataset, f"{name}_id" if name == "spatial" else name) for name in WEIGHTS if name != "themes"}
    said |= {"sharing_type": dataset.sharing_type, "open_type": dataset.open_type}
    renewed_on = timezone.localdate(loaded_at or dataset.modified)
    return RecordHealth(
        dataset=dataset,
        provider_id=dataset.provider_id,
        completeness=score_of({**said, "themes": dataset.has_themes}, items, described).percent,  # type: ignore[attr-defined]
        renewed_on=renewed_on,
        due_on=next_due(renewed_on, dataset.update_cycle),
        is_open=dataset.open_type == OpenType.OPEN,
        has_data=loaded_at is not None,
        items=items,
        linked=linked,
    )


def renew_missing(batch: int = 1_000) -> int:
    """Make the rows of published records that have none; returns how many."""
    done = 0
    while ids := list(Dataset.objects.published().filter(health__isnull=True).values_list("pk", flat=True)[:batch]):
        renew(ids)
        done += len(ids)
    return done
