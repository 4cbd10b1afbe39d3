"""The layout of the catalogue as a workbook (GUIDE): a sheet of datasets (信息资源) and a sheet of data items (信息项).

Every field of a document (``catalog.documents``) has a column. Cells hold the words that people use; ``Column`` says
how a cell becomes a value of a document and back.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.documents import FIELDS, ITEM_FIELDS, RELATIONS
from catalog.models import DataItem, Dataset, RelationKind
from portal.departments.sheets import spellings

DATASETS = gettext_lazy("Datasets")
ITEMS = gettext_lazy("Data items")
SEPARATOR = "；"
_SEPARATORS = re.compile(r"[;；\n]+")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$")
_EPOCH = dt.date(1899, 12, 30)
_SERIALS = range(20_000, 80_000)
"""Days that a spreadsheet counts from 1899-12-30; these lie between 1954 and 2119."""


class CellError(ValueError):
    """What is wrong with a cell, for people."""


@dataclass(frozen=True)
class Column:
    """One column: ``kind`` is text, code, choice, choices, list, day, whole, number or flag."""

    key: str
    title: str | Promise
    kind: str = "text"
    choices: tuple[tuple[Any, str | Promise], ...] = ()
    help: str | Promise = ""

    @functools.cached_property
    def names(self) -> set[str]:
        """Every spelling of the header that is understood."""
        return spellings(self.title) | {self.key}

    @functools.cached_property
    def words(self) -> dict[str, Any]:
        """The value of each word of a controlled list, in every language."""
        return {word: value for value, label in self.choices for word in (*spellings(label), str(value).lower())}

    def cell(self, value: Any) -> str:
        """A document's value as the cell shows it."""
        if value is None or value in ("", []):
            return ""
        if self.kind == "flag":
            return _("Yes") if value else _("No")
        if self.kind == "choice":
            return str(dict(self.choices).get(value, value))
        if self.kind == "choices":
            labels = dict(self.choices)
            return SEPARATOR.join(str(labels.get(one, one)) for one in value)
        if self.kind in ("list", "codes"):
            return SEPARATOR.join(str(one) for one in value)
        return repr(value) if isinstance(value, float) and not value.is_integer() else _plain_text(value)

    def value(self, cell: Any) -> Any:
        """What a cell says, as a document holds it.

        Raises:
            CellError: says what should stand there.
        """
        if isinstance(cell, str):
            cell = cell.strip()
            if cell.startswith("#") and cell in _ERRORS:
                raise CellError(_("The formula in this cell gives an error."))
            if "\x00" in cell:
                raise CellError(_("This holds a character that cannot be stored."))
        return _READERS[self.kind](self, cell)


_ERRORS = {"#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#N/A", "#NULL!", "#NUM!", "#GETTING_DATA"}


def _plain_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)


def _text(column: Column, cell: Any) -> str:
    if isinstance(cell, bool):
        return _("Yes") if cell else _("No")
    if isinstance(cell, dt.datetime | dt.date):
        return cell.strftime("%Y-%m-%d")
    return _plain_text(cell) if cell is not None else ""


def _code(column: Column, cell: Any) -> str:
    """Codes are text: what a spreadsheet made a number of has lost its zeros or its last digits."""
    if isinstance(cell, float | int | dt.date) and not isinstance(cell, bool):
        raise CellError(_("The spreadsheet made a number of this code. Format the column as text and type it again."))
    return str(cell or "")


def _region(column: Column, cell: Any) -> str:
    """Division codes begin with no zero and have at most 12 digits, so that a whole number has lost nothing."""
    return _plain_text(cell) if isinstance(cell, float | int) and not isinstance(cell, bool) else str(cell or "")


def _one(column: Column, cell: Any) -> Any:
    word = _text(column, cell).lower()
    if not word:
        return ""
    if word not in column.words:
        allowed = SEPARATOR.join(str(label) for _value, label in column.choices)
        raise CellError(_("“%(word)s” is not among: %(allowed)s.") % {"word": word[:40], "allowed": allowed})
    return column.words[word]


def _several(column: Column, cell: Any) -> list[Any]:
    parts = cell if isinstance(cell, list) else _SEPARATORS.split(re.sub("[,，、]", SEPARATOR, _text(column, cell)))
    return list(dict.fromkeys(_one(column, part) for part in parts if str(part).strip()))


def _list(column: Column, cell: Any) -> list[str]:
    parts = cell if isinstance(cell, list) else _SEPARATORS.split(_text(column, cell))
    return list(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))


def _codes(column: Column, cell: Any) -> list[str]:
    return _list(column, cell if isinstance(cell, list) else _code(column, cell))


