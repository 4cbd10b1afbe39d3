"""From which address a request comes, for limits and lockouts."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The caller's address: what our own proxy says when there is one, and otherwise the connection's.

    Only the last entry of ``X-Forwarded-For`` was written by the proxy; the others are whatever the caller sent.
    """
    if settings.BEHIND_PROXY:
        told = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if told:
            return str(told)
    return str(request.META.get("REMOTE_ADDR", ""))
