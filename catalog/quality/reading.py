"""Reading serving files for profiles and rules: bounded memory, threads and time, nothing else of the file system."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
from django.conf import settings

from catalog.tables.errors import QueryTimeout
from catalog.tables.schema import TableRef, quoted
from catalog.tables.storage import default_storage, limits

MAIN = "main_table"
"""The name under which the table in question is attached; others have names of their own."""


@contextmanager
def opened(ref: TableRef, others: Mapping[str, TableRef] | None = None) -> Iterator[Reader]:
    """A reader of ``ref``'s serving file, as ``main_table.data``, and of others by their names.

    Raises:
        QueryTimeout: when one question takes longer than QUALITY_JOB_SECONDS.
    """
    storage = default_storage()
    with storage.scratch() as scratch, duckdb.connect(config=limits(scratch)) as connection:
        for name, table in {MAIN: ref, **(others or {})}.items():
            path = str(storage.serving_file(table)).replace("'", "''")
            connection.execute(f"ATTACH '{path}' AS {quoted(name)} (READ_ONLY)")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield Reader(connection)


class Reader:
    """Asks one question after the other of the files that are open."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        timer = threading.Timer(settings.QUALITY_JOB_SECONDS, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            return self._connection.execute(sql, values or []).fetchall()
        except duckdb.InterruptException as error:
            raise QueryTimeout from error
        finally:
            timer.cancel()

    def row(self, sql: str, values: list[Any] | None = None) -> tuple[Any, ...]:
        """The one row of the answer."""
        return self.rows(sql, values)[0]

    def stream(self, sql: str, values: list[Any], size: int = 1_000) -> Iterator[tuple[Any, ...]]:
        """The rows of a long answer, some at a time."""
        cursor = self._connection.execute(sql, values)
        while found := cursor.fetchmany(size):
            yield from found
