"""The tabs “Profile” and “Quality” of the dataset page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from catalog.models import Dataset, Dimension, QualityRule, QualityScore, RuleResult, TableVersion
from catalog.panels import Panel, register
from catalog.quality import keeping, queries
from catalog.quality.conditions import columns_of
from catalog.quality.profiling import Profile
from catalog.quality.proposals import proposals
from catalog.rules import previewable_columns
from catalog.tables.schema import ColumnType
from portal import access
from portal.access import Actor, Permission

BAR_HEIGHT = 28
BAR_WIDTH = 6
TREND = 12


@dataclass(frozen=True)
class Bar:
    """One bar of a small histogram, in the units of its drawing."""

    x: int
    y: int
    height: int
    count: int


@dataclass(frozen=True)
class ColumnView:
    """A column of the profile as the page shows it; ``figures`` is empty of values where ``is_hidden``."""

    title: str
    type_label: str
    figures: Profile
    null_share: float
    is_hidden: bool
    bars: list[Bar] = field(default_factory=list)
    top: list[tuple[Any, int, float]] = field(default_factory=list)


def bars(histogram: dict[str, Any] | None) -> list[Bar]:
    """Bars from 1 to BAR_HEIGHT high; a count of none has none."""
    counts = histogram["counts"] if histogram else []
    most = max(counts, default=0) or 1
    heights = [max(1, round(count / most * BAR_HEIGHT)) if count else 0 for count in counts]
    return [
        Bar(n * BAR_WIDTH, BAR_HEIGHT - height, height, count)
        for n, (height, count) in enumerate(zip(heights, counts, strict=True))
    ]


def column_views(version: TableVersion, dataset: Dataset, actor: Actor) -> list[ColumnView]:
    """The profile of each column; of those that the reader may not see only how many cells are filled."""
    profile = version.profile
    titles = dict(dataset.items.values_list("column", "name"))
    headers = {column.name: column.title for column in version.schema}
    may_see = set(previewable_columns(actor, dataset))
    rows = profile.row_count or 1
    found = []
    for figures in profile.columns:
        name = figures["name"]
        title = titles.get(name, headers.get(name, name))
        label = ColumnType(figures["type"]).label
        empty = (figures["nulls"] + figures["blank"]) / rows
        if name not in may_see:
            found.append(ColumnView(title, label, {"name": name}, empty, is_hidden=True))
            continue
        top = [(value, count, count / rows) for value, count in figures["top"]]
        found.append(ColumnView(title, label, figures, empty, False, bars(figures["histogram"]), top))
    return found


def _has_table(actor: Actor, dataset: Dataset) -> bool:
    return dataset.distributions.filter(current__isnull=False).exists()


def _profile_context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    version = keeping.current_version(dataset)
    if version is None or not hasattr(version, "profile"):
        return {"version": version, "profile": None}
    titles = dict(dataset.items.values_list("column", "name"))
    drift = [
        {**change, "title": titles.get(change.get("column"), change.get("column"))} for change in version.profile.drift
    ]
    return {
        "version": version,
        "profile": version.profile,
        "columns": column_views(version, dataset, actor),
        "drift": drift,
    }


def _quality_context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    version = keeping.current_version(dataset)
    may_edit = access.can(actor, Permission.DATASET_EDIT, dataset)
    rules = list(dataset.quality_rules.filter(retired_at__isnull=True))
    titles = dict(dataset.items.values_list("column", "name"))
    names = queries.names_of(rules)
    results = {one.rule_id: one for one in RuleResult.objects.filter(version=version, rule__in=rules)}
    may_see = set(previewable_columns(actor, dataset))
    profile = getattr(version, "profile", None)
    score = getattr(version, "quality", None)
    suggested = proposals(profile, rules) if profile and may_edit else []
    trend = QualityScore.objects.filter(version__distribution=version.distribution) if version else None
    return {
        "version": version,
        "quality": score,
        "dimensions": _dimensions(score),
        "rules": [_line(rule, results.get(rule.pk), titles, names, may_see) for rule in rules],
        "proposals": [(one, queries.described(one.rule(), titles, {})) for one in suggested],
        "may_edit": may_edit,
        "trend": list(trend.select_related("version").order_by("-version__number")[:TREND]) if trend else [],
    }


def _dimensions(score: QualityScore | None) -> list[tuple[str, float]]:
    if score is None:
        return []
    return [(str(label), score.dimensions[key]) for key, label in Dimension.choices if key in score.dimensions]


def _line(
    rule: QualityRule, result: RuleResult | None, titles: dict[str, str], names: dict[str, str], may_see: set[str]
) -> dict[str, Any]:
    """A rule with its result; its limits are shown only to who may see its columns."""
    named = set(columns_of(rule.kind, rule.params))
    is_open = named <= may_see
    shown = queries.described(rule, titles, names) if is_open else str(rule.get_kind_display())
    return {"rule": rule, "result": result, "text": shown, "may_see_rows": is_open and bool(named) and bool(may_see)}


def register_panels() -> None:
    """The two tabs."""
    register(Panel("profile", 30, _("Profile"), "catalog/quality/_profile.html", _has_table, _profile_context))
    register(Panel("quality", 31, _("Quality"), "catalog/quality/_quality.html", _has_table, _quality_context))
