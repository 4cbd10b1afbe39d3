"""One query builder for the internal catalogue, the public section, the API, exports and counts.

It reads the narrow search rows: words by a GIN index, visibility by an array overlap, counts capped at 10,000.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Count, F, FloatField, Func, QuerySet, Value
from django.http import QueryDict

from catalog.models import DataItem, Dataset, DatasetSearchRow, DatasetState, OpenType
from catalog.rules import reader_groups
from catalog.words import tsquery, words
from portal.access import EVERYONE
from portal.departments.models import Region

COUNT_LIMIT = 10_000
PAGE_SIZE = 20
LAST_PAGE = COUNT_LIMIT // PAGE_SIZE
FACET_SIZE = 30

SORTS = {"modified": ("-modified", "-dataset_id"), "title": ("title", "dataset_id")}
FACETS = {
    "theme": "theme_codes",
    "provider": "provider_id",
    "level": "level",
    "sharing": "sharing_type",
    "open": "open_type",
    "cycle": "update_cycle",
    "grade": "grade",
    "format": "formats",
    "state": "state",
}
"""URL parameter → column of the search row."""
_ARRAYS = ("theme_codes", "formats")


@dataclass(frozen=True)
class SearchQuery:
    """What is looked for: text, chosen values per facet, a region with all below it, order and page."""

    text: str = ""
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    region: str = ""
    has_data: bool = False
    sort: str = ""
    page: int = 1

    @classmethod
    def from_params(cls, params: QueryDict) -> SearchQuery:
        """From URL parameters; what makes no sense is left out."""
        filters = {name: tuple(_clean(v) for v in params.getlist(name)[:50] if v) for name in FACETS}
        try:
            page = min(max(1, int(params.get("page", "1")[:9])), LAST_PAGE)
        except ValueError:
            page = 1
        return cls(
            text=_clean(params.get("q", ""))[:200],
            filters={name: values for name, values in filters.items() if values},
            region=_clean(params.get("region", ""))[:12],
            has_data=params.get("data") == "1",
            sort=params.get("sort", "") if params.get("sort") in SORTS else "",
            page=page,
        )


def _clean(text: str) -> str:
    return text.encode("utf-8", "ignore").decode("utf-8").replace("\x00", "").strip()


@dataclass(frozen=True)
class Result:
    """One page of datasets in order, how many there are (at most 10,000, then ``is_capped``), and facet counts."""

    datasets: list[Dataset]
    total: int
    is_capped: bool
    facets: dict[str, list[tuple[str, int]]]
    query: SearchQuery

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def has_next(self) -> bool:
        return self.query.page < self.pages

    @property
    def next_page(self) -> int:
        return self.query.page + 1

    @property
    def previous_page(self) -> int:
        return min(self.query.page - 1, self.pages)


class _Matches(Func):
    """``vector @@ query``; the words are cut by ``catalog.words``, so PostgreSQL's own parser is not asked."""

    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = BooleanField()


class _Rank(Func):
    template = "ts_rank(%(expressions)s::tsquery)"
    output_field = FloatField()


def search(query: SearchQuery, groups: Sequence[int], *, is_public: bool = False, facets: bool = True) -> Result:
    """Datasets that ``groups`` may read and that meet ``query``; a fixed number of database queries."""
    rows = matching(query, groups, is_public=is_public)
    ids = list(_ordered(rows, query).values_list("dataset_id", flat=True)[_slice(query)])
    found = Dataset.objects.select_related("provider__region", "search_row").prefetch_related("themes").in_bulk(ids)
    total = rows.order_by()[: COUNT_LIMIT + 1].count()
    return Result(
        datasets=[found[pk] for pk in ids if pk in found],
        total=min(total, COUNT_LIMIT),
        is_capped=total > COUNT_LIMIT,
        facets=_facets(query, groups, is_public=is_public) if facets else {},
        query=query,
    )


def _slice(query: SearchQuery) -> slice:
    return slice((query.page - 1) * PAGE_SIZE, query.page * PAGE_SIZE)


def matching(
    query: SearchQuery, groups: Sequence[int], *, is_public: bool = False, without: str = ""
) -> QuerySet[DatasetSearchRow]:
    """The search rows that meet ``query``, unordered; ``without`` leaves one facet's own choice out."""
    rows = DatasetSearchRow.objects.filter(reader_groups__overlap=[EVERYONE] if is_public else list(groups))
    if is_public:
        rows = rows.filter(state=DatasetState.PUBLISHED, open_type=OpenType.OPEN)
    elif "state" not in query.filters:
        rows = rows.filter(state=DatasetState.PUBLISHED)
    terms = tsquery(query.text)
    if terms:
        rows = rows.filter(_Matches(F("tokens"), Value(terms)))
    if query.has_data:
        rows = rows.filter(has_data=True)
    if query.region:
        region = Region.objects.filter(pk=query.region).first()
        rows = rows.filter(region__path__startswith=region.path) if region else rows.none()
    for name, values in query.filters.items():
        if name != without:
            rows = _filtered(rows, FACETS[name], values)
    return rows


