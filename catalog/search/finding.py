"""A page of datasets for a query: the best first, with counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.db.models import QuerySet

from catalog.models import DataItem, Dataset, DatasetSearchRow
from catalog.search.asking import COUNT_LIMIT, PAGE_SIZE, SORTS, SearchQuery
from catalog.search.counting import Counts, count
from catalog.search.marking import Marker, Pieces
from catalog.search.matching import matching, permitted
from catalog.search.meaning import meant
from catalog.search.ranking import CANDIDATES, explained, near, ranked
from catalog.search.wishes import wish_of

NEAR_LIMIT = 100
SUGGESTIONS = 8
TITLES_COMPARED = 5
ITEMS_SHOWN = 5


@dataclass(frozen=True)
class Hit:
    """A dataset on a page of results, with what was searched for marked; ``items`` are the data items that meet it."""

    dataset: Dataset
    title: Pieces
    summary: Pieces
    items: list[Pieces]
    score: list[tuple[str, float]]
    """Why it stands here, where that was asked for: what counts, and how much."""

    @property
    def total(self) -> float:
        return sum(value for _label, value in self.score)


@dataclass(frozen=True)
class Result:
    """One page of datasets in order, how many there are (at most 10,000, then ``is_capped``), and facet counts.

    ``is_near``: no record meets the whole text; these meet most of it.
    """

    datasets: list[Dataset]
    total: int
    is_capped: bool
    facets: Counts
    query: SearchQuery
    is_near: bool = False
    meant: str = ""
    """For a near result: the text as it was perhaps meant."""
    last_page: int = COUNT_LIMIT // PAGE_SIZE

    @cached_property
    def hits(self) -> list[Hit]:
        """The datasets with their hits marked; one query where text was searched for."""
        marker = Marker(self.query.text)
        named: dict[UUID, list[Pieces]] = {}
        if wish_of(self.query.text).groups:
            rows = DataItem.objects.filter(dataset__in=self.datasets).order_by("dataset_id", "position")
            for pk, name in rows.values_list("dataset_id", "name"):
                if len(named.get(pk, [])) < ITEMS_SHOWN and marker.is_hit(name):
                    named.setdefault(pk, []).append(marker.pieces(name))
        wish, ids = wish_of(self.query.text), [dataset.pk for dataset in self.datasets]
        is_scored = self.query.explain and wish.groups and not (self.is_near or self.query.sort)
        scores = explained(ids, wish) if is_scored else {}
        return [
            Hit(d, marker.pieces(d.title), marker.snippet(d.summary), named.get(d.pk, []), scores.get(d.pk, []))
            for d in self.datasets
        ]

    @property
    def pages(self) -> int:
        return min(self.last_page, max(1, -(-self.total // PAGE_SIZE)))

    @property
    def has_next(self) -> bool:
        return self.query.page < self.pages

    @property
    def next_page(self) -> int:
        return self.query.page + 1

    @property
    def previous_page(self) -> int:
        return min(self.query.page - 1, self.pages)


def search(query: SearchQuery, groups: Sequence[int], *, is_public: bool = False, facets: bool = True) -> Result:
    """Datasets that ``groups`` may read and that meet ``query``; a bounded number of database queries.

    Where no record meets the whole text, those that meet most of it are found instead.
    """
    wish = wish_of(query.text)
    total, counts = count(query, groups, is_public=is_public, facets=facets)
    is_near, last_page = False, COUNT_LIMIT // PAGE_SIZE
    page = slice((query.page - 1) * PAGE_SIZE, query.page * PAGE_SIZE)
    ids: list[UUID]
    if wish.groups and not total:
        found = near(permitted(query, groups, is_public=is_public), wish, NEAR_LIMIT)
        ids, total, is_near = found[page], len(found), bool(found)
    elif wish.groups and not query.sort:
        last_page = CANDIDATES // PAGE_SIZE
        ids = ranked(permitted(query, groups, is_public=is_public), wish, min(page.stop, CANDIDATES))[page]
    else:
        rows = matching(query, groups, is_public=is_public).order_by(*SORTS[query.sort or "modified"])
        ids = list(rows.values_list("dataset_id", flat=True)[page])
    datasets = Dataset.objects.select_related("provider__region", "search_row").prefetch_related("themes").in_bulk(ids)
    shown = [datasets[pk] for pk in ids if pk in datasets]
    return Result(
        datasets=shown,
        total=min(total, COUNT_LIMIT),
        is_capped=total > COUNT_LIMIT,
        facets=counts,
        query=query,
        is_near=is_near,
        meant=meant(query.text, [dataset.title for dataset in shown[:TITLES_COMPARED]]) if is_near else "",
        last_page=last_page,
    )


def found_rows(query: SearchQuery, groups: Sequence[int], *, is_public: bool = False) -> QuerySet[DatasetSearchRow]:
    """All rows that a search shows on its pages, in a column's order: for exports."""
    rows = matching(query, groups, is_public=is_public)
    wish = wish_of(query.text)
    if wish.groups and not rows.exists():
        ids = near(permitted(query, groups, is_public=is_public), wish, NEAR_LIMIT)
        rows = DatasetSearchRow.objects.filter(pk__in=ids)
    return rows.order_by(*SORTS[query.sort or "modified"])


def suggest(text: str, groups: Sequence[int], *, is_public: bool = False) -> list[tuple[UUID, Pieces]]:
    """The titles that come first for a text that is still being typed, with their hits marked; two queries."""
    query, marker = SearchQuery(text=text), Marker(text)
    wish = wish_of(text)
    if not wish.groups:
        return []
    ids = ranked(permitted(query, groups, is_public=is_public), wish, SUGGESTIONS)
    titles = dict(DatasetSearchRow.objects.filter(pk__in=ids).values_list("pk", "title"))
    return [(pk, marker.pieces(titles[pk])) for pk in ids if pk in titles]
