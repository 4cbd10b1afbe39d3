"""Reading tables: one interface, and DuckDB in this process behind it.

Queries are built from checked identifiers and bound values, run read-only on the version's serving file with limits on
memory, threads and time, and can see nothing but that file. Without another order rows come in the order of the serving
file, which is sorted by the table's key, so paging by position is paging by key.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
from django.utils.translation import gettext as _

from catalog.tables import cursors, marks, shuffling
from catalog.tables.cursors import Sort
from catalog.tables.errors import BadFilter, QueryTimeout, UnknownColumn
from catalog.tables.filters import Filter, to_sql
from catalog.tables.schema import Column, TableRef, quoted
from catalog.tables.storage import TableStorage, default_storage
from catalog.tables.summary import Groups, Summary
from portal.lists import listed

logger = logging.getLogger(__name__)

TIME_LIMIT_S = 15.0
WATCH_SECONDS = 0.1
OPEN_FILES = 32
PAGE_LIMIT = 1_000
BATCH_ROWS = 16_384
FUNCTIONS = ("count", "sum", "avg", "min", "max")


@dataclass(frozen=True)
class Query:
    """What to read: columns (all, when None), conditions, order, and a page by ``offset`` or ``after`` a page token."""

    columns: tuple[str, ...] | None = None
    filters: tuple[Filter, ...] = ()
    sort: tuple[Sort, ...] = ()
    limit: int = 100
    offset: int = 0
    after: str = ""


@dataclass(frozen=True)
class Page:
    """Rows as tuples in the order of ``columns``; the token ``next_after`` continues after them, None at the end."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    has_more: bool
    next_after: str | None = None


