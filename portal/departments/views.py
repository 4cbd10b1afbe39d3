"""Departments: the list by level and region, and one with its people."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.views.generic import DetailView, ListView

from portal.access import Permission, can
from portal.departments.models import Department, Level, Membership
from portal.views import CappedPaginator, WorkplaceMixin


class DepartmentListView(WorkplaceMixin, ListView[Department]):
    """Active departments by level, region and name."""

    template_name = "portal/department_list.html"
    paginate_by = 30
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Department]:
        params = self.request.GET
        rows = Department.objects.active().select_related("region__parent")
        if text := params.get("q", "").replace("\x00", "").strip():
            rows = rows.filter(Q(name__icontains=text) | Q(region__name__icontains=text) | Q(credit_code=text))
        if params.get("level", "").isdecimal():
            rows = rows.filter(region__level=int(params["level"][:2]))
        return rows.order_by("region__level", "region_id", "name")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(levels=Level.choices, **kwargs)


class DepartmentDetailView(WorkplaceMixin, DetailView[Department]):
    """One department: superior, branches, authority, and who holds which duty."""

    template_name = "portal/department_detail.html"
    queryset = Department.objects.select_related("region__parent", "parent")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        department = self.object
        people = Membership.objects.current().filter(department=department).select_related("user")
        return super().get_context_data(
            people=people.order_by("duty", "user__name"),
            authority=Department.objects.authority_for(department.region),
            may_set_webhook=can(self.actor, Permission.WEBHOOK_MANAGE, department),
            branches=department.branches.active().select_related("region")[:50],
            **kwargs,
        )
