"""Counting what stands in several lists with one query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

WAITING_LIMIT = 1_000
"""As far as a list is counted; who has more waiting knows enough."""


def count_all(lists: Sequence[QuerySet[Any]], limit: int = WAITING_LIMIT) -> list[int]:
    """How many rows each list has, ``limit`` at most, in their order: one statement, or none where all are empty."""
    found, parts, values = [0] * len(lists), list[tuple[int, str]](), list[Any]()
    for place, rows in enumerate(lists):
        try:
            statement, cells = rows.order_by().values("pk")[:limit].query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append((place, f"(SELECT count(*) FROM ({statement}) AS n{place})"))  # noqa: S608
        values += cells
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(part for _place, part in parts)}", values)
            for (place, _part), count in zip(parts, cursor.fetchone(), strict=True):
                found[place] = count
    return found
