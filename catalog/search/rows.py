"""The search rows: written in the transaction that changes a dataset, so that the next request finds what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from catalog.models import DataItem, Dataset, DatasetSearchRow
from catalog.rules import reader_groups
from catalog.search.words import heading_words, words

Indexer = Callable[[Sequence[UUID]], None]
_indexers: list[Indexer] = []


def register_indexer(indexer: Indexer) -> None:
    """Call ``indexer(ids)`` whenever search rows are brought up to date, in the same transaction."""
    _indexers.append(indexer)


def index(ids: Iterable[UUID]) -> None:
    """Bring the search rows of these datasets up to date, in the caller's transaction."""
    ids = list(ids)
    renew(ids)
    indexed(ids)


def renew(ids: Sequence[UUID]) -> None:
    """Write the search rows of these datasets anew; what other rooms derive from them stays."""
    write_rows(rows_of(ids))


def rows_of(ids: Sequence[UUID]) -> list[tuple[DatasetSearchRow, dict[str, str]]]:
    """The search rows that these datasets should have, not saved, with their texts by weight."""
    datasets = (
        Dataset.objects.filter(pk__in=ids)
        .select_related("provider__region")
        .prefetch_related("themes", "distributions__current")
    )
    names: dict[UUID, list[str]] = {}
    for pk, name in DataItem.objects.filter(dataset__in=datasets).values_list("dataset_id", "name"):
        names.setdefault(pk, []).append(name)
    return [row_of(dataset, names.get(dataset.pk, []), reader_groups(dataset)) for dataset in datasets]


def indexed(ids: Sequence[UUID]) -> None:
    """Tell the registered indexers that these datasets changed."""
    for indexer in _indexers:
        indexer(ids)


def row_of(dataset: Dataset, item_names: Sequence[str], groups: list[int]) -> tuple[DatasetSearchRow, dict[str, str]]:
    """The search row of a dataset, and its texts by weight for the words."""
    tables = [d.current for d in dataset.distributions.all() if d.current]
    themes = list(dataset.themes.all())
    row = DatasetSearchRow(
        dataset=dataset,
        reader_groups=groups,
        title=dataset.title,
        state=dataset.state,
        provider=dataset.provider,
        region=dataset.provider.region,
        level=dataset.provider.region.level,
        theme_codes=sorted({code for theme in themes for code in theme.lineage}),
        formats=sorted({d.media_type for d in dataset.distributions.all() if d.current}),
        sharing_type=dataset.sharing_type,
        open_type=dataset.open_type,
        update_cycle=dataset.update_cycle,
        grade=dataset.grade,
        has_data=bool(tables),
        row_count=sum(table.row_count for table in tables),
        issued=dataset.issued,
        modified=dataset.modified,
    )
    texts = {
        "A": f"{dataset.title} {dataset.code}",
        "B": " ".join([*dataset.keywords, *(theme.name for theme in themes), *item_names]),
        "C": f"{dataset.provider.name} {dataset.summary}",
    }
    return row, texts


def drifted(ids: Sequence[UUID]) -> list[UUID]:
    """Those of these datasets whose row is missing or holds other words or readers than the dataset would give now."""
    wanted = rows_of(ids)
    values, cells = list[str](), list[Any]()
    for row, texts in wanted:
        headings, others = headings_of(texts)
        values.append("(%s::uuid, %s::int[], %s::tsvector, %s::tsvector)")
        cells += [row.dataset_id, row.reader_groups, vector_text(headings), vector_text(headings + others)]
    if not values:
        return []
    table = DatasetSearchRow._meta.db_table
    sql = (
        f"SELECT w.id FROM (VALUES {', '.join(values)}) AS w(id, readers, heading, tokens) "  # noqa: S608
        f"LEFT JOIN {table} r ON r.dataset_id = w.id "
        "WHERE r.dataset_id IS NULL OR r.heading <> w.heading OR r.tokens <> w.tokens "
        "OR NOT (r.reader_groups @> w.readers AND w.readers @> r.reader_groups)"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, cells)
        return [row[0] for row in cursor.fetchall()]


_VECTORS = ("heading", "tokens")
_COLUMNS = [str(f.column) for f in DatasetSearchRow._meta.concrete_fields if f.name not in _VECTORS]


def write_rows(rows: Sequence[tuple[DatasetSearchRow, dict[str, str]]]) -> None:
    """Insert or replace search rows in one statement a batch.

    The words of the heading (title and code A; keywords, themes and item names B) stand in a column of their own, which
    is small enough to be ranked by; all words are in the other one, C being the rest.
    """
    table = DatasetSearchRow._meta.db_table
    fields = [f for f in DatasetSearchRow._meta.concrete_fields if f.name not in _VECTORS]
    places = ", ".join(["%s"] * len(fields))
    updates = ", ".join(f"{column} = EXCLUDED.{column}" for column in [*_COLUMNS[1:], *_VECTORS])
    sql = (
        f"INSERT INTO {table} ({', '.join([*_COLUMNS, *_VECTORS])}) "  # noqa: S608
        f"VALUES ({places}, %s::tsvector, %s::tsvector) "
        f"ON CONFLICT (dataset_id) DO UPDATE SET {updates}"
    )
    values = []
    for row, texts in rows:
        cells = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]
        headings, others = headings_of(texts)
        values.append([*cells, vector_text(headings), vector_text(headings + others)])
    with connection.cursor() as cursor:
        cursor.executemany(sql, values)


Weighted = list[tuple[str, str]]
"""Words with their weights, in order."""


def headings_of(texts: Mapping[str, str]) -> tuple[Weighted, Weighted]:
    """The words of the heading and of all else."""
    headings = [(word, weight) for weight in "AB" for word in heading_words(texts.get(weight, ""))]
    return headings, [(word, "C") for word in words(texts.get("C", ""))]


def vector_text(found: Weighted) -> str:
    """Words with positions and weights in the text form of ``tsvector``; at most 16,000 words count."""
    return " ".join(f"'{word}':{place}{weight}" for place, (word, weight) in enumerate(found[:16_000], start=1))
