"""Rows that could not be loaded: kept in a file of their own, with the line on which each begins and the reason."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from django.utils.translation import gettext as _

from catalog.tables.workbench import Workbench
from portal.exports import neutral

REJECT_LIMIT = 1_000_000
"""So many rows are kept aside; a file with more is no file with some broken rows."""


def write_rejects(bench: Workbench, text: Path, target: Path) -> int:
    """The rejected rows as CSV with the line on which each begins in the file; returns how many rows."""
    found = bench.rows(
        "SELECT line_byte_position, column_name, error_type::VARCHAR, error_message, csv_line FROM reject_errors "
        "ORDER BY line_byte_position, column_idx"
    )
    if not found:
        return 0
    first = {row[0]: row for row in reversed(found)}
    lines = _line_numbers(text, {position: row[4] for position, row in first.items()})
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_("line"), _("column"), _("reason"), _("row")])
        for position in sorted(first):
            _position, column, kind, message, row = first[position]
            writer.writerow([lines[position], column or "", _reason(kind, message), neutral(row.strip("\r\n"))])
    return len(first)


def _reason(kind: str, message: str) -> str:
    reasons = {
        "MISSING COLUMNS": _("too few cells"),
        "TOO MANY COLUMNS": _("too many cells"),
        "CAST": _("the value does not fit the column's type"),
        "UNQUOTED VALUE": _("the quotation marks are not closed"),
        "LINE SIZE OVER MAXIMUM": _("the line is too long"),
        "INVALID ENCODING": _("the characters cannot be read"),
    }
    value = re.search(r'Could not convert string "(.*?)" to', message)
    return reasons.get(kind, kind.lower()) + (f": {value.group(1)}" if value else "")


def _line_numbers(text: Path, rows: dict[int, str]) -> dict[int, int]:
    """The line (from 1) on which each record of ``rows`` (byte position → its text) begins.

    The reader's position is its own: one byte late after a line feed, and at the blank lines before the record. The
    record is the first line from there that has its text; failing that, the first line that is not blank.
    """
    numbers: dict[int, int] = {}
    waiting = sorted(rows, reverse=True)
    line = offset = 0
    with text.open("rb") as file:
        for line, raw in enumerate(file, start=1):
            end, content = offset + len(raw), raw.rstrip(b"\r\n")
            while waiting and end >= waiting[-1] and content:
                if content == _first_line(rows[waiting[-1]]):
                    numbers[waiting.pop()] = line
                    break
                if offset <= waiting[-1]:
                    break
                numbers[waiting.pop()] = line
            offset = end
            if not waiting:
                break
    return numbers | dict.fromkeys(waiting, line)


def _first_line(record: str) -> bytes:
    return record.strip("\r\n").partition("\n")[0].rstrip("\r").encode()