class Engine(Protocol):
    """What a page, an API and a job may ask of tables."""

    def page(self, ref: TableRef, query: Query) -> Page: ...

    def row(self, ref: TableRef, key: Mapping[str, Any]) -> tuple[Any, ...] | None: ...

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

    def aggregate(self, ref: TableRef, sql: str) -> tuple[Any, ...]: ...


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
        shown, has_more, width = rows[:limit], len(rows) > limit, len(columns)
        after = None
        if has_more:
            *order, position = shown[-1][width:]
            after = cursors.write(ref, query.sort, order, position)
        return Page(columns, [row[:width] for row in shown], has_more, after)

    def row(self, ref: TableRef, key: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The row with this key (column → value), None when there is none.

        Raises:
            BadFilter: the table has no key, or not this one.
        """
        if not ref.key or set(key) != set(ref.key) or any(ref.column(name) is None for name in ref.key):
            raise BadFilter(_("Name a value of each key column: %(names)s.") % {"names": listed(ref.key or ["—"])})
        source, values = _from(ref, [Filter(name, "eq", value) for name, value in key.items()])
        names = ", ".join(quoted(column.name) for column in ref.columns)
        with self._cursor(ref) as cursor:
            return cursor.execute(f"SELECT {names} FROM {source} LIMIT 1", values).fetchone()  # noqa: S608

    def count(self, ref: TableRef, filters: Sequence[Filter] = ()) -> int:
        """How many rows meet the conditions."""
        source, values = _from(ref, filters)
        with self._cursor(ref) as cursor:
            row = cursor.execute(f"SELECT count(*) FROM {source}", values).fetchone()  # noqa: S608
        return int(row[0]) if row else 0

    def batches(self, ref: TableRef, query: Query) -> Iterator[pa.RecordBatch]:
        """Every row that meets the query, as Arrow batches; without a time limit. Close the generator to stop."""
        columns = _chosen(ref, query.columns)
        sql, values = _select(ref, query, columns, with_position=False)
        shuffled = [place for place, column in enumerate(columns) if column.name in ref.shuffled]
        with self._cursor(ref, timed=False) as cursor:
            batches = cursor.sql(sql, params=values).to_arrow_reader(BATCH_ROWS)
            yield from shuffling.shuffled(batches, shuffled) if shuffled else batches

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
        _checked(ref, [by, *([measure] if measure else [])])
        source, values = _from(ref, filters)
        value = f"{function}({quoted(measure) if measure else '*'})"
        order = "2 DESC NULLS LAST, 1" if by_value else "1"
        sql = f"SELECT {quoted(by)}, {value} FROM {source} GROUP BY 1 ORDER BY {order} LIMIT ?"  # noqa: S608
        with self._cursor(ref) as cursor:
            return [(row[0], row[1]) for row in cursor.execute(sql, [*values, limit]).fetchall()]

    def summarise(self, ref: TableRef, summary: Summary) -> Groups:
        """Figures over groups of rows, as many groups as the summary's limit.

        Raises:
            UnknownColumn, BadFilter, QueryTimeout.
        """
        _checked(ref, summary.columns)
        source, values = _from(ref, summary.filters)
        sql = summary.to_sql(source)
        with self._cursor(ref) as cursor:
            rows = cursor.execute(f"{sql} LIMIT ?", [*values, summary.limit + 1]).fetchall()
        return Groups(summary, rows[: summary.limit], len(rows) > summary.limit)

    def aggregate(self, ref: TableRef, sql: str) -> tuple[Any, ...]:
        """The one row of a statement over the view, which stands for ``{source}``; for figures that no page asks for.

        The statement is the caller's own, made of checked columns.
        """
        source, values = _from(ref, ())
        with self._cursor(ref) as cursor:
            row = cursor.execute(sql.replace("{source}", source), values * sql.count("{source}")).fetchone()
        assert row is not None
        return row

    @contextmanager
    def _cursor(self, ref: TableRef, *, timed: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of its own on the serving file; interrupted when it takes too long."""
        cursor = self._connection(ref).cursor()
        if timed:
            _watch.begin(cursor, self.time_limit_s)
        try:
            yield cursor
        except duckdb.InterruptException as error:
            raise QueryTimeout from error
        finally:
            if timed:
                _watch.end(cursor)
            cursor.close()

    def _connection(self, ref: TableRef) -> duckdb.DuckDBPyConnection:
        path = self.storage.serving_file(ref)
        with self._lock:
            if self._pid != os.getpid():
                self._open, self._pid = OrderedDict(), os.getpid()
            if path not in self._open:
                self._open[path] = self._connect(ref, path)
                while len(self._open) > OPEN_FILES:
                    self._open.popitem(last=False)
            self._open.move_to_end(path)
            return self._open[path]

    def _connect(self, ref: TableRef, path: Path) -> duckdb.DuckDBPyConnection:
        try:
            return _connect(path)
        except duckdb.Error:
            logger.warning("the serving file %s is damaged; it is built anew", path)
            return _connect(self.storage.rebuild(ref))


class _Watch:
    """Interrupts statements that take too long: one thread for all, started when the first one runs."""

    def __init__(self) -> None:
        self._until: dict[int, tuple[float, duckdb.DuckDBPyConnection]] = {}
        self._thread: threading.Thread | None = None
        self._pid = 0

    def begin(self, cursor: duckdb.DuckDBPyConnection, seconds: float) -> None:
        self._until[id(cursor)] = time.monotonic() + seconds, cursor
        if self._thread is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._thread = threading.Thread(target=self._run, name="query-limits", daemon=True)
            self._thread.start()

    def end(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._until.pop(id(cursor), None)

    def _run(self) -> None:
        while True:
            time.sleep(WATCH_SECONDS)
            now = time.monotonic()
            for until, cursor in list(self._until.values()):
                if now > until:
                    with suppress(duckdb.Error):  # it may have ended meanwhile
                        cursor.interrupt()


_watch = _Watch()


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    config: dict[str, Any] = {"memory_limit": "512MB", "threads": 2, "enable_external_access": False}
    connection = duckdb.connect(str(path), read_only=True, config=config)
    if not connection.execute("SELECT current_setting('lock_configuration')").fetchall()[0][0]:
        # DuckDB 2.0 fails on conditions on rowid beside another order with it, and our pages gain nothing from it
        connection.execute("SET disabled_optimizers = 'late_materialization'")
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


def _checked(ref: TableRef, names: Sequence[str]) -> None:
    """Refuse columns that the view does not have, or whose values in a row are not that row's."""
    if names:
        _chosen(ref, names)
    if mixed := [name for name in names if name in ref.shuffled]:
        raise BadFilter(_("%(names)s: shuffled values can only be exported.") % {"names": listed(mixed)})


def _from(ref: TableRef, filters: Sequence[Filter], *, is_export: bool = False) -> tuple[str, list[Any]]:
    """What stands after FROM: the view, with these conditions on what is seen through it; and the values to bind."""
    _checked(ref, [condition.column for condition in filters])
    where, values = to_sql(filters)
    if not ref.is_view:
        return f"data WHERE {where}", values
    masks = {mask.column: mask for mask in ref.masks}
    stored = {column.name: column for column in ref.stored}
    shown, bound = [], list[Any]()
    for column in ref.columns:
        name, mask = quoted(column.name), masks.get(column.name)
        if mask is None or (is_export and column.name in ref.shuffled):
            shown.append(name)
            continue
        value, keys = mask.sql(stored[column.name])
        shown.append(f"{value} AS {name}")
        bound += keys
    rows, limits = to_sql(ref.rows)
    view = f"(SELECT {', '.join(shown)}, rowid FROM data WHERE {rows}) AS data"  # noqa: S608
    return f"{view} WHERE {where}", [*bound, *limits, *values]


def _select(ref: TableRef, query: Query, columns: Sequence[Column], *, with_position: bool) -> tuple[str, list[Any]]:
    """The statement of a page or an export; a page has the values of its order and its position behind its columns."""
    source, values = _from(ref, query.filters, is_export=not with_position)
    sorted_by = [sort.column for sort in query.sort]
    _checked(ref, sorted_by)
    if query.after:
        condition, bound = cursors.read(query.after, ref, query.sort)
        source, values = f"{source} AND {condition}", [*values, *bound]
    if ref.mark and not with_position:
        statement, keys = marks.statement(ref, columns, source, query.sort)
        return statement, [*keys, *values]
    order = [f"{quoted(sort.column)} {'DESC' if sort.descending else 'ASC'} NULLS LAST" for sort in query.sort]
    shown = [quoted(column.name) for column in columns]
    if with_position:
        shown += [*map(quoted, sorted_by), "rowid"]
    ordered = f" ORDER BY {', '.join([*order, 'rowid'])}" if with_position or order else ""
    return f"SELECT {', '.join(shown)} FROM {source}{ordered}", values  # noqa: S608


_engines: dict[Path, DuckDBEngine] = {}


def default_engine() -> Engine:
    """The engine of this installation, one per process and storage root."""
    storage = default_storage()
    return _engines.setdefault(storage.root, DuckDBEngine(storage))
