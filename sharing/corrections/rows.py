"""The rows in question of a report: typed or pasted with their column names, or picked from the rows shown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _

from catalog.models import DataItem
from portal.errors import InvalidInput
from portal.lists import listed

ROW_LIMIT = 100
VALUE_LIMIT = 200
BYTES_LIMIT = 40_000

Row = dict[str, str]


def _wrong(message: str) -> InvalidInput:
    return InvalidInput(message, fields={"rows": [message]})


def parse_rows(text: str, items: Sequence[DataItem]) -> list[Row]:
    """Rows from pasted lines: the first names the columns (by name or code), then a row a line, split at tabs, else at
    commas of either width.

    Raises:
        InvalidInput: an unknown column, a row with too many values, or no rows below the names.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    mark = next((each for each in "\t,，" if each in lines[0]), ",")
    try:
        table = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=mark)]
    except csv.Error as error:
        raise _wrong(_("The rows cannot be read: %(error)s.") % {"error": error}) from error
    known = {item.name: item.column for item in items} | {item.column: item.column for item in items}
    if unknown := [name[:60] for name in table[0] if name not in known]:
        raise _wrong(
            _("The first line names the columns. There is none named: %(names)s.") % {"names": listed(unknown)}
        )
    columns = [known[name] for name in table[0]]
    found = []
    for number, row in enumerate(table[1:], start=2):
        if len(row) > len(columns):
            raise _wrong(_("Line %(n)s has more values than there are columns.") % {"n": number})
        found.append({column: value for column, value in zip(columns, row, strict=False) if value})
    if not found:
        raise _wrong(_("Write the rows below the line with the column names."))
    return [row for row in found if row]


def picked_rows(values: Iterable[str]) -> list[Row]:
    """Rows that were ticked on the page, each as JSON; what is none is passed over."""
    found = []
    for value in values:
        try:
            row = json.loads(value)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            found.append({str(name): str(cell)[:VALUE_LIMIT] for name, cell in row.items()})
    return found


def checked_rows(rows: Iterable[Mapping[str, object]], allowed: Sequence[str]) -> list[Row]:
    """The rows as they are kept: texts, without repeats, of columns that the reporter may read.

    Raises:
        InvalidInput: a column that they may not read (named), too many rows, or too much text.
    """
    found: list[Row] = []
    for row in rows:
        kept = {str(name): str(value) for name, value in row.items()}
        if hidden := sorted(set(kept) - set(allowed)):
            words = {"names": listed(name[:60] for name in hidden)}
            raise _wrong(_("You may not attach values of items that you cannot read: %(names)s.") % words)
        if any(len(value) > VALUE_LIMIT for value in kept.values()):
            raise _wrong(_("A value has at most %(limit)s characters.") % {"limit": VALUE_LIMIT})
        if kept and kept not in found:
            found.append(kept)
    if len(found) > ROW_LIMIT:
        raise _wrong(_("At most %(limit)s rows. Describe the pattern if there are more.") % {"limit": ROW_LIMIT})
    if len(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")) > BYTES_LIMIT:
        raise _wrong(_("The rows are too large. Give only their keys and the values in question."))
    return found
