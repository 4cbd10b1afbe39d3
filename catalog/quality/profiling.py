"""What the columns of a table version hold, counted by DuckDB over its serving file.

Up to PROFILE_EXACT_ROWS rows every figure is exact. Beyond, distinct values and quantiles are estimated, and the most
frequent values are left out where there are very many. Patterns are read from at most PATTERN_ROWS rows, every n-th.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from catalog.quality.reading import MAIN, Reader, opened
from catalog.tables.schema import Column, ColumnType, TableRef, json_value, quoted

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TOP = 10
BINS = 20
PATTERNS = 5
COLUMNS_AT_ONCE = 40
MANY_VALUES = 100_000
PATTERN_ROWS = 200_000
VALUE_LENGTH = 80
"""Longer values are cut in the profile."""

_DATA = f"{MAIN}.data"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_FROM = f"0123456789{_LOWER.upper()}{_LOWER}"
_TO = "9" * 10 + "A" * 26 + "a" * 26
_RUN = re.compile(r"([9Aa文])\1+")

Profile = dict[str, Any]


def profile(ref: TableRef) -> tuple[list[Profile], int, int | None, bool]:
    """The profile of each column, the rows, the duplicates by key, and whether figures are estimated."""
    with opened(ref) as reader:
        rows = int(reader.row(f"SELECT count(*) FROM {_DATA}")[0])  # noqa: S608
        is_exact = rows <= settings.PROFILE_EXACT_ROWS
        found: list[Profile] = []
        for start in range(0, len(ref.columns), COLUMNS_AT_ONCE):
            found += _figures(reader, ref.columns[start : start + COLUMNS_AT_ONCE], rows, is_exact=is_exact)
        for column, figures in zip(ref.columns, found, strict=True):
            figures["top"] = _top(reader, column, figures, is_exact=is_exact)
            figures["histogram"] = _histogram(reader, column, figures)
            figures["patterns"] = _patterns(reader, column, rows)
            figures["min"], figures["max"] = _plain(figures["min"]), _plain(figures["max"])
        return found, rows, _duplicates(reader, ref.key), not is_exact


def _figures(reader: Reader, columns: Sequence[Column], rows: int, *, is_exact: bool) -> list[Profile]:
    """Counts, limits and quantiles of some columns in one pass."""
    parts: list[str] = []
    for column in columns:
        parts += _aggregates(column, is_exact=is_exact)
    values = iter(reader.row(f"SELECT {', '.join(parts)} FROM {_DATA}"))  # noqa: S608
    found = []
    for column in columns:
        filled, blank, distinct, low, high, mean, quantiles, shortest, longest = (next(values) for _n in range(9))
        found.append(
            {
                "name": column.name,
                "type": column.type.value,
                "nulls": rows - filled,
                "blank": blank,
                "distinct": distinct,
                "min": low,
                "max": high,
                "mean": _plain(mean),
                "quantiles": [_plain(value) for value in quantiles or []],
                "shortest": shortest,
                "longest": longest,
            }
        )
    return found


def _aggregates(column: Column, *, is_exact: bool) -> list[str]:
    """Nine aggregates of a column; NULL where its type has none."""
    name = quoted(column.name)
    distinct = f"count(DISTINCT {name})" if is_exact else f"approx_count_distinct({name})"
    nothing = "NULL"
    is_geometry = column.type == ColumnType.GEOMETRY
    limits = [nothing, nothing] if is_geometry else [f"min({name})", f"max({name})"]
    mean, quantiles, lengths = nothing, nothing, [nothing, nothing]
    if column.type.is_numeric:
        sound = f"FILTER (WHERE isfinite({name}::DOUBLE))"
        shares = ", ".join(map(str, QUANTILES))
        function = "quantile_cont" if is_exact else "approx_quantile"
        mean = f"avg({name}::DOUBLE) {sound}"
        quantiles = f"{function}({name}::DOUBLE, [{shares}]) {sound}"
    if column.type.is_text:
        lengths = [f"min(length({name}))", f"max(length({name}))"]
    blank = f"count(*) FILTER (WHERE trim({name}) = '')" if column.type.is_text else "0"
    return [f"count({name})", blank, distinct, *limits, mean, quantiles, *lengths]


def _top(reader: Reader, column: Column, figures: Profile, *, is_exact: bool) -> list[list[Any]]:
    """The most frequent values with their counts, the most frequent first, then by value."""
    if column.type == ColumnType.GEOMETRY or (not is_exact and figures["distinct"] > MANY_VALUES):
        return []
    name = quoted(column.name)
    rows = reader.rows(
        f"SELECT {name}, count(*) FROM {_DATA} WHERE {name} IS NOT NULL "  # noqa: S608
        f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {TOP}"
    )
    return [[_plain(value), count] for value, count in rows]


def _histogram(reader: Reader, column: Column, figures: Profile) -> dict[str, Any] | None:
    """Bins of equal width: of numbers, of days, of the lengths of texts; ``low`` and ``high`` are the outer limits."""
    name = quoted(column.name)
    if column.type.is_numeric:
        value, what = f"{name}::DOUBLE", "value"
    elif column.type in (ColumnType.DATE, ColumnType.DATETIME):
        value, what = f"epoch({name}::TIMESTAMP)", "time"
    elif column.type.is_text:
        value, what = f"length({name})::DOUBLE", "length"
    else:
        return None
    sound = f"isfinite({value})"
    low, high = reader.row(f"SELECT min({value}), max({value}) FROM {_DATA} WHERE {sound}")  # noqa: S608
    if low is None:
        return None
    bins = 1 if low == high else min(BINS, int(high - low) + 1) if what == "length" else BINS
    width = (high - low) / bins or 1.0
    if not math.isfinite(width):
        return None
    rows = reader.rows(
        f"SELECT least({bins - 1}, floor(({value} - ?) / ?)::INTEGER), count(*) "  # noqa: S608
        f"FROM {_DATA} WHERE {sound} GROUP BY 1",
        [low, width],
    )
    counts = [0] * bins
    for position, count in rows:
        counts[position] = count
    return {"what": what, "low": low, "high": high, "counts": counts}


def _patterns(reader: Reader, column: Column, rows: int) -> list[list[Any]]:
    """How values are written, most frequent first, with their share: ``9{6}`` is six digits, ``文`` a Chinese sign."""
    if column.type != ColumnType.TEXT:
        return []
    step = -(-rows // PATTERN_ROWS) or 1
    name = quoted(column.name)
    shape = f"regexp_replace(translate(left({name}, 40), '{_FROM}', '{_TO}'), '\\p{{Han}}', '文', 'g')"
    found = reader.rows(
        f"SELECT {shape}, count(*) FROM {_DATA} WHERE {name} IS NOT NULL AND rowid % {step} = 0 "  # noqa: S608
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 200"
    )
    total = reader.row(f"SELECT count({name}) FROM {_DATA} WHERE rowid % {step} = 0")[0]  # noqa: S608
    return [[shortened(shape), count / total] for shape, count in found[:PATTERNS]]


def shortened(shape: str) -> str:
    """``999999`` as ``9{6}``."""
    return _RUN.sub(lambda run: f"{run[1]}{{{len(run[0])}}}", shape)


def _duplicates(reader: Reader, key: Sequence[str]) -> int | None:
    if not key:
        return None
    names = ", ".join(map(quoted, key))
    inner = f"SELECT count(*) n FROM {_DATA} GROUP BY {names} HAVING count(*) > 1"  # noqa: S608
    return int(reader.row(f"SELECT coalesce(sum(n - 1), 0) FROM ({inner})")[0])  # noqa: S608


def _plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, str):
        return value[:VALUE_LENGTH].replace("\x00", "")
    return json_value(value)
