"""Bulk import of records that are published already: harvests, the demo, trials of size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import search
from catalog.codes import code_prefix, format_code, next_serials
from catalog.documents import Document, blank_item, own_fields, plain
from catalog.models import DataItem, Dataset, DatasetState, DatasetVersion, Theme
from catalog.rules import reader_groups
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.models import Department

BATCH = 1_000


@dataclass(frozen=True)
class PublishedRecord:
    """A record to import: ``values`` are fields of Dataset, ``items`` of DataItem (each with name and column)."""

    provider: Department
    values: dict[str, Any]
    theme: Theme
    items: Sequence[dict[str, Any]] = field(default_factory=list)


def import_published(records: Iterable[PublishedRecord], *, actor: Actor) -> Iterator[int]:
    """Create published records, a thousand in a transaction, with one event each; yields how many are done.

    Only the portal itself may do this: the records were checked where they come from.
    """
    access.require(actor, Permission.DATASET_IMPORT)
    batch: list[PublishedRecord] = []
    done = 0
    groups = _GroupCache()
    for row in records:
        batch.append(row)
        if len(batch) == BATCH:
            done += _import_batch(batch, actor, groups)
            batch.clear()
            yield done
    if batch:
        yield done + _import_batch(batch, actor, groups)


class _GroupCache:
    """Reader groups depend on provider, state and open type alone, so they are worked out once for each."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, str], list[int]] = {}

    def of(self, dataset: Dataset) -> list[int]:
        key = (dataset.provider_id, dataset.open_type)
        if key not in self._known:
            self._known[key] = reader_groups(dataset)
        return self._known[key]


@transaction.atomic
def _import_batch(batch: Sequence[PublishedRecord], actor: Actor, groups: _GroupCache) -> int:
    now = timezone.now()
    datasets = [
        Dataset(provider=row.provider, state=DatasetState.PUBLISHED, version=1, issued=now, **row.values)
        for row in batch
    ]
    _number(datasets, batch)
    Dataset.objects.bulk_create(datasets)
    through = Dataset.themes.through
    through.objects.bulk_create(
        through(dataset_id=dataset.pk, theme_id=row.theme.pk) for dataset, row in zip(datasets, batch, strict=True)
    )
    items = [
        DataItem(dataset=dataset, position=position, **values)
        for dataset, row in zip(datasets, batch, strict=True)
        for position, values in enumerate(row.items)
    ]
    DataItem.objects.bulk_create(items, batch_size=5_000)
    DatasetVersion.objects.bulk_create(
        DatasetVersion(dataset=dataset, number=1, metadata=_document(dataset, row))
        for dataset, row in zip(datasets, batch, strict=True)
    )
    entries = ((record.stream_of(d), {"state": d.state, "title": d.title, "code": d.code}) for d in datasets)
    record.append_first(entries, verb="dataset.imported", actor=actor)
    _index(datasets, batch, groups)
    return len(datasets)


def _document(dataset: Dataset, row: PublishedRecord) -> Document:
    blank = blank_item()
    items = [blank | {name: plain(value) for name, value in values.items()} for values in row.items]
    return own_fields(dataset) | {"themes": [row.theme.code], "related": [], "items": items}


def _number(datasets: Sequence[Dataset], batch: Sequence[PublishedRecord]) -> None:
    by_prefix: dict[str, list[Dataset]] = defaultdict(list)
    for dataset, row in zip(datasets, batch, strict=True):
        by_prefix[code_prefix(dataset.resource_class, row.theme.code)].append(dataset)
    for prefix, group in sorted(by_prefix.items()):
        for dataset, serial in zip(group, next_serials(prefix, len(group)), strict=True):
            dataset.code = format_code(prefix, serial)


def _index(datasets: Sequence[Dataset], batch: Sequence[PublishedRecord], groups: _GroupCache) -> None:
    rows = []
    for dataset, row in zip(datasets, batch, strict=True):
        dataset._prefetched_objects_cache = {"themes": [row.theme], "distributions": []}  # type: ignore[attr-defined]
        names = [str(values["name"]) for values in row.items]
        rows.append(search.row_of(dataset, names, groups.of(dataset)))
    search.write_rows(rows)
    search.indexed([dataset.pk for dataset in datasets])
