"""What every page of the workplace shows in its head: navigation, badges, unread notices.

Rooms above register what they add; nothing is queried on pages that do not show the bar.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject

from portal.access import Actor
from portal.counting import WAITING_LIMIT, count_all
from portal.views import actor_of

Visible = Callable[[Actor], bool]
Badge = Callable[[Actor], Sequence[QuerySet[Any]]]
"""What waits for somebody behind a link; all of them are counted in one query a page."""


@dataclass(frozen=True)
class Entry:
    """A link of the main navigation: who sees it, and what the number beside it counts."""

    order: int
    title: str | Promise
    url_name: str
    visible: Visible
    badge: Badge | None = None
    covers: str | tuple[str, ...] = ""
    """The beginning of further addresses that belong to it, when they do not begin with its own."""
    group: str | Promise = ""
    """The title of the menu in which it stands where somebody has more links than fit in a line."""


@dataclass(frozen=True)
class NavItem:
    """An entry as a template shows it; a menu (``items``) holds those of one group, and sums up their numbers."""

    title: str | Promise
    url: str
    is_current: bool
    badge: int
    group: str | Promise = ""
    items: tuple[NavItem, ...] = ()

    @property
    def count(self) -> str:
        """The number beside the link, or nothing."""
        return shown_count(self.badge)


def shown_count(number: int) -> str:
    """A number that was counted as far as ``WAITING_LIMIT``; nothing for none."""
    return f"{WAITING_LIMIT - 1}+" if number >= WAITING_LIMIT else str(number or "")


LINE = 9
"""Links that fit in a line; beyond it, groups become menus."""


def _in_menus(nav: list[NavItem]) -> list[NavItem]:
    """The links of each group as one menu, in the place of its first, where there are more than fit in a line."""
    if len(nav) <= LINE:
        return nav
    found: list[NavItem] = []
    done: set[str] = set()
    for item in nav:
        members = tuple(each for each in nav if item.group and str(each.group) == str(item.group))
        if len(members) < 2:
            found.append(item)
        elif str(item.group) not in done:
            done.add(str(item.group))
            current = any(each.is_current for each in members)
            badge = sum(each.badge for each in members)
            found.append(NavItem(item.group, members[0].url, current, badge, items=members))
    return found


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
    unread: str
    department_name: str


def _build(request: HttpRequest) -> Workplace:
    actor = actor_of(request)
    shown = [entry for entry in _entries if entry.visible(actor)]
    counts = _counts(actor, shown)
    nav = []
    for entry, count in zip(shown, counts[1:], strict=True):
        url = _address(entry.url_name)
        covers = (entry.covers,) if isinstance(entry.covers, str) else entry.covers
        beginnings = (url, *filter(None, covers))
        current = request.path == url if url == "/" else request.path.startswith(beginnings)
        nav.append(NavItem(entry.title, url, current, count, entry.group))
    longest = max((len(item.url) for item in nav if item.is_current), default=0)
    nav = _in_menus([replace(n, is_current=n.is_current and len(n.url) == longest) for n in nav])
    return Workplace(actor, nav, shown_count(counts[0]), _department_name(actor))


@cache
def _address(url_name: str) -> str:
    return reverse(url_name)


def _counts(actor: Actor, shown: Sequence[Entry]) -> list[int]:
    """The unread notices, and what waits behind each entry."""
    lists: list[list[QuerySet[Any]]] = [[actor.user.notices.unread()] if actor.user else []]
    lists += [list(entry.badge(actor)) if entry.badge else [] for entry in shown]
    counted = iter(count_all([rows for each in lists for rows in each]))
    return [sum(next(counted) for _rows in each) for each in lists]


def _department_name(actor: Actor) -> str:
    if actor.user is None:
        return ""
    if actor.standing.admin_role:
        return str(actor.user.get_admin_role_display())
    return actor.standing.office


def workplace(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``workplace``, lazily."""
    return {"workplace": SimpleLazyObject(lambda: _build(request))}
