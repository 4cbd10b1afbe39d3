"""Figures over groups: the same as plain Python's, and a clear refusal of whatever cannot be read."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.tables.engine import DuckDBEngine
from catalog.tables.errors import BadFilter, TableError, UnknownColumn
from catalog.tables.filters import parse_filters
from catalog.tables.schema import TableRef
from catalog.tables.summary import parse_summary
from tests.catalog.tables.conftest import Load

TABLE = "code,kind,town,n,x\n" + "".join(
    f"{number:03d},{'abc'[number % 3]},{'甲乙'[number % 2] if number % 7 else ''},{number % 11},{number / 4}\n"
    for number in range(1, 61)
)
ROWS: list[dict[str, Any]] = [
    {
        "code": f"{number:03d}",
        "kind": "abc"[number % 3],
        "town": "甲乙"[number % 2] if number % 7 else None,
        "n": number % 11,
        "x": number / 4,
    }
    for number in range(1, 61)
]


def plain(by: list[str], measures: list[str]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The same figures by hand."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in ROWS:
        groups[tuple(row[name] for name in by)].append(row)
    return {key: tuple(_figure(measure, rows) for measure in measures) for key, rows in groups.items()}


def _figure(measure: str, rows: list[dict[str, Any]]) -> Any:
    function, _colon, column = measure.partition(":")
    values = [row[column] for row in rows if row[column] is not None] if column else rows
    if function == "count":
        return len(values)
    if function == "p50":
        return statistics.median(values)
    known: dict[str, Any] = {"sum": sum, "avg": statistics.fmean, "min": min, "max": max}
    return len(set(values)) if function == "distinct" else known[function](values)


@pytest.fixture
def ref(load: Load) -> TableRef:
    return load(TABLE.encode())[1]


MEASURES = [f"{f}:{c}" for c in ("n", "x") for f in ("sum", "avg", "min", "max", "p50", "distinct", "count")]


def test_every_figure_by_any_columns_is_what_plain_python_finds(engine: DuckDBEngine, ref: TableRef) -> None:
    by_lists = st.lists(st.sampled_from(["kind", "town", "n"]), max_size=3, unique=True)
    measure_lists = st.lists(
        st.sampled_from([*MEASURES, "count", "count:town", "distinct:town"]), min_size=1, max_size=10, unique=True
    )

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(by_lists, measure_lists)
    def ask(by: list[str], measures: list[str]) -> None:
        params = {"by": ",".join(by), "measure": ",".join(measures), "limit": "1000"}
        groups = engine.summarise(ref, parse_summary(params, ref.columns))
        found = {row[: len(by)]: pytest.approx(tuple(map(float, row[len(by) :]))) for row in groups.rows}
        assert len(groups.rows) == len(found)
        assert plain(by, measures) == found

    ask()


def test_groups_are_ordered_by_figures_then_by_their_columns_and_cut_at_the_limit(
    engine: DuckDBEngine, ref: TableRef
) -> None:
    params = {"by": "kind,town", "measure": "count", "sort": "-count,-kind", "limit": "4"}
    groups = engine.summarise(ref, parse_summary(params, ref.columns))
    rows = [(*key, *values) for key, values in plain(["kind", "town"], ["count"]).items()]
    rows.sort(key=lambda row: (-row[2], -ord(row[0]), row[1] is None, row[1] or ""))
    assert groups.rows == rows[:4]
    assert groups.has_more


def test_distinct_values_with_counts_within_conditions(engine: DuckDBEngine, ref: TableRef) -> None:
    filters = parse_filters([{"column": "n", "op": "le", "value": 1}], ref.columns)
    groups = engine.summarise(ref, parse_summary({"by": "n"}, ref.columns, filters))
    assert (groups.rows, groups.has_more) == ([(0, 5), (1, 6)], False)


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"by": "nothing"}, UnknownColumn),
        ({"by": 'n" FROM data; DROP TABLE data --'}, UnknownColumn),
        ({"by": "rowid"}, UnknownColumn),
        ({"by": "kind,town,n,x"}, BadFilter),
        ({"by": "kind,kind"}, BadFilter),
        ({"measure": "pg_sleep:n"}, BadFilter),
        ({"measure": "sum"}, BadFilter),
        ({"measure": "sum:kind"}, BadFilter),
        ({"measure": "p50:kind"}, BadFilter),
        ({"measure": "p0:n"}, BadFilter),
        ({"measure": "p100:n"}, BadFilter),
        ({"measure": "p٥:n"}, BadFilter),
        ({"measure": "count,count"}, BadFilter),
        ({"measure": "max:secret"}, UnknownColumn),
        ({"sort": "kind"}, BadFilter),
        ({"by": "kind", "sort": "--kind"}, BadFilter),
        ({"limit": "ten"}, BadFilter),
        ({"limit": "²"}, BadFilter),
    ],
)
def test_what_cannot_be_read_is_refused(ref: TableRef, params: dict[str, str], error: type[TableError]) -> None:
    with pytest.raises(error) as found:
        parse_summary(params, ref.columns)
    assert type(found.value) is error


def test_no_words_are_an_internal_fault(engine: DuckDBEngine, ref: TableRef) -> None:
    pieces = ["kind", "town", "n", "x", "count", "sum:n", "p90:x", "min:town", "-", "count:kind", ":", '"', "'"]
    words = st.lists(st.sampled_from(pieces) | st.text(max_size=8), max_size=4).map(",".join)
    limits = st.sampled_from(["", "1", "0", "99999"]) | st.text(max_size=4)

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(words, words, words, limits)
    def ask(by: str, measure: str, sort: str, limit: str) -> None:
        params = {"by": by, "measure": measure, "sort": sort, "limit": limit}
        try:
            summary = parse_summary(params, ref.columns)
        except (BadFilter, UnknownColumn) as error:
            str(error).encode()
            return
        groups = engine.summarise(ref, summary)
        assert all(len(row) == len(summary.by) + len(summary.measures) for row in groups.rows)
        assert len(groups.rows) <= summary.limit

    ask()
