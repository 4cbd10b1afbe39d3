"""Rules on drawn tables answer as a plain evaluation in Python does."""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.models import QualityRule, RuleKind
from catalog.quality.conditions import condition
from catalog.quality.reading import MAIN, opened
from catalog.tables.schema import Column, ColumnType, TableRef
from catalog.tables.storage import default_storage

COLUMNS = (
    Column("t", "t", ColumnType.TEXT),
    Column("u", "u", ColumnType.TEXT),
    Column("m", "m", ColumnType.INTEGER),
    Column("n", "n", ColumnType.NUMBER),
)
TEXT = st.sampled_from([None, "", "a", "b", "ab", "01", "1", "é", "中"])
NUMBER = st.one_of(st.none(), st.integers(-3, 3))
ROWS = st.lists(st.tuples(TEXT, TEXT, NUMBER, NUMBER), max_size=12)
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
SIGN = st.sampled_from(sorted(SIGNS))
PART = st.one_of(
    st.builds(
        lambda op, v: {"column": "m", "op": op, "value": str(v)}, st.sampled_from(sorted(SIGNS)), NUMBER.filter(bool)
    ),
    st.builds(lambda op: {"column": "m", "op": op, "other": "n"}, st.sampled_from(sorted(SIGNS))),
    st.builds(lambda op: {"column": "t", "op": op, "other": "u"}, st.sampled_from(sorted(SIGNS))),
    st.builds(lambda op: {"column": "u", "op": op, "value": "b"}, st.sampled_from(sorted(SIGNS))),
)
NAMES = st.lists(st.sampled_from("tumn"), min_size=1, max_size=3, unique=True)
RULES = st.one_of(
    st.builds(lambda names: (RuleKind.NOT_NULL, {"columns": names}), NAMES),
    st.builds(lambda names: (RuleKind.UNIQUE, {"columns": names}), NAMES),
    st.builds(
        lambda low, high: (RuleKind.RANGE, {"column": "m", "low": str(low), "high": str(high)}),
        st.integers(-3, 3),
        st.integers(-3, 3),
    ),
    st.builds(
        lambda pattern: (RuleKind.PATTERN, {"column": "t", "pattern": pattern}),
        st.sampled_from(["a|b", "[0-9]+", ".", "a"]),
    ),
    st.builds(
        lambda parts, joined: (RuleKind.ROW, {"parts": parts, "joined": joined}),
        st.lists(PART, min_size=1, max_size=3),
        st.sampled_from(["and", "or"]),
    ),
)


def table(rows: list[Any]) -> TableRef:
    ref = TableRef(uuid4(), 0, COLUMNS)
    path = default_storage().folder(ref.table_id) / "serving" / "0.duckdb"
    path.parent.mkdir(parents=True)
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE data (t VARCHAR, u VARCHAR, m BIGINT, n DOUBLE)")
        if rows:
            con.executemany("INSERT INTO data VALUES (?, ?, ?, ?)", rows)
    return ref


def expected(kind: str, params: dict[str, Any], rows: list[Any]) -> list[bool | None]:
    """True, False or None for each row."""
    cells = [{name: None if v == "" else v for name, v in zip("tumn", row, strict=True)} for row in rows]
    if kind == RuleKind.NOT_NULL:
        return [all(row[name] is not None for name in params["columns"]) for row in cells]
    if kind == RuleKind.UNIQUE:
        keys = [tuple(row[name] for name in params["columns"]) for row in cells]
        counts = Counter(keys)
        return [None if None in key else counts[key] == 1 for key in keys]
    if kind == RuleKind.RANGE:
        low, high = int(params["low"]), int(params["high"])
        return [None if row["m"] is None else low <= row["m"] <= high for row in cells]
    if kind == RuleKind.PATTERN:
        return [None if row["t"] is None else re.fullmatch(params["pattern"], row["t"]) is not None for row in cells]
    return [joined([part_of(part, row) for part in params["parts"]], params["joined"]) for row in cells]


def part_of(part: dict[str, str], row: dict[str, Any]) -> bool | None:
    left = row[part["column"]]
    right = row[part["other"]] if "other" in part else int(part["value"]) if part["column"] == "m" else part["value"]
    return None if left is None or right is None else SIGNS[part["op"]](left, right)


def joined(found: list[bool | None], how: str) -> bool | None:
    """Three values, as in SQL."""
    decisive = how == "or"
    if decisive in found:
        return decisive
    return None if None in found else not decisive


@settings(max_examples=120, deadline=None)
@given(rows=ROWS, drawn=RULES)
def test_a_rule_answers_as_python_does(rows: list[Any], drawn: tuple[RuleKind, dict[str, Any]]) -> None:
    kind, params = drawn
    ref = table(rows)
    asked = condition(QualityRule(kind=kind, params=params), ref)
    with opened(ref) as reader:
        found = reader.rows(f"SELECT ({asked.sql}) FROM {MAIN}.data ORDER BY rowid", asked.values)
    default_storage().drop(ref.table_id)
    assert [row[0] for row in found] == expected(kind, params, rows)
