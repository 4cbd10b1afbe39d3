"""A way to open a table that is not anonymous yet: masks that hide enough, as few and as fine as they can be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings

from catalog.protection.anonymity import Roles, measure
from catalog.tables.engine import default_engine
from catalog.tables.schema import Column, ColumnType, TableRef, quoted

PREFIXES = (9, 6, 4, 2)
"""Lengths of division codes: street, county, city, province."""
BANDS = 6


@dataclass(frozen=True)
class Proposal:
    """Masks by column that make the table k-anonymous, what they lose (0 nothing, 1 all) and the figures with them."""

    masks: dict[str, str]
    loss: float
    k: int
    at_risk: int


def ladder(ref: TableRef, column: Column) -> list[str]:
    """The masks of a column from none to all: each hides more than the one before."""
    steps: list[str] = [""]
    if column.type in (ColumnType.DATE, ColumnType.DATETIME):
        steps += ["month", "year"]
    elif column.type.is_numeric:
        steps += [f"band:{width}" for width in _widths(ref, column)]
    elif column.type == ColumnType.TEXT:
        steps += [f"prefix:{length}" for length in PREFIXES if length < _length_of_codes(ref, column)]
    return [*steps, "hide"]


def _widths(ref: TableRef, column: Column) -> list[int]:
    name = quoted(column.name)
    low, high = default_engine().aggregate(ref, f"SELECT min({name}), max({name}) FROM {{source}}")  # noqa: S608
    span = float(high - low) if low is not None else 0.0
    found, width = [], 1
    while width < span:
        if width > 1 and width * 200 > span:
            found.append(width)
        width = width * 5 // 2 if str(width).startswith("2") else width * 2
    return found[-BANDS:]


def _length_of_codes(ref: TableRef, column: Column) -> int:
    """How long the codes of a text column are; 0 when it does not hold codes of one length."""
    name = quoted(column.name)
    sql = f"SELECT min(length({name})), max(length({name})), bool_and(regexp_full_match({name}, '[0-9A-Z]+')) FROM {{source}}"  # noqa: S608, E501
    shortest, longest, are_codes = default_engine().aggregate(ref, sql)
    return int(longest) if are_codes and shortest == longest else 0


def propose(ref: TableRef, roles: Roles) -> Proposal | None:
    """Masks for the quasi-identifiers with which at least DISCLOSURE_K rows are always alike; None when nothing helps.

    The column with most different values gives way first (as in Datafly, Sweeney 1998); then each mask is taken back
    as far as the table stays anonymous.
    """
    columns = [column for name in roles.quasi if (column := ref.column(name))]
    ladders = {column.name: ladder(ref, column) for column in columns}
    steps = dict.fromkeys(ladders, 0)
    while not (found := _figures(ref, roles, ladders, steps))[0]:
        open_columns = [column for column in columns if steps[column.name] < len(ladders[column.name]) - 1]
        if not open_columns:
            return None
        worst = max(open_columns, key=lambda column: _different(ref, column, ladders[column.name][steps[column.name]]))
        steps[worst.name] += 1
    for name in sorted(steps, key=lambda n: -steps[n]):
        while steps[name] and (finer := _figures(ref, roles, ladders, steps | {name: steps[name] - 1}))[0]:
            steps[name] -= 1
            found = finer
    masks = {name: ladders[name][step] for name, step in steps.items() if step}
    loss = sum(step / (len(ladders[name]) - 1) for name, step in steps.items()) / len(steps)
    return Proposal(masks, loss, found[1], found[2])


def _figures(
    ref: TableRef, roles: Roles, ladders: dict[str, list[str]], steps: dict[str, int]
) -> tuple[bool, int, int]:
    masks = {name: ladders[name][step] for name, step in steps.items() if step}
    quasi = tuple(name for name in ladders if masks.get(name) != "hide")
    kept = {name: text for name, text in roles.masks.items() if name not in ladders}
    figures = measure(ref, replace(roles, quasi=quasi, masks=kept | masks))
    diverse = figures["l"] is None or figures["l"] >= settings.DISCLOSURE_L
    return figures["k"] >= settings.DISCLOSURE_K and diverse, figures["k"], figures["at_risk"]


def _different(ref: TableRef, column: Column, mask: str) -> int:
    roles = Roles((column.name,), (), {column.name: mask} if mask else {})
    return int(measure(ref, roles)["classes"])
