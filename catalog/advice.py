"""Advice while a record is being written: each room looks at the document and says what the cataloguer should know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from catalog.documents import Document
from catalog.models import Dataset
from portal.access import Actor

LIMIT = 12


@dataclass(frozen=True)
class Advice:
    """One sentence, with the way to what it speaks of: ``url`` under the words ``link``."""

    level: Literal["info", "warn", "bad"]
    text: str
    url: str = ""
    link: str = ""


Adviser = Callable[[Document, Dataset | None, Actor], list[Advice]]
_advisers: list[Adviser] = []


def register(adviser: Adviser) -> None:
    """Ask ``adviser(document, dataset, actor)`` while a form is being written; ``dataset`` is None for a new record."""
    _advisers.append(adviser)


def advice_on(document: Document, dataset: Dataset | None, actor: Actor) -> list[Advice]:
    """What all rooms say about a document, the most serious first."""
    found = [one for adviser in _advisers for one in adviser(document, dataset, actor)]
    return sorted(found, key=lambda one: ("bad", "warn", "info").index(one.level))[:LIMIT]
