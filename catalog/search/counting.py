"""How many rows meet a query, and how many have each value of each facet: over the first 10,000, in one reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from catalog.models import DatasetSearchRow
from catalog.search.asking import ARRAYS, COUNT_LIMIT, FACETS, SearchQuery
from catalog.search.matching import matching

FACET_SIZE = 30
REGION = "region"
"""Counted with every value, since a page adds them up along the tree of regions."""
HIDDEN_FROM_PUBLIC = ("sharing", "open", "grade")

Counts = dict[str, list[tuple[str, int]]]


def facet_names(*, is_public: bool) -> list[str]:
    """The facets that are counted."""
    names = [name for name in FACETS if name != "state" and not (is_public and name in HIDDEN_FROM_PUBLIC)]
    return [*names, REGION]


def count(
    query: SearchQuery, groups: Sequence[int], *, is_public: bool = False, facets: bool = True
) -> tuple[int, Counts]:
    """The number of matches, at most one more than COUNT_LIMIT, and the counts of each facet without its own choice.

    One query, and one for each facet of which something is chosen.
    """
    names = facet_names(is_public=is_public) if facets else []
    chosen = [name for name in names if name in query.filters]
    total, counts = _counted(matching(query, groups, is_public=is_public), [n for n in names if n not in chosen])
    for name in chosen:
        _n, own = _counted(matching(query, groups, is_public=is_public, without=name), [name])
        counts |= own
    return total, {name: counts[name] for name in names}


def _counted(rows: QuerySet[DatasetSearchRow], names: Sequence[str]) -> tuple[int, Counts]:
    counts: Counts = {name: [] for name in names}
    columns = [FACETS.get(name, "region_id") for name in names]
    try:
        source, params = rows.order_by().values("dataset_id", *columns)[: COUNT_LIMIT + 1].query.sql_with_params()
    except EmptyResultSet:  # a filter that nothing can meet
        return 0, counts
    asked = ["SELECT '' AS facet, '' AS value, count(*) AS n FROM found"]
    for name, column in zip(names, columns, strict=True):
        values = f"unnest({column})" if column in ARRAYS else column
        one = f"SELECT ({values})::text AS value FROM found"  # noqa: S608
        asked.append(
            f"(SELECT '{name}', value, count(*) FROM ({one}) AS one "  # noqa: S608
            f"GROUP BY value ORDER BY 3 DESC, 2 LIMIT {'ALL' if name == REGION else FACET_SIZE})"
        )
    sql = f"WITH found AS MATERIALIZED ({source}) {' UNION ALL '.join(asked)}"
    total = 0
    found: list[tuple[Any, ...]]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchall()
    for facet, value, n in found:
        if facet:
            counts[facet].append((str(value), n))
        else:
            total = n
    return total, counts
