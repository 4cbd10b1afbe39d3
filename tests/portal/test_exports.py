"""Cells that a spreadsheet would run are made harmless, in lists and in exported tables alike."""

from __future__ import annotations

import pyarrow as pa
import pytest

from catalog.tables.export import csv_stream
from catalog.tables.schema import Column, ColumnType
from portal.exports import csv_rows, neutral


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe_everywhere(start: str) -> None:
    text = f"{start}1+1"
    assert neutral(text) == f"'{text}"
    column = Column("a", "a", ColumnType.TEXT)
    batch = pa.RecordBatch.from_pydict({"a": [text, "x", None]})
    written = b"".join(csv_stream([batch], [column])).decode("utf-8-sig")
    assert f"'{start}" in written


def test_numbers_and_other_texts_stay_as_they_are() -> None:
    assert [neutral(value) for value in (-1, 1.5, None, "a=1", "一", "")] == [-1, 1.5, None, "a=1", "一", ""]
    assert b"".join(csv_rows([[-1, "x"]])).decode("utf-8-sig") == "-1,x\r\n"
