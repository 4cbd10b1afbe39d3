"""Every real file loads as what it is: rows, key and the type of each column; and its profile says what DuckDB says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from django.conf import settings as django_settings

from catalog.quality import profiling
from catalog.tables.schema import ColumnType, TableRef
from catalog.tables.storage import TableStorage
from tests.catalog.tables.conftest import Load

ROOT = Path(django_settings.BASE_DIR)
EXPECTED: dict[str, Any] = json.loads((ROOT / "tests" / "data" / "schemas.json").read_text("utf-8"))
TABLES = [name for name in EXPECTED if ".csv" in name and "gb18030" not in name]


def test_no_real_file_is_left_out() -> None:
    folders = (ROOT / "demo" / "data", ROOT / "tests" / "data")
    files = {path for folder in folders for path in folder.rglob("*") if path.suffix in (".csv", ".gz", ".geojson")}
    assert {str(path.relative_to(ROOT)) for path in files} | {"demo/data/owid/catalogue.jsonl"} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_file_becomes_the_table_it_is(load: Load, name: str) -> None:
    wanted = EXPECTED[name]
    result, _ref = load(ROOT / name, Path(name).name)
    assert (result.rows, result.rejected, result.encoding) == (wanted["rows"], 0, wanted["encoding"])
    assert (list(result.key), len(result.columns)) == (wanted["key"], wanted["columns"])
    named = {title: kind for kind, titles in wanted["types"].items() for title in titles}
    found = {column.title: column.sql for column in result.columns}
    assert found == {title: named.get(title, wanted["others"]) for title in found}
    assert set(named) <= set(found)


def test_codes_with_leading_zeros_and_days_keep_their_form(load: Load) -> None:
    content = "区划代码,成立日期,金额\n010101,2020-02-29,12.50\n330106,1999-01-01,0.05\n"
    result, _ref = load(content.encode("gb18030"))
    assert [column.sql for column in result.columns] == ["VARCHAR", "DATE", "DECIMAL(18, 2)"]


@pytest.mark.parametrize("name", TABLES)
def test_the_profile_of_a_real_file_is_what_duckdb_says_of_the_file(
    load: Load, storage: TableStorage, settings: Any, name: str
) -> None:
    settings.TABLES_ROOT = str(storage.root)
    settings.PROFILE_EXACT_ROWS = 10_000_000
    _result, ref = load(ROOT / name, Path(name).name)
    columns, rows, _duplicates, is_estimated = profiling.profile(ref)
    wanted, count = plain_figures(ref, ROOT / name)
    found = [_figures(profile) for profile in columns]
    assert (found, rows, is_estimated) == (wanted, count, False)


def _figures(profile: dict[str, Any]) -> tuple[Any, ...]:
    is_text = profile["type"] == "text"
    limits = (profile["shortest"], profile["longest"]) if is_text else (profile["min"], profile["max"])
    mean = None if is_text or profile["mean"] is None else pytest.approx(profile["mean"])
    return (profile["name"], profile["nulls"], profile["distinct"], *limits, mean)


def plain_figures(ref: TableRef, path: Path) -> tuple[list[tuple[Any, ...]], int]:
    """The same figures from the file as it stands, read by DuckDB alone: all cells as text, numbers as floats."""
    found = []
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE raw AS SELECT * FROM read_csv('{path}', all_varchar=true, header=true, delim=',')")
        count = con.execute("SELECT count(*) FROM raw").fetchall()[0][0]
        for column, (header, *_rest) in zip(ref.columns, con.execute("DESCRIBE raw").fetchall(), strict=True):
            name = '"' + header.replace('"', '""') + '"'
            value = name if column.type == ColumnType.TEXT else f"{name}::DOUBLE"
            limit = f"length({name})" if column.type == ColumnType.TEXT else value
            mean = "NULL" if column.type == ColumnType.TEXT else f"avg({value})"
            figures = f"count(*) - count({name}), count(DISTINCT {value}), min({limit}), max({limit}), {mean}"
            found.append((column.name, *con.execute(f"SELECT {figures} FROM raw").fetchall()[0]))
    return found, count
