"""The tab of profiles: the columns that the reader may see, drawn."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import Dataset, Distribution, TableProfile
from catalog.panels import Panel, register
from catalog.rules import previewable_columns
from catalog.tables.schema import ColumnType
from portal.access import Actor

BAR, HEIGHT = 7, 36
"""Width of a histogram's bar and height of the tallest, in SVG units."""
DRIFT = {
    "removed": gettext_lazy("The column is gone."),
    "added": gettext_lazy("The column is new."),
    "retyped": gettext_lazy("Its type changed from %(before)s to %(after)s."),
    "nulls": gettext_lazy("The share of empty values rose from %(before)s to %(after)s."),
    "rows": gettext_lazy("The number of rows changed from %(before)s to %(after)s."),
}


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram."""

    x: int
    y: float
    height: float
    label: str


@dataclass(frozen=True)
class Shown:
    """A column as the tab shows it; shares are from 0 to 1."""

    data: dict[str, Any]
    type: str
    empty: float | None
    bars: list[Bar]
    top: list[tuple[Any, int, float]]
    patterns: list[tuple[str, float]]


def shown(column: dict[str, Any], rows: int) -> Shown:
    """A column's figures with shares and bars."""
    filled = rows - column["nulls"]
    counts = [count for _low, _high, count in column["histogram"]]
    most = max(counts, default=0)
    bars = [
        Bar(n * BAR, round(HEIGHT * (1 - count / most), 1), round(HEIGHT * count / most, 1), _label(low, high, count))
        for n, (low, high, count) in enumerate(column["histogram"])
    ]
    top = [(value, count, count / filled) for value, count in column["top"]] if filled else []
    patterns = [(pattern, count / filled) for pattern, count in column["patterns"]] if filled else []
    empty = column["nulls"] / rows if rows else None
    return Shown(column, ColumnType(column["type"]).label, empty, bars, top, patterns)


def _label(low: Any, high: Any, count: int) -> str:
    return f"{_edge(low)} – {_edge(high)}: {count:,}"


def _edge(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)[:10]


def sentences(drift: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(column, what happened to it) for each difference."""
    return [(one["column"] or _("Table"), str(DRIFT[one["kind"]]) % _words(one)) for one in drift]


def _words(one: dict[str, Any]) -> dict[str, str]:
    if one["kind"] == "retyped":
        return {side: ColumnType(one[side]).label for side in ("before", "after")}
    if one["kind"] == "nulls":
        return {side: f"{one[side]:.1%}" for side in ("before", "after")}
    return {side: f"{one[side]:,}" if one[side] is not None else "" for side in ("before", "after")}


def _current(dataset: Dataset) -> Distribution | None:
    return dataset.distributions.select_related("current__profile").filter(current__isnull=False).first()


def _may_see(actor: Actor, dataset: Dataset) -> bool:
    return dataset.distributions.filter(current__isnull=False).exists() and bool(previewable_columns(actor, dataset))


def _context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    distribution = _current(dataset)
    version = distribution.current if distribution else None
    found: TableProfile | None = getattr(version, "profile", None)
    allowed = set(previewable_columns(actor, dataset))
    is_own = actor.standing.holds(dataset.provider_id)
    columns = [shown(c, found.rows) for c in found.columns if c["name"] in allowed] if found else []
    age = dt.datetime.now(dt.UTC) - version.created_at if version else None
    return {
        "profile": found,
        "columns": columns,
        "age_days": age.days if age else None,
        "drift": sentences(found.drift) if found and is_own else [],
    }


def register_panel() -> None:
    """The tab of profiles."""
    title = gettext_lazy("Profile")
    register(Panel("profile", 20, title, "catalog/quality/_profile.html", _may_see, _context))
