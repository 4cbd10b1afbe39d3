"""Files that are broken on purpose: each is refused with words or loaded with its good rows, in bounded memory."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.tables.engine import DuckDBEngine, Query
from catalog.tables.errors import BadFile, BadFilter, TableError, UnknownColumn
from catalog.tables.filters import OPERATORS, parse_filters
from catalog.tables.storage import TableStorage
from tests.catalog.tables.conftest import Load


def kept_aside(tmp_path: Path) -> list[str]:
    path = tmp_path / "rejects.csv"
    return path.read_text("utf-8-sig").splitlines()[1:] if path.exists() else []


def test_a_line_of_three_hundred_megabytes_is_refused_by_its_number(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write(b"code,text\n01,a\n02,")
        for _block in range(300):
            file.write(b"x" * 2**20)
        file.write(b"\n03,c\n")
    with pytest.raises(BadFile, match="3"):
        load(path, "long.csv")


def test_a_first_line_of_many_megabytes_is_no_head(load: Load) -> None:
    with pytest.raises(BadFile):
        load(b"x" * 3 * 2**20 + b"\n1\n")


def test_two_encodings_in_one_file_are_read_or_refused_never_garbled(load: Load, engine: DuckDBEngine) -> None:
    mixed = "代码,名称\n01,西湖区\n".encode() + "02,上城区\n".encode("gb18030") * 3
    try:
        _result, ref = load(mixed)
    except BadFile as error:
        assert len(str(error)) > 10
        return
    names = [row[1] for row in engine.page(ref, Query()).rows]
    assert "西湖区" in names
    assert set(names) <= {"西湖区", "上城区"}


def test_ragged_rows_are_kept_out_by_line(load: Load, engine: DuckDBEngine, tmp_path: Path) -> None:
    result, ref = load(b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n\n10,11,12\n")
    assert engine.page(ref, Query()).rows == [(1, 2, 3), (10, 11, 12)]
    assert (result.rejected, [line.split(",")[0] for line in kept_aside(tmp_path)]) == (2, ["3", "4"])


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\n\r\n", "\r\n\n", "\r\n\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_lines_may_end_in_any_way_and_in_several(load: Load, engine: DuckDBEngine, ends: str, encoding: str) -> None:
    lines = ["代码,名称", "01,甲", '02,"乙', '丙"', "03,丁"]
    parts = ends.replace("\r\n", "x").replace("\r", "y").replace("\n", "z")
    kinds = [{"x": "\r\n", "y": "\r", "z": "\n"}[part] for part in parts]
    content = "".join(line + kinds[number % len(kinds)] for number, line in enumerate(lines))
    result, ref = load(content.encode(encoding))
    found = [(code, name.replace("\r\n", "\n")) for code, name in engine.page(ref, Query()).rows]
    assert (found, result.rejected) == ([("01", "甲"), ("02", "乙\n丙"), ("03", "丁")], 0)


def test_a_workbook_with_macros_is_read_for_its_cells_only(load: Load, engine: DuckDBEngine) -> None:
    plain, macros = io.BytesIO(), io.BytesIO()
    with xlsxwriter.Workbook(plain) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["代码", "名称"])
        sheet.write_row(1, 0, ["01", '=HYPERLINK("http://x","y")'])
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(macros, "w") as target:
        for info in source.infolist():
            target.writestr(info, source.read(info))
        target.writestr("xl/vbaProject.bin", b"\xcc\x61" + b"\x00" * 500)
    _result, ref = load(macros.getvalue(), "a.xlsm")
    assert engine.count(ref) == 1


PIECES = st.sampled_from(
    [*'a1,";\n\r\t \x00-{}[]:好', "0101", "\r\n", "2026-01-01", "1e5", "NULL", "=1+1", "\ufeff", "PK\x03\x04", "PAR1"]
).map(str.encode) | st.sampled_from([b"\xff", b"\xc4\xe3"])
NAMES = ["a.csv", "a.json", "a.jsonl", "a.geojson", "a.xlsx", "a.parquet", "a.zip", "a.csv.gz", "a"]
CONDITIONED = """code,n,x,day,at,yes
01,1,1.5,2026-01-01,2026-01-01 10:00:00,true
02,2,,2026-01-02,2026-01-02 11:00:00,false
"""


def test_any_bytes_are_a_table_or_a_refusal_and_leave_nothing_else(load: Load, storage: TableStorage) -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(PIECES, max_size=40).map(b"".join) | st.binary(max_size=200), st.sampled_from(NAMES))
    def feed(content: bytes, name: str) -> None:
        try:
            result, ref = load(content, name)
        except BadFile as error:
            assert str(error)
        else:
            engine = DuckDBEngine(storage)
            assert engine.count(ref) == result.rows
            assert all(batch.num_rows for batch in engine.batches(ref, Query()))
        assert list(storage.root.glob(".scratch/*")) == []

    feed()


def test_any_condition_is_answered_or_refused(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(CONDITIONED.encode())
    columns = st.sampled_from([column.name for column in ref.columns] + ['"; DROP TABLE data; --', "rowid", ""])
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2026-01-01")
    values = scalars | st.lists(scalars, max_size=5) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)
    rows = st.fixed_dictionaries(
        {}, optional={"column": columns, "op": st.sampled_from([*OPERATORS, "drop"]), "value": values}
    )

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(rows, max_size=4) | st.text(max_size=30) | values)
    def ask(data: object) -> None:
        try:
            filters = parse_filters(data, ref.columns)  # type: ignore[arg-type]
        except (BadFilter, UnknownColumn) as error:
            assert str(error)
            return
        stored = json.loads(json.dumps([one.to_json() for one in filters]))
        assert parse_filters(stored, ref.columns) == filters or "nan" in str(stored).lower()
        try:
            assert 0 <= engine.count(ref, filters) <= 2
        except TableError as error:
            assert str(error)

    ask()
