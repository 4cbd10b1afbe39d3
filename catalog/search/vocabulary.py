"""What means the same, and what is one word: the list that comes with the portal, and what the authority added."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count, Max

from catalog.models import SearchTerm
from catalog.search.words import DATA, normal

FRESH_SECONDS = 5.0
"""After so long at most every process knows what was added or removed."""
_FILE = DATA / "synonyms.txt"


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Term → what means the same; a term of one word alone has nothing beside it and is kept whole."""

    synonyms: Mapping[str, tuple[str, ...]]


@dataclass
class _Seen:
    """The vocabulary as this process knows it."""

    stamp: tuple[int, int] = (-1, -1)
    at: float = float("-inf")
    vocabulary: Vocabulary | None = None


_seen = _Seen()


def vocabulary() -> Vocabulary:
    """The words in force; the database is asked every few seconds whether they changed."""
    now = time.monotonic()
    known = _seen.vocabulary
    if known is not None and now - _seen.at < FRESH_SECONDS:
        return known
    # rows are only added and removed, so their number and the last of them tell one state from another
    found = SearchTerm.objects.aggregate(n=Count("pk"), last=Max("pk"))
    stamp = (found["n"], found["last"] or 0)
    if known is None or stamp != _seen.stamp:
        lines = [*_shipped(), *SearchTerm.objects.order_by("pk").values_list("words", flat=True)]
        known = _seen.vocabulary = _of(lines)
    _seen.stamp, _seen.at = stamp, now
    return known


def forget() -> None:
    """Ask the database at the next search: called where words are changed."""
    _seen.stamp, _seen.at, _seen.vocabulary = (-1, -1), float("-inf"), None


@functools.cache
def _shipped() -> tuple[tuple[str, ...], ...]:
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.split(",")) for line in lines if line.strip())


def _of(lines: Iterable[Iterable[str]]) -> Vocabulary:
    found: dict[str, set[str]] = {}
    for line in lines:
        terms = [term for term in (normal(word).strip() for word in line) if term]
        for term in terms:
            found.setdefault(term, set()).update(other for other in terms if other != term)
    return Vocabulary({term: tuple(sorted(others)) for term, others in found.items()})
