"""A list as CSV or as a workbook, whichever the reader asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils.functional import Promise

from portal.departments.sheets import Column, write
from portal.exports import csv_response

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROW_LIMIT = 10_000


def exported(
    format: str,
    name: str,
    title: str,
    head: Sequence[str | Promise],
    rows: Iterable[Sequence[Any]],
    *,
    limit: int = ROW_LIMIT,
) -> HttpResponseBase:
    """At most ``limit`` rows as ``name``.csv, or as ``name``.xlsx when ``format`` is "xlsx"."""
    rows = islice(rows, limit)
    if format != "xlsx":
        return csv_response(_with_head(head, rows), name)
    response = HttpResponse(write(title, [Column(str(n), one) for n, one in enumerate(head)], rows), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    response["Cache-Control"] = "private, no-store"
    return response


def _with_head(head: Sequence[str | Promise], rows: Iterable[Sequence[Any]]) -> Iterable[Sequence[Any]]:
    yield [str(one) for one in head]
    yield from rows
