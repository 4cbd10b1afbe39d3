"""Words of a text as the search knows them: segmented Chinese, single bigrams beside it, and lower-case Latin words."""

from __future__ import annotations

import functools
import re
import unicodedata
from pathlib import Path

import rjieba

TEXT_LIMIT = 20_000
QUERY_LIMIT = 200
WORDS_LIMIT = 24
_RUNS = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+|[^\W_]+", re.UNICODE)
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


@functools.cache
def _government_terms() -> frozenset[str]:
    """Terms that the general dictionary cuts apart; found whole in a text they become a word as well."""
    text = (Path(__file__).parent / "data" / "terms.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def normal(text: str) -> str:
    """Text without what PostgreSQL and people cannot tell apart: width, case, NUL and broken surrogates."""
    text = text.encode("utf-8", "ignore").decode("utf-8").replace("\x00", " ")
    return unicodedata.normalize("NFKC", text).lower()


def _bigrams(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def words(text: str) -> list[str]:
    """The words of a text to be indexed, in order and with repeats: segments, bigrams, terms, Latin words."""
    found: list[str] = []
    for run in _RUNS.findall(normal(text[:TEXT_LIMIT])):
        if not _CJK.match(run):
            found.append(run[:60])
            continue
        found += [word for word in rjieba.cut(run) if len(word) > 1]
        found += _bigrams(run)
        found += [term for term in _government_terms() if term in run]
    return found


def query_words(text: str) -> list[str]:
    """The words that a dataset must have to be found by ``text``; few, whatever is typed.

    Chinese runs are asked for by their segments; a segment of more than two characters that the dictionary made is
    asked for by its bigrams, which every text has that contains it.
    """
    found: list[str] = []
    for run in _RUNS.findall(normal(text[:QUERY_LIMIT])):
        if not _CJK.match(run):
            found.append(f"{run[:60]}:*")
            continue
        for word in rjieba.cut(run):
            found += _bigrams(word) if len(word) > 1 else [f"{word}:*"]
    return list(dict.fromkeys(found))[:WORDS_LIMIT]


def tsquery(text: str) -> str:
    """The query for ``to_tsquery('simple', …)``: all words; empty when ``text`` has none."""
    return " & ".join(f"'{word[:-2]}':*" if word.endswith(":*") else f"'{word}'" for word in query_words(text))