def _filtered(rows: QuerySet[DatasetSearchRow], column: str, values: Sequence[str]) -> QuerySet[DatasetSearchRow]:
    if column in _ARRAYS:
        return rows.filter(**{f"{column}__overlap": list(values)})
    typed: list[Any] = []
    for value in values:
        if column in ("level", "grade"):
            typed += [int(value)] if value.isdecimal() and len(value) < 3 else []
        elif column == "provider_id":
            typed += as_uuids([value])
        else:
            typed.append(value)
    return rows.filter(**{f"{column}__in": typed})


def as_uuids(values: Iterable[str]) -> list[UUID]:
    """Those of ``values`` that are UUIDs."""
    found = []
    for value in values:
        with contextlib.suppress(ValueError):
            found.append(UUID(value))
    return found


def _ordered(rows: QuerySet[DatasetSearchRow], query: SearchQuery) -> QuerySet[DatasetSearchRow]:
    terms = tsquery(query.text)
    if terms and not query.sort:
        return rows.annotate(rank=_Rank(F("tokens"), Value(terms))).order_by("-rank", "-modified", "-dataset_id")
    return rows.order_by(*SORTS[query.sort or "modified"])


def _facets(query: SearchQuery, groups: Sequence[int], *, is_public: bool) -> dict[str, list[tuple[str, int]]]:
    """Counts per facet over the first 10,000 matches, each without its own choice; one query a facet."""
    counts: dict[str, list[tuple[str, int]]] = {}
    for name, column in FACETS.items():
        if name == "state" or (is_public and name in ("sharing", "open", "grade")):
            continue
        rows = matching(query, groups, is_public=is_public, without=name).order_by()
        capped = DatasetSearchRow.objects.filter(pk__in=rows.values("pk")[:COUNT_LIMIT])
        counts[name] = _count_array(capped, column) if column in _ARRAYS else _count(capped, column)
    return counts


def _count(rows: QuerySet[DatasetSearchRow], column: str) -> list[tuple[str, int]]:
    counted = rows.values_list(column).annotate(n=Count("pk")).order_by("-n", column)[:FACET_SIZE]
    return [(str(value), n) for value, n in counted]


def _count_array(rows: QuerySet[DatasetSearchRow], column: str) -> list[tuple[str, int]]:
    try:
        sql, params = rows.values(column).query.sql_with_params()
    except EmptyResultSet:  # a filter that nothing can meet
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT value, count(*) FROM ({sql}) found, unnest(found.{column}) AS value "  # noqa: S608
            "GROUP BY value ORDER BY 2 DESC, 1 LIMIT %s",
            [*params, FACET_SIZE],
        )
        return [(str(value), n) for value, n in cursor.fetchall()]


Indexer = Callable[[Sequence[UUID]], None]
_indexers: list[Indexer] = []


def register_indexer(indexer: Indexer) -> None:
    """Call ``indexer(ids)`` whenever search rows are brought up to date, in the same transaction."""
    _indexers.append(indexer)


def index(ids: Iterable[UUID]) -> None:
    """Bring the search rows of these datasets up to date, in the caller's transaction."""
    ids = list(ids)
    datasets = (
        Dataset.objects.filter(pk__in=ids)
        .select_related("provider__region")
        .prefetch_related("themes", "distributions__current")
    )
    names: dict[UUID, list[str]] = {}
    for pk, name in DataItem.objects.filter(dataset__in=datasets).values_list("dataset_id", "name"):
        names.setdefault(pk, []).append(name)
    rows = [row_of(dataset, names.get(dataset.pk, []), reader_groups(dataset)) for dataset in datasets]
    write_rows(rows)
    indexed(ids)


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


_COLUMNS = [str(f.column) for f in DatasetSearchRow._meta.concrete_fields if f.name != "tokens"]


def write_rows(rows: Sequence[tuple[DatasetSearchRow, dict[str, str]]]) -> None:
    """Insert or replace search rows in one statement a batch; words are weighted A, B, C."""
    table = DatasetSearchRow._meta.db_table
    fields = [f for f in DatasetSearchRow._meta.concrete_fields if f.name != "tokens"]
    places = ", ".join(["%s"] * len(fields))
    updates = ", ".join(f"{column} = EXCLUDED.{column}" for column in [*_COLUMNS[1:], "tokens"])
    sql = (
        f"INSERT INTO {table} ({', '.join(_COLUMNS)}, tokens) VALUES ({places}, %s::tsvector) "  # noqa: S608
        f"ON CONFLICT (dataset_id) DO UPDATE SET {updates}"
    )
    values = []
    for row, texts in rows:
        cells = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]
        values.append([*cells, vector_text(texts)])
    with connection.cursor() as cursor:
        cursor.executemany(sql, values)


def vector_text(texts: Mapping[str, str]) -> str:
    """Words with positions and weights in the text form of ``tsvector``; at most 16,000 words count."""
    entries: list[str] = []
    for weight in sorted(texts):
        entries += [f"'{word}':{len(entries) + n}{weight}" for n, word in enumerate(words(texts[weight]), start=1)]
    return " ".join(entries[:16_000])
