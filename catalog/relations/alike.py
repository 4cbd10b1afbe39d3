"""Datasets that resemble one, and those that can be joined with it: only what the reader may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from catalog.models import DataItem, Dataset, DatasetSearchRow, DatasetState
from catalog.search.wishes import wish_of
from catalog.sources.sketches import current_sketches, overlap

SHOWN = 6
CANDIDATES = 2_000
WORDS = 24
ITEMS = 2_000


@dataclass(frozen=True)
class Joinable:
    """A dataset that shares data elements; ``overlap`` is the share of keys that both hold, None where not known."""

    dataset: Dataset
    elements: list[str]
    overlap: float | None


def like(dataset: Dataset, groups: Sequence[int]) -> list[Dataset]:
    """The published datasets whose title, keywords and items share most words with this one's; two queries."""
    names = dataset.items.values_list("name", flat=True)[:WORDS]
    texts = dict.fromkeys([dataset.title, *dataset.keywords, *names])
    asked = [group for text in texts for group in wish_of(text).groups if len(group.text) > 1]
    # the words as they were written: what else means the same would lead away
    lexemes = dict.fromkeys(group.alternatives[0].sql() for group in asked)
    if not lexemes:
        return []
    table = DatasetSearchRow._meta.db_table
    sql = f"""
        WITH found AS MATERIALIZED (
            SELECT dataset_id, heading, modified FROM {table}
            WHERE heading @@ %s::tsquery AND reader_groups && %s::int[] AND state = %s AND dataset_id <> %s
            LIMIT {CANDIDATES}
        )
        SELECT dataset_id FROM found
        ORDER BY ts_rank(heading, %s::tsquery, 1) DESC, modified DESC, dataset_id LIMIT {SHOWN}
    """  # noqa: S608
    query = " | ".join(list(lexemes)[:WORDS])
    with connection.cursor() as cursor:
        cursor.execute(sql, [query, list(groups), DatasetState.PUBLISHED, dataset.pk, query])
        ids: list[UUID] = [row[0] for row in cursor.fetchall()]
    found = Dataset.objects.select_related("provider").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def joinable(dataset: Dataset, groups: Sequence[int]) -> list[Joinable]:
    """Published datasets that hold the same data elements, those with most of them first; four queries."""
    own = list(dataset.items.filter(element__isnull=False).values_list("element", flat=True))
    readable = DatasetSearchRow.objects.filter(state=DatasetState.PUBLISHED, reader_groups__overlap=list(groups))
    rows = DataItem.objects.filter(element__in=own, dataset__in=readable.values("pk")).exclude(dataset=dataset)
    shared: dict[UUID, list[str]] = {}
    for pk, name in rows.order_by("dataset_id").values_list("dataset_id", "element__name").distinct()[:ITEMS]:
        shared.setdefault(pk, []).append(name)
    best = [pk for pk, _n in Counter({pk: len(names) for pk, names in shared.items()}).most_common(SHOWN)]
    found = Dataset.objects.select_related("provider").in_bulk(best)
    sketches = current_sketches([dataset.pk, *best])
    here = sketches.get(dataset.pk)
    return [
        Joinable(found[pk], shared[pk], overlap(here, sketches[pk]) if here and pk in sketches else None)
        for pk in best
        if pk in found
    ]
