"""Many new records at once: published ones from harvests, the demo and trials of size, drafts from workbooks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import search
from catalog.codes import NO_THEME, code_prefix, format_code, keep_serial, next_serials
from catalog.documents import RELATIONS, Document, blank_item, own_fields, plain
from catalog.models import DataItem, Dataset, DatasetRelation, DatasetState, DatasetVersion, Theme
from catalog.rules import reader_groups
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.models import Department

BATCH = 1_000


@dataclass(frozen=True)
class NewRecord:
    """A record to make: ``values`` are fields of Dataset, ``items`` of DataItem (each with name and column).

    ``relations`` are records it names, by kind. A ``code`` that it has already is kept; otherwise it is numbered.
    """

    provider: Department
    values: dict[str, Any]
    themes: Sequence[Theme]
    items: Sequence[dict[str, Any]] = field(default_factory=list)
    relations: Mapping[str, Sequence[Dataset]] = field(default_factory=dict)
    code: str = ""


def import_published(records: Iterable[NewRecord], *, actor: Actor) -> Iterator[int]:
    """Create published records, a thousand in a transaction, with one event each; yields how many are done.

    Only the portal itself may do this: the records were checked where they come from.
    """
    access.require(actor, Permission.DATASET_IMPORT)
    batch: list[NewRecord] = []
    done = 0
    groups = GroupCache()
    for row in records:
        batch.append(row)
        if len(batch) == BATCH:
            done += len(write_new(batch, actor=actor, state=DatasetState.PUBLISHED, groups=groups))
            batch.clear()
            yield done
    if batch:
        yield done + len(write_new(batch, actor=actor, state=DatasetState.PUBLISHED, groups=groups))


class GroupCache:
    """Reader groups depend on provider, state and open type alone, so they are worked out once for each."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, str, str], list[int]] = {}

    def of(self, dataset: Dataset) -> list[int]:
        """The groups that may see ``dataset``."""
        key = (dataset.provider_id, dataset.state, dataset.open_type)
        if key not in self._known:
            self._known[key] = reader_groups(dataset)
        return self._known[key]


@transaction.atomic
def write_new(batch: Sequence[NewRecord], *, actor: Actor, state: DatasetState, groups: GroupCache) -> list[Dataset]:
    """Make the records of ``batch`` with their events and search rows, in a fixed number of statements.

    The caller has asked whether the actor may, and checked the records.
    """
    published = state == DatasetState.PUBLISHED
    given = {"state": state, "version": int(published), "issued": timezone.now() if published else None}
    datasets = [Dataset(provider=row.provider, created_by=actor.user, **given, **row.values) for row in batch]
    _number(datasets, batch)
    Dataset.objects.bulk_create(datasets)
    pairs = list(zip(datasets, batch, strict=True))
    themes = Dataset.themes.through
    themes.objects.bulk_create(themes(dataset_id=d.pk, theme_id=theme.pk) for d, row in pairs for theme in row.themes)
    DatasetRelation.objects.bulk_create(
        DatasetRelation(dataset=dataset, kind=kind, target=other)
        for dataset, row in pairs
        for kind, others in row.relations.items()
        for other in others
    )
    items = [
        DataItem(dataset=dataset, position=position, **values)
        for dataset, row in pairs
        for position, values in enumerate(row.items)
    ]
    DataItem.objects.bulk_create(items, batch_size=5_000)
    if published:
        DatasetVersion.objects.bulk_create(
            DatasetVersion(dataset=dataset, number=1, metadata=_document(dataset, row)) for dataset, row in pairs
        )
    entries = ((record.stream_of(d), {"state": d.state, "title": d.title, "code": d.code}) for d in datasets)
    record.append_first(entries, verb="dataset.imported", actor=actor)
    _index(datasets, batch, groups)
    return datasets


def _document(dataset: Dataset, row: NewRecord) -> Document:
    blank = blank_item()
    items = [blank | {name: plain(value) for name, value in values.items()} for values in row.items]
    return own_fields(dataset) | {
        "themes": [theme.code for theme in row.themes],
        **{kind: sorted(other.code for other in row.relations.get(kind, ())) for kind in RELATIONS},
        "items": items,
    }


def _number(datasets: Sequence[Dataset], batch: Sequence[NewRecord]) -> None:
    by_prefix: dict[str, list[Dataset]] = defaultdict(list)
    for dataset, row in zip(datasets, batch, strict=True):
        if row.code:
            dataset.code = row.code
            keep_serial(row.code)
        else:
            theme = row.themes[0].code if row.themes else NO_THEME
            by_prefix[code_prefix(dataset.resource_class, theme)].append(dataset)
    for prefix, group in sorted(by_prefix.items()):
        for dataset, serial in zip(group, next_serials(prefix, len(group)), strict=True):
            dataset.code = format_code(prefix, serial)


def _index(datasets: Sequence[Dataset], batch: Sequence[NewRecord], groups: GroupCache) -> None:
    rows = []
    for dataset, row in zip(datasets, batch, strict=True):
        dataset._prefetched_objects_cache = {"themes": row.themes, "distributions": []}  # type: ignore[attr-defined]
        names = [str(values["name"]) for values in row.items]
        rows.append(search.row_of(dataset, names, groups.of(dataset)))
    search.write_rows(rows)
    search.indexed([dataset.pk for dataset in datasets])
