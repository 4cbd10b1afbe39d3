"""Reading tables: one interface, and DuckDB in this process behind it.

Queries are built from checked identifiers and bound values, run read-only on the version's serving file with limits on
memory, threads and time, and can see nothing but that file. Without another order rows come in the order of the serving
file, which is sorted by the table's key, so paging by position is paging by key.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
from django.utils.translation import gettext as _

from catalog.tables.errors import BadFilter, QueryTimeout, UnknownColumn
from catalog.tables.filters import Filter, to_sql
from catalog.tables.schema import Column, TableRef, quoted
from catalog.tables.storage import TableStorage, default_storage
from catalog.tables.summary import Groups, Summary
from portal.lists import listed

TIME_LIMIT_S = 15.0
OPEN_FILES = 32
PAGE_LIMIT = 1_000
BATCH_ROWS = 16_384
FUNCTIONS = ("count", "sum", "avg", "min", "max")


@dataclass(frozen=True)
class Sort:
    column: str
    descending: bool = False


@dataclass(frozen=True)
class Query:
    """What to read: columns (all, when None), conditions, order, and a page by ``offset`` or ``after`` a token."""

    columns: tuple[str, ...] | None = None
    filters: tuple[Filter, ...] = ()
    sort: tuple[Sort, ...] = ()
    limit: int = 100
    offset: int = 0
    after: int | None = None


@dataclass(frozen=True)
class Page:
    """Rows as tuples in the order of ``columns``; ``next_after`` continues after the last row, None at the end."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    has_more: bool
    next_after: int | None = None


class Engine(Protocol):
    """What a page, an API and a job may ask of tables."""

    def page(self, ref: TableRef, query: Query) -> Page: ...

    def count(self, ref: TableRef, filters: Sequence[Filter] = ()) -> int: ...

    def batches(self, ref: TableRef, query: Query) -> Iterator[pa.RecordBatch]: ...

    def group(
        self,
        ref: TableRef,
        *,
        by: str,
        measure: str | None = None,
        function: str = "count",
        filters: Sequence[Filter] = (),
        limit: int = 100,
        by_value: bool = False,
    ) -> list[tuple[Any, Any]]: ...

    def summarise(self, ref: TableRef, summary: Summary) -> Groups: ...


