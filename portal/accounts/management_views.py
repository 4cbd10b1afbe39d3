"""What the security administrator does with accounts: new people, passwords, lockouts, lost second factors."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.generic import FormView, TemplateView

from portal import access
from portal.access import Permission
from portal.accounts import factors, lockouts, people
from portal.accounts.forms import FactorResetForm, PersonForm
from portal.accounts.models import SecondFactorReset, User
from portal.views import WorkplaceMixin, actor_of


def _once(request: HttpRequest, person: User, password: str) -> HttpResponse:
    """The page that shows a password for one use; it is kept nowhere and cached by nobody."""
    response = render(request, "portal/password_once.html", {"person": person, "password": password})
    response.headers["Cache-Control"] = "no-store"
    return response


class PersonCreateView(WorkplaceMixin, FormView[PersonForm]):
    """A new person."""

    permission = Permission.PEOPLE_MANAGE
    template_name = "portal/person_form.html"
    form_class = PersonForm

    def form_valid(self, form: PersonForm) -> HttpResponse:
        made = people.create(actor=self.actor, **form.cleaned_data)
        return _once(self.request, made.user, made.password)


@login_required
def reset_password(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what will happen, then give a password for one use."""
    actor = access.require(actor_of(request), Permission.PEOPLE_MANAGE)
    person = get_object_or_404(User, pk=pk)
    if request.method != "POST":
        return render(request, "portal/password_reset.html", {"person": person})
    return _once(request, person, people.reset_password(user=person, actor=actor))


@login_required
@require_POST
def set_admin_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Make somebody administrator, or no longer."""
    person = get_object_or_404(User, pk=pk)
    people.set_admin_role(user=person, actor=actor_of(request), admin_role=request.POST.get("admin_role", ""))
    return redirect("accounts:person-detail", pk=pk)


@login_required
def ask_factor_reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the reset of a lost second factor."""
    actor = access.require(actor_of(request), Permission.PEOPLE_MANAGE)
    person = get_object_or_404(User, pk=pk)
    form = FactorResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        factors.ask_reset(user=person, actor=actor, reason=form.cleaned_data["reason"])
        messages.success(request, _("Asked. Another person must confirm within 24 hours."))
        return redirect("accounts:factor-reset-list")
    status = 422 if request.method == "POST" else 200
    return render(request, "portal/factor_reset_ask.html", {"person": person, "form": form}, status=status)


class FactorResetListView(WorkplaceMixin, TemplateView):
    """Resets that wait for a second person."""

    permission = Permission.FACTOR_RESET_CONFIRM
    template_name = "portal/factor_reset_list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(resets=factors.waiting_for(self.actor), **kwargs)


@login_required
@require_POST
def confirm_factor_reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm as the second person."""
    reset = get_object_or_404(SecondFactorReset, pk=pk)
    factors.confirm_reset(reset=reset, actor=actor_of(request))
    messages.success(request, _("The second factor was removed."))
    return redirect("accounts:factor-reset-list")


@login_required
@require_POST
def cancel_factor_reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a reset back."""
    reset = get_object_or_404(SecondFactorReset, pk=pk)
    factors.cancel_reset(reset=reset, actor=actor_of(request))
    messages.success(request, _("The reset was taken back."))
    return redirect("accounts:factor-reset-list")


class LockoutListView(WorkplaceMixin, TemplateView):
    """Names locked out after failed sign-ins."""

    permission = Permission.PEOPLE_MANAGE
    template_name = "portal/lockout_list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(lockouts=lockouts.current(), **kwargs)


@login_required
@require_POST
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    """Lift the lockout of a person."""
    lockouts.lift(user=get_object_or_404(User, pk=pk), actor=actor_of(request))
    messages.success(request, _("The person can sign in again."))
    return redirect("accounts:lockout-list")
