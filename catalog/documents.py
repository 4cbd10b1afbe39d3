"""A record as one plain document, and what can be done with documents: read, apply, compare, merge.

A document holds every field of a record by name as JSON: its own fields, ``provider`` (id), ``spatial`` (region code),
``themes`` and the relations (``related``, ``derived_from``, ``part_of``, ``replaces``: codes), and ``items``, a list of
objects with the fields of ``ITEM_FIELDS`` in which ``element`` is a code.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import ForeignKey
from django.utils.translation import gettext_lazy

from catalog.models import DataElement, DataItem, Dataset, RelationKind, Theme
from portal.departments.models import Department, Region

Document = dict[str, Any]

FIELDS = tuple(field.name for field in Dataset._meta.concrete_fields if field.editable)
"""The fields of a record that people write."""
RELATIONS: tuple[str, ...] = tuple(RelationKind.values)
"""What a record says of others: lists of their codes."""
LISTS = ("themes", "keywords", "channels", *RELATIONS)
"""Fields whose order means nothing: two people who add to one do not clash."""
ITEM_FIELDS = (
    "name",
    "name_en",
    "column",
    "data_type",
    "length",
    "precision",
    "unit",
    "element",
    "description",
    "is_key",
    "is_nullable",
    "sensitivity",
    "sharing_type",
    "open_type",
    "disclosure_role",
    "share_mask",
    "open_mask",
)


def plain(value: Any) -> Any:
    """A value of a record or item as JSON holds it."""
    if isinstance(value, Theme | DataElement | Region):
        return value.code
    if isinstance(value, Dataset):
        return value.code
    if isinstance(value, Department | UUID):
        return str(value.pk if isinstance(value, Department) else value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | set):
        return [plain(one) for one in value]
    return value.value if isinstance(value, models.Choices) else value


def snapshot(dataset: Dataset) -> Document:
    """The record as it stands, with its items, themes and relations."""
    document = own_fields(dataset)
    document["themes"] = [theme.code for theme in dataset.themes.all()]
    document |= relation_codes(dataset)
    items = list(dataset.items.all())
    wanted = {item.element_id for item in items if item.element_id}
    codes = dict(DataElement.objects.filter(pk__in=wanted).values_list("pk", "code")) if wanted else {}
    document["items"] = [item_document(item, codes) for item in items]
    return document


def relation_codes(dataset: Dataset) -> dict[str, list[str]]:
    """The codes of the records that it is derived from, part of and so on; one query, none when they are prefetched."""
    rows = dataset.relations.all()
    if "relations" not in getattr(dataset, "_prefetched_objects_cache", {}):
        rows = rows.select_related("target")
    found: dict[str, list[str]] = {kind: [] for kind in RELATIONS}
    for row in rows:
        found[row.kind].append(row.target.code)
    return {kind: sorted(codes) for kind, codes in found.items()}


def own_fields(dataset: Dataset) -> Document:
    """The code and the record's own fields, without what stands in other tables; no query."""
    fields = [field for field in Dataset._meta.concrete_fields if field.editable]
    return {"code": dataset.code} | {field.name: plain(field.value_from_object(dataset)) for field in fields}


def item_document(item: DataItem, element_codes: Mapping[Any, str]) -> Document:
    """One item; ``element`` is the code of its data element, or empty."""
    values = {name: getattr(item, name) for name in ITEM_FIELDS if name != "element"}
    return values | {"element": element_codes.get(item.element_id, "")}


def overlaid(
    document: Document, values: Mapping[str, Any], themes: Sequence[Theme] | None, items: Sequence[Mapping] | None
) -> Document:
    """``document`` with some fields, and where given themes and items, replaced; items keep what is not said."""
    result = copy.deepcopy(document)
    result |= {name: plain(value) for name, value in values.items()}
    if themes is not None:
        result["themes"] = [theme.code for theme in themes]
    if items is not None:
        known = {item["column"]: item for item in document["items"]}
        result["items"] = [
            known.get(str(item["column"]), blank_item()) | {k: plain(v) for k, v in item.items() if k in ITEM_FIELDS}
            for item in items
        ]
        for item in result["items"]:
            item["element"] = item["element"] or ""
    return result


