"""Counting working days, Asia/Shanghai (domain.md §12): day 1 is the first working day after receipt."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.functional import cached_property

from portal.calendars.models import CalendarDay, CalendarYear

ONE_DAY = dt.timedelta(days=1)
LONGEST_TERM_DAYS = 800
"""Calendar days that are read ahead in one go; longer terms are refused."""


@dataclass(frozen=True)
class Deadline:
    """The last day of a term; ``is_provisional`` when the term reaches a year without an official calendar.

    ``days`` working days were counted from ``received``; both are None when somebody named the day.
    """

    day: dt.date
    is_provisional: bool
    received: dt.date | None = None
    days: int | None = None

    @property
    def at(self) -> dt.datetime:
        """The close of business of the last day, aware."""
        hours, minutes = map(int, settings.CLOSE_OF_BUSINESS.split(":"))
        return timezone.make_aware(dt.datetime.combine(self.day, dt.time(hours, minutes)))


class WorkingDays:
    """The calendar between two days, read once; pass it around when many deadlines are counted."""

    def __init__(self, first: dt.date, last: dt.date) -> None:
        rows = CalendarDay.objects.filter(day__range=(first, last)).values_list("day", "is_workday")
        self._special: dict[dt.date, bool] = dict(rows)
        self._years = (first.year, last.year)

    @cached_property
    def _official(self) -> set[int]:
        """The years whose arrangement is known; only read where a deadline is counted."""
        return set(CalendarYear.objects.filter(year__range=self._years).values_list("year", flat=True))

    def is_working(self, day: dt.date) -> bool:
        """Whether ``day`` is a working day: the official exception, else Monday to Friday."""
        return self._special.get(day, day.weekday() < 5)

    def add(self, received: dt.date, days: int) -> Deadline:
        """The deadline ``days`` working days after ``received``; with 0 it is the day itself."""
        day, left = received, days
        while left > 0:
            day += ONE_DAY
            left -= self.is_working(day)
        return Deadline(day, day.year not in self._official, received, days)

    def between(self, start: dt.date, end: dt.date) -> int:
        """Working days after ``start`` up to and including ``end``; negative when ``end`` lies before ``start``."""
        if end < start:
            return -self.between(end, start)
        days = (end - start).days
        return sum(self.is_working(start + dt.timedelta(days=n)) for n in range(1, days + 1))


def calendar_around(day: dt.date) -> WorkingDays:
    """The calendar two years either side of ``day``, enough for every term of the rules."""
    reach = dt.timedelta(days=LONGEST_TERM_DAYS)
    return WorkingDays(day - reach, day + reach)


def deadline(received: dt.date, days: int) -> Deadline:
    """The deadline of a term of ``days`` working days that was received on ``received``."""
    return calendar_around(received).add(received, days)
