"""Picking departments: by word, by level, by line, and what became of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from portal.departments.models import ChangeKind, Department, DepartmentChange, Region

LINE_PAGE = 100
LINE_DEPTH = 12


def found_by(text: str) -> Q:
    """Departments whose name, former name, short name or region holds ``text``, or whose credit code it is.

    Those that ended are found too, because old papers name them.
    """
    former = DepartmentChange.objects.filter(old_name__icontains=text).exclude(old_name="")
    names = Q(name__icontains=text) | Q(short_name__icontains=text) | Q(pk__in=former.values("source"))
    return names | Q(region__name__icontains=text, is_active=True) | Q(credit_code=text.upper())


def region_node(code: str) -> dict[str, Any]:
    """A region for the tree by level: itself, those above, those below with counts, its departments; six queries."""
    region = Region.objects.filter(pk=code[:12].replace("\x00", "")).first() or Region.objects.order_by("level").first()
    if region is None:
        return {"region": None, "above": [], "below": [], "departments": [], "authority": None}
    counts = (
        Department.objects.active()
        .filter(region__path__startswith=OuterRef("path"))
        .order_by()
        .values("is_active")
        .annotate(n=Count("pk"))
        .values("n")
    )
    below = Region.objects.filter(parent=region).order_by("code").annotate(n=Coalesce(Subquery(counts), 0))
    above = Region.objects.ancestors_of(region).exclude(pk=region.pk).order_by("level")
    departments = Department.objects.active().filter(region=region).order_by("-kind", "name")
    return {
        "region": region,
        "above": list(above),
        "below": list(below),
        "departments": list(departments),
        "authority": Department.objects.authority_for(region),
    }


def _with_branches() -> QuerySet[Any]:
    counted = Count("branches", filter=Q(branches__is_active=True))
    return Department.objects.active().select_related("region").annotate(n=counted)


def line_node(pk: str, page: str) -> dict[str, Any]:
    """A department for the tree by line: itself, its superiors, and its branches with theirs; the tops without one."""
    try:
        at = Department.objects.select_related("region").filter(pk=UUID(pk)).first()
    except ValueError:
        at = None
    if at is None:
        tops = _with_branches().filter(parent__isnull=True)
        rows = tops.order_by("region__level", F("n").desc(), "region_id", "name")
        return {"at": None, "above": [], "page": Paginator(rows, LINE_PAGE).get_page(page)}
    above: list[Department] = []
    parent_id = at.parent_id
    while parent_id and len(above) < LINE_DEPTH:
        above.insert(0, Department.objects.get(pk=parent_id))
        parent_id = above[0].parent_id
    rows = _with_branches().filter(parent=at).order_by("region_id", "name")
    return {"at": at, "above": above, "page": Paginator(rows, LINE_PAGE).get_page(page)}


def history(department: Department) -> list[DepartmentChange]:
    """Everything that happened to the department or made it greater, newest first."""
    rows = DepartmentChange.objects.filter(Q(source=department) | Q(target=department))
    return list(rows.select_related("source", "target", "by")[:100])


def successors(department: Department) -> list[Department]:
    """Into what an ended department went."""
    if department.is_active:
        return []
    ends = department.changes.filter(kind__in=[ChangeKind.MERGED, ChangeKind.ABOLISHED]).exclude(target=None)
    return [change.target for change in ends.select_related("target") if change.target]


def former_names(department: Department) -> list[str]:
    """Names that it bore before, newest first."""
    renamed = department.changes.filter(kind=ChangeKind.RENAMED).values_list("old_name", flat=True)
    return list(dict.fromkeys(name for name in renamed if name != department.name))
