"""Search: one query builder for the internal catalogue, the public section, the API, exports and counts."""

from catalog.search.asking import COUNT_LIMIT, FACETS, PAGE_SIZE, SORTS, SearchQuery, as_uuids
from catalog.search.finding import Result, found_rows, search, suggest
from catalog.search.matching import matching
from catalog.search.rows import index, indexed, register_indexer, row_of, write_rows

__all__ = [
    "COUNT_LIMIT",
    "FACETS",
    "PAGE_SIZE",
    "SORTS",
    "Result",
    "SearchQuery",
    "as_uuids",
    "found_rows",
    "index",
    "indexed",
    "matching",
    "register_indexer",
    "row_of",
    "search",
    "suggest",
    "write_rows",
]
