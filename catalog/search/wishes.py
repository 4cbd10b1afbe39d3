"""What the words of a search ask for: groups that must all be met, each by one of its alternatives.

Syntax for people: words; ``"a phrase"``; ``-without``. A group's alternatives are the words as typed, their synonyms,
and for Latin letters the pinyin and the initials of Chinese. Nothing typed reaches the statement other than as lexemes
that were cut here.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import rjieba
from pypinyin import lazy_pinyin

from catalog.search.vocabulary import Vocabulary, vocabulary
from catalog.search.words import bigrams, normal, runs_of, sound_pairs, sounds, stem, syllables_of

QUERY_LIMIT = 200
GROUPS_LIMIT = 12
LEXEMES_LIMIT = 40
_PARTS = re.compile(r'(?P<minus>[-\uff0d](?=[^\s"]))?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))')
_QUOTES = str.maketrans("“”「」", '""""')
_LETTERS = re.compile(r"^[a-z]{2,24}$")


@dataclass(frozen=True)
class Alternative:
    """Lexemes that must all be there, one after the other where it is a phrase; ``share`` of a group's full score."""

    lexemes: tuple[str, ...]
    share: float = 1.0
    is_phrase: bool = False

    def sql(self, weight: str = "") -> str:
        """As a part of a ``tsquery``; ``weight`` limits it to words of this weight."""
        joiner = " <-> " if self.is_phrase else " & "
        return f"({joiner.join(_quoted(lexeme, weight) for lexeme in self.lexemes)})"


@dataclass(frozen=True)
class Group:
    """One thing that is asked for; ``text`` is how it was written."""

    text: str
    alternatives: tuple[Alternative, ...]

    def sql(self, weight: str = "") -> str:
        """As a part of a ``tsquery``."""
        return f"({' | '.join(alternative.sql(weight) for alternative in self.alternatives)})"


@dataclass(frozen=True)
class Wish:
    """All that a text asks for. ``text`` is the text itself, normal, without what is excluded."""

    text: str = ""
    groups: tuple[Group, ...] = ()
    without: tuple[Group, ...] = ()
    has_phrase: bool = False

    @property
    def tsquery(self) -> str:
        """Every group, and none of the excluded; empty when nothing is asked for."""
        return " & ".join([*(group.sql() for group in self.groups), *(f"!{group.sql()}" for group in self.without)])

    @property
    def loose(self) -> tuple[list[str], list[str]]:
        """Parts for a search that no record meets whole: lexemes (how pairs of characters sound), and Latin words.

        None where something is asked for exactly: a phrase, or what must not be there.
        """
        if self.has_phrase or self.without:
            return [], []
        lexemes: dict[str, None] = {}
        latin: dict[str, None] = {}
        for group in self.groups:
            for run, is_chinese in runs_of(group.text):
                if is_chinese:
                    lexemes |= dict.fromkeys(map(_quoted, sound_pairs(lazy_pinyin(run)) or bigrams(run)))
                elif len(run) > 2:
                    latin[run] = None
        return list(lexemes)[:LEXEMES_LIMIT], list(latin)[:GROUPS_LIMIT]


def _quoted(lexeme: str, weight: str = "") -> str:
    body, is_prefix = lexeme.removesuffix(":*"), lexeme.endswith(":*")
    marks = f"{'*' if is_prefix else ''}{weight}"
    return f"'{body}'" + (f":{marks}" if marks else "")


def wish_of(text: str) -> Wish:
    """What ``text`` asks for; nothing when it has no letters or digits. At most QUERY_LIMIT characters are read."""
    return _wish_of(text[:QUERY_LIMIT], vocabulary()) if text else Wish()


