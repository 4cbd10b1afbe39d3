"""Loading a file into a table: types found or enforced, broken rows kept aside, all or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from django.utils.translation import gettext as _

from catalog.tables import archives, formats
from catalog.tables.errors import BadFile, Cancelled
from catalog.tables.formats import Source
from catalog.tables.inference import inferred, misfits, widened
from catalog.tables.rejects import REJECT_LIMIT, write_rejects
from catalog.tables.schema import Column, ColumnType, TableRef, column_names, quoted
from catalog.tables.storage import TableStorage, default_storage
from catalog.tables.workbench import Workbench, literal, parquet, workbench
from portal.lists import listed

PARQUET = "FORMAT parquet, ROW_GROUP_SIZE 65536, COMPRESSION zstd, COMPRESSION_LEVEL 1"
"""As quick to write as the usual compression, and a fifth of its size."""
PROGRESS_SECONDS = 0.5
QUICK_BYTES = 8 * 1024**2
SAMPLE_ROWS = 5
MADE_LINE_LIMIT = 32 * 1024**2
"""The same for lines made of the objects and shapes of other formats."""
SURELY_REPEATED = 0.8
"""A column with fewer estimated different values than this share of its rows is no key."""


@dataclass(frozen=True)
class Progress:
    """How far a load is: ``phase`` is reading, checking or writing; ``done`` and ``total`` are bytes or rows."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True)
class Inspection:
    """What a file holds before it is loaded: columns with the types found, the key found, some rows as texts."""

    source: Source
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rows: list[tuple[str | None, ...]]


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
    wished: Sequence[Column] = (),
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
    with the type found, or that of ``wished``, or refused by name unless ``allow_extra``. Rows that do not fit go to
    ``reject_path`` (line, column, reason, row); the others load. Without ``key`` the first column that is filled and
    unique is taken.

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
        utf8, source = formats.to_utf8_csv(source, scratch / "in.csv", sheet, reading)
        phase = "checking"

        def tick(share: float) -> None:
            pace(phase, int(total * share), total)

        with workbench(scratch, tick) as bench:
            pace(phase, 0, total, force=True)
            text = _Text(bench, utf8, source, scratch / "loaded.parquet")
            columns, rows = _read(text, declared, base.columns if base else (), wished, allow_extra=allow_extra)
            rejected = write_rejects(bench, utf8, reject_path)
            if not rows:
                raise BadFile(_("No row of the file could be loaded; %(count)s were rejected.") % {"count": rejected})
            phase = "writing"
            chosen, is_sorted = tuple(key) or (base.key if base else ()), False
            if not chosen and base is None:
                chosen, is_sorted = _key(bench, parquet(text.parquet), columns)
            old = storage.parquet_files(base.table_id, base.version) if base else None
            version_file = _write(bench, text.parquet, columns, chosen, old, is_merge=is_merge, is_sorted=is_sorted)
            rows = bench.scalar(f"SELECT count(*) FROM {parquet(version_file)}")  # noqa: S608
        pace("writing", total, total, force=True)
        version = storage.commit(table_id, version_file)
    return IngestResult(version, rows, rejected, columns, chosen, source.encoding, total, source.kind)


def inspect(path: Path, filename: str, *, sheet: str | None = None, is_quick: bool = False) -> Inspection:
    """Look into a file without loading it: refuses what cannot be a table, and says which columns it has.

    A quick look reads the first megabytes of a CSV only.
    """
    with default_storage().scratch() as scratch, workbench(scratch) as bench:
        source = formats.sniff(*archives.unpack(path, filename, scratch))
        if is_quick and source.kind == "csv" and source.path.stat().st_size > QUICK_BYTES:
            source = replace(source, path=formats.beginning(source.path, scratch / "head.csv", QUICK_BYTES))
        utf8, source = formats.to_utf8_csv(source, scratch / "in.csv", sheet, lambda done: None)
        text = _Text(bench, utf8, source, scratch / "loaded.parquet")
        columns, _rows = _read(text, (), (), (), allow_extra=True)
        rows = bench.rows(f"SELECT * FROM {parquet(text.parquet)} LIMIT {SAMPLE_ROWS}")  # noqa: S608
        key, _is_sorted = _key(bench, parquet(text.parquet), columns)
        return Inspection(source, columns, key, rows)


