"""What an imported list would do, line by line."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from portal.departments import sheets
from portal.departments.sheets import Row


@dataclass
class Planned:
    """What one good line does: ``new``, ``changed`` (field, old, new) or ``unchanged``; ``obj`` is what it touches."""

    row: Row
    state: str
    title: str
    changed: list[tuple[str, str, str]] = field(default_factory=list)
    obj: Any = None


@dataclass
class Plan:
    """What an import would do, with its bad lines; ``seen`` is the mark by which the act knows it is still the same."""

    kind: str
    lines: list[Planned]
    bad: list[Row]

    @property
    def seen(self) -> str:
        good = [[p.row.number, p.state, p.title, p.changed] for p in self.lines]
        return hashlib.sha256(json.dumps([good, [r.number for r in self.bad]]).encode()).hexdigest()

    def count(self, state: str) -> int:
        return sum(line.state == state for line in self.lines)

    @property
    def counts(self) -> dict[str, int]:
        return {name: self.count(name) for name in ("new", "changed", "unchanged")} | {"bad": len(self.bad)}


def choices(enum: Any) -> dict[str, str]:
    """Values of an enumeration by every spelling of their labels, in each language, and by the value itself."""
    return {name: value for value, label in enum.choices for name in (*sheets.spellings(label), value)}


def finished(kind: str, rows: list[Row], planned: dict[int, Planned]) -> Plan:
    """The plan of ``rows``: good lines in their order, and those with faults."""
    bad = [row for row in rows if row.faults]
    return Plan(kind, [planned[row.number] for row in rows if not row.faults and row.number in planned], bad)
