"""Reading databases of the departments: what tables they have, and the rows of one as a file to be loaded.

Connections only read, go to addresses that were checked, and end by time limits; SQLAlchemy speaks to each kind.
"""

from __future__ import annotations

import datetime as dt
import os
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pymysql
import sqlalchemy as sa
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.utils.translation import gettext as _
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from catalog.connections.addresses import SourceFailed, reachable
from catalog.models import DatabaseKind, DatabaseSource, Encryption
from catalog.tables.errors import BadFile
from catalog.tables.schema import ColumnType
from portal.sealing import unseal

CONNECT_SECONDS = 10
BATCH = 10_000
TABLES_SHOWN = 5_000
OVERLAP = dt.timedelta(minutes=10)
"""Rows that were written a little late are read again where rows are renewed by their key."""
DECIMAL_DIGITS = 38
SYSTEM_SCHEMAS = ("information_schema", "performance_schema", "mysql", "sys")
GROWING = (sa.Integer, sa.Numeric, sa.Date, sa.DateTime)
"""Types whose values are ordered alike everywhere, so that a column of them can be a watermark."""


@dataclass(frozen=True)
class SourceColumn:
    """A column of a database table: ``comment`` is what the database says of it.

    ``grows``: its values are ordered, so that it may be a watermark; ``counts``: they are whole numbers.
    """

    name: str
    kind: str
    comment: str
    is_key: bool
    grows: bool
    counts: bool


@dataclass(frozen=True)
class Reading:
    """What is to be read: columns of a table; all rows, or those whose ``watermark`` lies beyond ``reached``.

    ``is_renewed``: rows are renewed by their key, so those near the mark are read again: the same day, or ten minutes.
    """

    schema: str
    table: str
    columns: Sequence[str]
    watermark: str = ""
    reached: str = ""
    is_renewed: bool = False


