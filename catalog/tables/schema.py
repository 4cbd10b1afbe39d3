"""Columns of a table: their names, types, and how they are stored."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from catalog.tables.filters import Filter
    from catalog.tables.masks import Mask

NAME_LIMIT = 60
WHOLE_DIGITS = 19
"""Digits of the largest whole number."""
SCALE_LIMIT = 12
"""More places than this are the noise of a computed float, not an amount that somebody wrote."""
RESERVED = frozenset({"rowid"})
"""Names that the engine has for itself: a row's position in the serving file."""


class ColumnType(StrEnum):
    """Types of the data plane; ``geometry`` is GeoJSON text."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    GEOMETRY = "geometry"

    @property
    def sql(self) -> str:
        """The type's name in DuckDB."""
        return _SQL[self]

    @property
    def label(self) -> str:
        """The type's name for people."""
        return str(_LABELS[self])

    @property
    def is_numeric(self) -> bool:
        return self in (ColumnType.INTEGER, ColumnType.NUMBER)

    @property
    def is_text(self) -> bool:
        return self in (ColumnType.TEXT, ColumnType.GEOMETRY)


_SQL = {
    ColumnType.TEXT: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.DATE: "DATE",
    ColumnType.DATETIME: "TIMESTAMP",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.GEOMETRY: "VARCHAR",
}

_LABELS: dict[ColumnType, str | Promise] = {
    ColumnType.TEXT: _("Text"),
    ColumnType.INTEGER: _("Whole number"),
    ColumnType.NUMBER: _("Number"),
    ColumnType.DATE: _("Date"),
    ColumnType.DATETIME: _("Date and time"),
    ColumnType.BOOLEAN: _("Yes or no"),
    ColumnType.GEOMETRY: _("Geometry"),
}


@dataclass(frozen=True)
class Column:
    """A column: ``name`` is a safe identifier, ``title`` the header as it was found.

    A number with ``digits`` (18 or 38) is kept as an exact decimal with ``scale`` places; with 0 as a float.
    """

    name: str
    title: str
    type: ColumnType
    digits: int = 0
    scale: int = 0

    @property
    def sql(self) -> str:
        """How DuckDB stores it."""
        return f"DECIMAL({self.digits}, {self.scale})" if self.digits else self.type.sql

    @property
    def whole_digits(self) -> int:
        """Digits before the point that surely fit; meant for whole numbers and exact decimals."""
        return self.digits - self.scale if self.digits else WHOLE_DIGITS

    def with_decimals(self, whole: int, scale: int) -> Column:
        """The same as a number that holds so many digits before and after the point; a float where none would."""
        fits = scale <= SCALE_LIMIT and whole + scale <= 38
        digits = (18 if whole + scale <= 18 else 38) if fits else 0
        return replace(self, type=ColumnType.NUMBER, digits=digits, scale=scale if fits else 0)


@dataclass(frozen=True)
class TableRef:
    """What the engine reads: a table, one version of it, its columns, and the columns it is sorted by.

    As a view (``within``) it is what somebody may read of that: some of the columns, masked ones among them, and the
    rows that meet ``rows``. Nothing else of the table can be asked for through it.
    """

    table_id: UUID
    version: int
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    rows: tuple[Filter, ...] = ()
    masks: tuple[Mask, ...] = ()
    stored: tuple[Column, ...] = ()
    mark: str = ""
    """The key of the marks that exports carry; see catalog.tables.marks."""

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def within(self, columns: Sequence[Column], rows: Sequence[Filter] = (), masks: Sequence[Mask] = ()) -> TableRef:
        """A view of the table: these columns of it, with their titles; ``rows`` speak of values as they are stored."""
        by_column = {mask.column: mask for mask in masks}
        seen = tuple(by_column[c.name].column_of(c) if c.name in by_column else c for c in columns)
        names = {column.name for column in columns}
        kept = tuple(mask for mask in masks if mask.column in names)
        return replace(self, columns=seen, rows=tuple(rows), masks=kept, stored=self.stored or self.columns)

    @property
    def is_view(self) -> bool:
        """Whether values or rows differ from those stored."""
        return bool(self.rows or self.masks)

    @property
    def has_tokens(self) -> bool:
        """Whether exported rows end with a token."""
        return bool(self.mark) and self.column("watermark") is None

    @property
    def shuffled(self) -> frozenset[str]:
        """Columns whose values stand in other rows; only exports have them."""
        return frozenset(mask.column for mask in self.masks if mask.method == "shuffle")


def geometry_of(text: str | None) -> dict[str, Any] | None:
    """The GeoJSON geometry in a cell; None when the cell is empty or holds something else."""
    try:
        found = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "type" in found else None


def column_names(headers: Iterable[str]) -> list[str]:
    """Safe, unique identifiers for headers: letters (of any script), digits and underscores, lower case."""
    names: list[str] = []
    for position, header in enumerate(headers, start=1):
        text = unicodedata.normalize("NFKC", header).strip().lower()
        base = re.sub(r"_+", "_", re.sub(r"\W", "_", text)).strip("_")[: NAME_LIMIT - 4] or f"column_{position}"
        if base[0].isdigit() or base in RESERVED:
            base = f"c_{base}"
        name, number = base, 2
        while name in names:
            name, number = f"{base}_{number}", number + 1
        names.append(name)
    return names


def json_value(value: Any) -> Any:
    """A cell as JSON knows it: days in ISO form, exact decimals as numbers, numbers that are none as null."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def columns_to_json(columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [asdict(column) for column in columns]


def columns_from_json(data: Iterable[dict[str, Any]]) -> tuple[Column, ...]:
    """What ``columns_to_json`` wrote; older ones say nothing of decimals."""
    return tuple(
        Column(str(c["name"]), str(c["title"]), ColumnType(c["type"]), int(c.get("digits", 0)), int(c.get("scale", 0)))
        for c in data
    )


def quoted(identifier: str) -> str:
    """An identifier quoted for SQL."""
    return '"' + identifier.replace('"', '""') + '"'
