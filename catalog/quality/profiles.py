"""Profiles of tables: for each column what stands in it, by DuckDB over the serving file, with a job's limits.

Distinct values and quantiles are exact up to ``EXACT_ROWS`` rows and estimated beyond, which the profile says.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from catalog.tables.schema import Column, ColumnType, TableRef, quoted
from catalog.tables.storage import TableStorage, limits

EXACT_ROWS = 2_000_000
TOP, PATTERNS, BINS = 10, 5, 20
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TEXT_LIMIT = 120
"""Longer values are cut in a profile."""
RANGED = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.DATE, ColumnType.DATETIME)


@dataclass
class ColumnProfile:
    """One column; ``top`` and ``patterns`` are (value, count), ``histogram`` (from, to, count) in equal steps.

    Quantiles are those of ``QUANTILES``; of texts ``low`` and ``high`` are the first and last by code point, and
    ``shortest`` and ``longest`` their lengths.
    """

    name: str
    title: str
    type: str
    nulls: int = 0
    distinct: int = 0
    is_estimated: bool = False
    low: Any = None
    high: Any = None
    mean: float | None = None
    quantiles: list[Any] = field(default_factory=list)
    shortest: int | None = None
    longest: int | None = None
    top: list[tuple[Any, int]] = field(default_factory=list)
    patterns: list[tuple[str, int]] = field(default_factory=list)
    histogram: list[tuple[Any, Any, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Profile:
    """A table's figures; ``repeated_keys`` is the number of rows beyond the first of each key, None without a key."""

    rows: int
    repeated_keys: int | None
    columns: list[ColumnProfile]


def profile(ref: TableRef, storage: TableStorage) -> Profile:
    """Read a version once for the plain figures, and once for each column's values, patterns and histogram."""
    path = storage.serving_file(ref)
    with storage.scratch() as scratch, duckdb.connect(config=limits(scratch)) as con:
        con.execute(f"ATTACH '{str(path).replace(chr(39), chr(39) * 2)}' AS served (READ_ONLY)")
        con.execute("USE served")
        rows = _one(con, "SELECT count(*) FROM data")[0]
        columns = [_column(con, column, rows) for column in ref.columns]
        return Profile(rows, _repeated(con, ref.key, rows), columns)


def _one(con: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
    found = con.execute(sql, list(values)).fetchone()
    assert found is not None
    return found


def _repeated(con: duckdb.DuckDBPyConnection, key: Sequence[str], rows: int) -> int | None:
    if not key:
        return None
    names = ", ".join(quoted(name) for name in key)
    return int(rows - _one(con, f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM data)")[0])  # noqa: S608


def _column(con: duckdb.DuckDBPyConnection, column: Column, rows: int) -> ColumnProfile:
    name, is_exact = quoted(column.name), rows <= EXACT_ROWS
    distinct = f"count(DISTINCT {name})" if is_exact else f"approx_count_distinct({name})"
    filled, different, low, high = _one(con, f"SELECT count({name}), {distinct}, min({name}), max({name}) FROM data")  # noqa: S608
    found = ColumnProfile(column.name, column.title, column.type.value, rows - filled, different, not is_exact)
    if not filled or column.type == ColumnType.GEOMETRY:
        return found
    found.low, found.high = _plain(low), _plain(high)
    if column.type in RANGED:
        _ranged(con, column, found, is_exact=is_exact)
    if column.type.is_text:
        found.shortest, found.longest = _one(con, f"SELECT min(length({name})), max(length({name})) FROM data")  # noqa: S608
        found.patterns = _counted(con, f"SELECT {_mask(name)}, count(*) FROM data WHERE {name} IS NOT NULL", PATTERNS)  # noqa: S608
    found.top = _counted(con, f"SELECT {name}, count(*) FROM data WHERE {name} IS NOT NULL", TOP)  # noqa: S608
    return found


def _counted(con: duckdb.DuckDBPyConnection, sql: str, limit: int) -> list[tuple[Any, int]]:
    rows = con.execute(f"{sql} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?", [limit]).fetchall()
    return [(_plain(value), count) for value, count in rows]


def _mask(name: str) -> str:
    """A value's pattern: digits as 9, Latin letters as A, Chinese ones as 汉, runs of them as one with a plus."""
    text = f"left({name}, 40)"
    for kind, sign in (("[0-9]", "9"), ("[A-Za-z]", "A"), (r"\p{Han}", "汉")):
        text = f"regexp_replace({text}, '{kind}', '{sign}', 'g')"
    for sign in ("汉", "A"):
        text = f"regexp_replace({text}, '{sign}{{2,}}', '{sign}+', 'g')"
    return text


def _ranged(con: duckdb.DuckDBPyConnection, column: Column, found: ColumnProfile, *, is_exact: bool) -> None:
    name = quoted(column.name)
    function = "quantile_disc" if is_exact else "approx_quantile"
    parts = ", ".join(f"{function}({name}, {q})" for q in QUANTILES)
    mean = f"avg({name})" if column.type.is_numeric else "NULL"
    average, *quantiles = _one(con, f"SELECT {mean}, {parts} FROM data")  # noqa: S608
    found.mean = _plain(average)
    found.quantiles = [_plain(value) for value in quantiles]
    found.histogram = _histogram(con, column)


def _histogram(con: duckdb.DuckDBPyConnection, column: Column) -> list[tuple[Any, Any, int]]:
    """Counts in ``BINS`` equal steps between the least and the greatest value."""
    as_number = column.type.is_numeric
    value = f"{quoted(column.name)}::DOUBLE" if as_number else f"epoch({quoted(column.name)}::TIMESTAMP)"
    known = f"{value} IS NOT NULL AND isfinite({value})"
    low, high = _one(con, f"SELECT min({value}), max({value}) FROM data WHERE {known}")  # noqa: S608
    if low is None or high <= low or not math.isfinite(high - low):
        return []
    step = (high - low) / BINS
    sql = f"SELECT least(floor(({value} - ?) / ?), ?)::INT AS bin, count(*) FROM data WHERE {known} GROUP BY 1"  # noqa: S608
    counts = dict(con.execute(sql, [low, step, BINS - 1]).fetchall())

    def edge(place: int) -> Any:
        number = low + place * step
        return number if as_number else dt.datetime.fromtimestamp(number, dt.UTC).replace(tzinfo=None).isoformat(" ")

    return [(edge(n), edge(n + 1), counts.get(n, 0)) for n in range(BINS)]


def _plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value[:TEXT_LIMIT] if isinstance(value, str) else value
