"""Items of a request from a workbook: a line for each dataset, with the data items that are needed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.items import shareable_columns
from catalog.models import Dataset
from portal.access import Actor
from portal.departments.sheets import Column, Row, read
from portal.errors import InvalidInput, PortalError
from sharing import drafts
from sharing.models import SharingRequest

COLUMNS = (
    Column("dataset", gettext_lazy("Resource code or title"), is_needed=True),
    Column("provider", gettext_lazy("Provider")),
    Column("items", gettext_lazy("Data items")),
)
SEPARATORS = re.compile(r"[,，;；、\n]+")


@transaction.atomic
def load(*, path: Path, request: SharingRequest, actor: Actor) -> tuple[int, list[Row]]:
    """Add the datasets of a workbook to a draft, each line for itself.

    Returns how many were added, and the lines that could not be, with the cells and the reasons.

    Raises:
        InvalidInput: it cannot be read, or has more lines than a request holds.
    """
    rows = read(path, COLUMNS, row_limit=drafts.ITEM_LIMIT)
    if not rows:
        raise InvalidInput(_("The first sheet is empty."), fields={"file": []})
    datasets = _find(rows, actor)
    added = 0
    for row in rows:
        dataset = datasets.get(row.number)
        if dataset and not row.faults and _add(row, dataset, request, actor):
            added += 1
    return added, [row for row in rows if row.faults]


def _find(rows: Sequence[Row], actor: Actor) -> dict[int, Dataset]:
    """The dataset of each line, by its number: by code, or by title and, where several are called so, provider."""
    named = {row.values["dataset"] for row in rows}
    can = drafts.requestable(actor).select_related("provider").prefetch_related("items")
    by_code = {dataset.code: dataset for dataset in can.filter(code__in=named)}
    by_title: dict[str, list[Dataset]] = {}
    for dataset in can.filter(title__in=named):
        by_title.setdefault(dataset.title, []).append(dataset)
    found = {}
    for row in rows:
        text, provider = row.values["dataset"], row.values["provider"]
        called = [d for d in by_title.get(text, []) if not provider or d.provider.name == provider]
        if text in by_code:
            found[row.number] = by_code[text]
        elif len(called) == 1:
            found[row.number] = called[0]
        elif called:
            row.refuse("dataset", _("Several datasets have this title. Name the provider or the resource code."))
        else:
            row.refuse("dataset", _("No dataset that you can apply for has this code or title."))
    return found


def _add(row: Row, dataset: Dataset, request: SharingRequest, actor: Actor) -> bool:
    columns = _columns(row, dataset)
    if row.faults:
        return False
    try:
        with transaction.atomic():
            items = drafts.add_items(request=request, actor=actor, dataset_ids=[dataset.pk])
            if not items:
                row.refuse("dataset", _("This dataset is in the request already."))
                return False
            if columns:
                drafts.change_item(item=items[0], actor=actor, columns=columns, row_filter=[])
    except PortalError as error:
        row.refuse("dataset", str(error))
        return False
    return True


def _columns(row: Row, dataset: Dataset) -> list[str]:
    """The columns of the items named in the line, by name or column; none named means all."""
    shared = set(shareable_columns(dataset))
    known = {field.name: field.column for field in dataset.items.all() if field.column in shared}
    known |= {column: column for column in shared}
    names = [name.strip() for name in SEPARATORS.split(row.values["items"]) if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        row.refuse("items", _("It has no item to share called %(name)s.") % {"name": unknown[0][:60]})
    return [known[name] for name in names if name in known]
