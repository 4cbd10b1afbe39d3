"""Marks of deliveries: what they cost an export, and how small a part of a copy still names its grant."""

from __future__ import annotations

import gzip
import random
import tempfile
from dataclasses import replace
from math import log2
from pathlib import Path
from uuid import uuid4

from bench.__main__ import Row, compare
from bench.tables import VILLAGES
from catalog.tables import ingest, marks
from catalog.tables.engine import DuckDBEngine, Query
from catalog.tables.export import csv_stream
from catalog.tables.schema import TableRef
from catalog.tables.storage import TableStorage

ROWS = 1_000_000
TRIES = 200
KEY = "0" * 64


def run() -> list[Row]:
    """The time of an export with marks against one without; then prints how often a part is recognised."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "rows.csv"
        lines = gzip.decompress(VILLAGES.read_bytes()).decode("utf-8-sig").splitlines()
        with source.open("w", encoding="utf-8") as out:
            out.write("n," + lines[0] + ",address\n")
            for n in range(ROWS):
                row = lines[1 + n % (len(lines) - 1)]
                out.write(f"{n},{row},浙江省杭州市西湖区{row.split(',')[1]}第{n % 977}号\n")
        storage, table = TableStorage(folder / "tables"), uuid4()
        loaded = ingest.load(
            path=source, filename="rows.csv", table_id=table, reject_path=folder / "rejects", storage=storage
        )
        ref = TableRef(table, loaded.version, loaded.columns, loaded.key)
        engine = DuckDBEngine(storage)

        def export(of: TableRef) -> int:
            return sum(map(len, csv_stream(engine.batches(of, Query()), of.columns)))

        marked = replace(ref, mark=KEY)
        row = compare(
            "export with marks", f"{ROWS:,} rows", lambda: export(marked), "without marks", lambda: export(ref), 3
        )
        _power(engine, marked)
    return [row]


def _power(engine: DuckDBEngine, ref: TableRef) -> None:
    """How often texts alone, without the column of tokens, tell whose copy it is (chance below one in a million)."""
    place = [column.name for column in ref.columns].index("address")
    cells: list[str] = []
    for batch in engine.batches(ref, Query()):
        cells += batch.columns[place].to_pylist()
        if len(cells) > 100_000:
            break
    chance = random.Random(5)
    print("rows kept of one text column, without the tokens → share of copies whose grant is named")
    for kept in (1, 10, 25, 40, 60, 100, 1_000):
        named = sum(_bits(chance.sample(cells, kept)) >= 20 for _try in range(TRIES))
        print(f"  {kept:5}  {named / TRIES:.3f}")


def _bits(cells: list[str]) -> float:
    """What the marks of cells prove, in bits: one of two signs at one of the text's places, for each that has one."""
    found = {cell for cell in cells if any(sign in cell for sign in marks.SIGNS)}
    return sum(log2(8 * (len(cell) - 2)) for cell in found)
