"""A storage of its own for each test, and loading into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from catalog.tables import ingest
from catalog.tables.engine import DuckDBEngine
from catalog.tables.ingest import IngestResult
from catalog.tables.schema import TableRef
from catalog.tables.storage import TableStorage

Load = Callable[..., tuple[IngestResult, TableRef]]


@pytest.fixture
def storage(tmp_path: Path) -> TableStorage:
    return TableStorage(tmp_path / "tables")


@pytest.fixture
def load(storage: TableStorage, tmp_path: Path) -> Load:
    def run(content: bytes | Path, name: str = "a.csv", *, table_id: UUID | None = None, **more: Any) -> Any:
        path = content if isinstance(content, Path) else tmp_path / "upload"
        if isinstance(content, bytes):
            path.write_bytes(content)
        table_id = table_id or uuid4()
        result = ingest.load(
            path=path, filename=name, table_id=table_id, reject_path=tmp_path / "rejects.csv", storage=storage, **more
        )
        return result, TableRef(table_id, result.version, result.columns, result.key)

    return run


@pytest.fixture
def engine(storage: TableStorage) -> DuckDBEngine:
    return DuckDBEngine(storage)
