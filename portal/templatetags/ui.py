"""How values are shown: one filter for each kind, and the tags that build links of lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from portal.calendars.working_days import WorkingDays, calendar_around
from portal.lists import listed

register = template.Library()


@register.filter
def day(value: dt.date | dt.datetime | None) -> str:
    """A date in ISO form, in the portal's time zone."""
    if value is None:
        return "—"
    return (timezone.localtime(value).date() if isinstance(value, dt.datetime) else value).isoformat()


@register.filter
def moment(value: dt.datetime | None) -> str:
    """A date with minutes, in the portal's time zone."""
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M") if value else "—"


@register.filter(name="listed")
def listed_filter(values: Iterable[Any]) -> str:
    """Several names in one line, separated as the reader's language does."""
    return listed(values)


@register.filter
def noted(note: str) -> str:
    """A note that follows what it is about, with the colon of the reader's language; nothing for no note."""
    return pgettext("before a note", ": ") + note if note else ""


@register.filter
def number(value: float | None) -> str:
    """A number with thousands separated."""
    return "—" if value is None else f"{value:,}"


@register.filter
def percent(share: float | None) -> str:
    """A share from 0 to 1 as whole percent; one that is nearly all or nearly nothing never reads as all or nothing."""
    if share is None:
        return "—"
    if 0 < share < 0.01 or 0.99 < share < 1:
        return f"{min(max(share, 0.001), 0.999):.1%}"
    return f"{share:.0%}"


@register.filter
def size(value: float | None) -> str:
    """Bytes in the unit that reads best."""
    if value is None:
        return "—"
    amount = float(value)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return ""


@register.filter
def cell(value: Any) -> str | SafeString:
    """A cell of a table: a dash for nothing, yes or no, dates in ISO form, numbers without noise."""
    if value is None:
        return mark_safe('<span class="null">—</span>')
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}…"


@register.filter
def is_number(value: Any) -> bool:
    """Whether a cell is aligned as a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _page_calendar(context: template.Context, today: dt.date) -> WorkingDays:
    """The calendar around today, read once a page."""
    request = context.get("request")
    calendar: WorkingDays = getattr(request, "_calendar", None) or calendar_around(today)
    if request is not None:
        request._calendar = calendar
    return calendar


@register.simple_tag(takes_context=True)
def deadline(context: template.Context, due_at: dt.datetime | None, is_provisional: bool = False) -> str:
    """The time left to a deadline in working days, in colour and words; the calendar is read once a page."""
    if due_at is None:
        return "—"
    today = timezone.localdate()
    calendar = _page_calendar(context, today)
    left = calendar.between(today, timezone.localdate(due_at))
    is_late = due_at < timezone.now()
    if is_late:
        days = max(1, -left)
        words = ngettext("%(days)s working day late", "%(days)s working days late", days) % {"days": days}
    elif left == 0:
        words = _("due today")
    else:
        words = ngettext("%(days)s working day left", "%(days)s working days left", left) % {"days": left}
    tone = "late" if is_late else "soon" if left <= 1 else "fine"
    date = f"{day(due_at)} · {_('provisional')}" if is_provisional else day(due_at)
    return format_html('<span class="deadline is-{}"><b>{}</b><small>{}</small></span>', tone, words, date)


_TONES = {
    "published": "good",
    "approved": "good",
    "approve": "good",
    "refuse": "bad",
    "return": "warn",
    "completed": "good",
    "active": "good",
    "done": "good",
    "open": "info",
    "unconditional": "good",
    "conditional": "warn",
    "not_shared": "bad",
    "not_open": "",
    "in_review": "info",
    "department_review": "info",
    "authority_review": "info",
    "running": "info",
    "queued": "info",
    "returned": "warn",
    "paused": "warn",
    "suspended": "warn",
    "refused": "bad",
    "revoked": "bad",
    "failed": "bad",
    "personal": "warn",
    "sensitive": "bad",
    "submitted": "info",
    "assigned": "info",
    "accepted": "info",
    "catalogued": "good",
    "fulfilled": "good",
    "declined": "bad",
    "rejected": "warn",
    "filed": "info",
    "answered": "good",
    "objected": "warn",
    "pending": "info",
    "granted": "good",
    "confirmed": "good",
    "missed": "bad",
    "offered": "warn",
    "asked": "warn",
    "given": "good",
    "denied": "bad",
}


@register.simple_tag
def status(code: str, label: Any) -> SafeString:
    """A state as a badge: its words, with a tone that repeats them in colour."""
    tone = _TONES.get(str(code), "")
    return format_html('<span class="badge{}">{}</span>', f" is-{tone}" if tone else "", label)


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The page's query string with ``changes``; an empty value takes a parameter out, and paging starts anew."""
    params = context["request"].GET.copy()
    if "page" not in changes:
        params.pop("page", None)
    for name, value in changes.items():
        if value in (None, ""):
            params.pop(name, None)
        else:
            params[name] = str(value)
    return f"?{params.urlencode()}"


@register.simple_tag(takes_context=True)
def sort_link(context: template.Context, name: str, title: Any) -> SafeString:
    """A column head that sorts by ``name``, and the other way round when it does already."""
    current = context["request"].GET.get("sort", "")
    target = f"-{name}" if current == name else name
    arrow = {name: " ↑", f"-{name}": " ↓"}.get(current, "")
    return format_html('<a href="{}">{}{}</a>', query(context, sort=target), title, arrow)


@register.filter
def get(mapping: dict[Any, Any], key: Any) -> Any:
    """A value of a mapping by a key that the template holds."""
    return mapping.get(key)


@register.simple_tag
def decider(entry: Any) -> str:
    """Who decided, with the person for whom a deputy did."""
    if entry.decided_for is None:
        return str(entry.decided_by)
    return _("%(who)s on behalf of %(other)s") % {"who": entry.decided_by, "other": entry.decided_for}
