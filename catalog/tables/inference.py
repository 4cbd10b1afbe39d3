"""Types of columns, from every value of theirs: found where nothing is declared, checked where something is.

Doubtful columns stay text. A sample decides which columns can be anything else, so that only those are read whole.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from catalog.tables.schema import Column, ColumnType, quoted
from catalog.tables.workbench import Workbench

SAMPLE_ROWS = 20_000
CODE_HEADER = re.compile(r"(?i:code$|(^|[_\W])(id|zip|phone|no)$)|[a-z]Id$|编码|代码|号码|编号|电话|号$|码$")
"""Headers of columns that hold codes: they stay text even when every value is a number."""

_PLAIN = "regexp_full_match({c}, '[+-]?[0-9]+([.][0-9]+)?')"
_CHECKS = (
    "count({c})",
    "count_if(regexp_full_match({c}, '[+-]?0[0-9].*') OR regexp_full_match({c}, '[+-]?[0-9]{{16,}}'))",
    "count_if(regexp_full_match({c}, '[+-]?[0-9]+'))",
    "count_if(regexp_full_match({c}, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?'))",
    f"count_if({_PLAIN})",
    f"coalesce(max(length(split_part({{c}}, '.', 2))) FILTER ({_PLAIN}), 0)",
    f"coalesce(max(length(ltrim(split_part({{c}}, '.', 1), '+-'))) FILTER ({_PLAIN}), 0)",
    "count_if(regexp_full_match({c}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') AND try_cast({c} AS DATE) IS NOT NULL)",
    "count_if(regexp_full_match({c}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T][0-9]{{2}}:[0-9:.]*')"
    " AND try_cast({c} AS TIMESTAMP) IS NOT NULL)",
    "count_if(lower({c}) IN ('true', 'false'))",
    "coalesce(bool_or(try_cast({c} AS DOUBLE) % 1 <> 0), false)",
    "count(try_cast({c} AS DOUBLE))",
)


@dataclass(frozen=True)
class Figures:
    """What the values of a text column look like: how many have each form, and how long their numbers are.

    ``plain`` numbers have no exponent; ``scale`` and ``whole_digits`` are the most digits they have after and before
    the point. ``has_fraction`` and ``floats`` speak of everything that a float takes, ``nan`` too.
    """

    filled: int
    coded: int
    whole: int
    number: int
    plain: int
    scale: int
    whole_digits: int
    date: int
    moment: int
    yes: int
    has_fraction: bool
    floats: int


def figures_of(bench: Workbench, relation: str, columns: Sequence[Column]) -> list[Figures]:
    """The figures of text columns of a relation (SQL), in one pass."""
    if not columns:
        return []
    checks = ", ".join(check.format(c=quoted(column.name)) for column in columns for check in _CHECKS)
    row = bench.rows(f"SELECT {checks} FROM {relation}")[0]  # noqa: S608
    size = len(_CHECKS)
    return [Figures(*row[place * size : (place + 1) * size]) for place in range(len(columns))]


def inferred(bench: Workbench, relation: str, columns: Sequence[Column], texts: Collection[str] = ()) -> list[Column]:
    """Text columns with the types that all their values have.

    ``texts`` are headers whose numbers the file itself declares to be texts.
    """
    sample = figures_of(bench, f"(SELECT * FROM {relation} LIMIT {SAMPLE_ROWS})", columns)  # noqa: S608
    first = [_typed(column, figures, texts) for column, figures in zip(columns, sample, strict=True)]
    open_places = [
        place
        for place, figures in enumerate(sample)
        if first[place].type != ColumnType.TEXT or (not figures.filled and not CODE_HEADER.search(columns[place].title))
    ]
    checked = [columns[place] for place in open_places]
    found = list(columns)
    for place, figures in zip(open_places, figures_of(bench, relation, checked), strict=True):
        found[place] = _typed(columns[place], figures, texts)
    return found


def _typed(column: Column, figures: Figures, texts: Collection[str]) -> Column:
    """The column as one of the type that all filled values have, else as text."""
    filled = figures.filled
    if not filled or figures.coded or CODE_HEADER.search(column.title):
        return column
    if figures.number == filled:
        if column.title in texts:
            return column
        if figures.whole == filled:
            return Column(column.name, column.title, ColumnType.INTEGER)
        return as_number(column, figures)
    others = [
        (figures.date, ColumnType.DATE),
        (figures.moment, ColumnType.DATETIME),
        (figures.yes, ColumnType.BOOLEAN),
    ]
    kind = next((kind for count, kind in others if count == filled), ColumnType.TEXT)
    return Column(column.name, column.title, kind)


def as_number(column: Column, figures: Figures) -> Column:
    """The column as a number that holds its values: exact where they were written plainly."""
    if figures.plain < figures.floats:
        return Column(column.name, column.title, ColumnType.NUMBER)
    return column.with_decimals(figures.whole_digits, figures.scale)


def widened(bench: Workbench, relation: str, columns: Sequence[Column], base: Sequence[Column] = ()) -> list[Column]:
    """Declared columns whose numbers hold what the file has, and what ``base`` holds: nothing is rounded unsaid.

    A column of whole numbers becomes one of numbers where the file has fractions.
    """
    old = {column.name: column for column in base}
    numeric = [column for column in columns if column.type.is_numeric]
    found = {}
    for column, figures in zip(numeric, figures_of(bench, relation, numeric), strict=True):
        if column.type == ColumnType.INTEGER and not figures.has_fraction:
            continue
        wide = as_number(column, figures)
        found[column.name] = _holding_both(wide, old[column.name]) if column.name in old else wide
    return [found.get(column.name, column) for column in columns]


def _holding_both(new: Column, old: Column) -> Column:
    if not new.digits or (old.type == ColumnType.NUMBER and not old.digits):
        return Column(new.name, new.title, ColumnType.NUMBER)
    return new.with_decimals(max(new.whole_digits, old.whole_digits), max(new.scale, old.scale))


def misfits(bench: Workbench, relation: str, columns: Sequence[Column]) -> set[str]:
    """Names of the columns that have values which their type does not take."""
    typed = [column for column in columns if not column.type.is_text]
    if not typed:
        return set()
    checks = ", ".join(
        f"count({(c := quoted(column.name))}) - count(try_cast({c} AS {column.sql}))" for column in typed
    )
    row = bench.rows(f"SELECT {checks} FROM {relation}")[0]  # noqa: S608
    return {column.name for column, missing in zip(typed, row, strict=True) if missing}
