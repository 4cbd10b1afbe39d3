"""The two lists as workbooks, departments and people with duties: written as they are read, so that both fit."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xlsxwriter
from django.conf import settings
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from xlsxwriter.utility import xl_col_to_name

from portal.accounts.models import User
from portal.departments.models import Department, Membership
from portal.errors import InvalidInput

UNPACKED_LIMIT = 200 * 1024**2


@dataclass(frozen=True)
class Column:
    """A column by its stable key; ``is_day`` cells are dates, all others text."""

    key: str
    title: str | Promise
    is_day: bool = False
    is_needed: bool = False


DEPARTMENTS = (
    Column("credit_code", gettext_lazy("Credit code"), is_needed=True),
    Column("name", gettext_lazy("Name"), is_needed=True),
    Column("short_name", gettext_lazy("Short name")),
    Column("region", gettext_lazy("Division code"), is_needed=True),
    Column("kind", gettext_lazy("Kind"), is_needed=True),
    Column("superior", gettext_lazy("Credit code of the superior")),
)
PEOPLE = (
    Column("username", gettext_lazy("User name"), is_needed=True),
    Column("name", gettext_lazy("Name")),
    Column("title", gettext_lazy("Position")),
    Column("department", gettext_lazy("Credit code of the department")),
    Column("duty", gettext_lazy("Duty")),
    Column("valid_from", gettext_lazy("From"), is_day=True),
    Column("valid_until", gettext_lazy("Until"), is_day=True),
)


@dataclass(frozen=True)
class Fault:
    """What is wrong with one cell (``cell`` like ``B7``) or, without a cell, with the whole line."""

    column: str
    cell: str
    reason: str


@dataclass
class Row:
    """One line of a sheet: its number as the spreadsheet shows it, its cells by key, and what is wrong with it."""

    sheet: str
    number: int
    values: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    def refuse(self, key: str, reason: str) -> None:
        place = self.places.get(key, "")
        self.faults.append(Fault(key, f"{place}{self.number}" if place else "", reason))


def spellings(text: str | Promise) -> set[str]:
    """A text in every language of the portal, in lower case, as it may stand in a cell."""
    found = set()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.add(str(text).strip().lower())
    return found


def read(path: Path, columns: Sequence[Column], *, row_limit: int) -> list[Row]:
    """The lines of a workbook's first sheet or of a CSV file; a header names the columns in any order and in any of the
    portal's languages.

    Raises:
        InvalidInput: no workbook or CSV, a needed column missing, or too many lines.
    """
    sheet, cells = _sheet(path) if zipfile.is_zipfile(path) else ("CSV", _csv(path))
    if not cells:
        raise InvalidInput(_("The first sheet is empty."), fields={"file": []})
    if len(cells) - 1 > row_limit:
        message = _("At most %(limit)s lines can be imported at once.") % {"limit": row_limit}
        raise InvalidInput(message, fields={"file": []})
    places = _header(cells[0], columns)
    return [
        _row(sheet, number, line, columns, places)
        for number, line in enumerate(cells[1:], start=2)
        if any(cell not in ("", None) for cell in line)
    ]


def _sheet(path: Path) -> tuple[str, list[list[Any]]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(path) as packed:
            if sum(info.file_size for info in packed.infolist()) > UNPACKED_LIMIT:
                raise InvalidInput(_("This workbook is too large."), fields={"file": []})
        book = CalamineWorkbook.from_path(str(path))
        return book.sheet_names[0], book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError, IndexError) as error:
        raise InvalidInput(_("This is no XLSX workbook that can be read."), fields={"file": []}) from error


def _csv(path: Path) -> list[list[str]]:
    """The cells of a CSV file in UTF-8 or GB18030, with commas, semicolons or tabs."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", "replace")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    if "\ufffd" in text or "\x00" in text or (delimiter not in head and len(head) > 1_000):
        raise InvalidInput(_("This is no XLSX workbook and no CSV file that can be read."), fields={"file": []})
    try:
        return list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        message = _("This is no XLSX workbook and no CSV file that can be read.")
        raise InvalidInput(message, fields={"file": []}) from error


