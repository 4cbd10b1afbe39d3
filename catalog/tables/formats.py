"""What a file really is, whatever its name says: kind, encoding, delimiter; and its way to a UTF-8 CSV."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import json
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from charset_normalizer import from_bytes
from django.utils.translation import gettext as _

from catalog.tables import objects
from catalog.tables.errors import BadFile
from catalog.tables.workbooks import check_workbook
from portal.lists import listed

BLOCK = 1 << 20
SCAN_BLOCK = 1 << 18
"""What fits in a processor's cache is looked at three times as fast."""
COLUMN_LIMIT = 2_000
LINE_LIMIT = 8 * BLOCK
"""Bytes that a line of a CSV may have; reading with room for longer ones is slower by half."""
JSON_LIMIT = 300 * 1024**2
DELIMITERS = ",;\t|"
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
"""What reading a broken, encrypted or exotic archive may raise."""

_MAGIC = [
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\xd0\xcf\x11\xe0", "XLS / DOC"),
    (b"\x1f\x8b", "GZIP"),
    (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "RAR"),
    (b"\x7fELF", "ELF"),
    (b"MZ", "EXE"),
]


@dataclass(frozen=True)
class Source:
    """A file that was looked into: ``kind`` is csv, xlsx, geojson, json, jsonl or parquet; the rest says how to read.

    ``texts`` are headers of columns that the file itself declares as texts.
    """

    path: Path
    kind: str
    encoding: str = "utf-8"
    delimiter: str = ","
    sheets: tuple[str, ...] = ()
    texts: frozenset[str] = frozenset()


def sniff(path: Path, filename: str) -> Source:
    """Look into a file and say what it is.

    Raises:
        BadFile: empty, binary, another format than its name says, or text in no known encoding.
    """
    with path.open("rb") as file:
        head = file.read(8192)
    if not head.strip():
        raise BadFile(_("The file is empty."))
    suffix = Path(filename).suffix.lower()
    if head.startswith(b"PK"):
        return _spreadsheet(path, suffix)
    if head.startswith(b"PAR1"):
        return Source(path, "parquet")
    for magic, name in _MAGIC:
        if head.startswith(magic):
            raise BadFile(
                _("The file is a %(kind)s file, not a table. Upload CSV, XLSX, JSON, GeoJSON or Parquet.")
                % {"kind": name}
            )
    if suffix in (".xlsx", ".xls"):
        raise BadFile(_("The file is named %(suffix)s but is not an Excel workbook.") % {"suffix": suffix})
    encoding = _encoding(path, head)
    text = head.decode(encoding, errors="ignore").lstrip("\ufeff \r\n\t")
    if text[:15].lower().startswith(("<!doctype", "<html", "<?xml")):
        raise BadFile(_("The file is a web page or XML, not a table. Upload CSV, XLSX, JSON, GeoJSON or Parquet."))
    if text.startswith("{") and '"FeatureCollection"' in text:
        return Source(path, "geojson", encoding)
    if suffix == ".geojson":
        raise BadFile(_("The JSON is not a GeoJSON FeatureCollection."))
    if text.startswith("[") and suffix in (".json", ".txt", ""):
        return Source(path, "json", encoding)
    if text.startswith("{") and suffix in (".json", ".jsonl", ".ndjson", ".txt", ""):
        return Source(path, "jsonl", encoding)
    return Source(path, "csv", encoding, _delimiter(text))


def _spreadsheet(path: Path, suffix: str) -> Source:
    if suffix not in (".xlsx", ".xlsm", ""):
        raise BadFile(_("The file is named %(suffix)s but is a ZIP or Excel file.") % {"suffix": suffix})
    try:
        with zipfile.ZipFile(path) as archive:
            if "xl/workbook.xml" not in archive.namelist():
                raise BadFile(_("The file is a ZIP archive, not an Excel workbook."))
            check_workbook(archive)
    except DAMAGED as error:
        raise BadFile(_("The Excel workbook is damaged.")) from error
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        sheets = tuple(CalamineWorkbook.from_path(str(path)).sheet_names)
    except CalamineError as error:
        raise BadFile(_("The Excel workbook is damaged.")) from error
    return Source(path, "xlsx", sheets=sheets)


def _is_utf8(path: Path) -> bool:
    """Whether a text file is UTF-8 throughout."""
    return _scan(path) is not None


