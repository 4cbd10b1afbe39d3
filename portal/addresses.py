"""From which address a request comes, with our own proxies taken into account."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str | None:
    """The client's address: the connection's, or behind ``TRUSTED_PROXIES`` proxies what the outermost of them saw.

    Entries further to the left in X-Forwarded-For are the client's own words and are never believed.
    """
    direct = request.META.get("REMOTE_ADDR") or None
    count = settings.TRUSTED_PROXIES
    if count:
        seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        if len(seen) >= count and (address := _valid(seen[-count])):
            return address
    return _valid(direct) if direct else None


def _valid(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
