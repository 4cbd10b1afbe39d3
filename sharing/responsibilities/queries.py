"""The responsibility list as pages and exports ask for it, and its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from portal.access import Standing
from portal.departments.scope import department_filter, of_departments
from portal.views import clean_text
from sharing.models import Responsibility, ResponsibilityKind
from sharing.models.responsibility import ResponsibilityQuerySet

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
