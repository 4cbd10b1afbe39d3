"""What may have been meant by a text that no record meets: words of the records that come close."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pypinyin import lazy_pinyin

from catalog.search.words import normal, runs_of

ALIKE = 0.75
"""So alike is a Latin word to the one that is proposed for it."""


def meant(text: str, titles: Sequence[str]) -> str:
    """``text`` with the words of ``titles`` that sound or are spelled like its own; empty where it would be the same.

    Only titles that the reader may see are given, so the proposal tells nothing that they could not read.
    """
    asked = normal(text)
    known = [normal(title) for title in titles]
    proposed = asked
    for run, is_chinese in runs_of(asked):
        proposed = proposed.replace(run, _chinese(run, known) if is_chinese else _latin(run, known), 1)
    return "" if proposed == asked else proposed


def _chinese(run: str, titles: Sequence[str]) -> str:
    """The longest beginning that titles have is right; what follows is compared by its sound."""
    for size in range(len(run), 1, -1):
        if any(run[:size] in title for title in titles):
            return run[:size] + (_chinese(run[size:], titles) if size < len(run) else "")
    syllables = lazy_pinyin(run)
    best, fewest = run, len(run) // 3 + 1
    for title in titles:
        for other, is_chinese in runs_of(title):
            heard = lazy_pinyin(other) if is_chinese else []
            for start in range(len(heard) - len(run) + 1):
                wrong = sum(a != b for a, b in zip(syllables, heard[start:], strict=False))
                if wrong < fewest:
                    best, fewest = other[start : start + len(run)], wrong
    return best


def _latin(run: str, titles: Sequence[str]) -> str:
    words = dict.fromkeys(word for title in titles for word, is_chinese in runs_of(title) if not is_chinese)
    if len(run) < 3 or run in words:
        return run
    return next(iter(difflib.get_close_matches(run, list(words), n=1, cutoff=ALIKE)), run)
