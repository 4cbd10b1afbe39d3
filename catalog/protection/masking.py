"""The masks of a record's items: what readers under a grant, and the public, get instead of some values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

from catalog.models import DataItem
from catalog.tables.filters import Filter
from catalog.tables.masks import BadMask, Mask, Method, parse_mask, scoped
from catalog.tables.schema import Column, TableRef


class Audience(StrEnum):
    """For whom values are masked; who answers for the data sees them as they are."""

    PROVIDER = "provider"
    SHARING = "sharing"
    PUBLIC = "public"


FIELDS = {Audience.SHARING: "share_mask", Audience.PUBLIC: "open_mask"}


def item_masks(dataset_id: UUID, audience: Audience) -> dict[str, str]:
    """The masks of a record's items by column, as texts; nothing for those without."""
    if audience == Audience.PROVIDER:
        return {}
    field = FIELDS[audience]
    items = DataItem.objects.filter(dataset_id=dataset_id).exclude(**{field: ""})
    return dict(items.values_list("column", field))


def view_of(
    ref: TableRef, columns: Sequence[Column], masks: Mapping[str, str], *, scope: str, rows: Iterable[Filter] = ()
) -> TableRef:
    """The table as somebody may read it; ``scope`` names who, for masks that need a key.

    A mask that does not suit its column (any more) hides it: a value is never shown because its mask is wrong.
    """
    found = [_mask(masks[column.name], column) for column in columns if masks.get(column.name)]
    return ref.within(columns, tuple(rows), scoped(found, scope))


def _mask(text: str, column: Column) -> Mask:
    try:
        return parse_mask(text, column)
    except BadMask:
        return Mask(column.name, Method.HIDE)
