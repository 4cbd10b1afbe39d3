"""Who stands in for whom: one's own deputies, those for whom one stands in, and the department's for its clerk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView

from portal.access import Actor
from portal.accounts.models import User
from portal.departments.models import Duty, Membership
from portal.deputies import delegations
from portal.deputies.forms import DelegationForm
from portal.deputies.models import Delegation
from portal.errors import InvalidInput, NotPermitted
from portal.views import WorkplaceMixin, actor_of

SHOWN = 100


def _of(**conditions: Any) -> QuerySet[Delegation]:
    rows = Delegation.objects.filter(**conditions).select_related("principal", "deputy", "department", "ended_by")
    return rows.order_by("-valid_until", "-id")


def _clerk_people(actor: Actor) -> QuerySet[User]:
    """The people for whom ``actor`` may name a deputy as their department's clerk."""
    departments = actor.standing.departments_with(Duty.CLERK)
    members = Membership.objects.current().filter(department__in=departments).exclude(duty=Duty.CLERK)
    return (
        User.objects.filter(pk__in=members.values("user")).exclude(pk__in=actor.people_ids).order_by("name", "username")
    )


class DelegationListView(WorkplaceMixin, TemplateView):
    """Deputies, mine and my department's."""

    template_name = "portal/deputy_list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user, departments = self.actor.user, self.actor.standing.departments_with(Duty.CLERK)
        others: QuerySet[Delegation] = Delegation.objects.none()
        if departments:
            current = Q(valid_until__gte=timezone.localdate())
            others = _of(department__in=departments, ended_at=None).filter(current).exclude(principal=user)
        return super().get_context_data(
            given=_of(principal=user)[:SHOWN],
            held=_of(deputy=user)[:SHOWN],
            others=others[:SHOWN],
            people=_clerk_people(self.actor)[:500] if departments else [],
            may_name=user is not None and delegations.delegable(user).exists(),
            **kwargs,
        )


def _principal(request: HttpRequest) -> User:
    """Whose deputy is named: one's own, or with ``for`` a person of the clerk's department."""
    actor = actor_of(request)
    assert actor.user is not None
    wanted = request.POST.get("for") or request.GET.get("for") or ""
    if not wanted or wanted == str(actor.user.pk):
        return actor.user
    if not wanted.isdecimal() or len(wanted) > 18:
        raise NotPermitted
    return get_object_or_404(_clerk_people(actor), pk=int(wanted))


@login_required
def delegation_create(request: HttpRequest) -> HttpResponse:
    """Name a deputy; what was typed is kept when it cannot be done."""
    principal = _principal(request)
    form = DelegationForm(
        request.POST or None, principal=principal, initial={"valid_from": timezone.localdate().isoformat()}
    )
    if not form.departments:
        raise NotPermitted(_("Only somebody who holds a duty can have a deputy."))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = dict(form.cleaned_data)
            department, duties = data.pop("duties")
            try:
                delegations.name_deputy(
                    principal=principal, department=department, duties=duties, actor=actor_of(request), **data
                )
            except InvalidInput as error:
                for name, found in error.fields.items():
                    form.add_error(name, found)
            else:
                messages.success(request, _("The deputy is named, and was told."))
                return redirect("deputies:deputy-list")
    context = {"form": form, "principal": principal, "is_other": principal != request.user}
    return render(request, "portal/deputy_form.html", context, status=status)


@login_required
@require_POST
def delegation_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End a delegation before its time."""
    actor = actor_of(request)
    clerk = Q(department__in=actor.standing.departments_with(Duty.CLERK))
    visible = Delegation.objects.filter(Q(principal=actor.user) | Q(deputy=actor.user) | clerk)
    delegations.end_delegation(delegation=get_object_or_404(visible, pk=pk), actor=actor)
    messages.success(request, _("The delegation has ended."))
    return redirect("deputies:deputy-list")
