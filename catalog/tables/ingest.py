"""Loading a file into a table: types found or enforced, broken rows kept aside, all or nothing."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import duckdb
from django.utils.translation import gettext as _

from catalog.tables import archives, formats
from catalog.tables.errors import BadFile, Cancelled
from catalog.tables.formats import Source
from catalog.tables.schema import Column, ColumnType, TableRef, column_names, quoted
from catalog.tables.storage import TableStorage, default_storage, limits
from portal.exports import neutral
from portal.lists import listed

BATCH_ROWS = 65_536
PROGRESS_SECONDS = 0.5
LINE_LIMIT = 32 * 1024**2
CODE_HEADER = re.compile(r"(?i:code$|(^|[_\W])(id|zip|phone|no)$)|[a-z]Id$|编码|代码|号码|编号|电话|号$|码$")
"""Headers of columns that hold codes: they stay text even when every value is a number."""


@dataclass(frozen=True)
class Progress:
    """How far a load is: ``phase`` is reading, checking or writing; ``done`` and ``total`` are bytes or rows."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True)
class Inspection:
    """What a file holds before it is loaded: its columns with the types found in them."""

    source: Source
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class IngestResult:
    """A loaded version: rows kept and rejected, the columns, the key found or given, and how the file was read.

    ``kind`` is that of the table, inside an archive too.
    """

    version: int
    rows: int
    rejected: int
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    encoding: str
    size_bytes: int
    kind: str


class _Pacer:
    """Tells progress, and asks whether to stop, at most every half second."""

    def __init__(self, on_progress: Callable[[Progress], None], should_stop: Callable[[], bool]) -> None:
        self._on_progress, self._should_stop, self._last = on_progress, should_stop, 0.0

    def __call__(self, phase: str, done: int, total: int, *, force: bool = False) -> None:
        now = time.monotonic()
        if not force and now - self._last < PROGRESS_SECONDS:
            return
        self._last = now
        if self._should_stop():
            raise Cancelled
        self._on_progress(Progress(phase, done, total))


def load(
    *,
    path: Path,
    filename: str,
    table_id: UUID,
    reject_path: Path,
    declared: Sequence[Column] = (),
    allow_extra: bool = True,
    key: Sequence[str] = (),
    sheet: str | None = None,
    base: TableRef | None = None,
    is_merge: bool = False,
    storage: TableStorage | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> IngestResult:
    """Load a file as a new version of a table.

    ``declared`` columns (matched by name or header) must all be there and their types are enforced; others are taken
    with the type found, or refused by name unless ``allow_extra``. Rows that do not fit go to ``reject_path`` (line,
    column, reason, row); the others load. Without ``key`` the first column that is filled and unique is taken.

    With ``base`` the rows of that version stay before the new ones; in a merge those whose key comes again do not, and
    of new rows with one key the last counts.

    Raises:
        BadFile, Cancelled: nothing was written.
    """
    storage = storage or default_storage()
    pace = _Pacer(on_progress, should_stop)
    with storage.scratch() as scratch:
        total = path.stat().st_size

        def reading(done: int) -> None:
            pace("reading", done, total)

        source = formats.sniff(*archives.unpack(path, filename, scratch, reading))
        text, source = formats.to_utf8_csv(source, scratch / "in.csv", sheet, reading)
        with duckdb.connect(config=limits(scratch)) as con:
            pace("checking", 0, total, force=True)
            columns = _columns(con, text, source, declared, allow_extra=allow_extra)
            pace("writing", 0, total, force=True)
            con.execute(f"CREATE TEMP TABLE loaded AS SELECT * FROM {_scan(source, columns)}", [str(text)])  # noqa: S608
            rows = _scalar(con, "SELECT count(*) FROM loaded")
            rejected = _write_rejects(con, text, reject_path)
            if not rows:
                raise BadFile(_("No row of the file could be loaded; %(count)s were rejected.") % {"count": rejected})
            if base is not None:
                rows = _join(con, storage, base, columns, tuple(key or base.key), is_merge=is_merge)
            found_key = tuple(key) or (base.key if base else ()) or _guess_key(con, columns, rows)
            version = _write(con, storage, table_id, found_key, pace, rows)
    return IngestResult(version, rows, rejected, columns, found_key, source.encoding, total, source.kind)


def inspect(path: Path, filename: str) -> Inspection:
    """Look into a file without loading it: refuses what cannot be a table, and says which columns it has."""
    with default_storage().scratch() as scratch, duckdb.connect(config=limits(scratch)) as con:
        source = formats.sniff(*archives.unpack(path, filename, scratch))
        text, source = formats.to_utf8_csv(source, scratch / "in.csv", None, lambda done: None)
        return Inspection(source, _columns(con, text, source, (), allow_extra=True))


def _scalar(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])


