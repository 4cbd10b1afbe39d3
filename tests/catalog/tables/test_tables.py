"""The data plane: any table in, typed and checked; rows out by query and export."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import xlsxwriter

from catalog.tables import export
from catalog.tables.engine import DuckDBEngine, Query, Sort
from catalog.tables.errors import BadFile, BadFilter, Cancelled, QueryTimeout, TableError, UnknownColumn
from catalog.tables.filters import parse_filters
from catalog.tables.ingest import IngestResult
from catalog.tables.schema import Column, ColumnType, TableRef, column_names
from catalog.tables.storage import TableStorage
from tests.catalog.tables.conftest import Load

DATA = Path(__file__).resolve().parents[3] / "demo" / "data"


def types(result: IngestResult) -> list[str]:
    return [column.type.value for column in result.columns]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_common_encodings_and_delimiters_are_found(
    load: Load, engine: DuckDBEngine, encoding: str, delimiter: str
) -> None:
    lines = [["代码", "名称"], ["0101", "卧龙桥"], ["0102", "西溪"]]
    content = "\r\n".join(delimiter.join(line) for line in lines).encode(encoding)
    result, ref = load(content)
    assert [c.title for c in result.columns] == ["代码", "名称"]
    assert engine.page(ref, Query()).rows == [("0101", "卧龙桥"), ("0102", "西溪")]


def test_a_character_on_the_border_of_a_block_is_read_whole(load: Load, engine: DuckDBEngine) -> None:
    text = "名称,序号\n" + "".join(f"{'桥' * 50},{n}\n" for n in range(12_000))
    _result, ref = load(text.encode("gb18030"))
    assert engine.group(ref, by="名称") == [("桥" * 50, 12_000)]


def test_types_are_inferred_conservatively(load: Load) -> None:
    content = (
        b"code,zip,long,n,x,day,at,yes,mixed,empty\n"
        b"1,310000,1234567890123456,1,1.5,2026-01-02,2026-01-02 10:00:00,true,1,\n"
        b"2,001234,1234567890123457,-2,2e3,2026-01-03,2026-01-03T11:30:00,false,a,\n"
    )
    result, _ref = load(content)
    kinds = ["text", "text", "text", "integer", "number", "date", "datetime", "boolean", "text", "text"]
    assert types(result) == kinds


def test_real_division_codes_stay_text(load: Load, engine: DuckDBEngine) -> None:
    result, ref = load(DATA / "encodings" / "areas-gb18030-crlf.csv", "areas.csv")
    assert (result.rows, result.rejected, result.encoding) == (2_978, 0, "gb18030")
    assert (types(result), result.key) == (["text"] * 4, ("code",))
    west = parse_filters([{"column": "code", "value": "330106"}], ref.columns)
    assert engine.page(ref, Query(filters=west)).rows == [("330106", "西湖区", "3301", "33")]


def test_rejected_rows_carry_the_line_on_which_they_begin(load: Load, tmp_path: Path) -> None:
    content = b'code,name,n\r\n01,"a\r\nb",1\r\n02,x,oops\r\n\r\n03\r\n04,y,4,5\r\n05,z,5\r\n'
    result, _ref = load(content, declared=[Column("n", "n", ColumnType.INTEGER)])
    assert (result.rows, result.rejected) == (2, 3)
    rows = (tmp_path / "rejects.csv").read_text("utf-8-sig").splitlines()[1:]
    assert [row.split(",")[:2] for row in rows] == [["4", "n"], ["6", "name"], ["7", ""]]
    assert "oops" in rows[0]


def test_declared_columns_must_be_there_and_others_may_be_refused(load: Load, storage: TableStorage) -> None:
    declared = [Column("code", "代码", ColumnType.TEXT), Column("day", "日期", ColumnType.DATE)]
    with pytest.raises(BadFile, match="日期"):
        load("代码,名称\n1,a\n".encode(), declared=declared)
    with pytest.raises(BadFile, match="名称"):
        load("代码,日期,名称\n1,2026-01-01,a\n".encode(), declared=declared, allow_extra=False)
    result, _ref = load("日期,代码\n2026-01-01,7\n".encode(), declared=declared, allow_extra=False)
    assert [(c.name, c.type.value) for c in result.columns] == [("day", "date"), ("code", "text")]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "a.csv"),
        (b"   \n", "a.csv"),
        (b"%PDF-1.4 x", "a.csv"),
        (b"\x89PNG\r\n", "a.csv"),
        (b"PK\x03\x04 something", "a.csv"),
        (b"PK\x03\x04 something", "a.xlsx"),
        (b"a,b\n1,2\n", "a.xlsx"),
        (b"<!DOCTYPE html><p>", "a.csv"),
        (b"a\x00b", "a.csv"),
        (b'{"type": "Feature"}', "a.geojson"),
        (b'{"type": "FeatureCollection", "features": [', "a.geojson"),
        (b"a,a\n1,2\n", "a.csv"),
        (b"a,,c\n1,2,3\n", "a.csv"),
        (b"a,b\n", "a.csv"),
        (b",".join(b"c%d" % n for n in range(2_001)) + b"\n", "a.csv"),
    ],
)
def test_a_file_that_is_no_table_is_refused_and_leaves_nothing(
    load: Load, storage: TableStorage, content: bytes, name: str
) -> None:
    table_id = uuid4()
    with pytest.raises(BadFile):
        load(content, name, table_id=table_id)
    assert not storage.folder(table_id).exists()
    assert list(storage.root.glob(".scratch/*")) == []


def test_a_stopped_load_writes_nothing(load: Load, storage: TableStorage) -> None:
    table_id = uuid4()
    with pytest.raises(Cancelled):
        load(b"a\n1\n", table_id=table_id, should_stop=lambda: True)
    assert not storage.folder(table_id).exists()


def test_a_workbook_is_read_with_its_types_as_they_look(load: Load, engine: DuckDBEngine) -> None:
    import datetime as dt

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("数据")
        rows = [["代码", "数量", "日期", "启用"], ["007", 3, dt.date(2026, 1, 2), True], ["008", 4, None, False]]
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    result, ref = load(buffer.getvalue(), "a.xlsx")
    assert types(result) == ["text", "integer", "date", "boolean"]
    assert engine.page(ref, Query()).rows == [("007", 3, dt.date(2026, 1, 2), True), ("008", 4, None, False)]
    with pytest.raises(BadFile):
        load(buffer.getvalue(), "a.xlsx", sheet="没有")


def test_a_new_version_leaves_the_old_one_readable(load: Load, engine: DuckDBEngine) -> None:
    _one, first = load(b"code,n\n1,1\n")
    _two, second = load(b"code,n\n1,2\n2,3\n", table_id=first.table_id)
    assert (engine.count(first), engine.count(second)) == (1, 2)
    assert (first.version, second.version) == (0, 1)


TABLE = b"code,name,n,x,day\n1,a,1,1.5,2026-01-01\n2,ab,2,,2026-02-01\n3,=b,3,3.5,2026-03-01\n4,,4,4.5,\n"


@pytest.mark.parametrize(
    ("condition", "codes"),
    [
        ({"column": "n", "op": "eq", "value": "2"}, "2"),
        ({"column": "n", "op": "ne", "value": 2}, "134"),
        ({"column": "name", "op": "ne", "value": "a"}, "234"),
        ({"column": "n", "op": "lt", "value": 2}, "1"),
        ({"column": "n", "op": "le", "value": 2}, "12"),
        ({"column": "x", "op": "gt", "value": "1.5"}, "34"),
        ({"column": "day", "op": "ge", "value": "2026-02-01"}, "23"),
        ({"column": "n", "op": "between", "value": [2, 3]}, "23"),
        ({"column": "n", "op": "in", "value": "1，4"}, "14"),
        ({"column": "name", "op": "prefix", "value": "a"}, "12"),
        ({"column": "name", "op": "contains", "value": "b"}, "23"),
        ({"column": "name", "op": "is_null"}, "4"),
        ({"column": "x", "op": "not_null"}, "134"),
        ({"column": "name", "op": "eq", "value": "' OR 1=1 --"}, ""),
        ({"column": "name", "op": "contains", "value": "%"}, ""),
    ],
)
def test_conditions_pick_rows(load: Load, engine: DuckDBEngine, condition: dict[str, Any], codes: str) -> None:
    _result, ref = load(TABLE)
    filters = parse_filters([condition], ref.columns)
    assert "".join(row[0] for row in engine.page(ref, Query(filters=filters)).rows) == codes
    assert engine.count(ref, filters) == len(codes)
    assert parse_filters([f.to_json() for f in filters], ref.columns) == filters


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("not json", BadFilter),
        ('{"column": "n"}', BadFilter),
        ([{"column": "secret", "value": 1}], UnknownColumn),
        ([{"column": 'n" OR 1=1 --', "value": 1}], UnknownColumn),
        ([{"column": "n", "op": "like", "value": 1}], BadFilter),
        ([{"column": "n", "value": "two"}], BadFilter),
        ([{"column": "n", "value": 2**70}], BadFilter),
        ([{"column": "n", "op": "between", "value": [1]}], BadFilter),
        ([{"column": "n", "op": "prefix", "value": "1"}], BadFilter),
        ([{"column": "day", "value": "2026-13-01"}], BadFilter),
        ([{"column": "name", "value": "a\x00b"}], BadFilter),
        ([{"column": "n", "value": 1}] * 51, BadFilter),
    ],
)
def test_a_condition_that_cannot_be_read_is_refused(load: Load, data: Any, error: type[TableError]) -> None:
    _result, ref = load(TABLE)
    with pytest.raises(error):
        parse_filters(data, ref.columns)


def test_sorting_paging_and_tokens_visit_every_row_once(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(b"code,n\n" + b"".join(b"%03d,%d\n" % (n, n % 7) for n in reversed(range(100))))
    seen, after = [], None
    while True:
        page = engine.page(ref, Query(columns=("code",), limit=30, after=after))
        seen += [row[0] for row in page.rows]
        after = page.next_after
        if after is None:
            break
    assert seen == [f"{n:03d}" for n in range(100)]
    largest = engine.page(ref, Query(columns=("n", "code"), sort=(Sort("n", descending=True),), limit=2, offset=1))
    assert largest.rows == [(6, "013"), (6, "020")]


@pytest.mark.parametrize(
    "query", [Query(columns=("x",)), Query(sort=(Sort("x"),)), Query(columns=('a"; DROP TABLE data',))]
)
def test_unknown_columns_are_named(load: Load, engine: DuckDBEngine, query: Query) -> None:
    _result, ref = load(b"a\n1\n")
    with pytest.raises(UnknownColumn) as error:
        engine.page(ref, query)
    assert error.value.details["columns"] == [query.columns[0] if query.columns else "x"]


def test_a_query_sees_nothing_but_its_table(load: Load, engine: DuckDBEngine) -> None:
    import duckdb

    _result, ref = load(b"a\n1\n")
    with engine._cursor(ref) as cursor:
        for sql in (
            "SELECT * FROM read_csv('/etc/passwd')",
            "SET enable_external_access = true",
            "CREATE TABLE t(a INT)",
        ):
            with pytest.raises(duckdb.Error):
                cursor.execute(sql)


def test_a_query_that_takes_too_long_is_stopped(load: Load, storage: TableStorage) -> None:
    _result, ref = load(b"a\n1\n")
    engine = DuckDBEngine(storage, time_limit_s=0.2)
    with pytest.raises(QueryTimeout), engine._cursor(ref) as cursor:
        cursor.execute("SELECT count(*) FROM range(1000000000) a, range(1000000) b").fetchall()


def test_the_serving_file_is_built_again_when_it_is_missing(load: Load, storage: TableStorage) -> None:
    _result, ref = load(TABLE)
    path = storage.serving_file(ref)
    path.unlink()
    assert DuckDBEngine(storage).count(ref) == 4
    assert path.exists()


def test_many_readers_at_once_read_the_same(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(TABLE)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(engine.count(ref))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [4] * 16


def test_groups(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(b"kind,v\na,1\nb,5\na,2\n")
    assert engine.group(ref, by="kind", measure="v", function="sum") == [("a", 3), ("b", 5)]
    assert engine.group(ref, by="kind", by_value=True) == [("a", 2), ("b", 1)]
    with pytest.raises(BadFilter):
        engine.group(ref, by="kind", measure="v", function="pg_sleep")


def streamed(engine: DuckDBEngine, ref: TableRef, kind: str) -> bytes:
    return b"".join(export.STREAMS[kind](engine.batches(ref, Query()), ref.columns))


def test_exports_are_exact_and_formulas_harmless(load: Load, engine: DuckDBEngine) -> None:
    import pyarrow.parquet as pq
    from python_calamine import CalamineWorkbook

    _result, ref = load(b"code,name,n\n1,=1+1,-1\n2,@x,2\n")
    assert streamed(engine, ref, "csv") == b'\xef\xbb\xbfcode,name,n\r\n"1","\'=1+1",-1\n"2","\'@x",2\n'
    rows = [{"code": "1", "name": "=1+1", "n": -1}, {"code": "2", "name": "@x", "n": 2}]
    assert json.loads(streamed(engine, ref, "json")) == rows
    assert pq.read_table(io.BytesIO(streamed(engine, ref, "parquet"))).to_pylist() == rows
    book = CalamineWorkbook.from_filelike(io.BytesIO(streamed(engine, ref, "xlsx")))
    assert book.get_sheet_by_index(0).to_python() == [["code", "name", "n"], ["1", "'=1+1", -1], ["2", "'@x", 2]]


def test_an_empty_result_is_a_valid_file(load: Load, engine: DuckDBEngine) -> None:
    import pyarrow.parquet as pq

    _result, ref = load(TABLE)
    nothing = Query(filters=parse_filters([{"column": "code", "value": "x"}], ref.columns))
    parts = {k: b"".join(s(engine.batches(ref, nothing), ref.columns)) for k, s in export.STREAMS.items()}
    assert parts["csv"] == b"\xef\xbb\xbfcode,name,n,x,day\r\n"
    assert json.loads(parts["json"]) == []
    assert pq.read_table(io.BytesIO(parts["parquet"])).num_rows == 0
    assert json.loads(parts["geojson"])["features"] == []


def test_rows_beyond_a_sheet_go_on_in_the_next(
    load: Load, engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from python_calamine import CalamineWorkbook

    monkeypatch.setattr(export, "XLSX_ROWS", 2)
    _result, ref = load(b"code,n\na,1\nb,2\nc,3\n")
    book = CalamineWorkbook.from_filelike(io.BytesIO(streamed(engine, ref, "xlsx")))
    sheets = [book.get_sheet_by_index(n).to_python() for n in range(len(book.sheet_names))]
    assert sheets == [[["code", "n"], ["a", 1], ["b", 2]], [["code", "n"], ["c", 3]]]


def test_older_office_software_reads_the_chinese_csv_and_programs_the_lines(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load("code,name\n1,𠮷野家\n2,=甲\n".encode())
    text = streamed(engine, ref, "csv-gb18030").decode("gb18030")
    assert text.splitlines() == ["code,name", '"1","𠮷野家"', '"2","\'=甲"']
    lines = [json.loads(line) for line in streamed(engine, ref, "jsonl").splitlines()]
    assert lines == [{"code": "1", "name": "𠮷野家"}, {"code": "2", "name": "=甲"}]


def test_column_names_are_safe_and_unique() -> None:
    headers = ["站点 名称", "PM2.5", "pm2_5", "2026", "  ", 'a"b;--', "x" * 200]
    names = column_names(headers)
    assert names[:6] == ["站点_名称", "pm2_5", "pm2_5_2", "c_2026", "column_5", "a_b"]
    assert len(names[6]) <= 60
    assert len(set(names)) == len(names)
