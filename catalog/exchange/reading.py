"""A file of records as lines of named cells: a workbook in the layout, or documents as JSON.

What cannot be read at all is refused; what can be read in part is read, and what was left out is said in ``notes``.
"""

from __future__ import annotations

import difflib
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from xlsxwriter.utility import xl_col_to_name

from catalog.exchange.layout import DATASET_COLUMNS, DATASETS, ITEM_COLUMNS, ITEMS, CellError, Column
from catalog.tables.errors import BadFile
from catalog.tables.workbooks import check_workbook
from portal.departments.sheets import spellings
from portal.lists import listed

HEADER_DEPTH = 10
"""Titles and hints may stand above the header."""
LEAST_COLUMNS = 2


@dataclass
class Line:
    """One line: its cells by column key, and what is wrong with them (sheet, cell, value, reason)."""

    sheet: str
    number: int
    cells: dict[str, Any]
    places: dict[str, str] = field(default_factory=dict)
    faults: list[dict[str, str]] = field(default_factory=list)
    items: list[Line] = field(default_factory=list)

    def refuse(self, key: str, reason: str) -> None:
        """Say what is wrong with one cell, or with the whole line when it has no such cell."""
        place = self.places.get(key)
        cell = f"{place or ''}{self.number}" if place or self.places else f"{self.number} {key}".strip()
        self.faults.append(
            {"sheet": self.sheet, "cell": cell, "value": str(self.cells.get(key, ""))[:80], "reason": reason}
        )

    def value(self, column: Column) -> Any:
        """What the cell says; an unreadable one is refused and counts as empty."""
        try:
            return column.value(self.cells.get(column.key))
        except CellError as error:
            self.refuse(column.key, str(error))
            return None


@dataclass
class Source:
    """The records of a file with their items; ``strays`` are items of no record in it."""

    records: list[Line]
    strays: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(path: Path, name: str) -> Source:
    """The lines of an uploaded file.

    Raises:
        BadFile: it is neither a workbook nor JSON, unpacks to too much, has too many lines, or no header is found.
    """
    if zipfile.is_zipfile(path):
        return _workbook(path)
    if name.lower().endswith((".json", ".jsonl", ".ndjson")):
        return _documents(path)
    raise BadFile(_("This is neither an XLSX workbook nor a file of JSON lines."))


def _workbook(path: Path) -> Source:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(path) as archive:
            check_workbook(archive)
        book = CalamineWorkbook.from_path(str(path))
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError) as error:
        raise BadFile(_("This is no XLSX workbook that can be read.")) from error
    found: dict[str, tuple[Any, int, dict[str, int]]] = {}
    notes: list[str] = []
    for sheet in sheets:
        kind, row, places = _kind(sheet)
        if kind and kind not in found:
            found[kind] = (sheet, row, places)
        else:
            notes.append(_("The sheet “%(name)s” was left out.") % {"name": sheet.name[:40]})
    if "records" not in found:
        raise BadFile(_("No sheet has the columns of the layout. Export the catalogue to get a workbook to fill in."))
    records = list(_lines(*found["records"], DATASET_COLUMNS, notes, settings.RECORD_IMPORT_ROWS))
    items = list(_lines(*found["items"], ITEM_COLUMNS, notes, settings.RECORD_IMPORT_ITEMS)) if "items" in found else []
    return Source(records, _joined(records, items), notes)


def _kind(sheet: Any) -> tuple[str, int, dict[str, int]]:
    """Which sheet of the layout this is, the row of its header (from 0) and the place of each column."""
    best: tuple[str, int, dict[str, int]] = ("", 0, {})
    columns = {"records": DATASET_COLUMNS, "items": ITEM_COLUMNS}
    named = {kind: sheet.name.strip().lower() in spellings(t) for kind, t in (("records", DATASETS), ("items", ITEMS))}
    for row, cells in enumerate(sheet.iter_rows()):
        if row >= HEADER_DEPTH:
            break
        for kind, known in columns.items():
            places = _places(cells, known)
            needed = {"title"} if kind == "records" else {"name"}
            better = (named[kind], len(places)) > (named.get(best[0], False), len(best[2]))
            if needed <= places.keys() and len(places) >= LEAST_COLUMNS and better:
                best = (kind, row, places)
    return best


def _places(cells: Sequence[Any], columns: Sequence[Column]) -> dict[str, int]:
    titles = [str(cell).strip().rstrip("*").lower() for cell in cells]
    places: dict[str, int] = {}
    for column in columns:
        place = next((n for n, title in enumerate(titles) if title in column.names), None)
        if place is not None:
            places[column.key] = place
    return places


