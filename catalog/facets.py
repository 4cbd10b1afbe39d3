"""Facets and chips of a search as a page shows them: labels, counts, and the links that choose or remove a value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from catalog.models import Freshness, Grade, OpenType, QualityBand, SharingType, Theme, UpdateCycle
from catalog.search import FACETS, Result, as_uuids
from portal.departments.models import Department, Level, Region

_TITLES: dict[str, str | Promise] = {
    "theme": _("Theme"),
    "provider": _("Provider"),
    "level": _("Level"),
    "sharing": _("Sharing type"),
    "open": _("Open type"),
    "cycle": _("Update cycle"),
    "grade": _("Data grade"),
    "format": _("Format"),
    "quality": _("Data quality"),
    "freshness": _("Updates"),
    "region": _("Region"),
}
_CHOICES: dict[str, Any] = {
    "level": Level.choices,
    "sharing": SharingType.choices,
    "open": OpenType.choices,
    "cycle": UpdateCycle.choices,
    "grade": Grade.choices,
    "quality": QualityBand.choices,
    "freshness": Freshness.choices,
}
REGIONS_SHOWN = 40
_FIRST_OPEN = ("theme", "provider", "level", "sharing")


@dataclass(frozen=True)
class Option:
    label: str
    count: int
    url: str
    is_on: bool


@dataclass(frozen=True)
class Facet:
    title: str | Promise
    options: list[Option]
    is_open: bool


@dataclass(frozen=True)
class Chip:
    """A chosen value with the link that takes it away."""

    label: str
    url: str


def _labels(result: Result) -> dict[str, dict[str, str]]:
    """Labels of the values in the facets and in the choice; two queries."""
    chosen = as_uuids(result.query.filters.get("provider", ()))
    wanted = as_uuids(value for value, _n in result.facets.get("provider", []))
    names = Department.objects.filter(pk__in=[*chosen, *wanted]).values_list("pk", "name")
    providers = {str(pk): name for pk, name in names}
    labels = {name: {str(value): str(label) for value, label in choices} for name, choices in _CHOICES.items()}
    labels["theme"] = {theme.code: str(theme) for theme in Theme.objects.all()}
    labels["provider"] = providers
    labels["format"] = {"csv": "CSV", "xlsx": "XLSX", "geojson": "GeoJSON"}
    return labels


def _toggled(params: QueryDict, name: str, value: str) -> str:
    changed = params.copy()
    changed.pop("page", None)
    values = changed.getlist(name)
    changed.setlist(name, [v for v in values if v != value] if value in values else [*values, value])
    return f"?{changed.urlencode()}"


def _regions(counts: list[tuple[str, int]], chosen: Region | None, params: QueryDict) -> list[Option]:
    """The regions one step below the chosen one, with all that lies below them; where there is one only, its own."""
    if not counts:
        return []
    ways = [(region.path_codes, n) for region, n in _with_regions(counts)]
    depth = len(chosen.path_codes) if chosen else 1
    found: Counter[str] = Counter()
    while not found and any(len(codes) > depth for codes, _n in ways):
        for codes, n in ways:
            if len(codes) > depth:
                found[codes[depth]] += n
        if len(found) == 1 and any(len(codes) > depth + 1 for codes, _n in ways):
            found.clear()
            depth += 1
    names = Region.objects.in_bulk(list(found))
    options = []
    for code, n in found.most_common(REGIONS_SHOWN):
        changed = params.copy()
        changed.pop("page", None)
        changed["region"] = code
        options.append(Option(names[code].name, n, f"?{changed.urlencode()}", is_on=False))
    return options


def _with_regions(counts: list[tuple[str, int]]) -> list[tuple[Region, int]]:
    regions = Region.objects.in_bulk([code for code, _n in counts])
    return [(regions[code], n) for code, n in counts if code in regions]


def facets_of(result: Result, params: QueryDict) -> tuple[list[Facet], list[Chip]]:
    """The facets that have options, in the order of ``search.FACETS``, and a chip for each chosen value."""
    labels = _labels(result)
    facets, chips = [], []
    for name in FACETS:
        chosen = result.query.filters.get(name, ())
        known = labels.get(name, {})
        chips += [Chip(known.get(value, value), _toggled(params, name, value)) for value in chosen if name != "state"]
        if name not in result.facets:
            continue
        options = [
            Option(known.get(value, value), count, _toggled(params, name, value), value in chosen)
            for value, count in result.facets[name]
        ]
        if options:
            facets.append(Facet(_TITLES[name], options, bool(chosen) or name in _FIRST_OPEN))
    region = Region.objects.filter(pk=result.query.region).first() if result.query.region else None
    if options := _regions(result.facets.get("region", []), region, params):
        facets.insert(min(2, len(facets)), Facet(_TITLES["region"], options, is_open=region is not None))
    if result.query.region:
        label = region.name if region else result.query.region
        chips.append(Chip(label, _toggled(params, "region", result.query.region)))
    return facets, chips
