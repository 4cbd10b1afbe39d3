"""Page tokens: where the next page of an order begins, signed, so that nobody makes one up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _

from catalog.tables.errors import BadFilter
from catalog.tables.filters import convert
from catalog.tables.schema import TableRef, quoted

SALT = "catalog.tables.cursors"


@dataclass(frozen=True)
class Sort:
    """One column of an order; empty cells come last either way."""

    column: str
    descending: bool = False


def write(ref: TableRef, sort: Sequence[Sort], values: Sequence[Any], position: int) -> str:
    """The token that continues after a row: its values in the order's columns, and its position in the table."""
    texts = [None if value is None else str(value) for value in values]
    body = [ref.table_id.hex, ref.version, [f"{'-' * s.descending}{s.column}" for s in sort], texts, position]
    return signing.dumps(body, salt=SALT, compress=True)


def read(token: str, ref: TableRef, sort: Sequence[Sort]) -> tuple[str, list[Any]]:
    """The condition (SQL) that holds for the rows after the token's, and the values to bind.

    Raises:
        BadFilter: the token was not made here, for another order, or for a version that is no longer the current one.
    """
    try:
        table, version, order, texts, position = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadFilter(_("The page token is not valid. Begin with the first page.")) from error
    if table != ref.table_id.hex or order != [f"{'-' * s.descending}{s.column}" for s in sort]:
        raise BadFilter(_("The page token belongs to another order. Begin with the first page."))
    if version != ref.version:
        raise BadFilter(_("The data has a new version since. Begin with the first page."))
    columns = [ref.column(s.column) for s in sort]
    values = [None if t is None or c is None else convert(t, c) for t, c in zip(texts, columns, strict=True)]
    return _beyond(sort, values, int(position))


def _beyond(sort: Sequence[Sort], values: Sequence[Any], position: int) -> tuple[str, list[Any]]:
    """Rows later in the order: beyond the first value, or equal to it and beyond the second, and so on."""
    condition, bound = "rowid > ?", [position]
    for order, value in reversed(list(zip(sort, values, strict=True))):
        name = quoted(order.column)
        if value is None:
            condition = f"({name} IS NULL AND {condition})"
            continue
        later = f"{name} {'<' if order.descending else '>'} ?"
        condition = f"({later} OR {name} IS NULL OR ({name} = ? AND {condition}))"
        bound = [value, value, *bound]
    return condition, bound
