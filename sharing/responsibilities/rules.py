"""Who may write the responsibility list and who sees which of its lines; who asks and answers about not sharing."""

from __future__ import annotations

from catalog.models import Dataset
from catalog.rules import REVIEW_DUTIES
from portal.access import Actor, Permission, rule
from portal.departments.models import Department
from portal.departments.scope import regions_in_charge


@rule(Permission.RESPONSIBILITY_MANAGE)
def may_manage(actor: Actor, department: Department | None) -> bool:
    """The authority of the department's region or of one above it."""
    paths = regions_in_charge(actor.standing)
    if department is None:
        return bool(paths)
    return any(department.region.path.startswith(path) for path in paths)


@rule(Permission.NOT_SHARING_REVIEW)
def may_review(actor: Actor, dataset: Dataset) -> bool:
    """The approvers of the provider: to go on not sharing is their decision."""
    return actor.standing.holds(dataset.provider_id, *REVIEW_DUTIES)


@rule(Permission.NOT_SHARING_ASK)
def may_ask(actor: Actor, dataset: Dataset) -> bool:
    """The authority of the provider's region or of one above it."""
    return any(dataset.provider.region.path.startswith(path) for path in regions_in_charge(actor.standing))
