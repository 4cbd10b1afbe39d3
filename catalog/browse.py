"""Browsing the rows of a table part by URL: conditions ``c`` ``o`` ``v``, a sort and a page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import QueryDict

from catalog.parts import TablePart
from catalog.tables.engine import Query, Sort
from catalog.tables.filters import OPERATORS, parse_filters

PAGE_ROWS = 50
LAST_PAGE = 2_000


def conditions_from(params: QueryDict) -> list[dict[str, Any]]:
    """The stored form of the conditions in a form's parallel fields; rows without a column are left out."""
    rows = zip(params.getlist("c"), params.getlist("o"), params.getlist("v"), strict=False)
    return [{"column": column, "op": op, "value": value} for column, op, value in rows if column]


def asked(part: TablePart, params: QueryDict) -> Query:
    """The rows that a page shows, as a query without a page: for the download of the same.

    Raises:
        TableError: a condition or a sort that cannot be read.
    """
    name = params.get("sort", "")
    sort = (Sort(name.removeprefix("-"), name.startswith("-")),) if name else ()
    return part.query(filters=parse_filters(conditions_from(params), part.columns), sort=sort)


def browse(part: TablePart, params: QueryDict | None) -> dict[str, Any]:
    """The context of a page of rows.

    Raises:
        TableError: a condition or a sort that cannot be read; pass no ``params`` to show the first rows instead.
    """
    params = params or QueryDict()
    conditions = conditions_from(params)
    query = asked(part, params)
    text = params.get("page", "1")
    number = min(max(1, int(text)), LAST_PAGE) if text.isdecimal() and len(text) < 9 else 1
    page = part.page(replace(query, limit=PAGE_ROWS, offset=(number - 1) * PAGE_ROWS))
    return {
        "part": part,
        "page": page,
        "number": number,
        "total": part.count(query),
        "conditions": conditions or [{"column": "", "op": "eq", "value": ""}],
        "operators": list(OPERATORS.items()),
        "has_next": page.has_more and number < LAST_PAGE,
    }
