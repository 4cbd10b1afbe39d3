"""Figures over groups of rows: read from the words of an address, checked against the columns, turned into SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from catalog.tables.errors import BadFilter, UnknownColumn
from catalog.tables.filters import Filter
from catalog.tables.schema import Column, ColumnType, quoted
from portal.lists import listed

GROUP_LIMIT = 3
MEASURE_LIMIT = 10
ROW_LIMIT = 1_000
_SQL = {
    "count": "count({})",
    "distinct": "count(DISTINCT {})",
    "sum": "sum({})",
    "avg": "avg({})",
    "min": "min({})",
    "max": "max({})",
}
_NUMERIC_ONLY = ("sum", "avg")
PERCENTILE = re.compile(r"p([1-9][0-9]?)", re.ASCII)
KNOWN = (*_SQL, "p1 … p99")


@dataclass(frozen=True)
class Measure:
    """One figure of a group: ``count``, ``distinct``, ``sum``, ``avg``, ``min``, ``max`` or a percentile as ``p90``.

    ``column`` may be empty for ``count`` only, which then counts rows.
    """

    function: str
    column: str = ""

    @property
    def key(self) -> str:
        """Its name in orders and answers, as ``parse_summary`` reads it."""
        return f"{self.function}:{self.column}" if self.column else self.function

    def to_sql(self) -> str:
        """Its expression; the column must have been checked."""
        if found := PERCENTILE.fullmatch(self.function):
            return f"quantile_cont({quoted(self.column)}::DOUBLE, {int(found[1]) / 100})"
        return _SQL[self.function].format(quoted(self.column) if self.column else "*")


@dataclass(frozen=True)
class Summary:
    """Groups by up to three columns, their figures, and an order of (column or measure key, descending)."""

    by: tuple[str, ...]
    measures: tuple[Measure, ...] = (Measure("count"),)
    filters: tuple[Filter, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    limit: int = 100

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the answer is made from."""
        names = [*self.by, *(m.column for m in self.measures if m.column), *(f.column for f in self.filters)]
        return tuple(dict.fromkeys(names))

    def to_sql(self, source: str) -> str:
        """The statement over ``source`` (what follows FROM) without its limit; ties are in the order of the groups."""
        keys = [*self.by, *(measure.key for measure in self.measures)]
        shown = ", ".join([*map(quoted, self.by), *(measure.to_sql() for measure in self.measures)])
        order = [(keys.index(key) + 1, descending) for key, descending in self.sort]
        order += [(place, False) for place in range(1, len(self.by) + 1)]
        ordered = ", ".join(f"{place} {'DESC' if descending else 'ASC'} NULLS LAST" for place, descending in order)
        groups = ", ".join(str(place) for place in range(1, len(self.by) + 1))
        tail = f" GROUP BY {groups} ORDER BY {ordered}" if groups else ""
        return f"SELECT {shown} FROM {source}{tail}"  # noqa: S608


@dataclass(frozen=True)
class Groups:
    """The answer: tuples of the values of ``by`` and then of the measures; ``has_more`` beyond the limit."""

    summary: Summary
    rows: list[tuple[Any, ...]]
    has_more: bool


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _shown(text: str) -> str:
    return text[:60].encode("utf-8", "replace").decode()


def parse_summary(params: Mapping[str, str], columns: Sequence[Column], filters: Sequence[Filter] = ()) -> Summary:
    """A summary from ``by``, ``measure``, ``sort`` (all comma-separated) and ``limit``.

    ``by=street,kind&measure=count,sum:n,p90:n&sort=-sum:n``: without ``measure`` rows are counted.

    Raises:
        UnknownColumn: names the columns there are not. BadFilter: says which word is wrong, and why.
    """
    by = _words(params.get("by", ""))
    words = _words(params.get("measure", "")) or ["count"]
    if len(by) > GROUP_LIMIT or len(set(by)) < len(by):
        raise BadFilter(_("Group by at most %(limit)s different columns.") % {"limit": GROUP_LIMIT})
    if len(words) > MEASURE_LIMIT or len(set(words)) < len(words):
        raise BadFilter(_("Ask for at most %(limit)s different figures.") % {"limit": MEASURE_LIMIT})
    known = {column.name: column for column in columns}
    split = [word.partition(":") for word in words]
    unknown = [_shown(name) for name in [*by, *(column for _f, _c, column in split if column)] if name not in known]
    if unknown:
        raise UnknownColumn(_("There is no column named: %(names)s.") % {"names": listed(unknown)}, columns=unknown)
    measures = tuple(_measure(function, known.get(name)) for function, _colon, name in split)
    sort = _order(params.get("sort", ""), [*by, *(measure.key for measure in measures)])
    return Summary(tuple(by), measures, tuple(filters), sort, _limit(params.get("limit", "")))


def _measure(function: str, column: Column | None) -> Measure:
    is_percentile = PERCENTILE.fullmatch(function) is not None
    if function not in _SQL and not is_percentile:
        names = {"function": _shown(function), "known": ", ".join(KNOWN)}
        raise BadFilter(_("“%(function)s” is not one of: %(known)s.") % names)
    if column is None:
        if function != "count":
            raise BadFilter(_("“%(function)s” needs a column after a colon.") % {"function": function})
        return Measure(function)
    is_number = column.type in (ColumnType.INTEGER, ColumnType.NUMBER)
    if (is_percentile or function in _NUMERIC_ONLY) and not is_number:
        names = {"column": column.title, "function": function}
        raise BadFilter(_("“%(column)s” is not a number; “%(function)s” cannot be worked out.") % names)
    return Measure(function, column.name)


def _order(text: str, keys: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    order = [(word.removeprefix("-"), word.startswith("-")) for word in _words(text)]
    wrong = [_shown(key) for key, _descending in order if key not in keys]
    if wrong or len(order) > len(keys):
        names = {"names": listed(wrong or [_shown(text)]), "known": listed(keys)}
        raise BadFilter(_("The order cannot be by %(names)s. Use one of: %(known)s.") % names)
    return tuple(order)


def _limit(text: str) -> int:
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadFilter(_("The limit must be a whole number."))
    return max(1, min(int(text or 100), ROW_LIMIT))
