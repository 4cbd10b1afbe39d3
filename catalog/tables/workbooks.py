"""What an Excel workbook would unpack to, found by reading it as a stream before anything holds it in memory.

A workbook is a ZIP of XML. Its parts may unpack to a thousand times their size, and one cell in the last corner makes
the reader lay out seventeen thousand million cells: both end the process that opens it.
"""

from __future__ import annotations

import re
import zipfile

from django.utils.translation import gettext as _

from catalog.tables.errors import BadFile

UNZIPPED_LIMIT = 2 * 1024**3
TEXTS_LIMIT = 512 * 1024**2
"""Texts and styles are read whole when a workbook is opened."""
CELL_LIMIT = 50_000_000
"""Cells between the first and the last of a sheet, empty ones too; each takes about 32 bytes while it is read."""

_BLOCK = 1 << 20
_REST_LIMIT = 1 << 16
_FILLED = re.compile(rb"""<(?:\w+:)?c\s+(?:[^>]*?\s)?r=["']([A-Za-z]{1,3})([0-9]{1,7})["'](?:[^>]*[^>/])?>""")
"""A cell that has something in it, with its place; cells that are only coloured close at once."""
_UNPLACED = re.compile(rb"""<(?:\w+:)?c(?=[\s>])(?![^>]*\sr=)[^>]*>""")
_ROW = re.compile(rb"""<(?:\w+:)?row\b(?:[^>]*?\sr=["']([0-9]{1,7})["'])?""")


def check_workbook(archive: zipfile.ZipFile) -> None:
    """Refuse a workbook that unpacks to more than can be read.

    Raises:
        BadFile: says which limit. zipfile and zlib errors: the archive is damaged, or its sizes are not what it states.
    """
    total = 0
    for info in archive.infolist():
        if info.file_size > UNZIPPED_LIMIT - total:
            raise BadFile(_("The workbook unpacks to more than 2 GB. Save it as CSV."))
        is_sheet = info.filename.startswith("xl/worksheets/") and info.filename.endswith(".xml")
        if not is_sheet and info.filename.startswith("xl/") and info.file_size > TEXTS_LIMIT:
            raise BadFile(_("The texts of the workbook take more than 512 MB. Save it as CSV."))
        total += _read(archive, info, is_sheet=is_sheet)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, is_sheet: bool) -> int:
    """Unpack one part to nowhere, which checks its stated size and sum; a sheet's extent is measured on the way."""
    size, extent, carry = 0, _Extent(), b""
    with archive.open(info) as part:
        while block := part.read(_BLOCK):
            size += len(block)
            if is_sheet:
                carry = extent.feed(carry + block)
    extent.feed(carry + b"<")
    if size != info.file_size:
        raise zipfile.BadZipFile(info.filename)
    return size


class _Extent:
    """How far apart the filled cells of a sheet lie, by what its XML says of them."""

    def __init__(self) -> None:
        self.columns: set[bytes] = set()
        self.first_row, self.last_row = 1 << 24, 1
        self.unplaced, self.in_row, self.widest = 0, 0, 0

    def feed(self, text: bytes) -> bytes:
        """Measure ``text`` up to its last tag; returns the rest, to be put before the next block."""
        end = text.rfind(b"<")
        whole, rest = (text[:end], text[end:]) if end >= 0 and len(text) - end < _REST_LIMIT else (text, b"")
        places = _FILLED.findall(whole)
        self.columns |= {letters for letters, _digits in places}
        self._reach({digits for _letters, digits in places})
        if _UNPLACED.search(whole):
            self._count_unplaced(whole)
        self._check()
        return rest

    def _reach(self, rows: set[bytes]) -> None:
        numbers = [int(digits) for digits in rows]
        self.first_row = min([self.first_row, *numbers])
        self.last_row = max([self.last_row, *numbers])

    def _count_unplaced(self, text: bytes) -> None:
        """Cells without a place stand one after the other in their row."""
        starts = [match.start() for match in _ROW.finditer(text)]
        self._reach({digits for digits in _ROW.findall(text) if digits})
        for begin, end in zip([0, *starts], [*starts, len(text)], strict=True):
            self.in_row = len(_UNPLACED.findall(text, begin, end)) + (self.in_row if begin == 0 else 0)
            self.widest = max(self.widest, self.in_row)
            self.unplaced += self.in_row

    def _check(self) -> None:
        numbers = [_number(letters) for letters in self.columns]
        width = max(max(numbers, default=1) - min(numbers, default=1) + 1, self.widest)
        height = max(1, self.last_row - self.first_row + 1)
        if max(width * height, self.unplaced) > CELL_LIMIT:
            message = _("The first and the last filled cell of a sheet are too far apart: %(cells)s cells lie between.")
            advice = _("Delete what stands alone at the edge, or save it as CSV.")
            raise BadFile(f"{message % {'cells': f'{width * height:,}'}} {advice}")


def _number(letters: bytes) -> int:
    """The number of a column from 1: A, B … Z, AA …"""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
