"""Where jobs on tables work: a DuckDB connection of their own with bounded memory, whose statements can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from catalog.tables.storage import limits

TICK_SECONDS = 0.25


class Workbench:
    """Runs statements one after the other; while one runs, ``on_tick`` is told its share of work done (0 to 1).

    What ``on_tick`` raises stops the statement and is raised from ``rows``.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, on_tick: Callable[[float], None]) -> None:
        self._con, self._on_tick = con, on_tick
        self._pool = ThreadPoolExecutor(1)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row of a statement's answer."""
        running = self._pool.submit(lambda: self._con.execute(sql, list(values)).fetchall())
        while True:
            try:
                return running.result(TICK_SECONDS)
            except NotYet:
                try:
                    self._on_tick(max(0.0, min(1.0, self._con.query_progress() / 100)))
                except BaseException:
                    self._con.interrupt()
                    running.exception()
                    raise

    def scalar(self, sql: str) -> Any:
        """The first value of a statement's answer."""
        return self.rows(sql)[0][0]

    def close(self) -> None:
        """Let the thread go."""
        self._pool.shutdown()


@contextmanager
def workbench(scratch: Path, on_tick: Callable[[float], None] = lambda share: None) -> Iterator[Workbench]:
    """A workbench that spills to ``scratch``."""
    with duckdb.connect(config=limits(scratch)) as con:
        bench = Workbench(con, on_tick)
        try:
            yield bench
        finally:
            bench.close()


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def parquet(path: Path) -> str:
    """A Parquet file as a relation (SQL)."""
    return f"read_parquet({literal(str(path))})"
