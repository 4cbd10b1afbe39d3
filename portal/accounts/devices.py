"""Browsers that somebody signed in from before, and what a browser calls itself in words."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import KnownDevice

if TYPE_CHECKING:
    from portal.accounts.models import User

COOKIE = "device"
_YEAR = 365 * 24 * 3600
_BROWSERS = (
    ("MicroMessenger/", "WeChat"),
    ("DingTalk", "DingTalk"),
    ("Edg", "Edge"),
    ("QQBrowser/", "QQ Browser"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("OpenHarmony", "HarmonyOS"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("UOS", "UOS"),
    ("Kylin", "Kylin"),
    ("Linux", "Linux"),
)


def words_of(user_agent: str) -> str:
    """Browser and system in words, "Chrome · Windows"; what cannot be told is called unknown."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return " · ".join(filter(None, (browser, system))) or _("Unknown device")


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def is_new(user: User, request: HttpRequest) -> bool:
    """Note the browser of a sign-in; whether it is another than those the person used before.

    The first of all is not new. A browser without a key gets one with the answer (``remember``).
    """
    key = request.COOKIES.get(COOKIE, "")
    if not 20 <= len(key) <= 60:
        key = secrets.token_urlsafe(24)
        request.new_device_key = key  # type: ignore[attr-defined]
    had_some = KnownDevice.objects.filter(user=user).exists()
    device, is_first_time = KnownDevice.objects.get_or_create(user=user, key_hash=_hash(key))
    if not is_first_time:
        KnownDevice.objects.filter(pk=device.pk).update(last_seen_at=timezone.now())
    return had_some and is_first_time


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """Give the browser the key made for it during this request, if one was."""
    if key := getattr(request, "new_device_key", ""):
        response.set_cookie(COOKIE, key, max_age=_YEAR, httponly=True, samesite="Lax", secure=request.is_secure())