@lru_cache(maxsize=1)
def _scanned(path: Path, stamp: tuple[int, int]) -> bool | None:
    """Whether all lines of a UTF-8 file end alike; None when it is no UTF-8. Looked at in blocks that end with a line.

    Raises:
        BadFile: it is binary, or has a line too long for a table.
    """
    ends = _LineEnds(path)
    with path.open("rb") as file:
        rest = b""
        while block := file.read(SCAN_BLOCK):
            if b"\x00" in block:
                raise BadFile(_("The file is binary, not a table. Upload CSV, XLSX, JSON, GeoJSON or Parquet."))
            ends.feed(block)
            if not rest and block.isascii():
                continue
            whole, _end, rest = (rest + block).rpartition(b"\n")
            if not _is_valid(whole):
                return None
    return ends.are_alike if _is_valid(rest) else None


def _scan(path: Path) -> bool | None:
    stat = path.stat()
    return _scanned(path, (stat.st_mtime_ns, stat.st_size))


def _is_valid(text: bytes) -> bool:
    if text.isascii():
        return True
    offsets = struct.pack("<qq", 0, len(text))
    array = pa.LargeStringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(text))
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _decodes(path: Path, encoding: str) -> bool:
    if encoding == "utf-8-sig":
        return _is_utf8(path)
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    with path.open("rb") as file:
        try:
            while block := file.read(BLOCK):
                if "\x00" in decoder.decode(block):
                    raise BadFile(_("The file is binary, not a table. Upload CSV, XLSX, JSON, GeoJSON or Parquet."))
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _encoding(path: Path, head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        if _decodes(path, "utf-16"):
            return "utf-16"
        raise BadFile(_("The file's character encoding is not known. Save it as UTF-8."))
    if b"\x00" in head:
        raise BadFile(_("The file is binary, not a table. Upload CSV, XLSX, JSON, GeoJSON or Parquet."))
    for encoding in ("utf-8-sig", "gb18030"):
        if _decodes(path, encoding):
            return encoding
    with path.open("rb") as file:
        guess = from_bytes(file.read(BLOCK)).best()
    if guess and _decodes(path, guess.encoding):
        return guess.encoding
    raise BadFile(_("The file's character encoding is not known. Save it as UTF-8."))


def _delimiter(text: str) -> str:
    """The delimiter that splits the first lines most evenly; a comma when none does."""
    lines = [line for line in text.splitlines()[:20] if line.strip()][:-1] or text.splitlines()[:1]
    best, best_score = ",", 0
    for delimiter in DELIMITERS:
        counts = [len(row) - 1 for row in csv.reader(lines, delimiter=delimiter)]
        score = min(counts, default=0) * 100 + max(counts, default=0)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def to_utf8_csv(
    source: Source, target: Path, sheet: str | None, on_block: Callable[[int], None]
) -> tuple[Path, Source]:
    """The source as a CSV in UTF-8 at ``target``, and what became known of it on the way.

    A CSV that is one already is used where it stands. ``on_block`` is told how many bytes of the source were read, and
    may raise to stop.
    """
    if source.kind == "csv":
        if source.encoding == "utf-8-sig" and _scan(source.path):
            return source.path, source
        _transcode(source, target, on_block)
        _scan(target)
        return target, source
    if source.kind == "parquet":
        return target, replace(source, texts=objects.write_parquet(source.path, target, on_block))
    if source.kind in ("json", "jsonl"):
        path = source.path
        if source.encoding != "utf-8-sig":
            path = target.with_suffix(".json")
            _transcode(source, path, on_block)
        texts = objects.write_objects(
            path, target, is_lines=source.kind == "jsonl", scratch=target.parent, on_block=on_block
        )
        return target, replace(source, texts=texts)
    rows = _workbook_rows(source, sheet) if source.kind == "xlsx" else _feature_rows(source)
    with target.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file)
        for number, row in enumerate(rows):
            writer.writerow(row)
            if number % 5_000 == 0:
                on_block(0)
    return target, source


