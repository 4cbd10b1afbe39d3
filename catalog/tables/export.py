"""Rows out, as streams of bytes whose memory does not grow with the result.

Text cells that a spreadsheet would take for a formula get a leading apostrophe in CSV and XLSX; numbers are untouched.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from catalog.tables.schema import Column, ColumnType, geometry_of, json_value
from portal.exports import FORMULA_STARTS, neutral

FORMULA = f"^[{re.escape(''.join(FORMULA_STARTS))}]"
XLSX_ROWS = 1_048_575
FIRST_SHEET_YEAR = 1900
CHUNK = 1 << 16

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "csv-plain": "text/csv; charset=utf-8",
    "csv-gb18030": "text/csv; charset=gb18030",
    "jsonl": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "geojson": "application/geo+json",
}


def _neutral_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    arrays = []
    for array in batch.columns:
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            risky = pc.fill_null(pc.match_substring_regex(array, FORMULA), False)
            if pc.any(risky).as_py():
                array = pc.if_else(risky, pc.binary_join_element_wise("'", array, ""), array)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def csv_stream(batches: Iterable[pa.RecordBatch], columns: Sequence[Column]) -> Iterator[bytes]:
    """CSV in UTF-8 with BOM; headers are the columns' titles."""
    head = io.StringIO()
    csv.writer(head).writerow([neutral(column.title) for column in columns])
    yield b"\xef\xbb\xbf" + head.getvalue().encode()
    options = pa_csv.WriteOptions(include_header=False)
    for batch in batches:
        sink = pa.BufferOutputStream()
        pa_csv.write_csv(_neutral_batch(batch), sink, options)
        yield sink.getvalue().to_pybytes()


def plain_stream(batches: Iterable[pa.RecordBatch], columns: Sequence[Column]) -> Iterator[bytes]:
    """The same CSV without BOM, for programs."""
    chunks = csv_stream(batches, columns)
    yield next(chunks).removeprefix(codecs.BOM_UTF8)
    yield from chunks


def gb18030_stream(batches: Iterable[pa.RecordBatch], columns: Sequence[Column]) -> Iterator[bytes]:
    """The same CSV in GB18030, as older office software reads it without being told; every character has a place."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    for chunk in csv_stream(batches, columns):
        yield decoder.decode(chunk).encode("gb18030")


def _json(row: dict[str, Any]) -> str:
    """A row as a JSON object; numbers that JSON does not know are null."""
    return json.dumps({key: json_value(value) for key, value in row.items()}, ensure_ascii=False, default=str)


def json_stream(batches: Iterable[pa.RecordBatch], columns: Sequence[Column]) -> Iterator[bytes]:
    """One JSON array of objects keyed by column name."""
    yield b"["
    separator = ""
    for batch in batches:
        rows = batch.to_pylist()
        text = ",\n".join(_json(row) for row in rows)
        if text:
            yield (separator + text).encode()
            separator = ",\n"
    yield b"]\n"


def jsonl_stream(batches: Iterable[pa.RecordBatch], columns: Sequence[Column]) -> Iterator[bytes]:
    """One JSON object a line, keyed by column name."""
    for batch in batches:
        text = "".join(f"{_json(row)}\n" for row in batch.to_pylist())
        if text:
            yield text.encode()


def geojson_stream(batches: Iterable[pa.RecordBatch], columns: Sequence[Column]) -> Iterator[bytes]:
    """A FeatureCollection; the first geometry column becomes the geometry, the others the properties."""
    shape = next((column.name for column in columns if column.type == ColumnType.GEOMETRY), "")
    yield b'{"type":"FeatureCollection","features":['
    separator = ""
    for batch in batches:
        for row in batch.to_pylist():
            geometry = json.dumps(geometry_of(row.pop(shape, None)), ensure_ascii=False, separators=(",", ":"))
            properties = _json(row)
            yield f'{separator}{{"type":"Feature","geometry":{geometry},"properties":{properties}}}'.encode()
            separator = ",\n"
    yield b"]}\n"


class _Sink(io.RawIOBase):
    """A file that only grows, whose new bytes are taken away after each write."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        return self._position

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def parquet_stream(batches: Iterable[pa.RecordBatch], columns: Sequence[Column]) -> Iterator[bytes]:
    """Parquet with the columns' names, a row group a batch."""
    sink, writer = _Sink(), None
    for batch in batches:
        if writer is None:
            writer = pq.ParquetWriter(sink, batch.schema, compression="zstd")
        writer.write_batch(batch)
        yield sink.take()
    if writer is None:
        writer = pq.ParquetWriter(sink, pa.schema([(column.name, pa.string()) for column in columns]))
    writer.close()
    yield sink.take()


def xlsx_stream(batches: Iterable[pa.RecordBatch], columns: Sequence[Column]) -> Iterator[bytes]:
    """An XLSX workbook, written row by row to a temporary file and then sent; more than fit go on in another sheet."""
    with tempfile.TemporaryFile() as file:
        _write_workbook(file, batches, columns)
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


def _write_workbook(file: BinaryIO, batches: Iterable[pa.RecordBatch], columns: Sequence[Column]) -> None:
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
        "remove_timezone": True,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(file, options) as book:
        bold, sheet, number = book.add_format({"bold": True}), None, 0
        rows = (row for batch in batches for row in zip(*(array.to_pylist() for array in batch.columns), strict=True))
        for values in chain([None], rows):
            if sheet is None or number >= XLSX_ROWS:
                sheet, number = book.add_worksheet(), 0
                sheet.write_row(0, 0, [neutral(column.title) for column in columns], bold)
            if values is None:
                continue
            number += 1
            for place, value in enumerate(values):
                if value is not None:
                    sheet.write(number, place, neutral(_sheet_value(value)))


def _sheet_value(value: Any) -> Any:
    """Days before a sheet's calendar begins become text; a sheet would show another time for them."""
    return value.isoformat() if isinstance(value, dt.date) and value.year < FIRST_SHEET_YEAR else value


def formats_of(columns: Iterable[Column]) -> list[str]:
    """The formats in which these columns can be had, the usual ones first."""
    geometry = any(column.type == ColumnType.GEOMETRY for column in columns)
    return ["csv", "csv-plain", "csv-gb18030", "xlsx", "json", "jsonl", "parquet", *(["geojson"] if geometry else [])]


def extension_of(format: str) -> str:
    """How the name of a file in this format ends."""
    return format.partition("-")[0]


STREAMS: dict[str, Callable[[Iterable[pa.RecordBatch], Sequence[Column]], Iterator[bytes]]] = {
    "csv": csv_stream,
    "csv-plain": plain_stream,
    "csv-gb18030": gb18030_stream,
    "jsonl": jsonl_stream,
    "xlsx": xlsx_stream,
    "json": json_stream,
    "parquet": parquet_stream,
    "geojson": geojson_stream,
}
