"""Tables that come packed: gzip of a table, ZIP of a table or of several parts of one."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

from django.utils.translation import gettext as _

from catalog.tables.errors import BadFile
from portal.lists import listed

UNPACKED_LIMIT = 6 * 1024**3
RATIO_LIMIT, RATIO_FREE = 400, 64 * 1024**2
"""Past the first 64 MB nothing honest unpacks to more than 400 times its size."""
MEMBER_LIMIT = 1_000
BLOCK = 1 << 20
TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".json", ".jsonl", ".ndjson", ".geojson", ".parquet")
JOINABLE = (".csv", ".tsv", ".txt")
DAMAGED = (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, NotImplementedError, RuntimeError, OSError)

OnBlock = Callable[[int], None]
Found = TypeVar("Found")


def kind_of(path: Path) -> str:
    """``gzip`` or ``zip``, empty for anything else; a workbook is no ZIP to be unpacked."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if not head.startswith(b"PK"):
        return ""
    try:
        with zipfile.ZipFile(path) as archive:
            return "" if "xl/workbook.xml" in archive.namelist() else "zip"
    except DAMAGED:
        return ""


def check(path: Path) -> None:
    """Refuse at once a ZIP without a table, or with several that are not parts of one.

    Raises:
        BadFile: says what is in it.
    """
    if kind_of(path) == "zip":
        _open(path, lambda archive: _members(archive))


def unpack(path: Path, filename: str, folder: Path, on_block: OnBlock = lambda done: None) -> tuple[Path, str]:
    """The table inside an archive and its name; any other file as it is.

    Raises:
        BadFile: damaged, cut off, encrypted, without a table, or one that unpacks to more than it may.
    """
    kind = kind_of(path)
    if kind == "gzip":
        target = folder / "unpacked"
        try:
            with gzip.open(path) as packed:
                _copy(packed, target, path.stat().st_size, on_block, append=False)
        except DAMAGED as error:
            raise BadFile(_("The gzip file is damaged or not complete. Upload it again.")) from error
        return target, filename.removesuffix(".gz").removesuffix(".GZ")
    if kind == "zip":
        return _open(path, lambda archive: _unzip(archive, path.stat().st_size, folder, on_block))
    return path, filename


def _open(path: Path, use: Callable[[zipfile.ZipFile], Found]) -> Found:
    try:
        with zipfile.ZipFile(path) as archive:
            return use(archive)
    except DAMAGED as error:
        raise BadFile(_("The ZIP file is damaged or encrypted. Unpack it and upload the table.")) from error


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The tables of an archive: one, or several text files that begin with the same line."""
    found = [info for info in archive.infolist() if not info.is_dir() and not _is_hidden(info.filename)]
    if len(found) > MEMBER_LIMIT:
        raise BadFile(_("The ZIP file holds more than 1,000 files."))
    tables = [info for info in found if Path(info.filename).suffix.lower() in TABLES]
    if not tables:
        raise BadFile(_("The ZIP file holds no table. Put CSV, XLSX, JSON or Parquet into it."))
    if len(tables) > 1 and not _are_parts(archive, tables):
        names = listed(Path(info.filename).name for info in tables[:5])
        raise BadFile(_("The ZIP file holds several tables with different columns: %(names)s.") % {"names": names})
    return sorted(tables, key=lambda info: info.filename)


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in Path(name).parts)


def _are_parts(archive: zipfile.ZipFile, tables: list[zipfile.ZipInfo]) -> bool:
    if any(Path(info.filename).suffix.lower() not in JOINABLE for info in tables):
        return False
    return len({_head(archive, info) for info in tables}) == 1


def _head(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as part:
        return part.read(BLOCK).partition(b"\n")[0].rstrip(b"\r")


def _unzip(archive: zipfile.ZipFile, size: int, folder: Path, on_block: OnBlock) -> tuple[Path, str]:
    tables = _members(archive)
    target = folder / "unpacked"
    for number, info in enumerate(tables):
        with archive.open(info) as part:
            if number:
                part.readline()
            _copy(part, target, size, on_block, append=number > 0)
        if number + 1 < len(tables):
            _end_line(target)
    return target, Path(tables[0].filename).name


def _end_line(path: Path) -> None:
    with path.open("rb+") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _copy(packed: IO[bytes] | gzip.GzipFile, target: Path, size: int, on_block: OnBlock, *, append: bool) -> None:
    with target.open("ab" if append else "wb") as out:
        limit = min(UNPACKED_LIMIT, max(RATIO_FREE, size * RATIO_LIMIT), shutil.disk_usage(target.parent).free // 2)
        while block := packed.read(BLOCK):
            if out.tell() + len(block) > limit:
                raise BadFile(_("The archive unpacks to more than can be loaded. Unpack it and upload it in parts."))
            out.write(block)
            on_block(0)
