"""A page of datasets for a query: the best first, with counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from catalog.models import Dataset
from catalog.search.asking import COUNT_LIMIT, PAGE_SIZE, SORTS, SearchQuery
from catalog.search.counting import Counts, count
from catalog.search.matching import matching, permitted
from catalog.search.ranking import CANDIDATES, near, ranked
from catalog.search.wishes import wish_of

NEAR_LIMIT = 100


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
    last_page: int = COUNT_LIMIT // PAGE_SIZE

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
    return Result(
        datasets=[datasets[pk] for pk in ids if pk in datasets],
        total=min(total, COUNT_LIMIT),
        is_capped=total > COUNT_LIMIT,
        facets=counts,
        query=query,
        is_near=is_near,
        last_page=last_page,
    )