def _header(cells: Sequence[Any], columns: Sequence[Column]) -> dict[str, int]:
    titles = [str(cell).strip().lower() for cell in cells]
    places: dict[str, int] = {}
    for column in columns:
        names = spellings(column.title) | {column.key}
        found = [place for place, title in enumerate(titles) if title in names]
        if found:
            places[column.key] = found[0]
    missing = [str(column.title) for column in columns if column.is_needed and column.key not in places]
    if missing:
        message = _("The first line must name these columns: %(names)s") % {"names": ", ".join(missing)}
        raise InvalidInput(message, fields={"file": []})
    return places


def _row(sheet: str, number: int, line: Sequence[Any], columns: Sequence[Column], places: dict[str, int]) -> Row:
    row = Row(sheet, number, {}, places={key: xl_col_to_name(place) for key, place in places.items()})
    for column in columns:
        place = places.get(column.key)
        cell = line[place] if place is not None and place < len(line) else ""
        row.values[column.key] = _day(row, column, cell) if column.is_day else _text(row, column, cell)
        if column.is_needed and cell in ("", None):
            row.refuse(column.key, _("This must not be empty."))
    return row


def _text(row: Row, column: Column, cell: Any) -> str:
    if cell in ("", None):
        return ""
    if isinstance(cell, (int, float, bool, dt.date, dt.time, dt.timedelta)):
        row.refuse(column.key, _("The spreadsheet made a number of this. Format the column as text and type it again."))
        return str(cell)
    text = str(cell).strip()
    if "\x00" in text:
        row.refuse(column.key, _("This holds a character that cannot be stored."))
        return text.replace("\x00", "")
    return text


def _day(row: Row, column: Column, cell: Any) -> dt.date | None:
    if cell in ("", None):
        return None
    if isinstance(cell, dt.datetime):
        return cell.date()
    if isinstance(cell, dt.date):
        return cell
    try:
        return dt.date.fromisoformat(str(cell).strip())
    except ValueError:
        row.refuse(column.key, _("This is no date in the form 2026-01-31."))
        return None


def write(title: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> bytes:
    """A workbook of one sheet in the layout that ``read`` reads; every cell is text, so that nothing is a formula."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"constant_memory": True, "in_memory": True})
    sheet = book.add_worksheet(title[:31])
    bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(columns) - 1, 24, text)
    for place, column in enumerate(columns):
        sheet.write_string(0, place, str(column.title), bold)
    for number, row in enumerate(rows, start=1):
        for place, cell in enumerate(row):
            value = cell.isoformat() if isinstance(cell, dt.date) else str(cell or "")
            sheet.write_string(number, place, value, text)
    book.close()
    return buffer.getvalue()


def rejected(columns: Sequence[Column], rows: Iterable[Row]) -> bytes:
    """The bad lines as they were, with their line number and what is wrong with them."""
    extra = (Column("line", gettext_lazy("Line")), Column("reason", gettext_lazy("Reason")))
    lines = (
        [*(row.values[c.key] for c in columns), row.number, "; ".join(f"{f.cell} {f.reason}" for f in row.faults)]
        for row in rows
    )
    return write(_("Rejected lines"), (*columns, *extra), lines)


def departments_workbook() -> bytes:
    """All active departments."""
    rows = Department.objects.active().select_related("parent").order_by("region__level", "region_id", "name")
    lines = (
        [r.credit_code, r.name, r.short_name, r.region_id, r.get_kind_display(), getattr(r.parent, "credit_code", "")]
        for r in rows
    )
    return write(_("Departments"), DEPARTMENTS, lines)


def people_workbook() -> bytes:
    """All active people who are no administrators, a line for each duty in force or to come."""
    today = timezone.localdate()
    duties: dict[int, list[Membership]] = {}
    for row in (
        Membership.objects.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=today), department__is_active=True)
        .select_related("department")
        .order_by("department_id", "duty")
    ):
        duties.setdefault(row.user_id, []).append(row)
    lines: list[list[Any]] = []
    for user in User.objects.filter(is_active=True, admin_role="").order_by("username"):
        person = [user.username, user.name, user.title]
        held = duties.get(user.pk, [])
        lines += [[*person, r.department.credit_code, r.get_duty_display(), r.valid_from, r.valid_until] for r in held]
        if not held:
            lines.append([*person, "", "", "", ""])
    return write(_("People"), PEOPLE, lines)
