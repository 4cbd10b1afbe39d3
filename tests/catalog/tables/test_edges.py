"""Files, conditions and values at the edge: nothing is changed without a word, and no input is an internal fault."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from catalog.tables import export
from catalog.tables.engine import DuckDBEngine, Query, Sort
from catalog.tables.errors import BadFile, BadFilter, TableError, UnknownColumn
from catalog.tables.filters import OPERATORS, parse_filters
from catalog.tables.schema import Column, ColumnType, TableRef
from tests.catalog.tables.conftest import Load

WHOLE = [Column("n", "n", ColumnType.INTEGER)]


def rows(engine: DuckDBEngine, ref: TableRef) -> list[tuple[Any, ...]]:
    return engine.page(ref, Query()).rows


def rejected_lines(tmp_path: Path) -> list[tuple[str, str]]:
    lines = (tmp_path / "rejects.csv").read_text("utf-8-sig").splitlines()[1:]
    return [(line.split(",")[0], line.split(",")[-1]) for line in lines]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["n", "1", "x", "3", "y"], [("3", "x"), ("5", "y")]),
        (["n", "x", "x", "3", "x"], [("2", "x"), ("3", "x"), ("5", "x")]),
        (["n", "x", "", "", "x", "1", "", "y"], [("2", "x"), ("5", "x"), ("8", "y")]),
        (["n", "1", "", "", "y"], [("5", "y")]),
    ],
)
def test_short_rejected_lines_are_numbered_as_an_editor_does(
    load: Load, tmp_path: Path, lines: list[str], expected: list[tuple[str, str]], mark: bytes, end: str
) -> None:
    load(mark + (end.join(lines) + end).encode(), declared=WHOLE)
    assert rejected_lines(tmp_path) == expected


def test_a_rejected_record_with_quoted_newlines_is_named_by_its_first_line(load: Load, tmp_path: Path) -> None:
    result, _ref = load(b'n,t\n1,"a\nb\nc"\nx,"d\ne"\ny,f\n2,g\n', declared=WHOLE)
    assert (result.rows, result.rejected) == (2, 2)
    text = (tmp_path / "rejects.csv").read_text("utf-8-sig")
    assert [line.split(",")[0] for line in text.splitlines() if line[:1].isdigit()] == ["5", "7"]


def test_a_whole_number_column_that_gets_fractions_becomes_a_number_and_loses_nothing(
    load: Load, engine: DuckDBEngine
) -> None:
    result, ref = load(b"code,n\nA,1.5\nB,2\n", declared=WHOLE)
    assert [column.type.value for column in result.columns] == ["text", "number"]
    assert rows(engine, ref) == [("A", 1.5), ("B", 2.0)]


def test_a_whole_number_column_stays_one_without_fractions(load: Load, engine: DuckDBEngine) -> None:
    result, ref = load(b"code,n\nA,9007199254740993\nB,2.0\n", declared=WHOLE)
    assert [column.type.value for column in result.columns] == ["text", "integer"]
    assert rows(engine, ref) == [("A", 9007199254740993), ("B", 2)]


def test_moments_with_a_zone_stay_as_they_were_written(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(b"code,at\nA,2026-01-01T10:00:00Z\nB,2026-01-01T10:00:00+08:00\n")
    assert rows(engine, ref) == [("A", "2026-01-01T10:00:00Z"), ("B", "2026-01-01T10:00:00+08:00")]


@pytest.mark.parametrize(
    ("value", "codes"),
    [("2026-01-01T02:00:00+00:00", "B"), ("2026-01-01T10:00:00", "B"), ("2026-01-01T01:59:59Z", "AB")],
)
def test_a_moment_with_a_zone_is_compared_in_the_portals_zone(
    load: Load, engine: DuckDBEngine, value: str, codes: str
) -> None:
    _result, ref = load(b"code,at\nA,2026-01-01 10:00:00\nB,2026-01-02 10:00:00\n")
    filters = parse_filters([{"column": "at", "op": "gt", "value": value}], ref.columns)
    assert "".join(row[0] for row in engine.page(ref, Query(filters=filters)).rows) == codes


def test_a_nul_after_the_first_block_makes_a_file_binary(load: Load) -> None:
    with pytest.raises(BadFile):
        load(b"a,b\n" + b"1,2\n" * 5_000 + b"3,a\x00b\n")


def test_a_column_without_a_name_at_the_end_of_every_line_is_left_out(load: Load, engine: DuckDBEngine) -> None:
    result, ref = load(b"a,b,\n1,2,\n3,4,\n")
    assert ([column.name for column in result.columns], result.rejected) == (["a", "b"], 0)
    assert rows(engine, ref) == [(1, 2), (3, 4)]


@pytest.mark.parametrize("header", ["rowid", "select", "data", "case", 'a"b', "o'clock", "列 名", "2026", "x" * 300])
def test_any_header_makes_a_column_that_can_be_read_filtered_and_sorted(
    load: Load, engine: DuckDBEngine, header: str
) -> None:
    quoted = '"' + header.replace('"', '""') + '"'
    result, ref = load(f"code,{quoted}\nA,x\nB,y\n".encode())
    name = result.columns[1].name
    filters = parse_filters([{"column": name, "value": "y"}], ref.columns)
    page = engine.page(ref, Query(columns=(name,), filters=filters, sort=(Sort(name),)))
    assert (page.rows, result.columns[1].title) == ([("y",)], header)


def test_paging_by_token_does_not_take_a_column_named_rowid_for_the_position(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(b"name,rowid\n" + b"".join(b"%02d,%d\n" % (n, 100 - n * 7) for n in range(10)))
    seen: list[Any] = []
    after: int | None = None
    while True:
        page = engine.page(ref, Query(columns=("name",), limit=3, after=after))
        seen += [row[0] for row in page.rows]
        after = page.next_after
        if after is None or len(seen) > 20:
            break
    assert seen == [f"{n:02d}" for n in range(10)]


def collection(*features: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()


POINT = {"type": "Point", "coordinates": [120.1, 30.2]}


def feature(properties: Any, geometry: Any = POINT) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


@pytest.mark.parametrize(
    "content",
    [
        b'{"type": "FeatureCollection", "features": ' + b"[" * 200_000,
        b'{"type": "FeatureCollection"}',
        collection(1, 2),
        collection(feature(["a"])),
        collection(feature(["ab"])),
        collection(feature("text")),
        collection(feature({"Geometry": "x"})),
        collection(feature({" geometry ": "x"})),
    ],
)
def test_a_geojson_that_is_no_table_is_refused(load: Load, content: bytes) -> None:
    with pytest.raises(BadFile):
        load(content, "a.geojson")


def test_a_feature_without_geometry_has_an_empty_cell(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(collection(feature({"name": "a"}, None), feature({"name": "b"})), "a.geojson")
    empty = parse_filters([{"column": "geometry", "op": "is_null"}], ref.columns)
    assert engine.page(ref, Query(columns=("name",), filters=empty)).rows == [("a",)]
    found = json.loads(b"".join(export.geojson_stream(engine.batches(ref, Query()), ref.columns)))
    assert found["features"] == [feature({"name": "a"}, None), feature({"name": "b"})]


def test_a_broken_surrogate_in_a_geojson_does_not_stop_the_load(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(collection(feature({"name": "\ud800"})), "a.geojson")
    assert engine.page(ref, Query(columns=("name",))).rows == [("?",)]


def test_geojson_takes_the_geometry_column_whatever_its_name_and_only_geometries(
    load: Load, engine: DuckDBEngine
) -> None:
    shape = json.dumps(POINT).replace('"', '""')
    declared = [Column("shape", "shape", ColumnType.GEOMETRY)]
    _result, ref = load(f'code,shape\nA,"{shape}"\nB,photo.jpg\nC,[1]\nD,\n'.encode(), declared=declared)
    found = json.loads(b"".join(export.geojson_stream(engine.batches(ref, Query()), ref.columns)))
    assert found["features"] == [feature({"code": code}, POINT if code == "A" else None) for code in "ABCD"]


def test_numbers_that_json_does_not_know_are_null(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(b"code,x\nA,nan\nB,-inf\nC,1.5\n", declared=[Column("x", "x", ColumnType.NUMBER)])
    text = b"".join(export.json_stream(engine.batches(ref, Query()), ref.columns)).decode()

    def refuse(name: str) -> None:
        raise AssertionError(name)

    found = json.loads(text, parse_constant=refuse)
    assert [row["x"] for row in found] == [None, None, 1.5]


def test_days_before_a_sheets_calendar_are_written_as_text(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(b"code,day\nA,1899-12-31\nB,1900-03-01\n")
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(b"".join(export.xlsx_stream(engine.batches(ref, Query()), ref.columns)))
    )
    assert book.get_sheet_by_index(0).to_python()[1:] == [["A", "1899-12-31"], ["B", dt.date(1900, 3, 1)]]


def test_a_csv_cell_with_quotes_and_newlines_comes_back_unchanged(load: Load, engine: DuckDBEngine) -> None:
    import csv

    cells = [("1", 'say "hi"'), ("2", "two\nlines"), ("3", "a,b;c"), ("4", "桥")]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("code", "text"), *cells])
    _result, ref = load(buffer.getvalue().encode())
    text = b"".join(export.csv_stream(engine.batches(ref, Query()), ref.columns)).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["code", "text"], *map(list, cells)]


TABLE = b"code,n,x,day,at,yes\nA,1,1.5,2026-01-01,2026-01-01 10:00:00,true\nB,2,,1850-02-01,2026-01-02 10:00:00,false\n"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ([{"column": [], "value": 1}], UnknownColumn),
        ([{"column": {"a": 1}, "value": 1}], UnknownColumn),
        ([{"column": None}], UnknownColumn),
        ([{"column": "\ud800"}], UnknownColumn),
        ([{"column": "n", "op": []}], BadFilter),
        ([{"column": "n", "op": {}}], BadFilter),
        ([{"column": "n", "op": "\ud800"}], BadFilter),
        ([{"column": "code", "value": "\ud800"}], BadFilter),
        ([{"column": "n", "op": "in", "value": []}], BadFilter),
        ([{"column": "n", "value": "9" * 5_000}], BadFilter),
        ("[" * 100_000, BadFilter),
        ('[{"column": "n", "value": ' + "9" * 5_000 + "}]", BadFilter),
        ("5", BadFilter),
        ("[[]]", BadFilter),
    ],
)
def test_a_condition_of_any_shape_is_refused_with_a_message_that_can_be_sent(
    load: Load, data: Any, error: type[TableError]
) -> None:
    _result, ref = load(TABLE)
    with pytest.raises(error) as found:
        parse_filters(data, ref.columns)
    str(found.value).encode()
    json.dumps(found.value.details, ensure_ascii=False).encode()


def test_no_condition_and_no_value_is_an_internal_fault(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(TABLE)
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    values = scalars | st.lists(scalars, max_size=4) | st.sampled_from(["2026-01-01", "1", "true", "1.5", "A"])
    columns = st.sampled_from([column.name for column in ref.columns])

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(columns, st.sampled_from(list(OPERATORS)), values), max_size=3))
    def ask(conditions: list[tuple[str, str, Any]]) -> None:
        data = [{"column": column, "op": op, "value": value} for column, op, value in conditions]
        try:
            filters = parse_filters(data, ref.columns)
        except BadFilter:
            return
        assert parse_filters(json.loads(json.dumps([f.to_json() for f in filters])), ref.columns) is not None
        assert len(engine.page(ref, Query(filters=filters)).rows) == engine.count(ref, filters)

    ask()