@contextmanager
def connected(source: DatabaseSource) -> Iterator[sa.Connection]:
    """A connection that only reads.

    Raises:
        SourceFailed: it cannot be reached, or refuses; also when a statement in the block fails.
    """
    address = reachable(source.host, source.port_used)
    try:
        password = unseal(source.password) if source.password else ""
    except InvalidToken as error:
        raise SourceFailed(_("The password cannot be read any more. Enter it again.")) from error
    opener = _OPENERS[DatabaseKind(source.kind)]
    dialect = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}[source.kind]
    engine = sa.create_engine(f"{dialect}://", creator=partial(opener, source, address, password), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except (SQLAlchemyError, psycopg.Error, pymysql.Error, OSError) as error:
        raise SourceFailed(_("The database answered: %(error)s") % {"error": _said(error, password)}) from error
    finally:
        engine.dispose()


def _said(error: BaseException, password: str) -> str:
    """The driver's own words in one line, without the statement and without the password."""
    error = getattr(error, "orig", None) or error
    said = error.args[-1] if isinstance(error, pymysql.Error) and error.args else error
    text = " ".join(str(said).split())
    return (text.replace(password, "***") if password else text)[:300]


def _postgresql(source: DatabaseSource, address: str, password: str) -> Any:
    verified = {"sslmode": "verify-full", "sslrootcert": "system"}
    modes: dict[Encryption, dict[str, Any]] = {
        Encryption.VERIFIED: verified,
        Encryption.ENCRYPTED: {"sslmode": "require"},
    }
    return psycopg.connect(
        host=source.host,
        hostaddr=address,
        port=source.port_used,
        dbname=source.database,
        user=source.account,
        password=password,
        passfile=os.devnull,
        connect_timeout=CONNECT_SECONDS,
        application_name="shuqiao",
        options=f"-c default_transaction_read_only=on -c statement_timeout={settings.PULL_SECONDS * 1000}",
        **modes.get(Encryption(source.encryption), {"sslmode": "disable"}),
    )


def _mysql(source: DatabaseSource, address: str, password: str) -> Any:
    context: ssl.SSLContext | None = None
    if source.encryption != Encryption.PLAIN:
        context = ssl.create_default_context()
        if source.encryption == Encryption.ENCRYPTED:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = pymysql.connect(
        host=source.host,
        port=source.port_used,
        user=source.account,
        password=password.encode(),
        database=source.database,
        charset="utf8mb4",
        ssl=context,
        ssl_disabled=context is None,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=settings.PULL_SECONDS,
        local_infile=False,
        init_command="SET SESSION TRANSACTION READ ONLY",
        defer_connect=True,
    )
    line = socket.create_connection((address, source.port_used), CONNECT_SECONDS)
    line.settimeout(None)
    connection.connect(line)
    return connection


_OPENERS: dict[DatabaseKind, Callable[[DatabaseSource, str, str], Any]] = {
    DatabaseKind.POSTGRESQL: _postgresql,
    DatabaseKind.MYSQL: _mysql,
}


def tables(source: DatabaseSource) -> list[tuple[str, str]]:
    """Tables and views that the account sees, as (schema, name); MySQL's have no schema.

    Raises:
        SourceFailed: the database cannot be read.
    """
    found: list[tuple[str, str]] = []
    with connected(source) as connection:
        look = sa.inspect(connection)
        schemas = look.get_schema_names() if source.kind == DatabaseKind.POSTGRESQL else [""]
        for schema in schemas:
            if schema not in SYSTEM_SCHEMAS and not schema.startswith("pg_"):
                names = {*look.get_table_names(schema or None), *look.get_view_names(schema or None)}
                found += [(schema, name) for name in sorted(names)]
    return found[:TABLES_SHOWN]


def columns(source: DatabaseSource, schema: str, table: str) -> list[SourceColumn]:
    """The columns of a table or view.

    Raises:
        SourceFailed: the database cannot be read, or has no such table.
    """
    with connected(source) as connection:
        return [_column(column, key) for column, key in _described(connection, schema, table)]


def _column(column: ReflectedColumn, key: Sequence[str]) -> SourceColumn:
    kind = column["type"]
    return SourceColumn(
        name=column["name"],
        kind=str(kind).lower().partition(" collate")[0],
        comment=(column.get("comment") or "").strip()[:200],
        is_key=column["name"] in key,
        grows=isinstance(kind, GROWING) and not isinstance(kind, sa.Float),
        counts=isinstance(kind, sa.Integer),
    )


def _described(connection: sa.Connection, schema: str, table: str) -> list[tuple[ReflectedColumn, list[str]]]:
    look = sa.inspect(connection)
    try:
        found = look.get_columns(table, schema or None)
        key = look.get_pk_constraint(table, schema or None).get("constrained_columns") or []
    except sa.exc.NoSuchTableError as error:
        raise SourceFailed(_("The database has no table %(name)s any more.") % {"name": table}) from error
    return [(column, key) for column in found]


def _column_type(kind: sa.types.TypeEngine[Any]) -> ColumnType:
    """What a column of a database type becomes."""
    if isinstance(kind, sa.Boolean):
        return ColumnType.BOOLEAN
    if isinstance(kind, sa.Integer):
        return ColumnType.NUMBER if getattr(kind, "unsigned", False) else ColumnType.INTEGER
    if isinstance(kind, sa.Numeric | sa.Float):
        return ColumnType.NUMBER
    if isinstance(kind, sa.Date):
        return ColumnType.DATE
    return ColumnType.DATETIME if isinstance(kind, sa.DateTime) else ColumnType.TEXT


@dataclass(frozen=True)
class Fetched:
    """How many rows were written, the greatest watermark among them, and the types of the columns."""

    rows: int
    reached: str
    types: dict[str, ColumnType]


def fetch(
    source: DatabaseSource, reading: Reading, path: Path, *, on_rows: Callable[[int], None] = lambda rows: None
) -> Fetched:
    """Write the rows to ``path`` as Parquet.

    No rows are written when none lies beyond the mark that was reached. ``on_rows`` may raise to stop it.

    Raises:
        SourceFailed: the database cannot be read, or the table or a column is gone. BadFile: it is too large.
    """
    with connected(source) as connection:
        kinds = {c["name"]: c["type"] for c, _key in _described(connection, reading.schema, reading.table)}
        if missing := [name for name in (*reading.columns, reading.watermark) if name and name not in kinds]:
            message = _("The table has no column %(name)s any more. Change what is pulled.")
            raise SourceFailed(message % {"name": missing[0]})
        table = sa.table(reading.table, *(sa.column(n, kinds[n]) for n in kinds), schema=reading.schema or None)
        query = sa.select(*(table.c[name] for name in reading.columns))
        types = {name: _column_type(kinds[name]) for name in reading.columns}
        top = ""
        if reading.watermark:
            mark = table.c[reading.watermark]
            top = _written(connection.scalar(sa.select(sa.func.max(mark))))
            greatest = _read(top, kinds[reading.watermark])
            reached = _read(reading.reached, kinds[reading.watermark])
            is_day = isinstance(greatest, dt.date) and not isinstance(greatest, dt.datetime)
            if greatest is None or (reached is not None and (greatest < reached if is_day else greatest <= reached)):
                return Fetched(0, reading.reached, types)
            query = query.where(mark <= greatest)
            if reached is not None:
                query = query.where(_beyond(mark, reached, is_renewed=reading.is_renewed))
        rows = _write(connection, query, [kinds[name] for name in reading.columns], path, on_rows)
        return Fetched(rows, top, types)


def _beyond(mark: sa.ColumnElement[Any], reached: Any, *, is_renewed: bool) -> sa.ColumnElement[bool]:
    """The rows that were not read yet; where they are renewed, also those that may have been written late."""
    if is_renewed and isinstance(reached, dt.datetime):
        return mark >= reached - OVERLAP
    return mark >= reached if is_renewed and isinstance(reached, dt.date) else mark > reached


def _write(
    connection: sa.Connection,
    query: sa.Select[Any],
    kinds: Sequence[sa.types.TypeEngine[Any]],
    path: Path,
    on_rows: Callable[[int], None],
) -> int:
    """The rows of a query as a Parquet file, in batches; returns how many."""
    result = connection.execution_options(stream_results=True, yield_per=BATCH).execute(query)
    fields = [_field(name, kind) for name, kind in zip(result.keys(), kinds, strict=True)]
    rows = 0
    with pq.ParquetWriter(path, pa.schema(fields), compression="zstd", compression_level=1) as writer:
        for part in result.partitions():
            arrays = [_array(values, field) for values, field in zip(zip(*part, strict=True), fields, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=pa.schema(fields)))
            rows += len(part)
            if path.stat().st_size > settings.UPLOAD_LIMIT_BYTES:
                raise BadFile(_("The table is larger than allowed."))
            on_rows(rows)
    return rows


def _field(name: str, kind: sa.types.TypeEngine[Any]) -> pa.Field:
    """How values of a database type are written; numbers without a bound on their digits as texts."""
    if isinstance(kind, sa.Boolean):
        return pa.field(name, pa.bool_())
    if isinstance(kind, sa.Integer):
        return pa.field(name, pa.decimal128(20, 0))
    if isinstance(kind, sa.Float):
        return pa.field(name, pa.float64())
    if isinstance(kind, sa.Numeric):
        if kind.precision and kind.precision <= DECIMAL_DIGITS:
            return pa.field(name, pa.decimal128(kind.precision, kind.scale or 0))
        return pa.field(name, pa.string())
    if isinstance(kind, sa.Date):
        return pa.field(name, pa.date32())
    if isinstance(kind, sa.DateTime):
        return pa.field(name, pa.timestamp("us", "UTC" if kind.timezone else None))
    return pa.field(name, pa.string())


def _array(values: Sequence[Any], field: pa.Field) -> pa.Array:
    if pa.types.is_string(field.type):
        values = [None if value is None else _text(value) for value in values]
    elif pa.types.is_decimal(field.type):
        values = [None if value is None else Decimal(value) for value in values]
    elif pa.types.is_floating(field.type):
        values = [None if value is None else float(value) for value in values]
    return pa.array(values, field.type)


def _text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value).replace("\x00", "")


def _written(value: Any) -> str:
    """A watermark as text."""
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _read(text: str, kind: sa.types.TypeEngine[Any]) -> Any:
    """What ``_written`` was given."""
    if not text:
        return None
    if isinstance(kind, sa.DateTime):
        return dt.datetime.fromisoformat(text)
    if isinstance(kind, sa.Date):
        return dt.date.fromisoformat(text)
    return int(text) if isinstance(kind, sa.Integer) else Decimal(text)