def _lines(
    sheet: Any, header: int, places: dict[str, int], columns: Sequence[Column], notes: list[str], limit: int
) -> Iterator[Line]:
    merged = _merged(sheet)
    letters = {key: xl_col_to_name(place) for key, place in places.items()}
    count = 0
    for row, cells in enumerate(sheet.iter_rows()):
        if row == header:
            _tell_unknown(sheet, cells, places, columns, notes)
        if row <= header or all(cell in ("", None) for cell in cells):
            continue
        count += 1
        if count > limit:
            raise BadFile(_("At most %(limit)s lines can be imported at once.") % {"limit": limit})
        line = Line(sheet.name, row + 1, {}, letters)
        for key, place in places.items():
            line.cells[key] = cells[place] if place < len(cells) else ""
            if (row, place) in merged:
                _unmerge(line, key, merged[row, place])
        yield line


def _merged(sheet: Any) -> dict[tuple[int, int], Any]:
    """The value of each cell that a merged range covers, but for the first of each range, which has it itself."""
    ranges = [r for r in (sheet.merged_cell_ranges or []) if r[0] != r[1]]
    if not ranges:
        return {}
    rows = sheet.to_python(skip_empty_area=False)
    found = {}
    for (top, left), (bottom, right) in ranges:
        value = rows[top][left] if top < len(rows) and left < len(rows[top]) else ""
        for row in range(top, min(bottom, len(rows)) + 1):
            for place in range(left, right + 1):
                if (row, place) != (top, left):
                    found[row, place] = value
    return found


def _unmerge(line: Line, key: str, value: Any) -> None:
    """A merged cell before items names their dataset once for all; elsewhere it is not clear what it says."""
    line.cells[key] = value
    if not key.startswith("dataset_"):
        line.refuse(key, _("This cell is merged with others. Split them and fill in each."))


def _tell_unknown(
    sheet: Any, cells: Sequence[Any], places: dict[str, int], columns: Sequence[Column], notes: list[str]
) -> None:
    taken = set(places.values())
    known = {str(column.title): column for column in columns if column.key not in places}
    for place, cell in enumerate(cells):
        text = str(cell).strip()
        if not text or place in taken:
            continue
        near = difflib.get_close_matches(text, known, 1, 0.5)
        where = {"sheet": sheet.name, "cell": f"{xl_col_to_name(place)}", "text": text[:40]}
        if near:
            words = _(
                "Sheet “%(sheet)s”: the column %(cell)s “%(text)s” is not known and was left out. Is “%(near)s” meant?"
            )
            notes.append(words % {**where, "near": near[0]})
        else:
            notes.append(_("Sheet “%(sheet)s”: the column %(cell)s “%(text)s” is not known and was left out.") % where)


def _joined(records: Sequence[Line], items: Sequence[Line]) -> list[Line]:
    """Put each item to its record, by code or by title and provider; returns those of no record."""
    by_code = {_key(line.cells.get("code")): line for line in records if line.cells.get("code")}
    by_both = {(_key(line.cells.get("title")), _key(line.cells.get("provider"))): line for line in records}
    by_title = {_key(line.cells.get("title")): line for line in records}
    strays = []
    for item in items:
        title = _key(item.cells.get("dataset_title"))
        owner = (
            by_code.get(_key(item.cells.get("dataset_code")) or "-")
            or by_both.get((title, _key(item.cells.get("dataset_provider"))))
            or (None if item.cells.get("dataset_provider") else by_title.get(title or "-"))
        )
        if owner is None:
            item.refuse("dataset_title", _("The sheet of datasets has no such dataset."))
            strays.append(item)
        else:
            owner.items.append(item)
    return strays


def _key(cell: Any) -> str:
    return str(cell if cell is not None else "").strip()


def _documents(path: Path) -> Source:
    """Documents as JSON lines, or as one JSON list."""
    limit = settings.RECORD_IMPORT_ROWS
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = (
            json.loads(text)
            if text.lstrip().startswith("[")
            else [json.loads(x) for x in text.splitlines() if x.strip()]
        )
    except (ValueError, RecursionError) as error:
        raise BadFile(_("This is no JSON: %(reason)s.") % {"reason": str(error)[:200]}) from error
    if len(found) > limit:
        raise BadFile(_("At most %(limit)s lines can be imported at once.") % {"limit": limit})
    notes: set[str] = set()
    records = [_document(number, one, notes) for number, one in enumerate(found, start=1)]
    unknown = (
        [_("Entries that are not known were left out: %(names)s.") % {"names": listed(sorted(notes))}] if notes else []
    )
    return Source(records, [], unknown)


def _document(number: int, one: Any, notes: set[str]) -> Line:
    line = Line("JSON", number, {})
    if not isinstance(one, dict):
        line.refuse("", _("This is no object."))
        return line
    known = {column.key for column in DATASET_COLUMNS}
    notes.update(str(key)[:40] for key in one.keys() - known - {"items"})
    line.cells = {key: value for key, value in one.items() if key in known}
    items = one.get("items")
    for place, item in enumerate(items if isinstance(items, list) else [], start=1):
        entry = Line(f"JSON {number} items", place, dict(item) if isinstance(item, dict) else {})
        if not isinstance(item, dict):
            entry.refuse("", _("This is no object."))
        line.items.append(entry)
    return line
