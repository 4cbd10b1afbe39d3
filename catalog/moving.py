"""What a department's merger, split or end means for the catalogue: its datasets, their readers and exceptions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog import search
from catalog.models import AccessException, DataItem, Dataset, DatasetGroupObjectPermission, DatasetState
from catalog.rules import reviewing_authority
from portal.access import Actor
from portal.audit import record
from portal.departments.duties import duty_group
from portal.departments.figures import Figure
from portal.departments.models import Department, DutyGroup, Region
from portal.departments.moving import Line, Move

BATCH = 1_000
WITH_AUTHORITY = (DatasetState.AUTHORITY_REVIEW, DatasetState.PUBLISHED, DatasetState.WITHDRAWN)


def _datasets(move: Move) -> QuerySet[Dataset]:
    rows = Dataset.objects.filter(provider=move.source)
    return rows if move.datasets is None else rows.filter(pk__in=move.datasets)


def _exceptions(move: Move) -> QuerySet[DatasetGroupObjectPermission]:
    """Exceptions that were given to the department's offices; they go when the whole department goes."""
    rows = DatasetGroupObjectPermission.objects.filter(group__duty_group__department=move.source)
    return rows if move.is_whole else rows.none()


def reindex(ids: Iterable[UUID]) -> None:
    """Search rows, a thousand at a time."""
    waiting = list(ids)
    for start in range(0, len(waiting), BATCH):
        search.index(waiting[start : start + BATCH])


class CatalogMover:
    """Datasets with their items, and the exceptions that let offices of the department see others' datasets."""

    def preview(self, move: Move) -> list[Line]:
        datasets = _datasets(move)
        titles = tuple(datasets.order_by("title").values_list("title", flat=True)[:20])
        items = DataItem.objects.filter(dataset__in=datasets).count()
        return [
            Line("datasets", gettext_lazy("Datasets"), datasets.count(), titles),
            Line("items", gettext_lazy("Data items"), items),
            Line("exceptions", gettext_lazy("Exceptions to object rights"), _exceptions(move).count()),
        ]

    def choices(self, department: Department) -> dict[str, list[tuple[str, str]]]:
        rows = Dataset.objects.filter(provider=department).order_by("title").values_list("pk", "title")
        return {"datasets": [(str(pk), title) for pk, title in rows]}

    def blockers(self, moves: list[Move]) -> list[str]:
        """Titles that the successor would have twice: their providers rename them first."""
        found = []
        targets = {move.target.pk if move.target else None for move in moves}
        for target in targets:
            own = list(Dataset.objects.filter(provider=target).values_list("title", flat=True)) if target else []
            titles = Counter(own)
            for move in moves:
                if (move.target.pk if move.target else None) == target and (move.target or move.is_whole):
                    titles.update(_datasets(move).values_list("title", flat=True))
            found += sorted(title for title, count in titles.items() if count > 1)
        words = _("The successor would have two datasets titled “%(title)s”. Let a cataloguer rename one first.")
        return [words % {"title": title} for title in found]

    def apply(self, move: Move, actor: Actor) -> dict[str, int]:
        assert move.target is not None
        datasets = list(_datasets(move).select_for_update().order_by("pk"))
        ids = [dataset.pk for dataset in datasets]
        items = DataItem.objects.filter(dataset__in=ids).count()
        Dataset.objects.filter(pk__in=ids).update(provider=move.target)
        names = {"from": move.source.name, "to": move.target.name}
        for dataset in datasets:
            data = {**names, "state": dataset.state}
            record.append(stream=record.stream_of(dataset), verb="dataset.moved", actor=actor, data=data)
        exceptions, touched = self._hand_over_exceptions(move)
        reindex({*ids, *touched})
        return {"datasets": len(ids), "items": items, "exceptions": exceptions}

    def _hand_over_exceptions(self, move: Move) -> tuple[int, set[UUID]]:
        assert move.target is not None
        rows = list(_exceptions(move).select_related("permission"))
        if not rows:
            return 0, set()
        groups: dict[int, Group] = {}
        for office in DutyGroup.objects.filter(department=move.source):
            groups[office.group_id] = duty_group(move.target, office.duty)
        DatasetGroupObjectPermission.objects.bulk_create(
            [
                DatasetGroupObjectPermission(
                    content_object_id=row.content_object_id, permission=row.permission, group=groups[row.group_id]
                )
                for row in rows
            ],
            ignore_conflicts=True,
        )
        DatasetGroupObjectPermission.objects.filter(pk__in=[row.pk for row in rows]).delete()
        self._hand_over_terms(move.target, groups)
        return len(rows), {row.content_object_id for row in rows}

    def _hand_over_terms(self, target: Department, groups: dict[int, Group]) -> None:
        """The terms and reasons of the exceptions; where the successor has one of its own, that one stands."""
        for exception in AccessException.objects.standing().filter(group__in=groups):
            group = groups[exception.group_id]
            if AccessException.objects.standing().filter(dataset=exception.dataset_id, group=group).exists():
                exception.ended_at = timezone.now()
            else:
                exception.department, exception.group = target, group
            exception.save(update_fields=["department", "group", "ended_at"])


def figures(department: Department) -> list[Figure]:
    """How many datasets it publishes, with the way to them."""
    count = Dataset.objects.filter(provider=department).published().count()
    url = f"{reverse('catalog:dataset-list')}?provider={department.pk}"
    return [Figure(gettext_lazy("Published datasets"), count, url)]


def department_changed(department: Department) -> None:
    """Its name stands in the words of its datasets."""
    reindex(Dataset.objects.filter(provider=department).values_list("pk", flat=True))


def authority_changed(region: Region) -> None:
    """Another authority checks the records of ``region`` and below: their readers and queues follow."""
    below = Dataset.objects.filter(provider__region__path__startswith=region.path, state__in=WITH_AUTHORITY)
    known: dict[str, Region | None] = {}
    in_review = Q(state=DatasetState.AUTHORITY_REVIEW) | Q(revisions__state=DatasetState.AUTHORITY_REVIEW)
    for dataset in below.filter(in_review).distinct().select_related("provider__region"):
        code = dataset.provider.region_id
        if code not in known:
            authority = reviewing_authority(dataset)
            known[code] = authority.region if authority else None
        if known[code]:
            type(dataset.work).objects.filter(pk=dataset.work.pk).update(review_region=known[code])
    reindex(below.values_list("pk", flat=True))
