"""Views: columns, rows and masks that nothing asked through them can get around; and pages by signed tokens."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.tables.cursors import Sort
from catalog.tables.engine import DuckDBEngine, Query
from catalog.tables.errors import BadFilter, UnknownColumn
from catalog.tables.filters import Filter, parse_filters
from catalog.tables.masks import BadMask, parse_mask, scoped
from catalog.tables.schema import Column, ColumnType, TableRef
from catalog.tables.summary import parse_summary
from tests.catalog.tables.conftest import Load

TABLE = (
    "身份,姓名,出生,收入,地区代码,打分\n"
    "330106199001010011,张三,1990-01-01,12345,330106,1.25\n"
    "330106199102020022,李四,1991-02-02,20000,330106,2.50\n"
    "330108199203030033,王五,1992-03-03,,330108,\n"
)


@pytest.fixture
def ref(load: Load) -> TableRef:
    return load(TABLE.encode())[1]


def masked(ref: TableRef, masks: dict[str, str], rows: tuple[Filter, ...] = (), scope: str = "one") -> TableRef:
    found = [parse_mask(text, column) for name, text in masks.items() if (column := ref.column(name))]
    assert len(found) == len(masks)
    return ref.within(ref.columns, rows, scoped(found, scope))


def values(engine: DuckDBEngine, ref: TableRef, column: str, **more: Any) -> list[Any]:
    return [row[0] for row in engine.page(ref, Query(columns=(column,), **more)).rows]


@pytest.mark.parametrize(
    ("column", "mask", "expected"),
    [
        ("身份", "partial:3,4", ["330***********0011", "330***********0022", "330***********0033"]),
        ("姓名", "partial:1,0", ["张*", "李*", "王*"]),
        ("姓名", "partial:1,1", ["**", "**", "**"]),
        ("姓名", "hide", [None, None, None]),
        ("出生", "year", ["1990", "1991", "1992"]),
        ("出生", "month", ["1990-01", "1991-02", "1992-03"]),
        ("收入", "band:1000", ["12000–12999", "20000–20999", None]),
        ("打分", "band:2", ["[0, 2)", "[2, 4)", None]),
        ("地区代码", "prefix:4", ["3301**", "3301**", "3301**"]),
        ("打分", "shuffle", [None, None, None]),
    ],
)
def test_a_mask_gives_its_value_instead(
    engine: DuckDBEngine, ref: TableRef, column: str, mask: str, expected: list[Any]
) -> None:
    assert values(engine, masked(ref, {column: mask}), column) == expected


def test_a_digest_is_the_same_for_one_reader_and_another_for_the_next(engine: DuckDBEngine, ref: TableRef) -> None:
    one, again, other = (masked(ref, {"姓名": "hash"}, scope=scope) for scope in ("a", "a", "b"))
    first = values(engine, one, "姓名")
    assert first == values(engine, again, "姓名")
    assert len(set(first)) == 3 and all(len(text) == 24 for text in first)
    assert set(first).isdisjoint(values(engine, other, "姓名"))


def test_noise_stays_within_its_limit_and_is_the_same_each_time(engine: DuckDBEngine, ref: TableRef) -> None:
    view = masked(ref, {"收入": "noise:5"})
    first = values(engine, view, "收入")
    assert first == values(engine, view, "收入")
    assert first[2] is None
    assert all(isinstance(value, int) for value in first[:2])
    assert [abs(a - b) <= 5 for a, b in zip(first[:2], (12345, 20000), strict=True)] == [True, True]


def test_conditions_orders_and_groups_see_the_masked_value_only(engine: DuckDBEngine, ref: TableRef) -> None:
    view = masked(ref, {"身份": "partial:3,0", "出生": "year"})
    known = parse_filters([{"column": "身份", "value": "330106199001010011"}], view.columns)
    assert engine.count(view, known) == 0
    prefix = parse_filters([{"column": "身份", "op": "prefix", "value": "330106"}], view.columns)
    assert engine.count(view, prefix) == 0
    year = parse_filters([{"column": "出生", "value": "1991"}], view.columns)
    assert values(engine, view, "姓名", filters=year) == ["李四"]
    groups = engine.summarise(view, parse_summary({"by": "身份", "measure": "count,max:身份"}, view.columns))
    assert groups.rows == [("330***************", 3, "330***************")]
    assert [row for row, _n in engine.group(view, by="出生")] == ["1990", "1991", "1992"]
    assert view.column("出生") == Column("出生", "出生", ColumnType.TEXT)


def test_a_view_has_its_columns_and_rows_only(engine: DuckDBEngine, ref: TableRef) -> None:
    rows = parse_filters([{"column": "地区代码", "value": "330106"}], ref.columns)
    view = ref.within([c for c in ref.columns if c.name in ("姓名", "收入")], rows)
    assert engine.page(view, Query()).rows == [("张三", 12345), ("李四", 20000)]
    assert engine.count(view) == 2
    for query in (Query(columns=("身份",)), Query(sort=(Sort("身份"),)), Query(filters=(Filter("出生", "not_null"),))):
        with pytest.raises(UnknownColumn):
            engine.page(view, query)
    with pytest.raises(UnknownColumn):
        engine.group(view, by="身份")
    assert [batch.to_pylist() for batch in engine.batches(view, Query())] == [
        [{"姓名": "张三", "收入": 12345}, {"姓名": "李四", "收入": 20000}]
    ]


def test_a_shuffled_column_is_exported_whole_and_cannot_be_asked_for(load: Load, engine: DuckDBEngine) -> None:
    content = "code,n\n" + "".join(f"{number:05d},{number}\n" for number in range(20_000))
    _result, ref = load(content.encode())
    view = masked(ref, {"n": "shuffle"})
    rows = [row for batch in engine.batches(view, Query()) for row in batch.to_pylist()]
    assert [row["code"] for row in rows] == [f"{number:05d}" for number in range(20_000)]
    assert Counter(row["n"] for row in rows) == Counter(range(20_000))
    assert sum(int(row["code"]) == row["n"] for row in rows) < 100
    for query in (Query(filters=(Filter("n", "eq", 3),)), Query(sort=(Sort("n"),))):
        with pytest.raises(BadFilter):
            engine.page(view, query)
        with pytest.raises(BadFilter):
            next(iter(engine.batches(view, query)))
    with pytest.raises(BadFilter):
        engine.group(view, by="n")


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("姓名", "erase"),
        ("姓名", "year"),
        ("姓名", "band:10"),
        ("出生", "partial:1,1"),
        ("收入", "band:0"),
        ("收入", "band"),
        ("收入", "band:10)"),
        ("姓名", "hide:1"),
        ("姓名", "partial:1"),
        ("地区代码", "prefix:4; DROP TABLE data"),
    ],
)
def test_a_mask_that_cannot_be_is_refused_with_words(ref: TableRef, column: str, text: str) -> None:
    found = ref.column(column)
    assert found is not None
    with pytest.raises(BadMask) as caught:
        parse_mask(text, found)
    assert len(str(caught.value)) > 5


def test_pages_by_token_visit_every_row_once_in_any_order(load: Load, engine: DuckDBEngine) -> None:
    rows = st.lists(
        st.tuples(st.sampled_from(["a", "b", "", "ü"]), st.none() | st.integers(-2, 2), st.none() | st.dates()),
        min_size=1,
        max_size=25,
    )
    orders = st.lists(st.sampled_from(["t", "-t", "n", "-n", "d", "-d"]), max_size=3, unique_by=lambda s: s.strip("-"))

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(rows, orders, st.integers(1, 7))
    def walk(cells: list[tuple[str, int | None, dt.date | None]], order: list[str], limit: int) -> None:
        lines = [f"{i:03d},{t},{'' if n is None else n},{d or ''}" for i, (t, n, d) in enumerate(cells)]
        declared = [Column("n", "n", ColumnType.INTEGER), Column("d", "d", ColumnType.DATE)]
        _result, ref = load("\n".join(["id,t,n,d", *lines]).encode(), declared=declared)
        sort = tuple(Sort(name.removeprefix("-"), name.startswith("-")) for name in order)
        whole = engine.page(ref, Query(columns=("id",), sort=sort)).rows
        seen: list[Any] = []
        after: str | None = ""
        while after is not None:
            page = engine.page(ref, Query(columns=("id",), sort=sort, limit=limit, after=after))
            seen += page.rows
            after = page.next_after
        assert seen == whole

    walk()


def test_a_token_of_another_order_version_or_hand_is_refused(load: Load, engine: DuckDBEngine) -> None:
    _one, ref = load(b"code,n\n01,1\n02,2\n03,3\n")
    token = engine.page(ref, Query(limit=1)).next_after
    assert token
    _two, newer = load(b"code,n\n01,1\n02,2\n03,4\n", table_id=ref.table_id)
    asked = [(ref, Query(after=token, sort=(Sort("n"),))), (newer, Query(after=token))]
    asked += [(ref, Query(after=text)) for text in ("1", "x" * 50, f"{token[:-2]}aa", "'; --")]
    for table, query in asked:
        with pytest.raises(BadFilter):
            engine.page(table, query)
    assert values(engine, ref, "code", after=token) == ["02", "03"]


def test_a_row_is_found_by_its_whole_key(engine: DuckDBEngine, ref: TableRef) -> None:
    assert ref.key == ("身份",)
    found = engine.row(ref, {"身份": "330106199102020022"})
    assert found is not None and found[1] == "李四"
    assert engine.row(ref, {"身份": "0"}) is None
    for key in ({}, {"姓名": "李四"}, {"身份": "1", "姓名": "2"}):
        with pytest.raises(BadFilter):
            engine.row(ref, key)


def test_shapes_within_a_box_are_found(load: Load, engine: DuckDBEngine) -> None:
    shapes = {
        "point": '{"type":"Point","coordinates":[120.1,30.2]}',
        "area": '{"type":"Polygon","coordinates":[[[120,30],[121,30],[121,31.5],[120,30]]]}',
        "deep": '{"type": "Point", "coordinates": [ -1.5e1 , 30.25, 7 ]}',
        "none": "",
    }
    quoted = {name: '"' + text.replace('"', '""') + '"' for name, text in shapes.items()}
    lines = "\n".join(f"{name},{text}" for name, text in quoted.items())
    _result, ref = load(f"name,shape\n{lines}\n".encode(), declared=[Column("shape", "shape", ColumnType.GEOMETRY)])

    def found(*box: float) -> list[Any]:
        filters = parse_filters([{"column": "shape", "op": "within", "value": list(box)}], ref.columns)
        return sorted(values(engine, ref, "name", filters=filters))

    assert found(119, 29, 122, 32) == ["area", "point"]
    assert found(119, 29, 122, 31) == ["point"]
    assert found(-16, 30, 0, 31) == ["deep"]
    for wrong in ([1, 2, 3], [3, 0, 1, 1], ["a", 0, 1, 1], [float("nan"), 0, 1, 1]):
        with pytest.raises(BadFilter):
            parse_filters([{"column": "shape", "op": "within", "value": wrong}], ref.columns)
    with pytest.raises(BadFilter):
        parse_filters([{"column": "name", "op": "within", "value": [0, 0, 1, 1]}], ref.columns)


def test_a_damaged_or_missing_serving_file_is_built_anew(load: Load, engine: DuckDBEngine) -> None:
    _result, ref = load(b"code,n\n01,1\n02,2\n")
    path = engine.storage.serving_file(ref)
    path.write_bytes(b"\x00" * 5_000)
    assert engine.count(ref) == 2
    path.unlink()
    assert DuckDBEngine(engine.storage).count(ref) == 2
