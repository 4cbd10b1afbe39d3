"""Data items and the table columns they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from catalog.documents import ITEM_FIELDS, elements_by_code, fill_item
from catalog.models import DataItem, Dataset, DataType, OpenType, SharingType
from catalog.tables.masks import BadMask, parse_mask
from catalog.tables.schema import Column, ColumnType
from portal.errors import InvalidInput

_TO_COLUMN = {
    DataType.STRING: ColumnType.TEXT,
    DataType.NUMBER: ColumnType.NUMBER,
    DataType.DATE: ColumnType.DATE,
    DataType.DATETIME: ColumnType.DATETIME,
    DataType.BOOLEAN: ColumnType.BOOLEAN,
    DataType.BINARY: ColumnType.GEOMETRY,
}
_FROM_COLUMN = {kind: data_type for data_type, kind in _TO_COLUMN.items()} | {ColumnType.INTEGER: DataType.NUMBER}


def data_type_of(kind: ColumnType) -> DataType:
    """The item data type (GB/T 21063) of a column type."""
    return _FROM_COLUMN[kind]


def columns_of(items: Iterable[DataItem], table: Iterable[Column] = ()) -> tuple[Column, ...]:
    """Columns of items, with the exact types of ``table`` where it has them."""
    exact = {column.name: column for column in table}
    return tuple(exact.get(i.column, Column(i.column, i.name, _TO_COLUMN[DataType(i.data_type)])) for i in items)


def column_of(item: Mapping[str, Any]) -> Column:
    """The column that an item of a record's document describes."""
    kind = _TO_COLUMN[DataType(item["data_type"])] if item["data_type"] in DataType else ColumnType.TEXT
    return Column(str(item["column"]), str(item["name"]), kind)


def declared_columns(dataset: Dataset) -> tuple[Column, ...]:
    """The columns of a dataset's items, in order, typed by its table where one is loaded.

    Takes no query where ``items`` and ``distributions__current`` were read ahead.
    """
    if "distributions" in getattr(dataset, "_prefetched_objects_cache", {}):
        distribution = next((each for each in dataset.distributions.all() if each.current_id), None)
    else:
        distribution = dataset.distributions.select_related("current").filter(current__isnull=False).first()
    table = distribution.current.schema if distribution and distribution.current else ()
    return columns_of(dataset.items.all(), table)


def _items(dataset: Dataset) -> Iterable[DataItem]:
    """The items as they are now; those that were read ahead with the dataset, where they were."""
    if "items" in getattr(dataset, "_prefetched_objects_cache", {}):
        return dataset.items.all()
    return (
        DataItem.objects.filter(dataset=dataset).order_by("position", "id").only("column", "sharing_type", "open_type")
    )


def shareable_columns(dataset: Dataset) -> list[str]:
    """The columns of the items that are shared at all, in their order."""
    return [item.column for item in _items(dataset) if item.sharing_type != SharingType.NOT_SHARED]


def applicable_columns(dataset: Dataset) -> list[str]:
    """The columns that may be applied for from outside: of the items that are open, or open conditionally."""
    return [item.column for item in _items(dataset) if item.open_type != OpenType.NOT_OPEN]


def merge_columns(dataset: Dataset, columns: Iterable[Column], key: Iterable[str]) -> list[DataItem]:
    """Make items of those loaded columns that the dataset does not describe yet; returns the new ones."""
    known = set(dataset.items.values_list("column", flat=True))
    keys, start = set(key), len(known)
    new = [
        DataItem(
            dataset=dataset,
            position=start + number,
            name=column.title[:200],
            column=column.name,
            data_type=data_type_of(column.type),
            is_key=column.name in keys,
            is_nullable=column.name not in keys,
        )
        for number, column in enumerate(column for column in columns if column.name not in known)
    ]
    return DataItem.objects.bulk_create(new)


def checked_items(
    dataset: Dataset, items: Sequence[Mapping[str, Any]], known: Mapping[str, DataItem] | None = None
) -> list[DataItem]:
    """Unsaved items in order; those that ``known`` holds by column are changed, and keep what is not said of them.

    Raises:
        InvalidInput: by the field ``items``, one sentence for each item that is wrong.
    """
    columns = [str(values["column"]) for values in items]
    if len(set(columns)) < len(columns):
        raise InvalidInput(fields={"items": [_("Two items of this dataset have the same column.")]})
    elements, found, wrong = elements_by_code(items), [], []
    for position, values in enumerate(items):
        item = (known or {}).get(str(values["column"])) or DataItem(dataset=dataset)
        fill_item(item, values, elements)
        item.position = position
        try:
            item.clean_fields(exclude=["dataset", "element"])
        except ValidationError as error:
            wrong.append(f"{values['column']}: {' '.join(error.messages)}")
        wrong += _wrong_masks(item)
        found.append(item)
    if wrong:
        raise InvalidInput(fields={"items": wrong})
    return found


def _wrong_masks(item: DataItem) -> list[str]:
    """What is wrong with an item's masks, a sentence each."""
    column = Column(item.column, item.name, _TO_COLUMN.get(DataType(item.data_type), ColumnType.TEXT))
    wrong = []
    for text in {item.share_mask, item.open_mask} - {""}:
        try:
            parse_mask(text, column)
        except BadMask as error:
            wrong.append(f"{item.column}: {error}")
    return wrong


def set_items(dataset: Dataset, items: Sequence[Mapping[str, Any]]) -> None:
    """Replace the items of a record by column; a fixed number of statements."""
    known = {item.column: item for item in dataset.items.all()}
    wanted = checked_items(dataset, items, known)
    kept = {item.pk for item in wanted}
    old = {item.pk for item in known.values()}
    if gone := old - kept:
        DataItem.objects.filter(pk__in=gone).delete()
    DataItem.objects.bulk_update([item for item in wanted if item.pk in old], [*ITEM_FIELDS, "position"])
    DataItem.objects.bulk_create([item for item in wanted if item.pk not in old])
