"""Departments: the list by level and region, and one with its people."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.generic import DetailView, ListView, TemplateView

from portal.access import Permission, can
from portal.departments import queries
from portal.departments.figures import figures_of
from portal.departments.models import Department, DepartmentKind, Level, Membership
from portal.deputies.models import Delegation
from portal.exports import csv_response
from portal.views import COUNT_LIMIT, CappedPaginator, WorkplaceMixin

SORTS = {
    "": ("region__level", "region_id", "name"),
    "name": ("name", "pk"),
    "code": ("credit_code",),
}


class DepartmentListView(WorkplaceMixin, ListView[Department]):
    """Active departments by level, region and name."""

    template_name = "portal/department_list.html"
    paginate_by = 30
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Department]:
        params = self.request.GET
        rows = Department.objects.select_related("region__parent")
        if text := params.get("q", "").replace("\x00", "").strip():
            rows = rows.filter(queries.found_by(text))
        else:
            rows = rows.active()
        if params.get("level", "").isdecimal():
            rows = rows.filter(region__level=int(params["level"][:2]))
        if params.get("kind", "") in DepartmentKind.values:
            rows = rows.filter(kind=params["kind"])
        return rows.order_by("-is_active", *SORTS.get(params.get("sort", ""), SORTS[""]))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        may_manage = can(self.actor, Permission.DEPARTMENT_MANAGE)
        return super().get_context_data(
            levels=Level.choices, kinds=DepartmentKind.choices, may_manage=may_manage, **kwargs
        )


class DepartmentExportView(DepartmentListView):
    """The list with its filters as CSV."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        head = [_("Department"), _("Region"), _("Level"), _("Kind"), _("Credit code"), _("Superior")]
        rows = self.get_queryset().select_related("region", "parent")[:COUNT_LIMIT]
        lines = (
            [r.name, r.region.name, r.region.get_level_display(), r.get_kind_display(), r.credit_code, r.parent or ""]
            for r in rows
        )
        return csv_response(chain([head], lines), "departments")


class RegionTreeView(WorkplaceMixin, TemplateView):
    """Departments by level (块): a region, the regions below it, and its departments."""

    template_name = "portal/department_regions.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**queries.region_node(self.request.GET.get("at", "")), **kwargs)


class LineTreeView(WorkplaceMixin, TemplateView):
    """Departments by line (条): a department, those above it, and its branches."""

    template_name = "portal/department_lines.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        node = queries.line_node(self.request.GET.get("at", ""), self.request.GET.get("page", ""))
        return super().get_context_data(**node, **kwargs)


class DepartmentDetailView(WorkplaceMixin, DetailView[Department]):
    """One department: superior, branches, authority, and who holds which duty."""

    template_name = "portal/department_detail.html"
    queryset = Department.objects.select_related("region__parent", "parent")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        department = self.object
        people = Membership.objects.current().filter(department=department).select_related("user")
        return super().get_context_data(
            people=people.order_by("duty", "user__name"),
            deputies=Delegation.objects.in_force().filter(department=department).select_related("principal", "deputy"),
            authority=Department.objects.authority_for(department.region),
            may_set_webhook=can(self.actor, Permission.WEBHOOK_MANAGE, department),
            branches=department.branches.active().select_related("region")[:50],
            changes=queries.history(department),
            successors=queries.successors(department),
            former_names=queries.former_names(department),
            figures=figures_of(department),
            may_manage=can(self.actor, Permission.DEPARTMENT_MANAGE, department),
            may_see_people=can(self.actor, Permission.DEPARTMENT_PEOPLE, department),
            **kwargs,
        )
