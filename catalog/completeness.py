"""How complete a record is: one score over what is required and what the guideline recommends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.documents import Document, label_of
from catalog.models import OpenType, SharingType

REQUIRED = 3
RECOMMENDED = 1
ITEM_POINTS = 8

WEIGHTS = {
    "title": REQUIRED,
    "summary": REQUIRED,
    "themes": REQUIRED,
    "update_cycle": REQUIRED,
    "sharing_type": REQUIRED,
    "channels": REQUIRED,
    "sharing_condition": REQUIRED,
    "sharing_basis": REQUIRED,
    "open_condition": REQUIRED,
    "sharing_review_on": RECOMMENDED,
    "title_en": RECOMMENDED,
    "keywords": RECOMMENDED,
    "format_type": RECOMMENDED,
    "data_category": RECOMMENDED,
    "source_system": RECOMMENDED,
    "contact": RECOMMENDED,
    "spatial": RECOMMENDED,
    "temporal_start": RECOMMENDED,
    "licence": RECOMMENDED,
    "provenance": RECOMMENDED,
}
"""Field → points (GUIDE, GB/T 21063: core fields weigh three times as much as further ones)."""


@dataclass(frozen=True)
class Score:
    """``percent`` from 0 to 100, and the labels of what is missing, the required ones first."""

    percent: int
    missing: tuple[str, ...]


def _does_not_apply(document: Mapping[str, Any]) -> set[str]:
    """Fields that this record need not have."""
    sharing, opening = document.get("sharing_type"), document.get("open_type")
    left_out = set()
    if sharing != SharingType.CONDITIONAL:
        left_out.add("sharing_condition")
    if sharing == SharingType.UNCONDITIONAL:
        left_out.add("sharing_basis")
    if sharing == SharingType.NOT_SHARED:
        left_out.add("channels")
    else:
        left_out.add("sharing_review_on")
    if opening == OpenType.OPEN:
        left_out.add("open_condition")
    else:
        left_out.add("licence")
    return left_out


def score(document: Document) -> Score:
    """The completeness of a record; items count by how many of them say what they are."""
    items = document.get("items") or []
    described = sum(1 for item in items if item.get("description") or item.get("element"))
    return score_of(document, len(items), described)


def score_of(document: Mapping[str, Any], items: int, described: int) -> Score:
    """The same from the record's own fields and themes, with how many items it has and how many are described."""
    left_out = _does_not_apply(document)
    weights = {name: points for name, points in WEIGHTS.items() if name not in left_out}
    missing = [name for name in weights if not document.get(name)]
    reached: float = sum(points for name, points in weights.items() if name not in missing)
    reached += ITEM_POINTS * (1 + described / items) / 2 if items else 0
    labels = [label_of(name) for name in sorted(missing, key=lambda name: -weights[name])]
    return Score(int(100 * reached / (sum(weights.values()) + ITEM_POINTS)), tuple(labels))
