"""One chart that suits a table: a line over years, a map, or bars of the largest values; and the numbers behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from catalog.parts import TablePart
from catalog.tables.engine import Query, default_engine
from catalog.tables.filters import Filter
from catalog.tables.schema import Column, ColumnType, geometry_of, json_value

YEAR = re.compile(r"^(year|年份?|年度)$", re.IGNORECASE)
SERIES_LIMIT = 5
BAR_LIMIT = 15
MAP_LIMIT = 500
WHOLES = ("World", "China", "United States", "India", "Germany", "全国")
"""Groups that are shown first when a table has a series for each group."""


@dataclass(frozen=True)
class Chart:
    """What a chart shows: ``kind`` is line, bar or map; ``rows`` are the table beside it, headed by ``heads``."""

    kind: str
    title: str
    heads: list[str]
    rows: list[list[Any]]
    body: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "title": self.title, **self.body}


def chart_of(part: TablePart) -> Chart | None:
    """The chart of a table part; None when nothing in it can be drawn."""
    by_type = {kind: [c for c in part.columns if c.type == kind] for kind in ColumnType}
    if by_type[ColumnType.GEOMETRY]:
        return _map(part)
    numbers = [c for c in part.columns if c.type.is_numeric and not YEAR.match(c.title)]
    year = next((c for c in part.columns if YEAR.match(c.title) and c.type.is_numeric), None)
    groups = by_type[ColumnType.TEXT]
    if year and numbers:
        return _line(part, year, numbers[0], groups[0] if groups else None)
    if groups:
        return _bar(part, _best_group(groups), numbers[0] if numbers else None)
    return None


def _best_group(groups: list[Column]) -> Column:
    """A column that names groups rather than rows: a code of something above, else the last text."""
    return next((c for c in groups[1:] if "code" in c.name or "代码" in c.title), groups[-1])


def _line(part: TablePart, year: Column, measure: Column, group: Column | None) -> Chart:
    engine = default_engine()
    names = _chosen_groups(part, group, measure) if group else [None]
    series: dict[str, dict[Any, Any]] = {}
    for name in names:
        filters = (Filter(group.name, "eq", name),) if group and name is not None else ()
        filters = (*filters, Filter(measure.name, "not_null"))
        pairs = engine.group(part.ref, by=year.name, measure=measure.name, function="avg", filters=filters, limit=2_000)
        series[str(name or measure.title)] = dict(pairs)
    years = sorted({year for values in series.values() for year in values if year is not None})
    rows = [[_whole(y), *(_rounded(values.get(y)) for values in series.values())] for y in years]
    body = {
        "categories": [str(_whole(y)) for y in years],
        "series": [{"name": n, "data": [_rounded(v.get(y)) for y in years]} for n, v in series.items()],
    }
    return Chart("line", measure.title, [year.title, *series], rows, body)


def _chosen_groups(part: TablePart, group: Column, measure: Column) -> list[Any]:
    """The groups with the most values; those that readers look for first come first."""
    filters = (Filter(measure.name, "not_null"),)
    counted = default_engine().group(part.ref, by=group.name, filters=filters, limit=1_000, by_value=True)
    names = [name for name, _n in counted if name is not None]
    known = [name for name in WHOLES if name in names]
    return (known + [name for name in names if name not in known])[:SERIES_LIMIT]


def _bar(part: TablePart, group: Column, measure: Column | None) -> Chart:
    function = "sum" if measure else "count"
    pairs = default_engine().group(
        part.ref,
        by=group.name,
        measure=measure.name if measure else None,
        function=function,
        limit=BAR_LIMIT,
        by_value=True,
    )
    pairs = [(name, value) for name, value in pairs if name is not None and value is not None]
    title = measure.title if measure else group.title
    body = {
        "categories": [str(name) for name, _v in pairs],
        "series": [{"name": title, "data": [_rounded(value) for _n, value in pairs]}],
    }
    return Chart("bar", title, [group.title, title], [[n, _rounded(v)] for n, v in pairs], body)


def _map(part: TablePart) -> Chart | None:
    name = next((c for c in part.columns if c.name in ("name", "名称")), None)
    shape = next(c for c in part.columns if c.type == ColumnType.GEOMETRY)
    measure = next((c for c in part.columns if c.type.is_numeric), None)
    if name is None:
        return None
    wanted = (name.name, shape.name, *([measure.name] if measure else []))
    page = default_engine().page(part.ref, Query(columns=wanted, limit=MAP_LIMIT))
    values = [(row[0], _rounded(row[2]) if measure else None) for row in page.rows]
    features = [
        {"type": "Feature", "properties": {"name": row[0]}, "geometry": geometry}
        for row in page.rows
        if (geometry := geometry_of(row[1]))
    ]
    known = [value for _name, value in values if value is not None]
    body = {
        "geojson": {"type": "FeatureCollection", "features": features},
        "data": [{"name": n, "value": v} for n, v in values],
        "min": min(known, default=0),
        "max": max(known, default=0),
    }
    heads = [name.title, *([measure.title] if measure else [])]
    rows = [[n, v] if measure else [n] for n, v in values]
    return Chart("map", measure.title if measure else name.title, heads, rows, body)


def _whole(value: Any) -> Any:
    value = json_value(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _rounded(value: Any) -> Any:
    """A value to draw; what is no number in JSON is a gap."""
    value = json_value(value)
    return round(value, 4) if isinstance(value, float) else value