def blank_item() -> Document:
    """An item of which nothing is said yet."""
    return item_document(DataItem(), {})


def set_fields(dataset: Dataset, document: Document) -> None:
    """Set the record's own fields from a document; nothing is saved, and fields it does not hold stay.

    The provider stays too: a record goes to another department with the department's own changes only.

    Raises:
        ValidationError: a value is not of its field's type.
    """
    for field in Dataset._meta.concrete_fields:
        if field.editable and field.name in document and field.name != "provider":
            target = field.target_field if isinstance(field, ForeignKey) else field
            value = document[field.name]
            setattr(dataset, field.attname, None if value is None else target.to_python(value))


def plain_values(document: Document) -> dict[str, Any]:
    """The record's own fields of a document as model values by attribute, without the provider."""
    shown = Dataset()
    set_fields(shown, document)
    fields = [field for field in Dataset._meta.concrete_fields if field.editable and field.name != "provider"]
    return {field.attname: getattr(shown, field.attname) for field in fields}


def fill_values(item: Document, elements: Mapping[str, DataElement]) -> dict[str, Any]:
    """The fields of an item's document as model values."""
    return {name: item[name] for name in ITEM_FIELDS if name != "element"} | {"element": elements.get(item["element"])}


def preview(dataset: Dataset, document: Document) -> tuple[Dataset, list[DataItem]]:
    """The record and its items as they would be under ``document``; unsaved, for checks and for showing."""
    shown = copy.copy(dataset)
    shown._state = copy.copy(dataset._state)
    shown._state.fields_cache = {}
    shown._prefetched_objects_cache = {}  # type: ignore[attr-defined]
    set_fields(shown, document)
    elements = elements_by_code(document["items"])
    return shown, [item_of(shown, number, item, elements) for number, item in enumerate(document["items"])]


def elements_by_code(items: Sequence[Mapping[str, Any]]) -> dict[str, DataElement]:
    """The data elements that items name by code; one query, none when they name none."""
    codes = {str(plain(item.get("element"))) for item in items if item.get("element")}
    return {e.code: e for e in DataElement.objects.filter(code__in=codes)} if codes else {}


def item_of(
    dataset: Dataset, position: int, values: Mapping[str, Any], elements: Mapping[str, DataElement]
) -> DataItem:
    """An unsaved item."""
    item = DataItem(dataset=dataset, position=position)
    fill_item(item, values, elements)
    return item


def fill_item(item: DataItem, values: Mapping[str, Any], elements: Mapping[str, DataElement]) -> None:
    """Set the fields that ``values`` holds; an unknown element is none."""
    for name in ITEM_FIELDS:
        if name == "element" and name in values:
            item.element = elements.get(str(plain(values[name])))
        elif name in values:
            setattr(item, name, values[name])


@dataclass(frozen=True)
class Difference:
    """One field that differs; ``item`` is the column of the item it belongs to, empty for the record's own fields.

    An item that one side lacks has one difference with the field ``items``.
    """

    field: str
    before: Any
    after: Any
    item: str = ""

    @property
    def label(self) -> str:
        """The field's name for people."""
        if self.field == "items":
            return str(gettext_lazy("Data item"))
        return label_of(self.field, is_item=bool(self.item))

    @property
    def shown_before(self) -> str:
        return shown(self.field, self.before, is_item=bool(self.item))

    @property
    def shown_after(self) -> str:
        return shown(self.field, self.after, is_item=bool(self.item))


def label_of(name: str, *, is_item: bool = False) -> str:
    """The name of a field for people."""
    if name in RELATIONS:
        return str(RelationKind(name).label)
    model: type[models.Model] = DataItem if is_item else Dataset
    return str(model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


def shown(name: str, value: Any, *, is_item: bool = False) -> str:
    """A document's value for people: labels instead of codes, names instead of keys."""
    from django.utils.translation import gettext as _

    from portal.lists import listed

    if value in (None, "", []):
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, dict):
        return str(value.get("name", ""))
    if name == "provider":
        return str(Department.objects.filter(pk=value).values_list("name", flat=True).first() or value)
    if name == "spatial":
        return str(Region.objects.filter(pk=value).first() or value)
    if name in RELATIONS:
        return listed(value)
    if name == "themes":
        return listed(str(theme) for theme in Theme.objects.filter(code__in=value))
    model: type[models.Model] = DataItem if is_item else Dataset
    field: Any = model._meta.get_field(name)
    choices = dict(getattr(field, "base_field", field).flatchoices or [])
    if isinstance(value, list):
        return listed(str(choices.get(one, one)) for one in value)
    return str(choices.get(value, value))


