"""What is looked for, as it stands in an address: text, chosen values, region, order, page."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.http import QueryDict

PAGE_SIZE = 20
COUNT_LIMIT = 10_000
LAST_PAGE = COUNT_LIMIT // PAGE_SIZE

SORTS = {
    "modified": ("-modified", "-dataset_id"),
    "title": ("title", "dataset_id"),
    "uses": ("-uses", "-dataset_id"),
    "quality": ("-quality", "-dataset_id"),
}
FACETS = {
    "theme": "theme_codes",
    "provider": "provider_id",
    "level": "level",
    "sharing": "sharing_type",
    "open": "open_type",
    "cycle": "update_cycle",
    "grade": "grade",
    "format": "formats",
    "quality": "quality_band",
    "freshness": "freshness",
    "state": "state",
}
"""URL parameter → column of the search row."""
ARRAYS = ("theme_codes", "formats")


@dataclass(frozen=True)
class SearchQuery:
    """What is looked for: text, chosen values per facet, a region with all below it, order and page."""

    text: str = ""
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    region: str = ""
    has_data: bool = False
    sort: str = ""
    page: int = 1
    explain: bool = False
    """Whether the page says why a record stands where it stands."""

    @classmethod
    def from_params(cls, params: QueryDict) -> SearchQuery:
        """From URL parameters; what makes no sense is left out."""
        filters = {name: tuple(_clean(v) for v in params.getlist(name)[:50] if v) for name in FACETS}
        try:
            page = min(max(1, int(params.get("page", "1")[:9])), LAST_PAGE)
        except ValueError:
            page = 1
        return cls(
            text=_clean(params.get("q", ""))[:200],
            filters={name: values for name, values in filters.items() if values},
            region=_clean(params.get("region", ""))[:12],
            has_data=params.get("data") == "1",
            sort=params.get("sort", "") if params.get("sort") in SORTS else "",
            page=page,
            explain=params.get("explain") == "1",
        )


def _clean(text: str) -> str:
    return text.encode("utf-8", "ignore").decode("utf-8").replace("\x00", "").strip()


def as_uuids(values: Iterable[str]) -> list[UUID]:
    """Those of ``values`` that are UUIDs."""
    found = []
    for value in values:
        with contextlib.suppress(ValueError):
            found.append(UUID(value))
    return found
