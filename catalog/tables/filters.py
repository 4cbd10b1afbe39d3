"""Row conditions: read from JSON, checked against a table's columns, turned into SQL with bound values."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.tables.errors import BadFilter, UnknownColumn
from catalog.tables.schema import Column, ColumnType, quoted
from portal.lists import listed

CONDITION_LIMIT = 50
VALUE_LIMIT = 10_000

OPERATORS: dict[str, str | Promise] = {
    "eq": gettext_lazy("is"),
    "ne": gettext_lazy("is not"),
    "lt": gettext_lazy("is less than"),
    "le": gettext_lazy("is at most"),
    "gt": gettext_lazy("is more than"),
    "ge": gettext_lazy("is at least"),
    "in": gettext_lazy("is one of"),
    "between": gettext_lazy("lies between"),
    "prefix": gettext_lazy("begins with"),
    "contains": gettext_lazy("contains"),
    "within": gettext_lazy("lies within the box"),
    "is_null": gettext_lazy("is empty"),
    "not_null": gettext_lazy("is filled"),
}
_COMPARE = {"eq": "=", "ne": "IS DISTINCT FROM", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_TEXT_ONLY = ("prefix", "contains")
_NO_VALUE = ("is_null", "not_null")
_PLACE = r"\[\s*(-?[0-9][0-9.eE+-]*)\s*,\s*(-?[0-9][0-9.eE+-]*)"
_ALONG = "list_transform(regexp_extract_all({c}, '" + _PLACE + "', %d), lambda x: try_cast(x AS DOUBLE))"
_AXES = {axis: _ALONG % axis for axis in (1, 2)}
_WITHIN = (
    f"(list_min({_AXES[1]}) >= ? AND list_min({_AXES[2]}) >= ? "
    f"AND list_max({_AXES[1]}) <= ? AND list_max({_AXES[2]}) <= ?)"
)
"""A GeoJSON shape lies in a box when all its places do; places are the innermost pairs of numbers."""


@dataclass(frozen=True)
class Filter:
    """One condition; ``value`` has the column's type, is a tuple for ``in`` and ``between``, None where unused."""

    column: str
    op: str
    value: Any = None

    def to_json(self) -> dict[str, Any]:
        """The stored form, as ``parse_filters`` reads it."""
        data: dict[str, Any] = {"column": self.column, "op": self.op}
        if self.op not in _NO_VALUE:
            values = [_plain(v) for v in self.value] if isinstance(self.value, tuple) else _plain(self.value)
            data["value"] = values
        return data


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def _shown(value: Any) -> str:
    """What was given as a message may repeat it: short, and without characters that no answer can carry."""
    return str(value)[:60].encode("utf-8", "replace").decode()


def parse_filters(data: str | Iterable[Any], columns: Sequence[Column]) -> tuple[Filter, ...]:
    """Conditions from JSON text or a list of ``{"column", "op", "value"}``.

    Raises:
        UnknownColumn: names the columns there are not. BadFilter: says which condition is wrong, and why.
    """
    if isinstance(data, str):
        try:
            data = json.loads(data or "[]")
        except (ValueError, RecursionError) as error:
            raise BadFilter(_("The conditions are not valid JSON: %(error)s.") % {"error": error}) from error
    if not isinstance(data, (list, tuple)) or not all(isinstance(row, dict) for row in data):
        raise BadFilter(_("The conditions must be a list of objects with column, op and value."))
    if len(data) > CONDITION_LIMIT:
        raise BadFilter(_("At most %(limit)s conditions can be set.") % {"limit": CONDITION_LIMIT})
    known = {column.name: column for column in columns}
    unknown = [_shown(name) for row in data if not isinstance(name := row.get("column"), str) or name not in known]
    if unknown:
        message = _("There is no column named: %(names)s.") % {"names": listed(unknown)}
        raise UnknownColumn(message, columns=unknown)
    return tuple(_parse(row, known[row["column"]]) for row in data)


