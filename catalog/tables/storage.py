"""Where tables are kept: Delta versions, and the serving file of each version that is read."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from django.conf import settings

from catalog.tables.schema import TableRef, quoted

MEMORY_LIMIT = "512MB"
THREADS = 2


@dataclass(frozen=True)
class TableStorage:
    """Tables under one root folder: ``<root>/<table id>/{delta,serving,rejects}``."""

    root: Path

    def folder(self, table_id: UUID) -> Path:
        return self.root / str(table_id)

    def delta_path(self, table_id: UUID) -> Path:
        return self.folder(table_id) / "delta"

    def reject_path(self, table_id: UUID, job_id: UUID) -> Path:
        return self.folder(table_id) / "rejects" / f"{job_id}.csv"

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for temporary files that is removed whatever happens."""
        folder = self.root / ".scratch" / uuid4().hex
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def write_version(self, table_id: UUID, batches: pa.RecordBatchReader) -> int:
        """Write ``batches`` as a new version of the table in one atomic commit; returns the version's number."""
        path = self.delta_path(table_id)
        path.mkdir(parents=True, exist_ok=True)
        write_deltalake(str(path), batches, mode="overwrite", schema_mode="overwrite")
        return DeltaTable(str(path)).version()

    def parquet_files(self, table_id: UUID, version: int) -> list[str]:
        """The Parquet files of one version."""
        return [str(uri) for uri in DeltaTable(str(self.delta_path(table_id)), version=version).file_uris()]

    def serving_file(self, ref: TableRef) -> Path:
        """The DuckDB file of ``ref``'s version, sorted by its key; built from Delta when it is missing.

        One process builds it, under a lock; it appears complete by an atomic rename.
        """
        path = self.folder(ref.table_id) / "serving" / f"{ref.version}.duckdb"
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with (path.parent / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                self._build(ref, path)
        return path

    def _build(self, ref: TableRef, path: Path) -> None:
        with self.scratch() as scratch:
            built = scratch / "serving.duckdb"
            order = f" ORDER BY {', '.join(quoted(name) for name in ref.key)}" if ref.key else ""
            columns = ", ".join(quoted(column.name) for column in ref.columns)
            with duckdb.connect(str(built), config=limits(scratch)) as con:
                con.execute(
                    f"CREATE TABLE data AS SELECT {columns} FROM read_parquet(?){order}",  # noqa: S608
                    [self.parquet_files(ref.table_id, ref.version)],
                )
            built.replace(path)

    def drop(self, table_id: UUID) -> None:
        """Remove a table with everything that belongs to it."""
        shutil.rmtree(self.folder(table_id), ignore_errors=True)


def limits(scratch: Path) -> dict[str, str | bool | int | float | list[str]]:
    """DuckDB's configuration for jobs: bounded memory, spilling to ``scratch``."""
    return {"memory_limit": MEMORY_LIMIT, "threads": THREADS, "temp_directory": str(scratch)}


def default_storage() -> TableStorage:
    """The storage of this installation."""
    return TableStorage(Path(settings.TABLES_ROOT))
