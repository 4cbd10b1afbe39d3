"""Cards of the home page; each room registers those it knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise

from portal.access import Actor


@dataclass(frozen=True)
class Card:
    """A number that leads to a list; ``tone`` is empty, warn or bad."""

    title: str | Promise
    count: int
    url: str
    tone: str = ""


Source = Callable[[Actor], list[Card]]
_sources: list[Source] = []


def register(source: Source) -> None:
    """Add a function that makes cards for an actor, in a fixed number of queries."""
    _sources.append(source)


def cards_for(actor: Actor) -> list[Card]:
    return [card for source in _sources for card in source(actor)]