def _scan(source: Source, columns: Sequence[Column], *, as_text: bool = False) -> str:
    """The table function that reads the CSV; ``?`` stands for its path."""
    types = ", ".join(f"{_literal(c.name)}: '{'VARCHAR' if as_text else c.type.sql}'" for c in columns)
    delimiter = source.delimiter if source.kind == "csv" else ","
    rejects = "ignore_errors=true" if as_text else "store_rejects=true"
    return (
        f"read_csv(?, delim={_literal(delimiter)}, quote='\"', escape='\"', header=true, auto_detect=false, "
        f"columns={{{types}}}, max_line_size={LINE_LIMIT}, {rejects})"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _columns(
    con: duckdb.DuckDBPyConnection, text: Path, source: Source, declared: Sequence[Column], *, allow_extra: bool
) -> tuple[Column, ...]:
    headers = formats.read_header(text, source.delimiter if source.kind == "csv" else ",")
    names = column_names(headers)
    known: dict[int, Column] = {}
    for column in declared:
        place = next((i for i, n in enumerate(names) if n == column.name or headers[i] == column.title), None)
        if place is not None:
            known[place] = Column(column.name, headers[place], column.type)
    missing = [c.title for c in declared if c.name not in {k.name for k in known.values()}]
    if missing:
        raise BadFile(_("The file lacks these columns: %(names)s.") % {"names": listed(missing[:10])})
    extra = [header for place, header in enumerate(headers) if place not in known]
    if extra and not allow_extra:
        raise BadFile(
            _("The file has columns that the dataset does not declare: %(names)s.") % {"names": listed(extra[:10])}
        )
    plain = [known.get(i, Column(names[i], headers[i], ColumnType.TEXT)) for i in range(len(headers))]
    plain = _widened(con, text, source, plain)
    if not extra:
        return tuple(plain)
    found = _infer(con, text, source, plain)
    return tuple(plain[i] if i in known else found[i] for i in range(len(headers)))


def _widened(con: duckdb.DuckDBPyConnection, text: Path, source: Source, columns: list[Column]) -> list[Column]:
    """Whole-number columns as numbers where the file has fractions, which the reader would round without a word."""
    whole = [column for column in columns if column.type == ColumnType.INTEGER]
    if not whole:
        return columns
    checks = ", ".join(f"bool_or(try_cast({c} AS DOUBLE) % 1 <> 0)" for c in (quoted(column.name) for column in whole))
    row = con.execute(f"SELECT {checks} FROM {_scan(source, columns, as_text=True)}", [str(text)]).fetchall()[0]  # noqa: S608
    broken = {column.name for column, has_fraction in zip(whole, row, strict=True) if has_fraction}
    return [replace(column, type=ColumnType.NUMBER) if column.name in broken else column for column in columns]


_CHECKS = """
    count({c}),
    count_if(regexp_full_match({c}, '[+-]?0[0-9].*') OR regexp_full_match({c}, '[+-]?[0-9]{{16,}}')),
    count_if(regexp_full_match({c}, '[+-]?[0-9]+')),
    count_if(regexp_full_match({c}, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?')),
    count_if(regexp_full_match({c}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') AND try_cast({c} AS DATE) IS NOT NULL),
    count_if(regexp_full_match({c}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T][0-9]{{2}}:[0-9:.]*')
        AND try_cast({c} AS TIMESTAMP) IS NOT NULL),
    count_if(lower({c}) IN ('true', 'false'))"""
_CHECK_COUNT = 7


def _infer(con: duckdb.DuckDBPyConnection, text: Path, source: Source, columns: Sequence[Column]) -> list[Column]:
    """Types from every value of every column, in one pass; doubtful columns stay text."""
    checks = ", ".join(_CHECKS.format(c=quoted(column.name)) for column in columns)
    row = con.execute(f"SELECT {checks} FROM {_scan(source, columns, as_text=True)}", [str(text)]).fetchall()[0]  # noqa: S608
    found = []
    for place, column in enumerate(columns):
        counts = row[place * _CHECK_COUNT : (place + 1) * _CHECK_COUNT]
        found.append(Column(column.name, column.title, _type_of(column, source, *counts)))
    return found


def _type_of(
    column: Column, source: Source, filled: int, coded: int, whole: int, number: int, date: int, moment: int, yes: int
) -> ColumnType:
    if source.kind == "geojson" and column.name == "geometry":
        return ColumnType.GEOMETRY
    if not filled or coded or (whole == filled and CODE_HEADER.search(column.title)):
        return ColumnType.TEXT
    if column.title in source.texts and number == filled:
        return ColumnType.TEXT
    by_count = [
        (whole, ColumnType.INTEGER),
        (number, ColumnType.NUMBER),
        (date, ColumnType.DATE),
        (moment, ColumnType.DATETIME),
        (yes, ColumnType.BOOLEAN),
    ]
    return next((kind for count, kind in by_count if count == filled), ColumnType.TEXT)


def _guess_key(con: duckdb.DuckDBPyConnection, columns: Sequence[Column], rows: int) -> tuple[str, ...]:
    """The first of the leading columns that is filled and unique; nothing when none is."""
    for column in columns[:8]:
        name = quoted(column.name)
        if column.type in (ColumnType.TEXT, ColumnType.INTEGER) and rows == _scalar(
            con,
            f"SELECT count(DISTINCT {name}) FROM loaded WHERE {name} IS NOT NULL",  # noqa: S608
        ):
            return (column.name,)
    return ()


def _join(
    con: duckdb.DuckDBPyConnection,
    storage: TableStorage,
    base: TableRef,
    columns: Sequence[Column],
    key: tuple[str, ...],
    *,
    is_merge: bool,
) -> int:
    """Put the rows of ``base`` before the loaded ones, without those that a merge renews; returns how many in all."""
    if is_merge and not key:
        raise BadFile(_("Rows are merged by their key: mark the key items of the record first."))
    names = ", ".join(quoted(column.name) for column in columns)
    kept = ", ".join(f"{quoted(c.name)}::{c.type.sql} AS {quoted(c.name)}" for c in columns)
    keys = ", ".join(quoted(name) for name in key)
    last = f" QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY rowid DESC) = 1" if is_merge else ""
    same = " AND ".join(f"old.{quoted(name)} IS NOT DISTINCT FROM loaded.{quoted(name)}" for name in key)
    stays = f" WHERE NOT EXISTS (SELECT 1 FROM loaded WHERE {same})" if is_merge else ""  # noqa: S608
    con.execute(
        f"CREATE TEMP TABLE joined AS SELECT {kept} FROM read_parquet(?) AS old{stays} "  # noqa: S608
        f"UNION ALL (SELECT {names} FROM loaded{last})",
        [storage.parquet_files(base.table_id, base.version)],
    )
    con.execute("DROP TABLE loaded")
    con.execute("ALTER TABLE joined RENAME TO loaded")
    return _scalar(con, "SELECT count(*) FROM loaded")


def _write(
    con: duckdb.DuckDBPyConnection,
    storage: TableStorage,
    table_id: UUID,
    key: Sequence[str],
    pace: _Pacer,
    rows: int,
) -> int:
    import pyarrow as pa

    order = f" ORDER BY {', '.join(map(quoted, key))}" if key else ""
    reader = con.sql(f"SELECT * FROM loaded{order}").to_arrow_reader(BATCH_ROWS)  # noqa: S608

    def paced() -> object:
        done = 0
        for batch in reader:
            done += batch.num_rows
            pace("writing", done, rows)
            yield batch

    return storage.write_version(table_id, pa.RecordBatchReader.from_batches(reader.schema, paced()))


def _write_rejects(con: duckdb.DuckDBPyConnection, text: Path, target: Path) -> int:
    """The rejected rows as CSV with the line on which each begins in the file; returns how many rows."""
    found = con.execute(
        "SELECT line_byte_position, column_name, error_type::VARCHAR, error_message, csv_line FROM reject_errors "
        "ORDER BY line_byte_position, column_idx"
    ).fetchall()
    if not found:
        return 0
    first = {row[0]: row for row in reversed(found)}
    lines = _line_numbers(text, {position: row[4] for position, row in first.items()})
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_("line"), _("column"), _("reason"), _("row")])
        for position in sorted(first):
            _position, column, kind, message, row = first[position]
            writer.writerow([lines[position], column or "", _reason(kind, message), neutral(row.strip("\r\n"))])
    return len(first)


