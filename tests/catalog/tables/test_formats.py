"""Every format that a table comes in: the same values, texts stay texts, and what is broken is told."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from catalog.tables import archives
from catalog.tables.engine import DuckDBEngine, Query
from catalog.tables.errors import BadFile
from catalog.tables.schema import TableRef
from tests.catalog.tables.conftest import Load

ROWS = [
    {"编号": "0101", "名称": "卧龙桥", "浓度": 35.5, "日期": "2026-01-01", "有效": True},
    {"编号": "0102", "名称": '西溪，"北"', "浓度": -2, "日期": "2026-01-02", "有效": None},
]
TABLE = [
    ("0101", "卧龙桥", 35.5, dt.date(2026, 1, 1), True),
    ("0102", '西溪，"北"', -2.0, dt.date(2026, 1, 2), None),
]
CSV = '编号,名称,浓度,日期,有效\n0101,卧龙桥,35.5,2026-01-01,true\n0102,"西溪，""北""",-2,2026-01-02,\n'


def parquet(rows: list[dict[str, Any]], **changes: pa.DataType) -> bytes:
    table = pa.Table.from_pylist(rows)
    for name, kind in changes.items():
        table = table.set_column(table.schema.get_field_index(name), name, table.column(name).cast(kind))
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def zipped(**members: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def rows(engine: DuckDBEngine, ref: TableRef) -> list[tuple[Any, ...]]:
    return engine.page(ref, Query()).rows


def types(ref: TableRef) -> list[str]:
    return [column.type.value for column in ref.columns]


LINES = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in ROWS)
FORMS: dict[str, tuple[str, bytes]] = {
    "tab": ("a.tsv", CSV.replace('"西溪，""北"""', '"西溪，""北"""').replace(",", "\t").encode()),
    "utf-16": ("a.csv", CSV.encode("utf-16")),
    "big5": ("a.csv", CSV.replace("卧龙桥", "臥龍橋").replace("编号", "編號").replace("称", "稱").encode("gb18030")),
    "json": ("a.json", json.dumps(ROWS, ensure_ascii=False, indent=1).encode()),
    "json in gb18030": ("a.json", json.dumps(ROWS, ensure_ascii=False).encode("gb18030")),
    "json lines": ("a.jsonl", LINES.encode()),
    "parquet": ("a.parquet", parquet([{**r, "日期": dt.date.fromisoformat(str(r["日期"]))} for r in ROWS])),
    "gzip": ("a.csv.gz", gzip.compress(CSV.encode("gb18030"))),
    "zip": ("a.zip", zipped(**{"数据/a.csv": CSV.encode(), "__MACOSX/a.csv": b"x", ".DS_Store": b"y"})),
    "zip of parts": (
        "a.zip",
        zipped(
            **{"1.csv": CSV.rpartition("0102")[0].encode(), "2.csv": (CSV[:15] + CSV[CSV.index("0102") :]).encode()}
        ),
    ),
    "zip of json lines": ("a.zip", zipped(**{"a.ndjson": LINES.encode()})),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_table_in_every_form(load: Load, engine: DuckDBEngine, form: str) -> None:
    name, content = FORMS[form]
    result, ref = load(content, name)
    assert types(ref) == ["text", "text", "number", "date", "boolean"]
    found = rows(engine, ref)
    assert [row[0] for row in found] == ["0101", "0102"]
    if form != "big5":
        assert found == TABLE
    assert result.rejected == 0


def test_json_texts_that_look_like_numbers_stay_texts(load: Load, engine: DuckDBEngine) -> None:
    content = [{"phone": "13800138000", "n": 13800138000, "big": 12345678901234567890, "mixed": 1}, {"mixed": "2"}]
    _result, ref = load(json.dumps(content).encode(), "a.json")
    assert types(ref) == ["text", "integer", "text", "text"]
    assert rows(engine, ref)[0] == ("13800138000", 13800138000, "12345678901234567890", "1")


def test_nested_objects_become_columns_one_level_deep(load: Load, engine: DuckDBEngine) -> None:
    content = [{"id": "a", "place": {"lon": 120.1, "lat": 30.2, "more": {"x": 1}}, "tags": ["甲", "乙"]}]
    _result, ref = load(json.dumps(content, ensure_ascii=False).encode(), "a.json")
    assert [column.title for column in ref.columns] == ["id", "place.lon", "place.lat", "place.more", "tags"]
    assert rows(engine, ref) == [("a", Decimal("120.1"), Decimal("30.2"), '{"x": 1}', '["甲", "乙"]')]


def test_parquet_keeps_texts_moments_and_lists(load: Load, engine: DuckDBEngine) -> None:
    moment = dt.datetime(2026, 1, 1, 8, 0, tzinfo=dt.UTC)
    content = parquet([{"phone": "13800138000", "at": moment, "tags": ["甲"], "n": 7, "raw": b"\x00\x01"}])
    _result, ref = load(content, "a.parquet")
    assert types(ref) == ["text", "datetime", "text", "integer", "text"]
    assert rows(engine, ref) == [("13800138000", dt.datetime(2026, 1, 1, 16, 0), '["甲"]', 7, "AAE=")]


def workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True}) as book:
        for name, lines in sheets.items():
            sheet = book.add_worksheet(name)
            for number, line in enumerate(lines):
                sheet.write_row(number, 0, line)
    return sink.getvalue()


