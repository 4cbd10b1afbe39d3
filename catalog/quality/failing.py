"""The rows that break a rule, read again whenever they are looked at, for people who may see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
from django.utils.translation import gettext as _

from catalog.models import QualityRule, RuleKind
from catalog.parts import named_columns
from catalog.quality import keeping
from catalog.quality.conditions import Condition, Inapplicable, columns_of, condition
from catalog.quality.reading import MAIN, opened
from catalog.rules import previewable_columns
from catalog.tables.schema import Column, TableRef, quoted
from portal.access import Actor
from portal.errors import NotPermitted, WrongState


@dataclass(frozen=True)
class Rows:
    """A page of failing rows; the first value of each is its position in the table."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    has_more: bool


def columns_for(rule: QualityRule, actor: Actor) -> tuple[Column, ...]:
    """The columns that ``actor`` may see of failing rows, those of the rule first.

    Raises:
        NotPermitted: when a column that the rule speaks of is not among them: that a row fails would tell its value.
    """
    may_see = previewable_columns(actor, rule.dataset)
    named = columns_of(rule.kind, rule.params)
    if not may_see or not set(named) <= set(may_see):
        raise NotPermitted
    version = keeping.current_version(rule.dataset)
    if version is None or rule.kind == RuleKind.FRESHNESS:
        return ()
    return named_columns(rule.dataset, version.ref, [*named, *(name for name in may_see if name not in named)])


def rows(rule: QualityRule, actor: Actor, *, limit: int, offset: int) -> Rows:
    """Some of the rows that fail, in the order of the table.

    Raises:
        NotPermitted. WrongState: the rule cannot run on the current version.
    """
    columns = columns_for(rule, actor)
    if not columns:
        return Rows((), [], has_more=False)
    ref, asked, sql = _asked(rule, columns)
    try:
        with opened(ref, asked.others) as reader:
            found = reader.rows(f"{sql} LIMIT ? OFFSET ?", [*asked.values, limit + 1, offset])
    except duckdb.Error as error:
        raise WrongState(_("The rule could not be run on these data.")) from error
    return Rows(columns, found[:limit], has_more=len(found) > limit)


def stream(rule: QualityRule, actor: Actor) -> Iterator[tuple[Any, ...]]:
    """All rows that fail, some in memory at a time."""
    columns = columns_for(rule, actor)
    ref, asked, sql = _asked(rule, columns)
    with opened(ref, asked.others) as reader:
        yield from reader.stream(sql, asked.values)


def _asked(rule: QualityRule, columns: tuple[Column, ...]) -> tuple[TableRef, Condition, str]:
    version = keeping.current_version(rule.dataset)
    assert version is not None
    try:
        asked = condition(rule, version.ref)
    except Inapplicable as error:
        raise WrongState(str(error)) from error
    names = ", ".join(quoted(column.name) for column in columns)
    sql = f"SELECT rowid + 1, {names} FROM {MAIN}.data WHERE NOT ({asked.sql}) ORDER BY rowid"  # noqa: S608
    return version.ref, asked, sql
