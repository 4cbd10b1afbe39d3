"""Marks in exported rows that name the reader for whom they were made, for those who know the reader's key.

Each row carries a token in a column of its own, and some longer texts one sign without width. Both are worked out
from the content alone, so a few cells are enough to tell whose copy it is, whatever rows and columns are missing and in
whatever order and format it comes. Keys, codes, numbers and short texts are never touched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catalog.tables.cursors import Sort
from catalog.tables.inference import CODE_HEADER
from catalog.tables.schema import Column, ColumnType, TableRef, quoted

TOKEN_COLUMN = "watermark"  # noqa: S105
"""The column of the tokens; a table with a column of this name gets none."""
SHORTEST = 8
"""Texts of fewer signs are names and words that people compare; they stay as they are."""
NONCE, PROOF = 6, 10
TOKEN = re.compile(rf"[0-9a-f]{{{NONCE + PROOF}}}")
SIGNS = ("\u200b", "\u200c")
_PICKED = "0123"
_LOW = "01234567"


@dataclass(frozen=True)
class TextMark:
    """Where a sign stands in a text (after so many characters), and which one."""

    position: int
    sign: str


def text_mark(text: str, key: str) -> TextMark | None:
    """The mark that a reader's copy of a text has; None for the three in four that have none."""
    if len(text) < SHORTEST:
        return None
    digest = hashlib.sha256((key + text).encode()).hexdigest()
    if digest[0] not in _PICKED:
        return None
    return TextMark(1 + int(digest[1:7], 16) % (len(text) - 1), SIGNS[digest[7] not in _LOW])


def token_of(nonce: str, key: str) -> str:
    """The token of a reader's row."""
    return nonce + hashlib.sha256((key + nonce).encode()).hexdigest()[:PROOF]


def token_column(title: str) -> Column:
    """The column of the tokens."""
    return Column(TOKEN_COLUMN, title, ColumnType.TEXT)


def marked_columns(ref: TableRef) -> frozenset[str]:
    """The columns of a view whose texts may carry signs: neither keys nor codes, and shown as they are stored."""
    masked = {mask.column for mask in ref.masks}
    return frozenset(
        column.name
        for column in ref.columns
        if column.type == ColumnType.TEXT
        and column.name not in ref.key
        and column.name not in masked
        and not CODE_HEADER.search(column.title)
    )


def statement(ref: TableRef, columns: Sequence[Column], source: str, order: Sequence[Sort]) -> tuple[str, list[Any]]:
    """An export with marks, and the keys to bind before the values of ``source`` (what stands after FROM).

    Conditions and orders see the values without marks. Each digest is worked out once, in the inner statement; its
    names hold spaces, which names of columns never do.
    """
    touched = marked_columns(ref)
    inner, outer, keys = ["rowid"], list[str](), list[Any]()
    for place, column in enumerate(columns):
        name = quoted(column.name)
        inner.append(f'{name} AS "cell {place}"')
        if column.name in touched:
            inner.append(f'CASE WHEN length({name}) >= {SHORTEST} THEN sha256(? || {name}) END AS "digest {place}"')
            keys.append(ref.mark)
            outer.append(f"{_marked(quoted(f'cell {place}'), quoted(f'digest {place}'))} AS {name}")
        else:
            outer.append(f'"cell {place}" AS {name}')
    inner += [f'{quoted(sort.column)} AS "order {place}"' for place, sort in enumerate(order)]
    if ref.has_tokens:
        inner.append(f"{_NONCE} AS nonce")
        outer.append(f"nonce || left(sha256(? || nonce), {PROOF}) AS {quoted(TOKEN_COLUMN)}")
    ways = [f'"order {place}" {"DESC" if sort.descending else "ASC"} NULLS LAST' for place, sort in enumerate(order)]
    ordered = f" ORDER BY {', '.join([*ways, 'rowid'])}" if ways else ""
    sql = f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {source}){ordered}"  # noqa: S608
    return sql, [*([ref.mark] if ref.has_tokens else []), *keys]


_NONCE = f"lpad(lower(to_hex(hash(rowid) % {16**NONCE})), {NONCE}, '0')"
"""Tells the rows of a table apart, well enough; it need not be secret."""


def _marked(text: str, digest: str) -> str:
    """``text_mark`` as an expression over two columns: the text, and its digest."""
    place = f"1 + ('0x' || substr({digest}, 2, 6))::BIGINT % (length({text}) - 1)"
    sign = (
        f"CASE WHEN substr({digest}, 8, 1) IN ({_listed(_LOW)}) THEN chr({ord(SIGNS[0])}) ELSE chr({ord(SIGNS[1])}) END"
    )
    plain = " AND ".join(f"NOT contains({text}, '{letter}')" for letter in SIGNS)
    return (
        f"CASE WHEN left({digest}, 1) IN ({_listed(_PICKED)}) "
        f"AND (strlen({text}) > length({text}) OR contains({text}, ' ')) AND {plain} "
        f"THEN left({text}, {place}) || {sign} || substr({text}, {place} + 1) ELSE {text} END"
    )


def _listed(letters: str) -> str:
    return ", ".join(f"'{letter}'" for letter in letters)
