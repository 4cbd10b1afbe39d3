"""Tables written as JSON objects or as Parquet, on their way to the one CSV that is loaded.

Both say more of their values than a CSV: what is written as text there stays text, whatever its digits look like.
"""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.conf import settings
from django.utils.translation import gettext as _

from catalog.tables.errors import BadFile
from catalog.tables.storage import limits

OBJECT_LIMIT = 32 * 1024**2
BATCH_ROWS = 20_000
COLUMN_LIMIT = 2_000

OnBlock = Callable[[int], None]


class _Number(str):
    """A number as it was written, so that no digit is lost."""


def write_objects(path: Path, target: Path, *, is_lines: bool, scratch: Path, on_block: OnBlock) -> frozenset[str]:
    """JSON objects (a list, or one a line) as CSV at ``target``; returns the headers whose values are texts.

    Objects in an object become columns ``outer.inner``; lists and deeper ones are kept as JSON text. The file is read
    twice, object by object.

    Raises:
        BadFile: no JSON, or something in it is no object.
    """
    texts: dict[str, bool] = {}
    for row in _objects(path, is_lines=is_lines, scratch=scratch):
        for header, value in row.items():
            is_text = isinstance(value, str) and not isinstance(value, _Number)
            texts[header] = texts.get(header, False) or is_text
        if len(texts) > COLUMN_LIMIT:
            raise BadFile(_("The table has %(count)s columns; at most 2,000 can be loaded.") % {"count": len(texts)})
    if not texts:
        raise BadFile(_("The JSON holds no objects with values."))
    with target.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(texts)
        for number, row in enumerate(_objects(path, is_lines=is_lines, scratch=scratch)):
            writer.writerow([_cell(row.get(header)) for header in texts])
            if number % 5_000 == 0:
                on_block(0)
    return frozenset(header for header, is_text in texts.items() if is_text)


def _objects(path: Path, *, is_lines: bool, scratch: Path) -> Iterator[dict[str, Any]]:
    kind = "newline_delimited" if is_lines else "array"
    sql = f"SELECT json::VARCHAR FROM read_json_objects(?, format='{kind}', maximum_object_size={OBJECT_LIMIT})"  # noqa: S608
    try:
        with duckdb.connect(config=limits(scratch)) as con:
            for batch in con.sql(sql, params=[str(path)]).to_arrow_reader(BATCH_ROWS):
                yield from (_flat(text) for text in batch.column(0).to_pylist() if text is not None)
    except (duckdb.Error, OSError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise BadFile(_("The JSON cannot be read: %(error)s.") % {"error": reason}) from error


def _flat(text: str) -> dict[str, Any]:
    found = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=lambda name: None)
    if not isinstance(found, dict):
        raise BadFile(_("The JSON must be a list of objects, or one object a line."))
    row: dict[str, Any] = {}
    for header, value in found.items():
        if isinstance(value, dict) and value:
            row |= {f"{header}.{inner}": one for inner, one in value.items()}
        else:
            row[header] = value
    return row


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    """A value as JSON, its numbers as they were written."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(k, ensure_ascii=False)}: {_json(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    return json.dumps(value, ensure_ascii=False)


def write_parquet(path: Path, target: Path, on_block: OnBlock) -> frozenset[str]:
    """A Parquet file as CSV at ``target``; returns the headers whose values are texts.

    Raises:
        BadFile: the file is damaged.
    """
    try:
        with pq.ParquetFile(path) as file, target.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(file.schema_arrow.names)
            for batch in file.iter_batches(BATCH_ROWS):
                columns = [_texts_of(column) for column in batch.columns]
                writer.writerows(zip(*columns, strict=True))
                on_block(0)
            return frozenset(field.name for field in file.schema_arrow if _is_text(field.type))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadFile(_("The Parquet file is damaged. Write it again and upload it.")) from error


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value))


def _texts_of(column: pa.Array) -> list[str]:
    """Values as CSV texts; a moment with a zone in the portal's own."""
    if pa.types.is_timestamp(column.type):
        if column.type.tz:
            column = pc.local_timestamp(column.cast(pa.timestamp(column.type.unit, settings.TIME_ZONE)))
        return ["" if value is None else str(value) for value in column.to_pylist()]
    values = column.to_pylist()
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return ["" if value is None else base64.b64encode(value).decode() for value in values]
    return [_plain(value) for value in values]


def _plain(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return "" if value is None else str(value)
