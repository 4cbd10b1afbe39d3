"""What has changed of a dataset since a grant was issued: a grant is renewed in one step only when nothing has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from catalog.models import Channel, DataItem, Dataset, Sensitivity, SharingType
from portal.lists import listed
from sharing.models import Grant, GrantState, SuspendedFor

SHARING_ORDER = (SharingType.UNCONDITIONAL, SharingType.CONDITIONAL, SharingType.NOT_SHARED)
SENSITIVITY_ORDER = (Sensitivity.NONE, Sensitivity.PERSONAL, Sensitivity.SENSITIVE)
"""From the freest to the strictest."""


def bases_of(datasets: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """How datasets are shared now: sharing type, grade, modes, and column → sensitivity; two queries."""
    names = ("sharing_type", "grade", "channels")
    found: dict[UUID, dict[str, Any]] = {
        row["pk"]: {**{name: row[name] for name in names}, "items": {}}
        for row in Dataset.objects.filter(pk__in=datasets).values("pk", *names)
    }
    items = DataItem.objects.filter(dataset__in=datasets).values_list("dataset", "column", "sensitivity")
    for dataset, column, sensitivity in items:
        found[dataset]["items"][column] = sensitivity
    return found


def changes_of(grant: Grant) -> list[str]:
    """What stands against renewing ``grant`` in one step, a sentence each; nothing when nothing has changed."""
    return changes_of_all([grant])[grant.pk]


def changes_of_all(grants: Collection[Grant]) -> dict[UUID, list[str]]:
    """``changes_of`` for many grants that carry their datasets, departments and providers; one query."""
    items: dict[UUID, dict[str, DataItem]] = {}
    for item in DataItem.objects.filter(dataset__in={grant.dataset_id for grant in grants}):
        items.setdefault(item.dataset_id, {})[item.column] = item
    return {grant.pk: _compare(grant, items.get(grant.dataset_id, {})) for grant in grants}


def _compare(grant: Grant, items: dict[str, DataItem]) -> list[str]:
    return [*_standing(grant), *_of_dataset(grant), *_of_items(grant, items)]


def _standing(grant: Grant) -> list[str]:
    found = []
    if grant.state == GrantState.REVOKED:
        found.append(_("The grant was revoked."))
    elif grant.suspended_for == SuspendedFor.REVIEW:
        found.append(_("The grant is suspended: first confirm its use in the yearly review."))
    elif grant.state == GrantState.SUSPENDED:
        found.append(_("The provider has suspended the grant."))
    if not grant.department.is_active:
        found.append(_("The department that holds it has ended."))
    elif grant.basis.get("department", str(grant.department_id)) != str(grant.department_id):
        found.append(_("The department has come over from another, which was merged or split."))
    return found


def _of_dataset(grant: Grant) -> list[str]:
    dataset, basis = grant.dataset, grant.basis
    if not dataset.is_published:
        return [_("The dataset was withdrawn.")]
    found = []
    if _is_stricter(dataset.sharing_type, basis.get("sharing_type", dataset.sharing_type), SHARING_ORDER):
        label = dataset.get_sharing_type_display()
        found.append(_("The dataset is shared more strictly now: %(type)s.") % {"type": label})
    if dataset.grade > basis.get("grade", dataset.grade):
        label = dataset.get_grade_display()
        found.append(_("The grade of the dataset was raised: %(grade)s.") % {"grade": label})
    offered = set(basis.get("channels", ())) - set(dataset.channels)
    gone = [Channel(channel).label for channel in grant.channels if channel in offered]
    if gone:
        found.append(_("It is not delivered this way any more: %(modes)s.") % {"modes": listed(gone)})
    return found


def _of_items(grant: Grant, items: dict[str, DataItem]) -> list[str]:
    shared = {name: item for name, item in items.items() if item.sharing_type != SharingType.NOT_SHARED}
    before = grant.basis.get("items", {})
    found = []
    if gone := [items[name].name if name in items else name for name in grant.columns if name not in shared]:
        found.append(_("Not shared any more: %(names)s.") % {"names": listed(gone)})
    raised = [
        shared[name].name
        for name in grant.columns
        if name in shared and _is_stricter(shared[name].sensitivity, before.get(name, ""), SENSITIVITY_ORDER)
    ]
    if raised:
        found.append(_("Marked as more sensitive since: %(names)s.") % {"names": listed(raised)})
    return found


def _is_stricter(now: str, before: str, order: tuple[Any, ...]) -> bool:
    if now not in order or before not in order:
        return False
    return order.index(now) > order.index(before)
