"""Rules that the profile of a table suggests: what has held for every row so far."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from catalog.models import QualityRule, RuleKind, TableProfile
from catalog.quality.profiling import PATTERN_ROWS, Profile
from catalog.tables.schema import ColumnType

FEWEST_ROWS = 10
CLOSED_SET = 10
ROWS_FOR_A_SET = 100


@dataclass(frozen=True)
class Proposal:
    """A rule that would pass today; ``key`` names it on the page."""

    kind: RuleKind
    params: dict[str, Any]
    column: str

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.column}"

    def rule(self) -> QualityRule:
        """As an unsaved rule, to be described."""
        return QualityRule(kind=self.kind, params=self.params)


def proposals(profile: TableProfile, rules: Iterable[QualityRule]) -> list[Proposal]:
    """What the profile suggests beyond the rules that there are, column by column."""
    if profile.row_count < FEWEST_ROWS:
        return []
    taken = {(rule.kind, name) for rule in rules for name in rule.params.get("columns", [rule.params.get("column")])}
    found = []
    for column in profile.columns:
        for kind, params in _of_column(column, profile):
            if (kind, column["name"]) not in taken:
                found.append(Proposal(kind, params, column["name"]))
    return found


def _of_column(column: Profile, profile: TableProfile) -> list[tuple[RuleKind, dict[str, Any]]]:
    name, rows = column["name"], profile.row_count
    filled = rows - column["nulls"] - column["blank"]
    found: list[tuple[RuleKind, dict[str, Any]]] = []
    if filled == rows:
        found.append((RuleKind.NOT_NULL, {"columns": [name]}))
    is_text = column["type"] in (ColumnType.TEXT, ColumnType.INTEGER)
    if is_text and not profile.is_approximate and filled == rows == column["distinct"]:
        found.append((RuleKind.UNIQUE, {"columns": [name]}))
    if column["type"] in (ColumnType.INTEGER, ColumnType.NUMBER) and column["min"] is not None:
        found.append((RuleKind.RANGE, {"column": name, "low": str(column["min"]), "high": str(column["max"])}))
    if pattern := _pattern(column, profile):
        found.append((RuleKind.PATTERN, {"column": name, "pattern": pattern}))
    return found


def _pattern(column: Profile, profile: TableProfile) -> str:
    """The pattern that all values follow, or the small closed set that they are of."""
    if column["type"] != ColumnType.TEXT or profile.row_count > PATTERN_ROWS:
        return ""
    patterns = column["patterns"]
    if len(patterns) == 1 and "文" not in patterns[0][0] and (column["longest"] or 0) < 40:
        return expression(patterns[0][0])
    values = [value for value, _count in column["top"] if value]
    if profile.row_count >= ROWS_FOR_A_SET and 0 < column["distinct"] == len(values) <= CLOSED_SET:
        return "|".join(re.escape(value) for value in values) if (column["longest"] or 0) < 20 else ""
    return ""


_CLASSES = {"9": "[0-9]", "A": "[A-Z]", "a": "[a-z]"}


def expression(shape: str) -> str:
    """The regular expression of a shape as the profile writes it: ``A9{3}-a`` → ``[A-Z][0-9]{3}\\-[a-z]``."""
    parts = re.findall(r"[9Aa]\{\d+\}|.", shape, re.DOTALL)
    return "".join(_CLASSES[part[0]] + part[1:] if part[0] in _CLASSES else re.escape(part) for part in parts)