class _LineEnds:
    """Counts how the lines of a file end, block by block, and refuses lines too long for a table."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._feeds = self._returns = self._both = self._since = self._done = 0
        self._is_return = False

    def feed(self, block: bytes) -> None:
        """The next block.

        Raises:
            BadFile: names the line that is too long.
        """
        last = max(block.rfind(b"\n"), block.rfind(b"\r"))
        self._since = len(block) - last - 1 if last >= 0 else self._since + len(block)
        self._done += len(block)
        if self._since > LINE_LIMIT:
            line = _lines_before(self._path, self._done - self._since) + 1
            raise BadFile(_("Line %(line)s is longer than 8 MB; no table has such lines.") % {"line": line})
        if b"\r" in block or self._is_return:
            self._both += block.count(b"\r\n") + (self._is_return and block.startswith(b"\n"))
            self._returns += block.count(b"\r")
        if self._returns:
            self._feeds += block.count(b"\n")
        self._is_return = block.endswith(b"\r")

    @property
    def are_alike(self) -> bool:
        """Whether all lines so far end with a line feed, or all with both signs."""
        return self._returns == 0 or self._returns == self._both == self._feeds


def _lines_before(path: Path, position: int) -> int:
    with path.open("rb") as file:
        return sum(file.read(min(BLOCK, position - at)).count(b"\n") for at in range(0, position, BLOCK))


def _transcode(source: Source, target: Path, on_block: Callable[[int], None]) -> None:
    """The text in UTF-8, each line with a line feed at its end."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(source.encoding)(errors="strict"), True)
    done = 0
    with source.path.open("rb") as file, target.open("w", encoding="utf-8", newline="") as out:
        while block := file.read(BLOCK):
            out.write(decoder.decode(block).removeprefix("\ufeff" if not done else ""))
            done += len(block)
            on_block(done)
        out.write(decoder.decode(b"", final=True))


def _workbook_rows(source: Source, sheet: str | None) -> Iterator[list[str]]:
    """The rows of a sheet; without a name those of the first that has any, and of the later ones with the same head."""
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(str(source.path))
    if sheet and sheet not in book.sheet_names:
        raise BadFile(_("The workbook has no sheet “%(sheet)s”.") % {"sheet": sheet})
    head: list[str] | None = None
    for name in [sheet] if sheet else book.sheet_names:
        rows = ([_cell_text(cell) for cell in row] for row in book.get_sheet_by_name(name).iter_rows())
        first = next(rows, None)
        if first is None or not any(first) or (head is not None and _filled(first) != _filled(head)):
            continue
        if head is None:
            head = first
            yield first
        yield from rows


def _filled(row: list[str]) -> list[str]:
    return [cell.strip() for cell in row if cell.strip()]


def _cell_text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    return str(cell)


def _feature_rows(source: Source) -> Iterator[list[str]]:
    if source.path.stat().st_size > JSON_LIMIT:
        raise BadFile(_("A GeoJSON file may have at most 300 MB."))
    try:
        data = json.loads(source.path.read_text(source.encoding))
        features = data["features"]
        keys = list(dict.fromkeys(key for feature in features for key in {**(feature.get("properties") or {})}))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadFile(_("The GeoJSON cannot be read: %(error)s.") % {"error": error}) from error
    taken = [key for key in keys if key.strip().lower() == "geometry"]
    if taken:
        raise BadFile(_("These column names appear more than once: %(names)s.") % {"names": listed(taken)})
    has_id = any("id" in feature for feature in features) and "id" not in keys
    yield [*(["id"] if has_id else []), *keys, "geometry"]
    for feature in features:
        properties = feature.get("properties") or {}
        cells = [_json_text(properties.get(key)) for key in keys]
        shape = feature.get("geometry")
        geometry = json.dumps(shape, ensure_ascii=False, separators=(",", ":")) if shape else ""
        yield [*([_json_text(feature.get("id"))] if has_id else []), *cells, geometry]


def _json_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list, bool)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def beginning(path: Path, target: Path, size: int) -> Path:
    """The first ``size`` bytes of a text file, to the end of their last whole line, as a file of its own."""
    with path.open("rb") as file:
        head = file.read(size)
    target.write_bytes(head[: head.rfind(b"\n") + 1] or head)
    return target


def read_header(path: Path, delimiter: str) -> list[str]:
    """The first record of a UTF-8 CSV as column headers.

    Raises:
        BadFile: no header, an empty or repeated header (named), or more than 2,000 columns.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            headers = next(csv.reader(io.StringIO(_first_records(file)), delimiter=delimiter), [])
        except csv.Error as error:
            raise BadFile(_("The first line cannot be read as column names: %(error)s.") % {"error": error}) from error
    headers = [header.strip() for header in headers]
    while headers and not headers[-1]:
        headers.pop()
    if not headers or not all(headers):
        raise BadFile(_("Every column needs a name in the first line."))
    if len(headers) > COLUMN_LIMIT:
        raise BadFile(_("The table has %(count)s columns; at most 2,000 can be loaded.") % {"count": len(headers)})
    repeated = sorted(header for header, count in Counter(headers).items() if count > 1)
    if repeated:
        raise BadFile(_("These column names appear more than once: %(names)s.") % {"names": listed(repeated[:5])})
    return headers


def _first_records(file: io.TextIOBase | Any) -> str:
    return str(file.read(BLOCK))