def test_sheets_with_the_same_head_are_one_table(load: Load, engine: DuckDBEngine) -> None:
    head = ["code", "name"]
    sheets = {"空": [], "一月": [head, ["a", "甲"]], "说明": [["填表说明"]], "二月": [head, ["b", "乙"]]}
    _result, ref = load(workbook(sheets), "a.xlsx")
    assert rows(engine, ref) == [("a", "甲"), ("b", "乙")]
    _result, ref = load(workbook(sheets), "a.xlsx", sheet="二月")
    assert rows(engine, ref) == [("b", "乙")]


BAD = {
    "truncated gzip": ("a.csv.gz", gzip.compress(CSV.encode() * 500)[:-20]),
    "gzip of gzip": ("a.csv.gz", gzip.compress(gzip.compress(CSV.encode()))),
    "zip without a table": ("a.zip", zipped(**{"readme.md": b"x", "a.exe": b"MZ"})),
    "zip of several tables": ("a.zip", zipped(**{"a.csv": b"a,b\n1,2\n", "b.csv": b"c,d\n1,2\n"})),
    "zip of a zip": ("a.zip", zipped(**{"a.csv": zipped(**{"b.csv": b"a\n1\n"})})),
    "damaged zip": ("a.zip", zipped(**{"a.csv": CSV.encode()})[:-30]),
    "damaged parquet": ("a.parquet", parquet(ROWS)[:-5] + b"xPAR1"),
    "half a parquet": ("a.parquet", parquet(ROWS)[:200]),
    "json of numbers": ("a.json", b"[1, 2, 3]"),
    "json of nothing": ("a.json", b"[]"),
    "json that breaks off": ("a.json", b'[{"a": 1}, {"a": '),
    "json lines that break": ("a.jsonl", b'{"a": 1}\n{"a": \n'),
    "a json object": ("a.json", b'{\n "title": "x",\n "rows": [1, 2]\n}'),
    "repeated columns": ("a.csv", b"a,a\n1,2\n"),
    "too many columns": ("a.csv", (",".join(f"c{n}" for n in range(10_000)) + "\n").encode()),
    "NUL bytes": ("a.csv", b"a,b\n1,\x00\n"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_broken_is_told_and_the_former_version_stays(
    load: Load, engine: DuckDBEngine, tmp_path: Path, name: str
) -> None:
    _result, before = load(CSV.encode())
    filename, content = BAD[name]
    with pytest.raises(BadFile) as refused:
        load(content, filename, table_id=before.table_id)
    assert str(refused.value).strip()
    assert rows(engine, before) == TABLE
    again, ref = load(CSV.encode(), table_id=before.table_id)
    assert (again.rows, rows(engine, ref)) == (2, TABLE)
    assert list((tmp_path / "tables" / ".scratch").iterdir()) == []


def test_an_archive_bomb_is_stopped_before_it_fills_the_disk(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(archives, "RATIO_FREE", 1024**2)
    bomb = b"a\n" + b"1\n" * 5_000_000
    for name, content in (("a.csv.gz", gzip.compress(bomb)), ("a.zip", zipped(**{"a.csv": bomb}))):
        with pytest.raises(BadFile):
            load(content, name)


def test_a_column_that_would_be_sql_is_a_name(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(b'"""; DROP TABLE data; --",b\n1,2\n')
    assert rows(engine, ref) == [(1, 2)]
    assert ref.columns[0].title == '"; DROP TABLE data; --'
