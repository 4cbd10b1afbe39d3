"""Masks (脱敏): what a reader gets instead of a value, worked out inside the query.

A mask stands below conditions, orders and groups: whoever may not read a value cannot ask for it either. Keyed masks
use a key of their own for each scope (a grant, or the open section), so copies of two readers cannot be joined by them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.tables.errors import TableError
from catalog.tables.schema import Column, ColumnType, quoted


class Method(StrEnum):
    """How a value is masked."""

    HIDE = "hide"
    PARTIAL = "partial"
    HASH = "hash"
    YEAR = "year"
    MONTH = "month"
    BAND = "band"
    PREFIX = "prefix"
    NOISE = "noise"
    SHUFFLE = "shuffle"

    @property
    def label(self) -> str:
        return str(LABELS[self])


LABELS: dict[Method, str | Promise] = {
    Method.HIDE: gettext_lazy("Hide"),
    Method.PARTIAL: gettext_lazy("Show first and last characters"),
    Method.HASH: gettext_lazy("Replace by a keyed digest"),
    Method.YEAR: gettext_lazy("Year only"),
    Method.MONTH: gettext_lazy("Year and month only"),
    Method.BAND: gettext_lazy("Bands of numbers"),
    Method.PREFIX: gettext_lazy("First characters of a code only"),
    Method.NOISE: gettext_lazy("Add noise"),
    Method.SHUFFLE: gettext_lazy("Shuffle within the export"),
}
_PARAMETERS: dict[Method, re.Pattern[str]] = {
    Method.PARTIAL: re.compile(r"([0-9]{1,2}),([0-9]{1,2})"),
    Method.BAND: re.compile(r"([1-9][0-9]{0,11})"),
    Method.PREFIX: re.compile(r"([1-9][0-9]?)"),
    Method.NOISE: re.compile(r"([0-9]{1,12}(?:[.][0-9]{1,6})?)"),
}
_FOR: dict[Method, frozenset[ColumnType]] = {
    Method.PARTIAL: frozenset({ColumnType.TEXT, ColumnType.INTEGER, ColumnType.NUMBER}),
    Method.PREFIX: frozenset({ColumnType.TEXT}),
    Method.YEAR: frozenset({ColumnType.DATE, ColumnType.DATETIME}),
    Method.MONTH: frozenset({ColumnType.DATE, ColumnType.DATETIME}),
    Method.BAND: frozenset({ColumnType.INTEGER, ColumnType.NUMBER}),
    Method.NOISE: frozenset({ColumnType.INTEGER, ColumnType.NUMBER}),
}
_KEEPS_TYPE = (Method.HIDE, Method.NOISE, Method.SHUFFLE)


class BadMask(TableError):
    """A mask that cannot be read, or that does not suit its column."""

    code = "bad_mask"


@dataclass(frozen=True)
class Mask:
    """One column's mask; ``key`` (64 hex digits) is that of its scope."""

    column: str
    method: Method
    parameter: str = ""
    key: str = ""

    @property
    def text(self) -> str:
        """As ``parse_mask`` reads it: ``partial:3,4``."""
        return f"{self.method}:{self.parameter}" if self.parameter else str(self.method)

    def sql(self, column: Column) -> tuple[str, list[Any]]:
        """The masked value as an expression over the stored row, and the values to bind."""
        return _EXPRESSIONS[self.method](self, column)

    def column_of(self, column: Column) -> Column:
        """The column as its reader sees it."""
        if self.method in _KEEPS_TYPE:
            return column
        return Column(column.name, column.title, ColumnType.TEXT)


def suits(method: Method, column: Column) -> bool:
    """Whether values of the column's type can be masked so."""
    return method not in _FOR or column.type in _FOR[method]


def parse_mask(text: str, column: Column) -> Mask:
    """A mask from ``method`` or ``method:parameter``.

    Raises:
        BadMask: says what is wrong, and what would suit the column.
    """
    name, _colon, parameter = text.strip().partition(":")
    if name not in set(Method):
        raise BadMask(_("“%(mask)s” is no mask.") % {"mask": name[:40]})
    method = Method(name)
    if not suits(method, column):
        names = {"mask": method.label, "column": column.title, "type": column.type.label}
        raise BadMask(_("“%(mask)s” does not suit “%(column)s” (%(type)s).") % names)
    pattern = _PARAMETERS.get(method)
    if (pattern is None and parameter) or (pattern is not None and not pattern.fullmatch(parameter)):
        names = {"mask": method.label, "hint": str(HINTS.get(method, _("nothing")))}
        raise BadMask(_("“%(mask)s” takes as its parameter: %(hint)s.") % names)
    return Mask(column.name, method, parameter)


