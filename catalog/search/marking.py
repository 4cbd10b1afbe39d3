"""Where in a text stands what was searched for, to be marked on the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pypinyin import lazy_pinyin

from catalog.search.vocabulary import vocabulary
from catalog.search.wishes import wish_of
from catalog.search.words import normal, runs_of, syllables_of

SNIPPET = 160
"""So many characters of a summary are shown; those around the first hit where it is longer."""
_LEAD = 20
Pieces = list[tuple[str, bool]]
"""A text in pieces, each with whether it was searched for."""


class Marker:
    """Marks the words of one search; made once for a page."""

    def __init__(self, text: str) -> None:
        terms: dict[str, None] = {}
        self.sounds: list[tuple[str, ...]] = []
        for group in wish_of(text).groups:
            terms |= dict.fromkeys([group.text, *vocabulary().synonyms.get(group.text, ())])
            syllables = syllables_of(group.text) if group.text.isascii() else ()
            if len(syllables) > 1:
                self.sounds.append(syllables)
        found = sorted((term for term in terms if term), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, found)), re.IGNORECASE) if found else None

    def pieces(self, text: str) -> Pieces:
        """``text`` in pieces; joined again they are the text."""
        spans, done = Pieces(), 0
        for start, end in _merged([*self._written(text), *self._heard(text)]):
            if start > done:
                spans.append((text[done:start], False))
            spans.append((text[start:end], True))
            done = end
        return [*spans, (text[done:], False)] if done < len(text) else spans

    def snippet(self, text: str) -> Pieces:
        """The part of a long text in which the first hit stands."""
        if len(text) <= SNIPPET:
            return self.pieces(text)
        first = min((start for start, _end in [*self._written(text), *self._heard(text)]), default=0)
        start = max(0, min(first - _LEAD, len(text) - SNIPPET))
        cut = text[start : start + SNIPPET]
        return self.pieces(f"{'…' if start else ''}{cut}{'…' if start + SNIPPET < len(text) else ''}")

    def is_hit(self, text: str) -> bool:
        """Whether anything in ``text`` was searched for."""
        return bool(self._written(text) or self._heard(text))

    def _written(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in self._pattern.finditer(text)] if self._pattern else []

    def _heard(self, text: str) -> list[tuple[int, int]]:
        """Chinese that sounds as the pinyin that was typed."""
        found: list[tuple[int, int]] = []
        if not self.sounds:
            return found
        for run, is_chinese in runs_of(normal(text)):
            start = text.find(run)
            if not is_chinese or start < 0:
                continue
            heard = lazy_pinyin(run)
            for syllables in self.sounds:
                found += [(start + n, start + n + len(syllables)) for n in _places(heard, syllables)]
        return found


def _places(heard: Sequence[str], wanted: Sequence[str]) -> Iterable[int]:
    size = len(wanted)
    return (n for n in range(len(heard) - size + 1) if tuple(heard[n : n + size]) == tuple(wanted))


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
