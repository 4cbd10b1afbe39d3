"""Tabs of the dataset page: each room of the house adds its own, and only the open one is worked out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise

from catalog.models import Dataset
from portal.access import Actor


@dataclass(frozen=True)
class Panel:
    """One tab: ``shown`` says cheaply whether this person has it, ``context`` what its template needs."""

    key: str
    order: int
    title: str | Promise
    template: str
    shown: Callable[[Actor, Dataset], bool]
    context: Callable[[Actor, Dataset, HttpRequest], dict[str, Any]]


_panels: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    """Add a tab; called once by the room's app when it is ready."""
    _panels[panel.key] = panel


def panels_for(actor: Actor, dataset: Dataset) -> list[Panel]:
    """The tabs that ``actor`` has on this record's page, in order."""
    return sorted((p for p in _panels.values() if p.shown(actor, dataset)), key=lambda p: (p.order, p.key))
