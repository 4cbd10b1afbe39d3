"""Which data element an item looks like, by its name and column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from django.utils.translation import gettext as _

from catalog import lifecycle, revisions
from catalog.advice import Advice
from catalog.documents import Document
from catalog.models import DataElement, Dataset
from catalog.sources.signatures import canonical
from portal import access
from portal.access import Actor, Permission
from portal.lists import listed

SHOWN = 6
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def suggestions(items: Iterable[Document]) -> dict[str, DataElement]:
    """Column → the element that an item without one looks like; one query."""
    by_name: dict[str, DataElement] = {}
    for element in DataElement.objects.filter(retired_at__isnull=True).order_by("-code"):
        by_name[canonical(element.name)] = element
        if element.name_en:
            by_name[canonical(element.name_en)] = element
    found = {}
    for item in items:
        if not item.get("element"):
            # a column called "name" says nothing against an item called 名称
            words = [item["name"]] if _CHINESE.search(item["name"]) else [item["name"], item["column"]]
            alike = next((by_name[word] for word in map(canonical, words) if word in by_name), None)
            if alike is not None:
                found[item["column"]] = alike
    return found


def on_document(document: Document, dataset: Dataset | None, actor: Actor) -> list[Advice]:
    """Tell the writer which items look like data elements that they are not linked to."""
    found = suggestions(document["items"])
    if not found:
        return []
    names = {item["column"]: item["name"] for item in document["items"]}
    pairs = [f"{names[column]} → {element.name} ({element.code})" for column, element in list(found.items())[:SHOWN]]
    return [Advice("info", _("These items look like data elements: %(pairs)s.") % {"pairs": listed(pairs)})]


def link_all(*, dataset: Dataset, actor: Actor) -> int:
    """Link every item that looks like an element to it, in the draft or open revision; returns how many."""
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    document = revisions.document_of(dataset)
    found = suggestions(document["items"])
    if found:
        items = [
            {**item, "element": found[item["column"]].code} if item["column"] in found else item
            for item in document["items"]
        ]
        lifecycle.update(dataset=dataset, actor=actor, values={}, items=items, seen_revision=dataset.work.revision)
    return len(found)


def element_ids(dataset: Dataset) -> set[UUID]:
    """The elements that a record's items are linked to."""
    return {pk for pk in dataset.items.values_list("element", flat=True) if pk}
