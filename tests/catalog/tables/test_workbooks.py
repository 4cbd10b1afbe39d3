"""Workbooks that would unpack to more than a process can hold are refused before anything opens them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
import xlsxwriter

from catalog.tables import formats, workbooks
from catalog.tables.errors import BadFile

Cells = list[tuple[int, int, str]]


@pytest.fixture
def book(tmp_path: Path) -> Callable[[Cells], Path]:
    def make(cells: Cells) -> Path:
        path = tmp_path / "a.xlsx"
        with xlsxwriter.Workbook(path) as made:
            sheet = made.add_worksheet()
            for row, column, text in cells:
                sheet.write(row, column, text)
        return path

    return make


def with_sheet(path: Path, xml: bytes) -> Path:
    """The workbook with another sheet in the place of its own."""
    source, target = zipfile.ZipFile(io.BytesIO(path.read_bytes())), path.with_name("b.xlsx")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for info in source.infolist():
            is_sheet = info.filename == "xl/worksheets/sheet1.xml"
            out.writestr(info.filename, xml if is_sheet else source.read(info))
    return target


def sheet_xml(rows: str) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<?xml version="1.0"?><worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'.encode()


def test_two_cells_in_opposite_corners_are_refused(book: Callable[[Cells], Path]) -> None:
    path = book([(0, 0, "a"), (1, 0, "x"), (1_048_575, 16_383, "z")])
    with pytest.raises(BadFile) as caught:
        formats.sniff(path, "a.xlsx")
    assert "17,179,869,184" in str(caught.value)


def test_cells_far_out_that_stand_close_together_are_taken(book: Callable[[Cells], Path]) -> None:
    path = book([(1_048_574, 16_382, "a"), (1_048_575, 16_382, "x")])
    assert formats.sniff(path, "a.xlsx").kind == "xlsx"


def test_cells_that_are_only_coloured_do_not_count(book: Callable[[Cells], Path]) -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576" s="0"/></row>'
    assert formats.sniff(with_sheet(book([]), sheet_xml(rows)), "b.xlsx").kind == "xlsx"


def test_cells_without_a_place_are_counted_by_row(book: Callable[[Cells], Path]) -> None:
    row = "<c><v>1</v></c>" * 1_000
    with mock.patch.object(workbooks, "CELL_LIMIT", 1_999_999):
        near = with_sheet(book([]), sheet_xml(f'<row r="1">{row}</row><row r="2">{row}</row>'))
        assert formats.sniff(near, "b.xlsx").kind == "xlsx"
        far = with_sheet(book([]), sheet_xml(f'<row r="1">{row}</row><row r="2000">{row}</row>'))
        with pytest.raises(BadFile):
            formats.sniff(far, "b.xlsx")


def test_places_are_found_across_the_blocks_in_which_a_sheet_is_read(book: Callable[[Cells], Path]) -> None:
    path = book([(0, 0, "a"), (1_048_575, 16_383, "z")])
    for block in (7, 64, 1_000):
        with mock.patch.object(workbooks, "_BLOCK", block), pytest.raises(BadFile):
            formats.sniff(path, "a.xlsx")


@pytest.mark.parametrize(("limit", "name"), [("UNZIPPED_LIMIT", "sheet1"), ("TEXTS_LIMIT", "sharedStrings")])
def test_a_workbook_that_unpacks_to_too_much_is_refused(book: Callable[[Cells], Path], limit: str, name: str) -> None:
    path = book([(row, 0, f"text {row}" * 50) for row in range(200)])
    with mock.patch.object(workbooks, limit, 20_000), pytest.raises(BadFile):
        formats.sniff(path, "a.xlsx")


def test_a_workbook_that_lies_about_its_size_is_damaged(book: Callable[[Cells], Path]) -> None:
    path = book([(row, 0, f"text {row}") for row in range(200)])
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/sharedStrings.xml"))
    content[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(BadFile):
        formats.sniff(path, "a.xlsx")


def test_half_a_utf_16_character_is_an_unknown_encoding_not_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("代码,名称\n1,a\n".encode("utf-16") + b"\x00\xd8\x0a")
    with pytest.raises(BadFile):
        formats.sniff(path, "a.csv")


def test_a_line_of_half_a_million_names_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(["a"] * 500_000))
    with pytest.raises(BadFile) as caught:
        formats.read_header(path, ",")
    assert "500000" in str(caught.value)