@dataclass(frozen=True)
class _Text:
    """The CSV that every file becomes, and what is loaded of it into ``parquet``."""

    bench: Workbench
    path: Path
    source: Source
    parquet: Path

    @property
    def delimiter(self) -> str:
        return self.source.delimiter if self.source.kind == "csv" else ","

    @property
    def line_limit(self) -> int:
        return formats.LINE_LIMIT if self.source.kind == "csv" else MADE_LINE_LIMIT

    def scan(self, columns: Sequence[Column], typed: Collection[str] = ()) -> int:
        """Write the rows to ``parquet``, as texts but for the columns ``typed``; returns how many.

        What does not fit is in the table ``reject_errors`` afterwards.
        """
        types = ", ".join(f"{literal(c.name)}: '{c.sql if c.name in typed else 'VARCHAR'}'" for c in columns)
        options = (
            f"delim={literal(self.delimiter)}, quote='\"', escape='\"', header=true, auto_detect=false, "
            f"columns={{{types}}}, max_line_size={self.line_limit}, buffer_size={2 * self.line_limit}, "
            f"store_rejects=true, rejects_limit={REJECT_LIMIT}"
        )
        self.bench.rows("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
        row = self.bench.rows(
            f"COPY (SELECT * FROM read_csv(?, {options})) TO {literal(str(self.parquet))} "  # noqa: S608
            f"({PARQUET})",
            [str(self.path)],
        )[0]
        if self.bench.scalar("SELECT count(*) FROM reject_errors") >= REJECT_LIMIT:
            raise BadFile(_("More than a million rows do not fit the columns. Check the types and the file."))
        return int(row[0])


def _read(
    text: _Text,
    declared: Sequence[Column],
    base: Sequence[Column],
    wished: Sequence[Column],
    *,
    allow_extra: bool,
) -> tuple[tuple[Column, ...], int]:
    """Bring the rows into ``text.parquet``; returns the columns with their types, and how many rows.

    Values are read as texts once. Only a file that has values which a declared type does not take is read again, so
    that each of them is named with its line.
    """
    headers = formats.read_header(text.path, text.delimiter)
    columns, known = _matched(headers, declared, allow_extra=allow_extra)
    types = {column.name: column.type for column in wished if column.name not in known}
    columns = [replace(column, type=types.get(column.name, column.type)) for column in columns]
    known |= types.keys()
    rows, relation = text.scan(columns), parquet(text.parquet)
    if not rows:
        return tuple(columns), 0
    fixed = widened(text.bench, relation, [column for column in columns if column.name in known], base)
    found = inferred(text.bench, relation, [c for c in columns if c.name not in known], text.source.texts)
    by_name = {column.name: _shaped(column, text.source) for column in [*fixed, *found]}
    columns = [by_name[column.name] for column in columns]
    if bad := misfits(text.bench, relation, fixed):
        rows = text.scan(columns, bad)
    return tuple(columns), rows


def _shaped(column: Column, source: Source) -> Column:
    is_shape = source.kind == "geojson" and column.name == "geometry"
    return replace(column, type=ColumnType.GEOMETRY) if is_shape else column


def _matched(
    headers: Sequence[str], declared: Sequence[Column], *, allow_extra: bool
) -> tuple[list[Column], frozenset[str]]:
    """A column for each header, declared ones with their types; and the names of those."""
    names, known = column_names(headers), dict[int, Column]()
    for column in declared:
        place = next((i for i, n in enumerate(names) if n == column.name or headers[i] == column.title), None)
        if place is not None:
            known[place] = replace(column, title=headers[place])
    found = frozenset(column.name for column in known.values())
    missing = [c.title for c in declared if c.name not in found]
    if missing:
        raise BadFile(_("The file lacks these columns: %(names)s.") % {"names": listed(missing[:10])})
    extra = [header for place, header in enumerate(headers) if place not in known]
    if extra and not allow_extra:
        raise BadFile(
            _("The file has columns that the dataset does not declare: %(names)s.") % {"names": listed(extra[:10])}
        )
    columns = [known.get(i, Column(names[i], headers[i], ColumnType.TEXT)) for i in range(len(headers))]
    return columns, found


def _key(bench: Workbench, relation: str, columns: Sequence[Column]) -> tuple[tuple[str, ...], bool]:
    """The first of the leading columns that is filled and unique, nothing when none is; and whether it is in order."""
    for column in columns[:8]:
        if column.type not in (ColumnType.TEXT, ColumnType.INTEGER):
            continue
        if _rises(bench, relation, [column], strictly=True):
            return (column.name,), True
        name = quoted(column.name)
        counts = f"count(*), count({name}), approx_count_distinct({name})"
        rows, filled, about = bench.rows(f"SELECT {counts} FROM {relation}")[0]  # noqa: S608
        if filled < rows or about < rows * SURELY_REPEATED:
            continue
        if bench.scalar(f"SELECT count(DISTINCT {name}) FROM {relation}") == rows:  # noqa: S608
            return (column.name,), False
    return (), True


def _rises(bench: Workbench, relation: str, columns: Sequence[Column], *, strictly: bool = False) -> bool:
    """Whether the rows are filled and in the order of these columns already; ``strictly``: without repeats too."""
    values = [_typed(column) for column in columns]
    this, before = ", ".join(values), ", ".join(f"lag({value}) OVER ()" for value in values)
    filled = " AND ".join(f"{value} IS NOT NULL" for value in values)
    step = f"row({this}) {'>' if strictly else '>='} row({before}) OR row_number() OVER () = 1"
    sql = f"SELECT coalesce(bool_and(filled AND step), true) FROM (SELECT {filled} AS filled, {step} AS step FROM {relation})"  # noqa: S608, E501
    return bool(bench.scalar(sql))


def _typed(column: Column) -> str:
    return f"{quoted(column.name)}::{column.sql}"


def _final(
    bench: Workbench,
    relation: str,
    columns: Sequence[Column],
    key: tuple[str, ...],
    old: Sequence[str] | None,
    *,
    is_merge: bool,
) -> str:
    """The rows of the new version (SQL): the loaded ones in their types, after those of the files ``old``.

    In a merge old rows whose key comes again are left out, and of new rows with one key the last counts.
    """
    typed = ", ".join(f"{_typed(c)} AS {quoted(c.name)}" for c in columns)
    new = f"SELECT {typed} FROM {relation}"  # noqa: S608
    if old is None:
        return new
    files = "[" + ", ".join(map(literal, old)) + "]"
    if not is_merge:
        return f"SELECT {typed} FROM read_parquet({files}) UNION ALL {new}"  # noqa: S608
    if not key:
        raise BadFile(_("Rows are merged by their key: mark the key items of the record first."))
    bench.rows(f"CREATE TEMP TABLE renewed AS SELECT *, row_number() OVER () AS place FROM ({new})")  # noqa: S608
    names, keys = ", ".join(quoted(c.name) for c in columns), ", ".join(map(quoted, key))
    same = " AND ".join(f"old.{quoted(name)} IS NOT DISTINCT FROM renewed.{quoted(name)}" for name in key)
    return (
        f"SELECT {names} FROM (SELECT {typed} FROM read_parquet({files})) AS old "  # noqa: S608
        f"WHERE NOT EXISTS (SELECT 1 FROM renewed WHERE {same}) UNION ALL SELECT {names} FROM "
        f"(SELECT * FROM renewed QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY place DESC) = 1)"
    )


def _write(
    bench: Workbench,
    loaded: Path,
    columns: Sequence[Column],
    key: tuple[str, ...],
    old: Sequence[str] | None,
    *,
    is_merge: bool,
    is_sorted: bool,
) -> Path:
    """The Parquet file of the new version, sorted by its key; the loaded file itself where it is that already."""
    relation = parquet(loaded)
    stored = {row[0]: row[1] for row in bench.rows(f"DESCRIBE SELECT * FROM {relation}")}  # noqa: S608
    is_typed = all(stored[column.name] == column.sql.replace(", ", ",") for column in columns)
    by_name = {column.name: column for column in columns}
    if old is not None:
        is_sorted = not key
    elif not is_sorted:
        is_sorted = _rises(bench, relation, [by_name[name] for name in key])
    if old is None and is_sorted and is_typed:
        return loaded
    target = loaded.with_name("version.parquet")
    order = f" ORDER BY {', '.join(map(quoted, key))}" if key and not is_sorted else ""
    rows = _final(bench, relation, columns, key, old, is_merge=is_merge)
    bench.rows(
        f"COPY (SELECT * FROM ({rows}){order}) TO {literal(str(target))} ({PARQUET})"  # noqa: S608
    )
    return target