EXPLAINED: dict[Method, str | Promise] = {
    Method.HIDE: gettext_lazy("An empty cell."),
    Method.PARTIAL: gettext_lazy("3,4: 330******0123. Shorter values are hidden whole."),
    Method.HASH: gettext_lazy("The same value gives the same digest, for this reader only; nobody can calculate back."),
    Method.YEAR: gettext_lazy("2026-03-08 becomes 2026."),
    Method.MONTH: gettext_lazy("2026-03-08 becomes 2026-03."),
    Method.BAND: gettext_lazy("10: 37 becomes 30–39."),
    Method.PREFIX: gettext_lazy("6: 330106002051 becomes 330106******."),
    Method.NOISE: gettext_lazy("5: each value is moved by up to 5; asking again moves it by the same."),
    Method.SHUFFLE: gettext_lazy("Values stay in the column and leave their row. Pages show nothing, files have them."),
}
HINTS: dict[Method, str | Promise] = {
    Method.PARTIAL: gettext_lazy("how many characters to show at the start and at the end, as 3,4"),
    Method.BAND: gettext_lazy("the width of a band, as 10"),
    Method.PREFIX: gettext_lazy("how many characters to keep, as 6"),
    Method.NOISE: gettext_lazy("the most that a value may be moved up or down, as 5"),
}


def scoped(masks: Sequence[Mask], scope: str) -> tuple[Mask, ...]:
    """The masks with the key of ``scope``, derived from the installation's secret."""
    secret = (settings.MASK_SECRET or settings.SECRET_KEY).encode()
    key = hmac.new(secret, f"mask {scope}".encode(), hashlib.sha256).hexdigest()
    return tuple(replace(mask, key=key) for mask in masks)


def _hide(mask: Mask, column: Column) -> tuple[str, list[Any]]:
    return f"NULL::{column.sql}", []


def _partial(mask: Mask, column: Column) -> tuple[str, list[Any]]:
    first, last = map(int, mask.parameter.split(","))
    text = f"{quoted(column.name)}::VARCHAR"
    shown = f"left({text}, {first}) || repeat('*', length({text}) - {first + last}) || right({text}, {last})"
    if not last:
        shown = f"left({text}, {first}) || repeat('*', length({text}) - {first})"
    return f"CASE WHEN length({text}) > {first + last} THEN {shown} ELSE repeat('*', length({text})) END", []


def _digest(mask: Mask, text: str) -> tuple[str, list[Any]]:
    """A keyed SHA-256 in two rounds, as in HMAC."""
    return f"sha256(? || sha256(? || {text}))", [mask.key, mask.key]


def _hash(mask: Mask, column: Column) -> tuple[str, list[Any]]:
    digest, values = _digest(mask, f"{quoted(column.name)}::VARCHAR")
    return f"left({digest}, 24)", values


def _year(mask: Mask, column: Column) -> tuple[str, list[Any]]:
    return f"strftime({quoted(column.name)}, '%Y')", []


def _month(mask: Mask, column: Column) -> tuple[str, list[Any]]:
    return f"strftime({quoted(column.name)}, '%Y-%m')", []


def _band(mask: Mask, column: Column) -> tuple[str, list[Any]]:
    width = int(mask.parameter)
    low = f"floor({quoted(column.name)}::DOUBLE / {width})::HUGEINT * {width}"
    if column.type == ColumnType.INTEGER or (column.digits and not column.scale):
        return f"({low})::VARCHAR || '–' || ({low} + {width - 1})::VARCHAR", []
    return f"'[' || ({low})::VARCHAR || ', ' || ({low} + {width})::VARCHAR || ')'", []


def _prefix(mask: Mask, column: Column) -> tuple[str, list[Any]]:
    name, count = quoted(column.name), int(mask.parameter)
    return f"left({name}, {count}) || repeat('*', greatest(length({name}) - {count}, 0))", []


def _noise(mask: Mask, column: Column) -> tuple[str, list[Any]]:
    """The same value always moves by the same: asking again does not average the noise away."""
    name = quoted(column.name)
    digest, values = _digest(mask, f"'{column.name.replace(chr(39), '')}' || rowid || ' ' || {name}::VARCHAR")
    share = f"(('0x' || left({digest}, 12))::UBIGINT / {16**12 - 1}.0 * 2 - 1)"
    return f"round({name}::DOUBLE + {share} * {mask.parameter}, {max(column.scale, 0)})::{column.sql}", values


def _shuffle(mask: Mask, column: Column) -> tuple[str, list[Any]]:
    """Only an export can be shuffled; elsewhere there is nothing to see."""
    return _hide(mask, column)


_EXPRESSIONS = {
    Method.HIDE: _hide,
    Method.PARTIAL: _partial,
    Method.HASH: _hash,
    Method.YEAR: _year,
    Method.MONTH: _month,
    Method.BAND: _band,
    Method.PREFIX: _prefix,
    Method.NOISE: _noise,
    Method.SHUFFLE: _shuffle,
}
