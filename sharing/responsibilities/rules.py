"""Who may write the responsibility list and who sees which of its lines; who asks and answers about not sharing."""

from __future__ import annotations

from django.db.models import Q

from catalog.models import Dataset
from catalog.rules import REVIEW_DUTIES
from portal.access import Actor, Permission, Standing, rule
from portal.departments.models import AUTHORITY_DUTIES, Department


def regions_in_charge(standing: Standing) -> list[str]:
    """The paths of the regions in which ``standing`` holds an authority's duty; with all below them."""
    departments = standing.departments_with(*AUTHORITY_DUTIES)
    if not departments:
        return []
    return sorted(Department.objects.filter(pk__in=departments).values_list("region__path", flat=True))


def of_departments(standing: Standing, prefix: str) -> Q:
    """Rows whose department (at ``prefix``) is one's own, or in a region of which one is the authority."""
    found = Q(**{f"{prefix}__in": standing.departments_with()})
    for path in regions_in_charge(standing):
        found |= Q(**{f"{prefix}__region__path__startswith": path})
    return found


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