def _reason(kind: str, message: str) -> str:
    reasons = {
        "MISSING COLUMNS": _("too few cells"),
        "TOO MANY COLUMNS": _("too many cells"),
        "CAST": _("the value does not fit the column's type"),
        "UNQUOTED VALUE": _("the quotation marks are not closed"),
        "LINE SIZE OVER MAXIMUM": _("the line is too long"),
        "INVALID ENCODING": _("the characters cannot be read"),
    }
    value = re.search(r'Could not convert string "(.*?)" to', message)
    return reasons.get(kind, kind.lower()) + (f": {value.group(1)}" if value else "")


def _line_numbers(text: Path, rows: dict[int, str]) -> dict[int, int]:
    """The line (from 1) on which each record of ``rows`` (byte position → its text) begins.

    The reader's position is its own: one byte late after a line feed, and at the blank lines before the record. The
    record is the first line from there that has its text; failing that, the first line that is not blank.
    """
    numbers: dict[int, int] = {}
    waiting = sorted(rows, reverse=True)
    line = offset = 0
    with text.open("rb") as file:
        for line, raw in enumerate(file, start=1):
            end, content = offset + len(raw), raw.rstrip(b"\r\n")
            while waiting and end >= waiting[-1] and content:
                if content == _first_line(rows[waiting[-1]]):
                    numbers[waiting.pop()] = line
                    break
                if offset <= waiting[-1]:
                    break
                numbers[waiting.pop()] = line
            offset = end
            if not waiting:
                break
    return numbers | dict.fromkeys(waiting, line)


def _first_line(record: str) -> bytes:
    return record.strip("\r\n").partition("\n")[0].rstrip("\r").encode()
