"""Errors become answers here, and only here: problem documents (RFC 9457) for the API, a page for people."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from portal.errors import InvalidInput, PortalError

CONTENT_TYPE = "application/problem+json"


def problem(code: str, status: int, detail: str, **more: Any) -> dict[str, Any]:
    """The body of a problem document; ``code`` is stable, ``detail`` is for people."""
    title = HTTPStatus(status).phrase
    return {
        "type": f"urn:shuqiao:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
    } | more


def of_portal_error(error: PortalError) -> dict[str, Any]:
    """The problem document of a refusal, with the fields that are wrong and the error's own details."""
    more = dict(error.details)
    if isinstance(error, InvalidInput) and error.fields:
        more["errors"] = {name: [str(message) for message in messages] for name, messages in error.fields.items()}
    return problem(error.code, int(error.status), str(error), **more)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's hook: every error it or a domain function raises, as a problem document."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    headers = {}
    if isinstance(error, PortalError):
        body = of_portal_error(error)
        if error.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, exceptions.ValidationError):
        body = problem("invalid", error.status_code, _("Some entries need to be corrected."), errors=error.detail)
    elif isinstance(error, exceptions.APIException):
        body = problem(str(error.default_code), error.status_code, str(error.detail))
        for name in ("auth_header", "wait"):
            if value := getattr(error, name, None):
                headers["WWW-Authenticate" if name == "auth_header" else "Retry-After"] = str(value)
    else:
        return None
    set_rollback()
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


class PortalErrorMiddleware:
    """A refusal that no view caught becomes a page that says why, with the right status and a way back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, PortalError):
            return None
        if request.path.startswith("/api/"):
            body = of_portal_error(error)
            return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)
        fields = error.fields if isinstance(error, InvalidInput) else {}
        context = {"error": error, "fields": fields, "back": request.headers.get("Referer", "")}
        return render(request, "portal/refused.html", context, status=int(error.status))