@functools.lru_cache(maxsize=1_024)
def _wish_of(text: str, known: Vocabulary) -> Wish:
    groups: list[Group] = []
    without: list[Group] = []
    wanted: list[str] = []
    has_phrase = False
    for part in _PARTS.finditer(normal(text).translate(_QUOTES)):
        phrase, word = part["phrase"], part["word"]
        found = _phrase(phrase) if phrase is not None else _groups(word, known)
        has_phrase |= phrase is not None
        if part["minus"]:
            without += found
        else:
            groups += found
            wanted.append(phrase if phrase is not None else word)
    groups = _joined(groups, known)
    return Wish(" ".join(wanted), tuple(groups[:GROUPS_LIMIT]), tuple(without[:GROUPS_LIMIT]), has_phrase)


def _phrase(text: str) -> list[Group]:
    """Runs of a phrase in their order: pairs of characters that follow each other are the very text."""
    found = []
    for run, is_chinese in runs_of(text):
        lexemes = bigrams(run) if is_chinese else [run[:60]]
        if is_chinese and len(run) == 1:
            lexemes = [f"{run}:*"]
        found.append(Group(run, (Alternative(tuple(lexemes), is_phrase=len(lexemes) > 1),)))
    return found


def _groups(word: str, known: Vocabulary) -> list[Group]:
    found: list[Group] = []
    for run, is_chinese in runs_of(word):
        found += _chinese(run, known) if is_chinese else [_latin(run[:60], known)]
    return found


def _chinese(run: str, words: Vocabulary) -> list[Group]:
    """A run by its known terms first, then by the segments between them."""
    known = max((term for term in words.synonyms if term in run), key=len, default="")
    if known:
        before, _term, after = run.partition(known)
        rest = [group for part in (before, after) if part for group in _chinese(part, words)]
        return [_with_synonyms(known, Alternative(tuple(bigrams(known))), words), *rest]
    found = []
    for segment in rjieba.cut(run):
        lexemes = bigrams(segment) if len(segment) > 1 else [f"{segment}:*"]
        found.append(Group(segment, (Alternative(tuple(lexemes)),)))
    return found


def _latin(word: str, words: Vocabulary) -> Group:
    """A Latin word: as typed, its beginning or its stem; or what it spells in pinyin."""
    group = _with_synonyms(word, Alternative((f"{word}:*",)), words)
    more = []
    if word.isascii() and word.isalpha() and (root := stem(word)) != word:
        more.append(Alternative((root,), 0.9))
    if _LETTERS.match(word):
        syllables = syllables_of(word)
        if len(syllables) > 1:
            more.append(Alternative(tuple(sound_pairs(syllables)), 0.8))
        initials = [mark for mark in sounds(list(word)) if mark.startswith("~")]
        longest = max(map(len, initials))
        more.append(Alternative(tuple(mark for mark in initials if len(mark) == longest), 0.4))
    return Group(word, (*group.alternatives, *more))


def _with_synonyms(term: str, own: Alternative, words: Vocabulary) -> Group:
    """A term with what means the same."""
    others = []
    for other in words.synonyms.get(term, ()):
        lexemes: list[str] = []
        for run, is_chinese in runs_of(other):
            lexemes += bigrams(run) if is_chinese else [run]
        others.append(Alternative(tuple(lexemes), 0.8))
    return Group(term, (own, *others))


def _joined(groups: list[Group], words: Vocabulary) -> list[Group]:
    """Two Latin words that are one term (carbon dioxide) get the synonyms of the term beside themselves."""
    found: list[Group] = []
    place = 0
    while place < len(groups):
        pair = " ".join(group.text for group in groups[place : place + 2])
        if place + 1 < len(groups) and pair in words.synonyms:
            both = tuple(a.lexemes[0] for a in (g.alternatives[0] for g in groups[place : place + 2]))
            found.append(_with_synonyms(pair, Alternative(both), words))
            place += 2
        else:
            found.append(groups[place])
            place += 1
    seen: dict[str, Group] = {}
    for group in found:
        seen.setdefault(group.text, group)
    return list(seen.values())
