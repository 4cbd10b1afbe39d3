"""Lists as CSV: streamed, in UTF-8 with BOM, and with cells that a spreadsheet would run as formulas made harmless."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula; Chinese ones read the full-width signs as well."""


def neutral(cell: Any) -> Any:
    """``cell`` with a leading apostrophe when it is text that a spreadsheet would run as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def csv_rows(rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Rows as CSV, a chunk a row; the first row is the header. Numbers stay numbers, all else becomes text."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield b"\xef\xbb\xbf"
    for row in rows:
        writer.writerow([c if isinstance(c, (int, float)) else neutral("" if c is None else str(c)) for c in row])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def csv_response(rows: Iterable[Sequence[Any]], name: str) -> StreamingHttpResponse:
    """A download of ``rows`` named ``name``.csv."""
    response = StreamingHttpResponse(csv_rows(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response
