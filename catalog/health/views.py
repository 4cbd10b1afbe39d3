"""Pages of the catalogue's health: the ranking of departments, and one department with what it should do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Avg, F, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.health import figures
from catalog.models import HealthSnapshot, RecordHealth
from portal.access import Actor
from portal.departments.figures import Figure
from portal.departments.models import Department, Duty, Level, Region
from portal.departments.scope import department_filter, regions_for, regions_in_charge
from portal.list_export import exported
from portal.views import page_of, require_duty

TREND_DAYS = 90
MEASURES = {
    "score": gettext_lazy("Score"),
    "completeness": gettext_lazy("Completeness"),
    "timeliness": gettext_lazy("Timeliness"),
    "conformance": gettext_lazy("Conformance"),
    "quality": gettext_lazy("Quality"),
    "open_share": gettext_lazy("Open share"),
    "data_share": gettext_lazy("With data"),
    "linked_share": gettext_lazy("Linked items"),
}
SORTS: dict[str, tuple[Any, ...]] = {
    **{f"-{name}": (F(name).desc(nulls_last=True), "department") for name in MEASURES},
    **{name: (F(name).asc(nulls_last=True), "department") for name in MEASURES},
    "-late": ("-late", "department"),
    "late": ("late", "department"),
    "-records": ("-records", "department"),
    "records": ("records", "department"),
}
LISTS = {
    "late": gettext_lazy("Late"),
    "incomplete": gettext_lazy("Least complete"),
}


def _ranked(request: HttpRequest, actor: Actor) -> QuerySet[HealthSnapshot]:
    """The newest figures of the departments in the regions that one is in charge of or works in, under the filters."""
    scope = Q(department__region__in=Region.objects.filter(departments__in=actor.standing.departments_with()))
    for path in regions_in_charge(actor.standing):
        scope |= Q(department__region__path__startswith=path)
    rows = HealthSnapshot.objects.filter(
        scope, day=figures.last_day() or timezone.localdate(), department__is_active=True
    )
    rows = rows.filter(department_filter(request.GET, "department"))
    if (level := request.GET.get("level", "")).isdecimal() and int(level) in Level.values:
        rows = rows.filter(department__region__level=int(level))
    return rows


def _sorted(request: HttpRequest, rows: QuerySet[HealthSnapshot]) -> QuerySet[HealthSnapshot]:
    order = SORTS.get(request.GET.get("sort", ""), SORTS["-score"])
    return rows.select_related("department__region").order_by(*order)


@login_required
def ranking(request: HttpRequest) -> HttpResponse:
    """Departments by how well they keep their part of the catalogue."""
    actor = require_duty(request)
    rows = _ranked(request, actor)
    context = {
        "day": figures.last_day(),
        "page": page_of(request, _sorted(request, rows)),
        "total": rows.order_by().aggregate(
            records=Sum("records"), late=Sum("late"), score=Avg("score"), open=Avg("open_share")
        ),
        "regions": regions_for(actor.standing),
        "levels": Level.choices,
        "mine": set(actor.standing.departments_with()),
        "measures": MEASURES.items(),
    }
    return render(request, "catalog/health/ranking.html", context)


@login_required
def ranking_export(request: HttpRequest) -> HttpResponseBase:
    """The ranking as CSV or XLSX."""
    actor = require_duty(request)
    head = [_("Department"), _("Region"), _("Published records"), _("Late"), *map(str, MEASURES.values())]

    def lines() -> Iterator[list[Any]]:
        for row in _sorted(request, _ranked(request, actor)).iterator(chunk_size=500):
            shares = [getattr(row, name) for name in MEASURES]
            said = ["" if share is None else f"{share:.1%}" for share in shares]
            yield [row.department.name, str(row.department.region), row.records, row.late, *said]

    return exported(request.GET.get("format", ""), "catalogue-health", _("Catalogue health"), head, lines())


def _listed(pk: UUID, kind: str) -> QuerySet[RecordHealth]:
    rows = RecordHealth.objects.filter(provider=pk).select_related("dataset")
    if kind == "incomplete":
        return rows.filter(completeness__lt=100).order_by("completeness", "dataset")
    return rows.filter(due_on__lt=timezone.localdate()).order_by("due_on", "dataset")


@login_required
def department_health(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One department: its figures now, their trend, and the records to see to."""
    actor = require_duty(request)
    department = get_object_or_404(Department.objects.select_related("region"), pk=pk)
    kind = request.GET.get("list") if request.GET.get("list") in LISTS else "late"
    today = timezone.localdate()
    page = page_of(request, _listed(pk, str(kind)))
    found = figures.now(pk)
    context = {
        "department": department,
        "found": found,
        "shares": [(title, getattr(found, name)) for name, title in MEASURES.items()] if found else [],
        "trend": _trend(pk),
        "lists": LISTS.items(),
        "list": kind,
        "page": page,
        "rows": [(row, (today - row.due_on).days if row.due_on else None) for row in page.object_list],
        "may_edit": actor.standing.holds(department.pk, Duty.CATALOGUER),
    }
    return render(request, "catalog/health/department.html", context)


def _trend(pk: UUID) -> list[HealthSnapshot]:
    """The newest days, the oldest of them first."""
    return list(HealthSnapshot.objects.filter(department=pk).order_by("-day")[:TREND_DAYS])[::-1]


@login_required
def department_chart(request: HttpRequest, pk: UUID) -> JsonResponse:
    """The trend as the chart script draws it, in percent."""
    require_duty(request)
    rows = _trend(pk)
    series = [
        {"name": str(MEASURES[name]), "data": [_percent(getattr(row, name)) for row in rows]}
        for name in ("score", *figures.WEIGHTS)
    ]
    return JsonResponse({"kind": "line", "categories": [row.day.isoformat() for row in rows], "series": series})


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


@login_required
def department_export(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The late or the least complete records of a department."""
    require_duty(request)
    kind = request.GET.get("list", "late")
    today = timezone.localdate()
    head = [_("resource code"), _("title"), _("update cycle"), _("renewed"), _("due"), _("days late"), _("complete")]

    def lines() -> Iterator[list[Any]]:
        for row in _listed(pk, kind).iterator(chunk_size=500):
            late = max(0, (today - row.due_on).days) if row.due_on else ""
            said = [row.dataset.code, row.dataset.title, row.dataset.get_update_cycle_display()]
            yield [*said, row.renewed_on, row.due_on, late, f"{row.completeness}%"]

    return exported(request.GET.get("format", ""), "records", _("Catalogue health"), head, lines())


def department_figures(department: Department) -> list[Figure]:
    """Late records and the score, on a department's page."""
    found = figures.now(department.pk)
    if found is None:
        return []
    url = reverse("catalog:health-department", args=[department.pk])
    late = Figure(gettext_lazy("Late records"), found.late, url, "bad" if found.late else "")
    return [late, Figure(gettext_lazy("Catalogue health"), "—" if found.score is None else f"{found.score:.0%}", url)]
