"""Which answers may be kept, and where: public ones to be asked about again, all others nowhere."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

PUBLIC = ("/open/", "/api/v1/open/", "/api/schema/", "/api/docs/", "/sitemap.xml", "/robots.txt")
"""Addresses whose answers are the same for everybody who is not signed in."""


class CacheControlMiddleware:
    """Sets ``Cache-Control`` where a view did not: on a shared computer nothing private stays behind a sign-out.

    Public answers carry an ETag (Django's ConditionalGetMiddleware, or the view's own), so that asking again is cheap.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            is_public = request.path.startswith(PUBLIC) and settings.SESSION_COOKIE_NAME not in request.COOKIES
            response["Cache-Control"] = "no-cache" if is_public else "private, no-store"
        return response
