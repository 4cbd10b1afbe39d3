"""Changing the official calendar: a day, or the arrangement of a whole year; deadlines are counted again."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.calendars.models import CalendarDay, CalendarYear
from portal.errors import InvalidInput

STREAM = "calendar"
YEARS = range(2000, 2100)
LINE_LIMIT = 366
KINDS = {"休": False, "假": False, "holiday": False, "班": True, "调休上班": True, "workday": True}
_recounts: list[Callable[[Sequence[int]], int]] = []


@dataclass(frozen=True)
class SpecialDay:
    """A day that differs from the weekly rule."""

    day: dt.date
    is_workday: bool
    name: str


def on_change(recount: Callable[[Sequence[int]], int]) -> None:
    """Register what counts deadlines again when the calendar of some years has changed; it returns how many."""
    _recounts.append(recount)


def _one_at_a_time() -> None:
    """Hold everybody else who changes the calendar until this transaction ends: deadlines go by all of its days."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('portal.calendars'))")


def _changed(actor: Actor, years: Sequence[int], **data: object) -> int:
    count = sum(recount(years) for recount in _recounts)
    record.append(stream=STREAM, verb="calendar.changed", actor=actor, data={**data, "recounted": count})
    return count


def read_days(text: str, year: int) -> list[SpecialDay]:
    """The special days of ``year`` from lines of date, 休 or 班, name (commas or tabs).

    Raises:
        InvalidInput: every line that cannot be read, a day of another year or named twice, or a make-up workday that
            is none, because it lies on a weekday.
    """
    wrong: list[str] = []
    found: dict[dt.date, SpecialDay] = {}
    lines = [line for line in text.replace("\t", ",").replace("，", ",").splitlines() if line.strip()]
    for number, row in enumerate(csv.reader(io.StringIO("\n".join(lines[:LINE_LIMIT]))), start=1):
        cells = [cell.strip() for cell in row]
        try:
            day = dt.date.fromisoformat(cells[0].replace("/", "-").replace(".", "-"))
            is_workday = KINDS[cells[1].lower()]
        except (ValueError, IndexError, KeyError):
            wrong.append(_("Line %(n)s: write the date, holiday or workday, and the name.") % {"n": number})
            continue
        if day.year != year or day in found:
            wrong.append(_("Line %(n)s: a day of another year, or named twice.") % {"n": number})
        elif is_workday and day.weekday() < 5:
            wrong.append(_("Line %(n)s: a make-up workday lies on a weekend.") % {"n": number})
        else:
            found[day] = SpecialDay(day, is_workday, (cells[2] if len(cells) > 2 else "")[:60])
    if not found and not wrong:
        wrong.append(_("There is no day in it."))
    if wrong:
        raise InvalidInput(_("The calendar was not changed."), fields={"text": wrong[:20]})
    return [found[day] for day in sorted(found)]


@transaction.atomic
def import_year(*, year: int, days: Sequence[SpecialDay], source: str, actor: Actor) -> int:
    """Put the official arrangement of ``year`` in the place of what is there; returns how many deadlines changed."""
    actor = access.require(actor, Permission.CALENDAR_MANAGE)
    _one_at_a_time()
    if year not in YEARS:
        message = _("Choose a year between %(first)s and %(last)s.") % {"first": YEARS[0], "last": YEARS[-1]}
        raise InvalidInput(message, fields={"year": [message]})
    CalendarYear.objects.update_or_create(year=year, defaults={"source": source.strip()[:200]})
    CalendarDay.objects.filter(day__year=year).delete()
    CalendarDay.objects.bulk_create(CalendarDay(day=d.day, is_workday=d.is_workday, name=d.name) for d in days)
    plain = {d.day.isoformat(): "workday" if d.is_workday else "holiday" for d in days}
    return _changed(actor, [year], year=year, source=source, days=plain)


@transaction.atomic
def set_day(*, special: SpecialDay, actor: Actor) -> int:
    """Make one day a holiday or a make-up workday; returns how many deadlines changed."""
    actor = access.require(actor, Permission.CALENDAR_MANAGE)
    _one_at_a_time()
    if special.day.year not in YEARS or (special.is_workday and special.day.weekday() < 5):
        message = _("A make-up workday lies on a weekend.")
        raise InvalidInput(message, fields={"day": [message]})
    values = {"is_workday": special.is_workday, "name": special.name[:60]}
    CalendarDay.objects.update_or_create(day=special.day, defaults=values)
    return _changed(actor, [special.day.year], day=special.day.isoformat(), is_workday=special.is_workday)


@transaction.atomic
def clear_day(*, day: dt.date, actor: Actor) -> int:
    """Let a day follow the weekly rule again; returns how many deadlines changed."""
    actor = access.require(actor, Permission.CALENDAR_MANAGE)
    _one_at_a_time()
    CalendarDay.objects.filter(day=day).delete()
    return _changed(actor, [day.year], day=day.isoformat(), cleared=True)
