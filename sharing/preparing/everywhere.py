"""The same items and rows for all datasets of a draft: what is named alike is asked for alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.items import shareable_columns
from portal.access import Actor
from portal.errors import InvalidInput
from sharing import drafts
from sharing.models import ItemState, RequestItem, SharingRequest

EDITABLE = (ItemState.DRAFT, ItemState.RETURNED)


def _editable(request: SharingRequest) -> list[RequestItem]:
    rows = request.items.filter(state__in=EDITABLE).select_related("dataset", "request").order_by("id")
    return list(rows.prefetch_related("dataset__items"))


def _named(item: RequestItem) -> dict[str, str]:
    """Column by the name of the data item, of those that are shared."""
    shared = set(shareable_columns(item.dataset))
    return {field.name: field.column for field in item.dataset.items.all() if field.column in shared}


@dataclass(frozen=True)
class Name:
    """A name of data items, in how many of the datasets it is found, and in how many it is asked for."""

    name: str
    found: int
    asked: int


def names_of(request: SharingRequest) -> list[Name]:
    """The names of all data items in the draft, the most frequent first; two queries."""
    found: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for item in _editable(request):
        for name, column in _named(item).items():
            found[name] += 1
            asked[name] += column in item.columns
    return [Name(name, n, asked[name]) for name, n in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))]


@transaction.atomic
def apply(
    *, request: SharingRequest, actor: Actor, names: Collection[str] | None, condition: dict[str, Any] | None
) -> tuple[int, list[str]]:
    """Ask everywhere for the items called ``names`` alone (None: leave the items), and add a condition on the rows.

    ``condition`` is ``{"name", "op", "value"}``: it is added wherever an item of that name is shared. Returns how many
    datasets changed, and the titles of those that have none of the names and were left as they are.

    Raises:
        InvalidInput: nothing to do, or a condition that one of the datasets cannot read; nothing is changed then.
    """
    if names is None and not condition:
        raise InvalidInput(_("Choose data items, or a condition on the rows."))
    changed, left = 0, []
    for item in _editable(request):
        named = _named(item)
        columns = item.columns if names is None else [named[name] for name in named if name in names]
        rows = list(item.row_filter)
        if condition and condition["name"] in named:
            entry = {"column": named[condition["name"]], "op": condition["op"], "value": condition["value"]}
            rows = [*(row for row in rows if row.get("column") != entry["column"]), entry]
        if not columns:
            left.append(item.dataset.title)
            columns = item.columns
        if (set(columns), rows) != (set(item.columns), item.row_filter):
            drafts.change_item(item=item, actor=actor, columns=columns, row_filter=rows)
            changed += 1
    return changed, left
