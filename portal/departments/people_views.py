"""The people of one department, for its clerk."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import ListView

from portal.departments import duties
from portal.departments.acts import require_people
from portal.departments.forms import MemberForm
from portal.departments.models import Duty, Membership
from portal.errors import InvalidInput, NotPermitted
from portal.views import CappedPaginator, WorkplaceMixin, actor_of

SOON = dt.timedelta(days=30)
"""A term that ends within this time is marked."""


class PeopleView(WorkplaceMixin, ListView[Membership]):
    """Duties in force or to come, by person; and the form that gives one."""

    template_name = "portal/department_people.html"
    paginate_by = 50
    paginator_class = CappedPaginator

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated:
            self.department = require_people(actor_of(request), kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Membership]:
        today = timezone.localdate()
        rows = Membership.objects.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gte=today), department=self.department
        ).select_related("user", "given_by")
        if text := self.request.GET.get("q", "").replace("\x00", "").strip():
            rows = rows.filter(Q(user__name__icontains=text) | Q(user__username__icontains=text))
        if self.request.GET.get("duty") in Duty.values:
            rows = rows.filter(duty=self.request.GET["duty"])
        if self.request.GET.get("soon") == "1":
            rows = rows.filter(valid_until__lte=today + SOON)
        return rows.order_by("user__name", "user_id", "duty")

    def form(self, data: Any = None) -> MemberForm:
        is_administrator = self.actor.standing.admin_role == "security"
        return MemberForm(data, department=self.department, is_administrator=is_administrator)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", self.form())
        return super().get_context_data(
            department=self.department,
            duties=Duty.choices,
            soon=timezone.localdate() + SOON,
            barred=[] if self.actor.standing.admin_role else list(duties.ONLY_BY_ADMINISTRATOR),
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.form(request.POST)
        if form.is_valid():
            data = form.cleaned_data
            try:
                duties.assign(
                    user=data["username"],
                    department=self.department,
                    duty=data["duty"],
                    actor=self.actor,
                    valid_from=data["valid_from"],
                    valid_until=data["valid_until"],
                )
            except InvalidInput as error:
                form.add_error(next((name for name in error.fields if name in form.fields), None), str(error))
            except NotPermitted:
                form.add_error("username", _("A clerk cannot give this duty, nor any duty to themselves."))
            else:
                messages.success(request, _("The duty was given."))
                return redirect("departments:people", pk=self.department.pk)
        self.object_list = self.get_queryset()
        return self.render_to_response(self.get_context_data(form=form), status=422)


@login_required
def end(request: HttpRequest, pk: UUID, membership: int) -> HttpResponse:
    """End a duty in this department, after asking once."""
    department = require_people(actor_of(request), pk)
    rows = Membership.objects.select_related("user", "department")
    found = get_object_or_404(rows, pk=membership, department=department)
    if request.method != "POST":
        return render(request, "portal/duty_end.html", {"membership": found, "department": department})
    duties.end(membership=found, actor=actor_of(request))
    messages.success(request, _("The duty has ended."))
    return redirect("departments:people", pk=pk)
