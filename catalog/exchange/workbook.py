"""Records written in the layout: a workbook with words to choose from where they are controlled, or JSON lines."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import IO, Any
from uuid import UUID

import xlsxwriter
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from catalog.documents import Document, snapshot
from catalog.exchange.layout import (
    DATASET_COLUMNS,
    DATASETS,
    ITEM_COLUMNS,
    ITEMS,
    NEEDED,
    NEEDED_OF_ITEMS,
    Column,
    dataset_cells,
    item_cells,
)
from catalog.models import Dataset, Theme

BATCH = 500
ROW_LIMIT = 1_048_575


def documents(ids: Sequence[UUID]) -> Iterator[tuple[Dataset, Document]]:
    """The records in the order of ``ids``; a fixed number of queries for each 500."""
    for start in range(0, len(ids), BATCH):
        chunk = ids[start : start + BATCH]
        rows = Dataset.objects.select_related("provider").prefetch_related("themes", "relations__target", "items")
        found = rows.in_bulk(chunk)
        yield from ((found[pk], snapshot(found[pk])) for pk in chunk if pk in found)


def ids_of(rows: QuerySet[Any], limit: int) -> list[UUID]:
    """The keys of at most ``limit`` datasets, in the order of ``rows`` (datasets or search rows)."""
    return list(rows.values_list("pk", flat=True)[:limit])


def json_lines(ids: Sequence[UUID]) -> Iterator[bytes]:
    """One document a line; the provider is named by its credit code, so that another portal knows it."""
    for dataset, document in documents(ids):
        named = document | {"provider": dataset.provider.name, "provider_code": dataset.provider.credit_code}
        yield json.dumps(named, ensure_ascii=False, cls=DjangoJSONEncoder).encode() + b"\n"


def workbook(ids: Sequence[UUID]) -> IO[bytes]:
    """A workbook of two sheets in a temporary file; written row by row, so that memory does not grow with it."""
    target = tempfile.TemporaryFile()  # noqa: SIM115  (the caller streams and closes it)
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(target, options)
    themes = {theme.code: theme.name for theme in Theme.objects.all()}
    records = _sheet(book, str(DATASETS), DATASET_COLUMNS, NEEDED)
    items = _sheet(book, str(ITEMS), ITEM_COLUMNS, NEEDED_OF_ITEMS)
    # one sheet at a time is what constant memory allows, so the records are read twice
    _write(records, (_dataset_line(d, doc, themes) for d, doc in documents(ids)))
    _write(items, chain.from_iterable(item_cells(doc, d.provider.name) for d, doc in documents(ids)))
    book.close()
    target.seek(0)
    return target


def _dataset_line(dataset: Dataset, document: Document, themes: dict[str, str]) -> list[str]:
    return dataset_cells(document, (dataset.provider.name, dataset.provider.credit_code), themes)


def _sheet(book: Any, name: str, columns: Sequence[Column], needed: set[str]) -> Any:
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "bg_color": "#E8F0FB", "bottom": 1})
    text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
    sheet.freeze_panes(1, 2)
    for place, column in enumerate(columns):
        sheet.set_column(place, place, 34 if column.key in ("title", "summary", "dataset_title") else 18, text)
        sheet.write_string(0, place, f"{column.title}{'*' if column.key in needed else ''}", head)
        if column.help:
            sheet.write_comment(0, place, str(column.help))
        words = _words(column)
        if words:
            rule = {"validate": "list", "source": words, "error_type": "warning"}
            sheet.data_validation(1, place, ROW_LIMIT, place, rule)
    return sheet


def _words(column: Column) -> list[str]:
    """The list to choose from, where it fits what a workbook allows (255 characters)."""
    words = [str(label) for _value, label in column.choices] if column.kind == "choice" else []
    if column.kind == "flag":
        words = [_("Yes"), _("No")]
    return words if len(",".join(words)) <= 255 else []


def _write(sheet: Any, lines: Iterable[Sequence[str]]) -> None:
    for number, cells in enumerate(lines, start=1):
        if number > ROW_LIMIT:
            break
        for place, cell in enumerate(cells):
            if cell:
                sheet.write_string(number, place, cell[:32_767])


def refused(lines: Iterable[Any]) -> IO[bytes]:
    """The refused lines of an import with sheet, cell, value and reason."""
    target = tempfile.TemporaryFile()  # noqa: SIM115  (the caller streams and closes it)
    book = xlsxwriter.Workbook(target, {"constant_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet(_("Refused lines"))
    titles = [_("Line"), _("Title"), _("Sheet"), _("Cell"), _("Value"), _("Reason")]
    rows = (
        [str(line.number), line.title, f["sheet"], f["cell"], f["value"], f["reason"]]
        for line in lines
        for f in line.faults
    )
    _write_head(sheet, titles)
    _write(sheet, rows)
    book.close()
    target.seek(0)
    return target


def _write_head(sheet: Any, titles: Sequence[str]) -> None:
    for place, title in enumerate(titles):
        sheet.write_string(0, place, title)
