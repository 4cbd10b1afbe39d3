"""Marks in exported rows that name the reader for whom they were made, for those who know the reader's key.

Each row carries a token in a column of its own, and some longer texts one sign without width. Both are worked out
from the content alone, so a few cells are enough to tell whose copy it is, whatever rows and columns are missing and in
whatever order and format it comes. Keys, codes, numbers and short texts are never touched.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

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


def text_sql(name: str, key: str) -> tuple[str, list[Any]]:
    """``text_mark`` as an expression over a column, and the values to bind."""
    text, digest = quoted(name), f"sha256(? || {quoted(name)})"
    place = f"1 + ('0x' || substr({digest}, 2, 6))::BIGINT % (length({text}) - 1)"
    sign = (
        f"CASE WHEN substr({digest}, 8, 1) IN ({_listed(_LOW)}) THEN chr({ord(SIGNS[0])}) ELSE chr({ord(SIGNS[1])}) END"
    )
    sql = (
        f"CASE WHEN length({text}) >= {SHORTEST} AND regexp_matches({text}, '[\\p{{Han}} ]') "
        f"AND NOT regexp_matches({text}, '[{''.join(SIGNS)}]') AND left({digest}, 1) IN ({_listed(_PICKED)}) "
        f"THEN left({text}, {place}) || {sign} || substr({text}, {place} + 1) ELSE {text} END"
    )
    return sql, [key] * sql.count("?")


def token_sql(key: str) -> tuple[str, list[Any]]:
    """The row's token as an expression, and the values to bind."""
    nonce = f"left(md5(? || rowid), {NONCE})"
    return f"{nonce} || left(sha256(? || {nonce}), {PROOF})", [key, key, key]


def _listed(letters: str) -> str:
    return ", ".join(f"'{letter}'" for letter in letters)
