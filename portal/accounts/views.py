"""One's own account, and people as the security administrator sees them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import DetailView, ListView, TemplateView

from portal import access
from portal.access import Permission
from portal.accounts import people
from portal.accounts.models import AdminRole, User
from portal.departments import duties
from portal.departments.fields import DepartmentField
from portal.departments.models import Duty, Membership
from portal.views import CappedPaginator, WorkplaceMixin, actor_of


def _current_duties() -> Prefetch[str, QuerySet[Membership], str]:
    rows = Membership.objects.current().select_related("department__region").order_by("department_id", "duty")
    return Prefetch("memberships", queryset=rows, to_attr="current_duties")


class ProfileView(WorkplaceMixin, TemplateView):
    """My account: name, duties, password."""

    template_name = "portal/profile.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = Membership.objects.current().filter(user=self.actor.user).select_related("department")
        return super().get_context_data(memberships=rows, **kwargs)


class PersonListView(WorkplaceMixin, ListView[User]):
    """All accounts, by name."""

    permission = Permission.PEOPLE_VIEW
    template_name = "portal/person_list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[User]:
        text = self.request.GET.get("q", "").replace("\x00", "").strip()
        found = Q(name__icontains=text) | Q(username__icontains=text)
        return User.objects.filter(found).order_by("username").prefetch_related(_current_duties())


class DutyForm(forms.Form):
    """A duty in a department, named by its credit code or its whole name."""

    department = DepartmentField()
    duty = forms.ChoiceField(label=gettext_lazy("Duty"), choices=Duty.choices)
    valid_until = forms.DateField(
        label=gettext_lazy("Until"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )


class PersonDetailView(WorkplaceMixin, DetailView[User]):
    """One person's duties, with what the security administrator may do."""

    permission = Permission.PEOPLE_VIEW
    template_name = "portal/person_detail.html"
    context_object_name = "person"
    queryset = User.objects.prefetch_related(_current_duties())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", DutyForm())
        kwargs["admin_roles"] = AdminRole.choices
        return super().get_context_data(**kwargs)

    def get_queryset(self) -> QuerySet[User]:
        return User.objects.prefetch_related(_current_duties())


@login_required
@require_POST
def assign_duty(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a person a duty."""
    access.require(actor_of(request), Permission.PEOPLE_MANAGE)
    person = get_object_or_404(User, pk=pk)
    form = DutyForm(request.POST)
    if not form.is_valid():
        view = PersonDetailView()
        view.setup(request, pk=pk)
        view.object = person
        return view.render_to_response(view.get_context_data(form=form), status=422)
    duties.assign(user=person, actor=actor_of(request), **form.cleaned_data)
    messages.success(request, _("The duty was given."))
    return redirect("accounts:person-detail", pk=pk)


@login_required
@require_POST
def end_duty(request: HttpRequest, pk: int) -> HttpResponse:
    """End a duty."""
    membership = get_object_or_404(Membership, pk=pk)
    duties.end(membership=membership, actor=actor_of(request))
    messages.success(request, _("The duty has ended."))
    return redirect("accounts:person-detail", pk=membership.user_id)


@login_required
@require_POST
def set_active(request: HttpRequest, pk: int) -> HttpResponse:
    """Disable or enable an account."""
    person = get_object_or_404(User, pk=pk)
    people.set_active(user=person, actor=actor_of(request), is_active=request.POST.get("active") == "1")
    return redirect("accounts:person-detail", pk=pk)
