"""What holds on every page of somebody signed in: the limits of sessions, password and second factor in order."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.accounts import devices, factors, passwords, sessions
from portal.problems import CONTENT_TYPE, problem
from portal.views import actor_of

_ALWAYS = frozenset(
    {"accounts:sign-out", "account_logout", "accounts:sign-in", "account_login", "set_language", "healthz", "readyz"}
)
_FOR_PASSWORD = _ALWAYS | {"accounts:password"}
_FOR_FACTOR = _FOR_PASSWORD | {
    "account_reauthenticate",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
}


class SignInMiddleware:
    """Ends sessions that are too old, and lets nobody past a password to change or a second factor to set up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            if sessions.is_over(request.session):
                logout(request)
                messages.info(request, _ended())
            else:
                sessions.track(request)
        else:
            sessions.keep(request.session)
        response = self.get_response(request)
        devices.remember(request, response)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Send people on who have something to put in order first; the API says so with a code."""
        user = request.user
        if not user.is_authenticated or request.resolver_match is None:
            return None
        name = request.resolver_match.view_name
        if user.must_change_password or passwords.is_too_old(user):
            if name in _FOR_PASSWORD:
                return None
            return _first(request, "password_change_required", "accounts:password", _("Choose a new password first."))
        if name not in _FOR_FACTOR and _lacks_factor(request):
            sentence = _("Your duties need a second factor. Set one up first.")
            return _first(request, "second_factor_required", "mfa_index", sentence)
        return None


def _ended() -> str:
    hours = max(1, round(settings.SESSION_MAX_SECONDS / 3600))
    words = ngettext("%(count)d hour after the sign-in", "%(count)d hours after the sign-in", hours) % {"count": hours}
    return _("Your session has ended, as every session does %(time)s. Sign in again.") % {"time": words}


def _lacks_factor(request: HttpRequest) -> bool:
    if not settings.SECOND_FACTOR_DUTIES or request.session.get(sessions.FACTOR):
        return False
    if not factors.is_required(actor_of(request)):
        return False
    assert request.user.is_authenticated
    if factors.has_one(request.user):
        request.session[sessions.FACTOR] = True
        return False
    return True


def _first(request: HttpRequest, code: str, url_name: str, sentence: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        body = problem(code, HTTPStatus.FORBIDDEN, sentence)
        return JsonResponse(body, status=HTTPStatus.FORBIDDEN, content_type=CONTENT_TYPE)
    return redirect(url_name)
