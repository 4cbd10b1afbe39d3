"""Data items and the table columns they stand for."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.models import DataItem, Dataset, DataType, SharingType
from catalog.tables.schema import Column, ColumnType

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


def declared_columns(dataset: Dataset) -> tuple[Column, ...]:
    """The columns of a dataset's items, in order, typed by its table where one is loaded."""
    distribution = dataset.distributions.select_related("current").filter(current__isnull=False).first()
    table = distribution.current.schema if distribution and distribution.current else ()
    return columns_of(dataset.items.all(), table)


def shareable_columns(dataset: Dataset) -> list[str]:
    """The columns of the items that are shared at all, in their order."""
    items = DataItem.objects.filter(dataset=dataset).exclude(sharing_type=SharingType.NOT_SHARED)
    return list(items.order_by("position", "id").values_list("column", flat=True))


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
