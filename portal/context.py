"""What every page of the workplace shows in its head: navigation, badges, unread notices.

Rooms above register what they add; nothing is queried on pages that do not show the bar.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject

from portal.access import Actor
from portal.views import actor_of

Visible = Callable[[Actor], bool]
Badge = Callable[[Actor], int]


@dataclass(frozen=True)
class Entry:
    """A link of the main navigation: who sees it, and the number beside it."""

    order: int
    title: str | Promise
    url_name: str
    visible: Visible
    badge: Badge | None = None
    covers: str | tuple[str, ...] = ""
    """The beginning of further addresses that belong to it, when they do not begin with its own."""


@dataclass(frozen=True)
class NavItem:
    """An entry as a template shows it."""

    title: str | Promise
    url: str
    is_current: bool
    badge: int


_entries: list[Entry] = []


def register_nav(*entries: Entry) -> None:
    """Add links to the main navigation; an app does so when it is ready."""
    _entries.extend(entries)
    _entries.sort(key=lambda entry: entry.order)


@dataclass
class Workplace:
    """The head of a signed-in person's page, built when a template asks for it."""

    actor: Actor
    nav: list[NavItem]
    unread: int
    department_name: str


def _build(request: HttpRequest) -> Workplace:
    actor = actor_of(request)
    nav = []
    for entry in _entries:
        if entry.visible(actor):
            url = reverse(entry.url_name)
            covers = (entry.covers,) if isinstance(entry.covers, str) else entry.covers
            beginnings = (url, *filter(None, covers))
            current = request.path == url if url == "/" else request.path.startswith(beginnings)
            nav.append(NavItem(entry.title, url, current, entry.badge(actor) if entry.badge else 0))
    longest = max((len(item.url) for item in nav if item.is_current), default=0)
    nav = [NavItem(n.title, n.url, n.is_current and len(n.url) == longest, n.badge) for n in nav]
    unread = actor.user.notices.unread().count() if actor.user else 0
    return Workplace(actor, nav, unread, _department_name(actor))


def _department_name(actor: Actor) -> str:
    if actor.user is None:
        return ""
    if actor.standing.admin_role:
        return str(actor.user.get_admin_role_display())
    membership = actor.user.memberships.current().select_related("department").order_by("valid_from", "id").first()
    return membership.department.name if membership else ""


def workplace(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``workplace``, lazily."""
    return {"workplace": SimpleLazyObject(lambda: _build(request))}
