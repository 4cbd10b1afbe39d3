"""What of the catalogue itself depends on a record: what derives from it or is part of it, and what it is source of."""

from __future__ import annotations

from django.utils.translation import gettext as _

from catalog.impact import Change, Group, Hit
from catalog.models import DataElement, Dataset, DatasetRelation, RelationKind
from portal.access import Actor


def in_the_catalogue(dataset: Dataset, change: Change, actor: Actor, limit: int) -> list[Group]:
    """Records that derive from it or are part of it, and elements of which it is the source."""
    readable = Dataset.objects.readable_by(actor.standing.reader_groups)
    kinds = (RelationKind.DERIVED_FROM, RelationKind.PART_OF)
    rows = DatasetRelation.objects.filter(target=dataset, kind__in=kinds, dataset__in=readable)
    found = [
        Hit(row.dataset.title, str(row.dataset.provider), str(row.get_kind_display()), row.dataset.get_absolute_url())
        for row in rows.select_related("dataset__provider").order_by("id")[:limit]
    ]
    groups = [Group(_("Records that depend on it"), rows.count(), found)]
    if change.is_whole:
        elements = DataElement.objects.filter(source_dataset=dataset).order_by("code")
        named = [Hit(f"{element.name} ({element.code})") for element in elements[:limit]]
        groups.append(Group(_("Data elements of which it is the source"), elements.count(), named))
    return groups
