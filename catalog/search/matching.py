"""Which search rows meet a query: words by a GIN index, visibility by an array overlap, facets by columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, F, Func, QuerySet, Value

from catalog.models import DatasetSearchRow, DatasetState, OpenType
from catalog.search.asking import ARRAYS, FACETS, SearchQuery, as_uuids
from catalog.search.wishes import wish_of
from portal.access import EVERYONE
from portal.departments.models import Region


class Matches(Func):
    """``vector @@ query``; the words are cut by ``catalog.search.words``, so PostgreSQL's own parser is not asked."""

    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = BooleanField()


def permitted(
    query: SearchQuery, groups: Sequence[int], *, is_public: bool = False, without: str = ""
) -> QuerySet[DatasetSearchRow]:
    """The rows that ``groups`` may read and that meet all of ``query`` but its words, unordered."""
    rows = DatasetSearchRow.objects.filter(reader_groups__overlap=[EVERYONE] if is_public else list(groups))
    if is_public:
        rows = rows.filter(state=DatasetState.PUBLISHED, open_type=OpenType.OPEN)
    elif "state" not in query.filters:
        rows = rows.filter(state=DatasetState.PUBLISHED)
    if query.has_data:
        rows = rows.filter(has_data=True)
    if query.region:
        region = Region.objects.filter(pk=query.region).first()
        rows = rows.filter(region__path__startswith=region.path) if region else rows.none()
    for name, values in query.filters.items():
        if name != without:
            rows = _filtered(rows, FACETS[name], values)
    return rows


def matching(
    query: SearchQuery, groups: Sequence[int], *, is_public: bool = False, without: str = ""
) -> QuerySet[DatasetSearchRow]:
    """The search rows that meet ``query``, unordered; ``without`` leaves one facet's own choice out."""
    rows = permitted(query, groups, is_public=is_public, without=without)
    asked = wish_of(query.text).tsquery
    return rows.filter(Matches(F("tokens"), Value(asked))) if asked else rows


def _filtered(rows: QuerySet[DatasetSearchRow], column: str, values: Sequence[str]) -> QuerySet[DatasetSearchRow]:
    if column in ARRAYS:
        return rows.filter(**{f"{column}__overlap": list(values)})
    typed: list[Any] = []
    for value in values:
        if column in ("level", "grade", "quality_band"):
            typed += [int(value)] if value.isdecimal() and len(value) < 3 else []
        elif column == "provider_id":
            typed += as_uuids([value])
        else:
            typed.append(value)
    return rows.filter(**{f"{column}__in": typed})