def differences(before: Document, after: Document) -> list[Difference]:
    """What changed from one document to another: fields in the record's order, then items."""
    names = [*FIELDS, "themes", *RELATIONS]
    found = [
        Difference(name, before.get(name), after.get(name))
        for name in names
        if not _same(name, before.get(name), after.get(name))
    ]
    old, new = _by_column(before), _by_column(after)
    for column in dict.fromkeys([*old, *new]):
        found += _item_differences(column, old.get(column), new.get(column))
    return found


def _item_differences(column: str, before: Document | None, after: Document | None) -> list[Difference]:
    if before is None or after is None:
        return [Difference("items", before, after, column)]
    names = [name for name in ITEM_FIELDS if name != "column"]
    return [
        Difference(name, before.get(name), after.get(name), column)
        for name in names
        if _full(before.get(name)) != _full(after.get(name))
    ]


def _full(value: Any) -> Any:
    """Documents of older versions lack newer fields: not said is the same as empty."""
    return None if value in ("", []) else value


def _same(name: str, one: Any, other: Any) -> bool:
    if name in LISTS:
        return sorted(one or []) == sorted(other or [])
    return bool(_full(one) == _full(other))


def _by_column(document: Document) -> dict[str, Document]:
    return {item["column"]: item for item in document.get("items", [])}


def merge(base: Document, mine: Document, theirs: Document) -> tuple[Document, list[Difference]]:
    """Both sides' changes since ``base``, and where they clash: ``before`` is theirs, ``after`` mine, which is kept."""
    result, clashes = copy.deepcopy(theirs), []
    for name in [*FIELDS, "themes", *RELATIONS]:
        if name in LISTS:
            result[name] = _merged_list(base.get(name) or [], mine.get(name) or [], theirs.get(name) or [])
            continue
        one, two, start = mine.get(name), theirs.get(name), base.get(name)
        if not _same(name, one, start):
            result[name] = one
            if not _same(name, two, start) and not _same(name, one, two):
                clashes.append(Difference(name, two, one))
    result["items"], clashing_items = _merged_items(base, mine, theirs)
    return result, clashes + clashing_items


def _merged_list(base: list, mine: list, theirs: list) -> list:
    removed = set(base) - set(theirs)
    return [*(v for v in mine if v not in removed), *(v for v in theirs if v not in base and v not in mine)]


def _merged_items(base: Document, mine: Document, theirs: Document) -> tuple[list[Document], list[Difference]]:
    """Items in my order, then those that only the other side has."""
    old, one, two = _by_column(base), _by_column(mine), _by_column(theirs)
    items, clashes = [], []
    for column in dict.fromkeys([*one, *two]):
        item, found = _merged_item(column, old.get(column), one.get(column), two.get(column))
        clashes += found
        if item is not None:
            items.append(item)
    return items, clashes


def _merged_item(
    column: str, base: Document | None, mine: Document | None, theirs: Document | None
) -> tuple[Document | None, list[Difference]]:
    if mine == theirs or theirs == base:
        return mine, []
    if mine == base:
        return theirs, []
    if mine is None or theirs is None:
        return mine, [Difference("items", theirs, mine, column)]
    start, result, clashes = base or {}, dict(theirs), []
    for name in ITEM_FIELDS:
        if _full(mine.get(name)) != _full(start.get(name)):
            result[name] = mine.get(name)
            if _full(theirs.get(name)) not in (_full(start.get(name)), _full(mine.get(name))):
                clashes.append(Difference(name, theirs.get(name), mine.get(name), column))
    return result, clashes
