"""Whom a change to a record hits, asked before it is made: each room says what in it depends on the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

from catalog.documents import Document
from catalog.models import Dataset, SharingType
from portal.access import Actor


@dataclass(frozen=True)
class Change:
    """What is about to happen: the whole record goes, or some of its columns do."""

    columns: frozenset[str] = frozenset()
    is_whole: bool = False

    @property
    def is_any(self) -> bool:
        return self.is_whole or bool(self.columns)


WITHDRAWAL = Change(is_whole=True)


def change_of(before: Document, after: Document) -> Change:
    """What a revision takes away: columns that are gone, retyped or no longer shared; or all, when nothing is."""
    if after.get("sharing_type") == SharingType.NOT_SHARED != before.get("sharing_type"):
        return WITHDRAWAL
    new = {item["column"]: item for item in after.get("items", [])}
    return Change(frozenset(item["column"] for item in before.get("items", []) if _is_less(item, new)))


def _is_less(item: Document, new: dict[str, Document]) -> bool:
    other = new.get(item["column"])
    if other is None or other["data_type"] != item["data_type"]:
        return True
    return bool(other["sharing_type"] == SharingType.NOT_SHARED != item["sharing_type"])


@dataclass(frozen=True)
class Hit:
    """One thing that depends on the record: its name, whose it is, and what to know of it."""

    name: str
    department: str = ""
    detail: str = ""
    url: str = ""


@dataclass(frozen=True)
class Group:
    """Things of one kind; ``total`` counts them all, ``hits`` are at most as many as were asked for."""

    title: str | Promise
    total: int
    hits: list[Hit] = field(default_factory=list)


Source = Callable[[Dataset, Change, Actor, int], list[Group]]
_sources: list[Source] = []
SHOWN = 50
EXPORTED = 10_000


def register(source: Source) -> None:
    """Ask ``source(dataset, change, actor, limit)`` before changes; it names only what ``actor`` may know."""
    _sources.append(source)


def impact_of(dataset: Dataset, change: Change, actor: Actor, limit: int = SHOWN) -> list[Group]:
    """Everything that a change hits, by kind; kinds without any are left out."""
    if not change.is_any:
        return []
    found = [group for source in _sources for group in source(dataset, change, actor, limit)]
    return [group for group in found if group.total]


def lines_of(groups: list[Group]) -> list[list[Any]]:
    """The groups as rows of a table: kind, name, department, detail."""
    return [[str(group.title), hit.name, hit.department, hit.detail] for group in groups for hit in group.hits]
