"""Errors become answers here, and only here: problem documents (RFC 9457) for the API, a page for people."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import defaults
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
        if is_api(request):
            return _document(of_portal_error(error))
        fields = error.fields if isinstance(error, InvalidInput) else {}
        return _refused(request, error, int(error.status), fields=fields)


def is_api(request: HttpRequest) -> bool:
    """Whether programs call, which read problem documents."""
    return request.path.startswith("/api/")


def _document(body: dict[str, Any]) -> JsonResponse:
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def _refused(request: HttpRequest, error: object, status: int, *, back: str = "", fields: Any = None) -> HttpResponse:
    referrer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referrer, allowed_hosts={request.get_host()}):
        back = back or referrer
    return render(request, "portal/refused.html", {"error": error, "fields": fields, "back": back}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 as a problem document or a page."""
    if is_api(request):
        return _document(problem("bad_request", 400, _("This request cannot be understood")))
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 as a problem document or a page."""
    if is_api(request):
        return _document(problem("not_found", 404, _("There is nothing here")))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 as a problem document or a page."""
    if is_api(request):
        return _document(problem("internal", 500, _("Something went wrong on our side")))
    return defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token does not fit any more: mostly a page that stood open while its reader signed out and in."""
    message = _("The page on which you sent this stood open too long. Nothing was changed: go back, reload, try again.")
    if is_api(request):
        return _document(problem("csrf", 403, message))
    return _refused(request, message, 403)


class FormAddressMiddleware:
    """Says what to do where an address that only takes a form is opened as a page.

    It happens to people whose session ended while they were reading: after signing in they are led to the address of
    the button that they pressed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or request.method != "GET" or is_api(request):
            return response
        message = _(
            "This was not done, because your session had ended. Go back to the page and press the button again."
        )
        page = _refused(request, message, 405, back=_page_above(request.path))
        page["Allow"] = response.get("Allow", "POST")
        return page


def _page_above(path: str) -> str:
    """The nearest address above ``path`` that is one of the portal's."""
    while path.count("/") > 1:
        path = path.rstrip("/").rpartition("/")[0] + "/"
        with suppress(Resolver404):
            resolve(path)
            return path
    return "/"