def _parse(row: dict[str, Any], column: Column) -> Filter:
    op = row.get("op", "eq")
    if not isinstance(op, str) or op not in OPERATORS:
        raise BadFilter(
            _("“%(op)s” is not an operator. Use one of: %(known)s.") % {"op": _shown(op), "known": ", ".join(OPERATORS)}
        )
    if op in _TEXT_ONLY and not column.type.is_text:
        raise BadFilter(
            _("“%(column)s” is not a text; it cannot be searched by its letters.") % {"column": column.title}
        )
    if op == "within" and column.type != ColumnType.GEOMETRY:
        raise BadFilter(_("“%(column)s” holds no shapes; nothing lies in a box.") % {"column": column.title})
    if op in _NO_VALUE:
        return Filter(column.name, op)
    value = row.get("value")
    if op == "within":
        return Filter(column.name, op, _box(_split(value), column))
    if op in ("in", "between"):
        values = _split(value)
        if op == "between" and len(values) != 2:
            raise BadFilter(_("“%(column)s”: give the lower and the upper limit.") % {"column": column.title})
        if not 0 < len(values) <= VALUE_LIMIT:
            raise BadFilter(_("“%(column)s”: give between 1 and 10,000 values.") % {"column": column.title})
        return Filter(column.name, op, tuple(convert(v, column) for v in values))
    return Filter(column.name, op, convert(value, column))


def _box(values: Sequence[Any], column: Column) -> tuple[float, ...]:
    """West, south, east and north in the units of the shapes, usually degrees."""
    try:
        west, south, east, north = (float(value) for value in values)
        if not (math.isfinite(west + south + east + north) and west <= east and south <= north):
            raise ValueError
    except (ValueError, TypeError) as error:
        raise BadFilter(_("“%(column)s”: give west, south, east and north.") % {"column": column.title}) from error
    return west, south, east, north


def _split(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part.strip() for part in value.replace("，", ",").split(",") if part.strip()]
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _moment(text: str) -> dt.datetime:
    """A moment as tables hold it: without a zone, in the portal's own."""
    moment = dt.datetime.fromisoformat(text)
    return timezone.make_naive(moment) if timezone.is_aware(moment) else moment


_CONVERTERS: dict[ColumnType, Callable[[str], Any]] = {
    ColumnType.TEXT: str,
    ColumnType.GEOMETRY: str,
    ColumnType.INTEGER: int,
    ColumnType.NUMBER: float,
    ColumnType.DATE: dt.date.fromisoformat,
    ColumnType.DATETIME: _moment,
    ColumnType.BOOLEAN: lambda text: {"true": True, "false": False}[text.lower()],
}


def _decimal(text: str) -> Decimal:
    """An exact decimal that the engine can hold."""
    value = Decimal(text)
    if not value.is_finite() or value.adjusted() > 37:
        raise ValueError
    return value


def convert(value: Any, column: Column) -> Any:
    """``value`` in the column's type, or BadFilter naming the column and what was given."""
    text = str(value if value is not None else "").strip()
    try:
        if not text and not column.type.is_text:
            raise ValueError
        if "\x00" in text or len(text) > 10_000:
            raise ValueError
        text.encode()
        converted = _decimal(text) if column.digits else _CONVERTERS[column.type](text)
        if isinstance(converted, int) and abs(converted) >= 2**63:
            raise ValueError
        return converted
    except (ValueError, KeyError, OverflowError, InvalidOperation) as error:
        raise BadFilter(
            _("“%(value)s” does not fit the column “%(column)s” (%(type)s).")
            % {
                "value": _shown(text),
                "column": column.title,
                "type": column.type.label,
            }
        ) from error


def to_sql(filters: Sequence[Filter]) -> tuple[str, list[Any]]:
    """A WHERE condition (``TRUE`` for none) and the values to bind. Columns must have been checked."""
    parts, values = ["TRUE"], list[Any]()
    for condition in filters:
        name = quoted(condition.column)
        if condition.op in _COMPARE:
            parts.append(f"{name} {_COMPARE[condition.op]} ?")
            values.append(condition.value)
        elif condition.op == "in":
            parts.append(f"{name} IN ({', '.join('?' * len(condition.value))})")
            values.extend(condition.value)
        elif condition.op == "between":
            parts.append(f"{name} BETWEEN ? AND ?")
            values.extend(condition.value)
        elif condition.op == "within":
            parts.append(_WITHIN.format(c=name))
            values.extend(condition.value)
        elif condition.op in _TEXT_ONLY:
            parts.append(f"{'starts_with' if condition.op == 'prefix' else 'contains'}({name}, ?)")
            values.append(condition.value)
        else:
            parts.append(f"{name} IS {'NOT ' if condition.op == 'not_null' else ''}NULL")
    return " AND ".join(parts), values


def describe(filters: Iterable[dict[str, Any]], titles: dict[str, str]) -> list[str]:
    """Stored conditions in words, for a screen; ``titles`` names the columns."""
    sentences = []
    for row in filters:
        value = row.get("value")
        shown = listed(value) if isinstance(value, list) else ("" if value is None else str(value))
        name = titles.get(row["column"], row["column"])
        sentences.append(f"{name} {OPERATORS.get(row['op'], row['op'])} {shown}".strip())
    return sentences
