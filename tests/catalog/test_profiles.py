"""Profiles equal DuckDB's own figures for every table of the demo, and a plain computation for drawn tables."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.quality import profiling
from catalog.quality.profiling import shortened
from catalog.tables import ingest
from catalog.tables.schema import ColumnType, TableRef, quoted
from catalog.tables.storage import default_storage

DATA = Path(__file__).parent.parent.parent / "demo" / "data"
FILES = sorted(
    path.relative_to(DATA).as_posix()
    for path in DATA.rglob("*")
    if path.name.endswith((".csv", ".csv.gz", ".geojson")) and "villages" not in path.name
)


def loaded(path: Path, folder: Path) -> TableRef:
    if path.suffix == ".gz":
        plain = folder / path.stem
        with gzip.open(path) as packed, plain.open("wb") as file:
            shutil.copyfileobj(packed, file)
        path = plain
    table_id = uuid4()
    result = ingest.load(path=path, filename=path.name, table_id=table_id, reject_path=folder / "rejects.csv")
    return TableRef(table_id, result.version, result.columns, result.key)


@pytest.mark.parametrize("name", FILES)
def test_the_figures_of_each_real_table_are_those_of_duckdb(name: str, tmp_path: Path) -> None:
    ref = loaded(DATA / name, tmp_path)
    columns, rows, duplicates, is_approximate = profiling.profile(ref)
    files = default_storage().parquet_files(ref.table_id, ref.version)
    with duckdb.connect() as con:
        con.execute("CREATE VIEW own AS SELECT * FROM read_parquet(" + repr(files) + ")")
        summary = {row[0]: row for row in con.execute("SUMMARIZE own").fetchall()}
        assert (rows, is_approximate) == (con.execute("SELECT count(*) FROM own").fetchone()[0], False)  # type: ignore[index]
        keys = ", ".join(map(quoted, ref.key))
        if ref.key:
            distinct = con.execute(f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM own)").fetchone()
            assert duplicates == rows - distinct[0]  # type: ignore[index]
        for column in columns:
            _same(con, summary, column)


def _same(con: duckdb.DuckDBPyConnection, summary: dict[str, Any], column: dict[str, Any]) -> None:
    name = quoted(column["name"])
    nulls, distinct = con.execute(f"SELECT count(*) - count({name}), count(DISTINCT {name}) FROM own").fetchone() or ()
    assert (column["nulls"], column["distinct"]) == (nulls, distinct)
    if column["type"] == ColumnType.GEOMETRY:
        return
    top = con.execute(
        f"SELECT {name}, count(*) FROM own WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"
    ).fetchall()
    assert column["top"] == [[profiling._plain(value), count] for value, count in top]
    assert sum((column["histogram"] or {"counts": []})["counts"]) == sum(
        con.execute(f"SELECT count({name}) FROM own").fetchone() or ()
    )
    _name, _type, low, high, _distinct, mean, *_rest = summary[column["name"]]
    if column["type"] in (ColumnType.INTEGER, ColumnType.NUMBER):
        assert [float(low), float(high)] == [column["min"], column["max"]]
        assert column["mean"] == pytest.approx(float(mean))
        exact = con.execute(f"SELECT quantile_cont({name}::DOUBLE, [0.05, 0.25, 0.5, 0.75, 0.95]) FROM own").fetchone()
        assert column["quantiles"] == pytest.approx(list(exact[0]))  # type: ignore[index]
    else:
        assert [low and low[:80], high and high[:80]] == [column["min"], column["max"]]


CELL = st.one_of(st.none(), st.sampled_from(["a", "b", "Z9", "330106", "中文", "x-1"]))


@settings(max_examples=15, deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=30))
def test_counts_patterns_and_lengths_equal_a_plain_computation(tmp_path_factory: Any, rows: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    path = folder / "drawn.csv"
    lines = [f"r{n},{one or ''},{two or ''}" for n, (one, two) in enumerate(rows)]
    path.write_text("\n".join(["id,one,two", *lines]) + "\n")
    ref = loaded(path, folder)
    columns, count, _duplicates, _approximate = profiling.profile(ref)
    assert count == len(rows)
    for position, column in enumerate(columns[1:]):
        texts = [row[position] for row in rows if row[position]]
        if column["type"] != ColumnType.TEXT:
            continue
        assert (column["nulls"] + column["blank"], column["distinct"]) == (len(rows) - len(texts), len(set(texts)))
        by_count = sorted({text: -texts.count(text) for text in texts}.items(), key=lambda pair: (pair[1], pair[0]))
        assert column["top"] == [[text, -n] for text, n in by_count]
        assert [column["shortest"], column["longest"]] == [
            min(map(len, texts), default=None),
            max(map(len, texts), default=None),
        ]


@pytest.mark.parametrize(
    ("shape", "short"), [("999999", "9{6}"), ("A999-aa", "A9{3}-a{2}"), ("文文文9", "文{3}9"), ("", "")]
)
def test_patterns_are_written_shortly(shape: str, short: str) -> None:
    assert shortened(shape) == short
