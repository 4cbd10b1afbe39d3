"""Signing in, one's own password and one's own sessions."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LoginView
from allauth.socialaccount.providers.openid_connect import views as oidc
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordChangeView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView

from portal.accounts import passwords, people, sessions
from portal.accounts.devices import words_of
from portal.accounts.forms import PasswordForm
from portal.views import WorkplaceMixin, actor_of


class SignInView(LoginView):
    """Name and password, a passkey, or the identity provider."""

    template_name = "portal/sign_in.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        follow = self.request.POST.get("next") or self.request.GET.get("next", "")
        oidc_name = settings.OIDC_NAME if settings.OIDC_ISSUER else ""
        return super().get_context_data(next=follow, oidc_name=oidc_name, **kwargs)


def inactive(request: HttpRequest) -> HttpResponse:
    """Somebody whose account is disabled."""
    messages.error(request, _("This account is disabled. Ask the security administrator."))
    return redirect("accounts:sign-in")


@require_POST
def identity_login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Go to the identity provider to sign in; attaching identities by hand is not offered."""
    if "process" in request.GET or "process" in request.POST:
        raise Http404
    return oidc.login(request, provider_id)


class PasswordView(WorkplaceMixin, PasswordChangeView):
    """Change one's own password; sent here when it must be changed."""

    template_name = "portal/password.html"
    form_class = PasswordForm
    success_url = reverse_lazy("accounts:profile")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        assert user.is_authenticated
        must = user.must_change_password or passwords.is_too_old(user)
        return super().get_context_data(must=must, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        user = self.request.user
        assert user.is_authenticated
        people.change_own_password(
            user=user,
            password=form.cleaned_data["new_password1"],
            actor=self.actor,
            keep_session=self.request.session.session_key,
        )
        update_session_auth_hash(self.request, user)
        messages.success(self.request, _("Your password was changed. Your other sessions have ended."))
        return redirect(self.get_success_url())


class SessionListView(WorkplaceMixin, TemplateView):
    """Where one is signed in."""

    template_name = "portal/session_list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = UserSession.objects.purge_and_list(self.request.user)
        own.sort(key=lambda row: row.last_seen_at, reverse=True)
        key = self.request.session.session_key
        rows = [(row, words_of(row.user_agent), row.session_key == key) for row in own]
        return super().get_context_data(rows=rows, **kwargs)


@login_required
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """End one session of one's own, or all but this one."""
    assert request.user.is_authenticated
    own = UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key or "")
    chosen = request.POST.get("session", "")
    pks = [int(chosen)] if chosen.isdecimal() and len(chosen) < 18 else []
    if chosen == "others":
        pks = list(own.values_list("pk", flat=True))
    elif not own.filter(pk__in=pks).exists():
        pks = []
    count = sessions.end_own(user=request.user, pks=pks, actor=actor_of(request))
    messages.success(request, _("Sessions ended: %(count)d") % {"count": count})
    return redirect("accounts:session-list")
