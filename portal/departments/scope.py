"""Which departments' rows a person works with in lists, and how a list is narrowed to some of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q

from portal.access import Standing
from portal.departments.models import AUTHORITY_DUTIES, Department, Region
from portal.views import clean_text

LINE_DEPTH = 12


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


def branches_of(departments: list[UUID]) -> set[UUID]:
    """These departments and all below them in the vertical line; at most a query a level."""
    found, level = set(departments), set(departments)
    for _depth in range(LINE_DEPTH):
        level = set(Department.objects.filter(parent__in=level).values_list("pk", flat=True)) - found
        if not level:
            break
        found |= level
    return found


def department_filter(params: Any, prefix: str) -> Q:
    """The department (name or credit code; with its branches when asked) and the region (with all below) chosen."""
    found = Q()
    if text := clean_text(params.get("department", ""))[:100]:
        named = Department.objects.filter(Q(name__icontains=text) | Q(credit_code=text))
        if params.get("branches") == "1":
            found &= Q(**{f"{prefix}__in": branches_of(list(named.values_list("pk", flat=True)[:200]))})
        else:
            found &= Q(**{f"{prefix}__in": named.values("pk")})
    if code := clean_text(params.get("region", ""))[:12]:
        region = Region.objects.filter(pk=code).first()
        found &= Q(**{f"{prefix}__region__path__startswith": region.path}) if region else Q(pk__in=[])
    return found


def regions_for(standing: Standing) -> list[Region]:
    """The regions of one's departments and the ones right below them, to choose from."""
    own = Region.objects.filter(departments__in=standing.departments_with())
    return list(Region.objects.filter(Q(pk__in=own) | Q(parent__in=own)).order_by("path")[:200])
