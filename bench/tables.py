"""The data plane against PostgreSQL on the same rows: loading, reading by key, grouping, exporting."""

from __future__ import annotations

import gzip
import io
import shutil
import tempfile
from pathlib import Path
from uuid import uuid4

from django.db import connection

from bench.__main__ import Row, compare
from catalog.tables import ingest
from catalog.tables.engine import DuckDBEngine, Query
from catalog.tables.export import csv_stream
from catalog.tables.filters import parse_filters
from catalog.tables.schema import TableRef
from catalog.tables.storage import TableStorage

VILLAGES = Path(__file__).parent.parent / "demo" / "data" / "divisions" / "villages.csv.gz"
KEY = "330106002051"
COLUMNS = "code, name, streetcode, provincecode, citycode, areacode"


def run() -> list[Row]:
    """620,573 real villages: ours from the CSV with type inference, the peer by COPY into text columns."""
    with tempfile.TemporaryDirectory() as folder, connection.cursor() as cursor:
        path = Path(folder) / "villages.csv"
        with gzip.open(VILLAGES) as packed, path.open("wb") as file:
            shutil.copyfileobj(packed, file)
        storage = TableStorage(Path(folder) / "tables")
        made: list[TableRef] = []

        def load() -> None:
            table_id = uuid4()
            rejects = Path(folder) / "rejects.csv"
            r = ingest.load(path=path, filename=path.name, table_id=table_id, reject_path=rejects, storage=storage)
            made.append(TableRef(table_id, r.version, r.columns, r.key))

        def copy_in() -> None:
            cursor.execute("DROP TABLE IF EXISTS bench_villages")
            types = COLUMNS.replace(",", " text,") + " text"
            cursor.execute(f"CREATE TEMP TABLE bench_villages ({types})")
            with path.open("rb") as file, cursor.copy("COPY bench_villages FROM STDIN (FORMAT csv, HEADER)") as copy:
                while block := file.read(1 << 20):
                    copy.write(block)
            cursor.execute("CREATE INDEX ON bench_villages (code)")

        rows = [compare("load", "620,573 × 6", load, "COPY + btree", copy_in, 3)]
        ref, engine = made[-1], DuckDBEngine(storage)
        point = Query(filters=parse_filters([{"column": "code", "value": KEY}], ref.columns))

        def ask(sql: str) -> None:
            cursor.execute(sql)
            cursor.fetchall()

        def copy_out() -> None:
            sink = io.BytesIO()
            with cursor.copy("COPY bench_villages TO STDOUT (FORMAT csv)") as copy:
                for block in copy:
                    sink.write(block)

        rows += [
            compare(
                "read one row by key",
                "1 of 620,573",
                lambda: engine.page(ref, point),
                "btree",
                lambda: ask(f"SELECT * FROM bench_villages WHERE code = '{KEY}'"),
                200,
            ),
            compare(
                "page of 100 by key",
                "100 of 620,573",
                lambda: engine.page(ref, Query(after=300_000)),
                "btree",
                lambda: ask("SELECT * FROM bench_villages WHERE code > '41' ORDER BY code LIMIT 100"),
                100,
            ),
            compare(
                "group and count",
                "620,573 → 31",
                lambda: engine.group(ref, by="provincecode"),
                "GROUP BY",
                lambda: ask("SELECT provincecode, count(*) FROM bench_villages GROUP BY 1"),
                20,
            ),
            compare(
                "export CSV",
                "620,573 × 6",
                lambda: sum(len(b) for b in csv_stream(engine.batches(ref, Query()), ref.columns)),
                "COPY TO",
                copy_out,
                5,
            ),
        ]
    return rows
