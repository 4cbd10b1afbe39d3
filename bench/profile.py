"""Profiles of 620,573 real villages and of 10 million rows made by repeating them, against DuckDB's own SUMMARIZE."""

from __future__ import annotations

import gzip
import resource
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import duckdb
from django.conf import settings

from bench.__main__ import Row, timed
from bench.tables import VILLAGES
from catalog.quality import profiling
from catalog.tables import ingest
from catalog.tables.schema import Column, ColumnType, TableRef
from catalog.tables.storage import default_storage, limits

TIMES = 17
"""620,573 rows so many times are 10.5 million; the first 10 million of them are kept."""
LARGE = 10_000_000


def run() -> list[Row]:
    """Seconds of the profile and of SUMMARIZE on the same serving file; the peak of the process is printed."""
    with tempfile.TemporaryDirectory() as folder:
        settings.TABLES_ROOT = str(Path(folder) / "tables")
        small = _villages(Path(folder))
        rows = [_row(small, "620,573 × 6", 3)]
        rows.append(_row(_large(small, Path(folder)), "10,000,000 × 7", 1))
    return rows


def _row(ref: TableRef, size: str, runs: int) -> Row:
    path = default_storage().serving_file(ref)
    with tempfile.TemporaryDirectory() as scratch:

        def summarize() -> None:
            with duckdb.connect(str(path), read_only=True, config=limits(Path(scratch))) as con:
                con.execute("SUMMARIZE data").fetchall()

        summary, _p95 = timed(summarize, runs)
    peak: list[int] = []
    seconds, p95 = timed(lambda: peak.append(_peak_of(lambda: profiling.profile(ref))), runs)
    print(
        f"{size}: resident memory grew to {max(peak) / 2**20:,.0f} MiB while profiling; "
        f"highest of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB"
    )
    return Row("profile", size, seconds, p95, "SUMMARIZE", summary, runs)


def _peak_of(call: Callable[[], object]) -> int:
    """The highest resident memory, in bytes, seen while ``call`` ran."""
    seen, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            seen.append(pages * resource.getpagesize())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        call()
    finally:
        done.set()
        watcher.join()
    return max(seen)


def _villages(folder: Path) -> TableRef:
    path = folder / "villages.csv"
    with gzip.open(VILLAGES) as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
    table_id = uuid4()
    result = ingest.load(path=path, filename=path.name, table_id=table_id, reject_path=folder / "rejects.csv")
    return TableRef(table_id, result.version, result.columns, result.key)


def _large(small: TableRef, folder: Path) -> TableRef:
    """A serving file of 10 million rows with a running number as key."""
    ref = TableRef(uuid4(), 0, (Column("n", "n", ColumnType.INTEGER), *small.columns), ("n",))
    path = default_storage().folder(ref.table_id) / "serving" / "0.duckdb"
    path.parent.mkdir(parents=True)
    source = str(default_storage().serving_file(small)).replace("'", "''")
    started = time.monotonic()
    with duckdb.connect(str(path), config=limits(folder)) as con:
        con.execute(f"ATTACH '{source}' AS small (READ_ONLY)")
        con.execute(
            "CREATE TABLE data AS SELECT row_number() OVER () AS n, v.* "
            f"FROM range({TIMES}), small.data v LIMIT {LARGE}"
        )
    print(f"10 million rows written in {time.monotonic() - started:.0f} s")
    return ref
