"""The responsibility list as pages and exports ask for it, and its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from portal.access import Standing
from portal.departments.models import Department, Region
from portal.views import clean_text
from sharing.models import Responsibility, ResponsibilityKind
from sharing.models.responsibility import ResponsibilityQuerySet
from sharing.responsibilities.rules import of_departments

LINE_DEPTH = 12
SORTS = {
    "due": ("due_on", "id"),
    "-due": ("-due_on", "-id"),
    "title": ("title", "id"),
    "-title": ("-title", "-id"),
}
STATES = ("due", "late", "done")


def visible(standing: Standing) -> ResponsibilityQuerySet:
    """Lines of one's departments, and of all in the regions of which one is the authority."""
    return Responsibility.objects.filter(of_departments(standing, "department"))


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


def matching(rows: ResponsibilityQuerySet, params: Any) -> ResponsibilityQuerySet:
    """``rows`` under the filters of the address, in its order."""
    if text := clean_text(params.get("q", ""))[:100]:
        rows = rows.filter(Q(title__icontains=text) | Q(basis__icontains=text))
    if (kind := params.get("kind", "")) in ResponsibilityKind.values:
        rows = rows.filter(kind=kind)
    state = params.get("state", "")
    if state == "done":
        rows = rows.filter(done_on__isnull=False)
    elif state == "late":
        rows = rows.late()
    elif state == "due":
        rows = rows.pending().filter(due_on__gte=timezone.localdate())
    rows = rows.filter(department_filter(params, "department"))
    return rows.order_by(*SORTS.get(params.get("sort", ""), SORTS["due"]))


@dataclass(frozen=True)
class Figures:
    """What stands above the list."""

    due: int
    late: int
    done: int
    in_time: int | None
    """Of the lines that are done or late, the share in percent that was done."""


def figures(rows: QuerySet[Responsibility]) -> Figures:
    """One query."""
    today = timezone.localdate()
    counted = rows.order_by().aggregate(
        due=Count("pk", filter=Q(done_on__isnull=True, due_on__gte=today)),
        late=Count("pk", filter=Q(done_on__isnull=True, due_on__lt=today)),
        done=Count("pk", filter=Q(done_on__isnull=False)),
    )
    total = counted["done"] + counted["late"]
    return Figures(**counted, in_time=round(100 * counted["done"] / total) if total else None)