def _day(column: Column, cell: Any) -> str | None:
    if isinstance(cell, dt.datetime | dt.date):
        return cell.strftime("%Y-%m-%d")
    if isinstance(cell, float | int) and not isinstance(cell, bool) and int(cell) in _SERIALS:
        return (_EPOCH + dt.timedelta(days=int(cell))).isoformat()
    text = _text(column, cell)
    if not text:
        return None
    match = _DAY.match(text)
    try:
        return dt.date(*(int(part) for part in match.groups())).isoformat() if match else dt.date(0, 0, 0).isoformat()
    except ValueError as error:
        raise CellError(_("This is no date in the form 2026-01-31.")) from error


def _number(column: Column, cell: Any) -> float | None:
    if isinstance(cell, bool | dt.date):
        raise CellError(_("This is no number."))
    if cell is None or cell == "":
        return None
    try:
        number = float(cell)
    except (TypeError, ValueError) as error:
        raise CellError(_("This is no number.")) from error
    if number != number or abs(number) > 1e15:
        raise CellError(_("This is no number."))
    return number


def _whole(column: Column, cell: Any) -> int | None:
    number = _number(column, cell)
    if number is None:
        return None
    if not number.is_integer() or number < 0:
        raise CellError(_("This is no whole number."))
    return int(number)


def _flag(column: Column, cell: Any) -> bool | None:
    if isinstance(cell, bool):
        return cell
    word = _text(column, cell).lower()
    if word in ("", *_TRUE, *_FALSE):
        return None if not word else word in _TRUE
    raise CellError(_("Write yes or no."))


_TRUE = {"yes", "y", "true", "1", "是", "√"}
_FALSE = {"no", "n", "false", "0", "否", "×"}
_READERS = {
    "text": _text,
    "code": _code,
    "region": _region,
    "choice": _one,
    "choices": _several,
    "list": _list,
    "codes": _codes,
    "day": _day,
    "whole": _whole,
    "number": _number,
    "flag": _flag,
}


def _column(model: type[models.Model], name: str) -> Column:
    """The column of a model's field."""
    field: Any = model._meta.get_field(name)
    base = getattr(field, "base_field", None)
    if base is not None:
        kind, choices = ("choices", base.choices) if base.choices else ("list", ())
    elif field.choices:
        kind, choices = "choice", field.choices
    else:
        kind, choices = _KINDS.get(type(field), "text"), ()
    return Column(name, field.verbose_name, kind, tuple(choices or ()), field.help_text)


_KINDS: dict[type, str] = {
    models.DateField: "day",
    models.BooleanField: "flag",
    models.FloatField: "number",
    models.PositiveIntegerField: "whole",
    models.PositiveSmallIntegerField: "whole",
}

DATASET_COLUMNS: tuple[Column, ...] = (
    Column("code", gettext_lazy("resource code"), "code"),
    Column("provider", gettext_lazy("provider")),
    Column("provider_code", gettext_lazy("credit code of the provider"), "code"),
    *(_column(Dataset, name) for name in FIELDS if name not in ("provider", "spatial")),
    Column("spatial", gettext_lazy("spatial coverage"), "region"),
    Column("themes", gettext_lazy("themes"), "list"),
    *(Column(kind, RelationKind(kind).label, "codes") for kind in RELATIONS),
)
ITEM_COLUMNS: tuple[Column, ...] = (
    Column("dataset_code", gettext_lazy("resource code"), "code"),
    Column("dataset_title", gettext_lazy("dataset title")),
    Column("dataset_provider", gettext_lazy("provider")),
    *(_column(DataItem, name) for name in ITEM_FIELDS if name != "element"),
    Column("element", gettext_lazy("data element"), "code"),
)
NEEDED = {"title"}
NEEDED_OF_ITEMS = {"name"}


def dataset_cells(document: Mapping[str, Any], provider: tuple[str, str], themes: Mapping[str, str]) -> list[str]:
    """The line of a record; ``provider`` is name and credit code, ``themes`` the names by code."""
    special = {
        "provider": provider[0],
        "provider_code": provider[1],
        "themes": SEPARATOR.join(themes.get(code, code) for code in document.get("themes", [])),
    }
    return [special.get(c.key) or c.cell(document.get(c.key)) for c in DATASET_COLUMNS]


def item_cells(document: Mapping[str, Any], provider: str) -> Any:
    """The lines of a record's items."""
    head = [document["code"], document["title"], provider]
    for item in document.get("items", []):
        yield [*head, *(c.cell(item.get(c.key)) for c in ITEM_COLUMNS[3:])]
