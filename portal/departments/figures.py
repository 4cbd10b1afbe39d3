"""Numbers on a department's page; each app above registers those it knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise

from portal.departments.models import Department


@dataclass(frozen=True)
class Figure:
    """A number with its title, a list behind it (or none), and a tone that is empty, warn or bad."""

    title: str | Promise
    value: str | int
    url: str = ""
    tone: str = ""


Source = Callable[[Department], list[Figure]]
_sources: list[Source] = []


def register(source: Source) -> None:
    """Add a function that makes the figures of a department, in a fixed number of queries."""
    _sources.append(source)


def figures_of(department: Department) -> list[Figure]:
    return [figure for source in _sources for figure in source(department)]