@dataclass
class DuckDBEngine:
    """The engine in this process; safe with threads, and with processes that fork after it was made."""

    storage: TableStorage
    time_limit_s: float = TIME_LIMIT_S
    _open: OrderedDict[Path, duckdb.DuckDBPyConnection] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pid: int = field(default_factory=os.getpid)

    def page(self, ref: TableRef, query: Query) -> Page:
        """One page of at most 1,000 rows.

        Raises:
            UnknownColumn, BadFilter, QueryTimeout.
        """
        columns = _chosen(ref, query.columns)
        limit = max(1, min(query.limit, PAGE_LIMIT))
        sql, values = _select(ref, query, columns, with_position=True)
        with self._cursor(ref) as cursor:
            rows = cursor.execute(f"{sql} LIMIT ? OFFSET ?", [*values, limit + 1, max(0, query.offset)]).fetchall()
        shown = rows[:limit]
        has_more = len(rows) > limit
        after = shown[-1][-1] if has_more and shown and not query.sort else None
        return Page(columns, [row[:-1] for row in shown], has_more, after)

    def count(self, ref: TableRef, filters: Sequence[Filter] = ()) -> int:
        """How many rows meet the conditions."""
        where, values = _where(ref, filters)
        with self._cursor(ref) as cursor:
            row = cursor.execute(f"SELECT count(*) FROM data WHERE {where}", values).fetchone()  # noqa: S608
        return int(row[0]) if row else 0

    def batches(self, ref: TableRef, query: Query) -> Iterator[pa.RecordBatch]:
        """Every row that meets the query, as Arrow batches; without a time limit. Close the generator to stop."""
        sql, values = _select(ref, query, _chosen(ref, query.columns), with_position=False)
        with self._cursor(ref, timed=False) as cursor:
            yield from cursor.sql(sql, params=values).to_arrow_reader(BATCH_ROWS)

    def group(
        self,
        ref: TableRef,
        *,
        by: str,
        measure: str | None = None,
        function: str = "count",
        filters: Sequence[Filter] = (),
        limit: int = 100,
        by_value: bool = False,
    ) -> list[tuple[Any, Any]]:
        """(group, value) pairs, by group ascending, or the largest values first when ``by_value``."""
        if function not in FUNCTIONS:
            raise BadFilter(_("“%(function)s” is not one of: %(known)s.") % {"function": function, "known": FUNCTIONS})
        _chosen(ref, [by, *([measure] if measure else [])])
        where, values = _where(ref, filters)
        value = f"{function}({quoted(measure) if measure else '*'})"
        order = "2 DESC NULLS LAST, 1" if by_value else "1"
        sql = f"SELECT {quoted(by)}, {value} FROM data WHERE {where} GROUP BY 1 ORDER BY {order} LIMIT ?"  # noqa: S608
        with self._cursor(ref) as cursor:
            return [(row[0], row[1]) for row in cursor.execute(sql, [*values, limit]).fetchall()]

    def summarise(self, ref: TableRef, summary: Summary) -> Groups:
        """Figures over groups of rows, as many groups as the summary's limit.

        Raises:
            UnknownColumn, BadFilter, QueryTimeout.
        """
        if summary.columns:
            _chosen(ref, summary.columns)
        sql, values = summary.to_sql()
        with self._cursor(ref) as cursor:
            rows = cursor.execute(f"{sql} LIMIT ?", [*values, summary.limit + 1]).fetchall()
        return Groups(summary, rows[: summary.limit], len(rows) > summary.limit)

    @contextmanager
    def _cursor(self, ref: TableRef, *, timed: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of its own on the serving file; interrupted when it takes too long."""
        cursor = self._connection(self.storage.serving_file(ref)).cursor()
        timer = threading.Timer(self.time_limit_s, cursor.interrupt) if timed else None
        if timer:
            timer.daemon = True
            timer.start()
        try:
            yield cursor
        except duckdb.InterruptException as error:
            raise QueryTimeout from error
        finally:
            if timer:
                timer.cancel()
            cursor.close()

    def _connection(self, path: Path) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._pid != os.getpid():
                self._open, self._pid = OrderedDict(), os.getpid()
            if path not in self._open:
                self._open[path] = _connect(path)
                while len(self._open) > OPEN_FILES:
                    self._open.popitem(last=False)
            self._open.move_to_end(path)
            return self._open[path]


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    config: dict[str, Any] = {"memory_limit": "512MB", "threads": 2, "enable_external_access": False}
    connection = duckdb.connect(str(path), read_only=True, config=config)
    connection.execute("SET lock_configuration = true")
    return connection


def _chosen(ref: TableRef, names: Sequence[str] | None) -> tuple[Column, ...]:
    if names is None:
        return ref.columns
    unknown = [name for name in names if ref.column(name) is None]
    if unknown or not names:
        message = _("There is no column named: %(names)s.") % {"names": listed(unknown)}
        raise UnknownColumn(message, columns=unknown)
    return tuple(column for name in names if (column := ref.column(name)))


def _where(ref: TableRef, filters: Sequence[Filter]) -> tuple[str, list[Any]]:
    if filters:
        _chosen(ref, [condition.column for condition in filters])
    return to_sql(filters)


def _select(ref: TableRef, query: Query, columns: Sequence[Column], *, with_position: bool) -> tuple[str, list[Any]]:
    where, values = _where(ref, query.filters)
    names = ", ".join(quoted(column.name) for column in columns)
    if query.after is not None:
        where, values = f"{where} AND rowid > ?", [*values, query.after]
    if query.sort:
        _chosen(ref, [sort.column for sort in query.sort])
    order = [f"{quoted(sort.column)} {'DESC' if sort.descending else 'ASC'} NULLS LAST" for sort in query.sort]
    position = ", rowid" if with_position else ""
    ordered = f" ORDER BY {', '.join([*order, 'rowid'])}" if with_position or order else ""
    return f"SELECT {names}{position} FROM data WHERE {where}{ordered}", values  # noqa: S608


_engines: dict[Path, DuckDBEngine] = {}


def default_engine() -> Engine:
    """The engine of this installation, one per process and storage root."""
    storage = default_storage()
    return _engines.setdefault(storage.root, DuckDBEngine(storage))
