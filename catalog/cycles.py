"""What the update cycle (更新周期) of a record promises."""

from __future__ import annotations

import calendar
import datetime as dt

from catalog.models import UpdateCycle

DAYS = {UpdateCycle.REALTIME: 1, UpdateCycle.DAILY: 1, UpdateCycle.WEEKLY: 7}
MONTHS = {UpdateCycle.MONTHLY: 1, UpdateCycle.QUARTERLY: 3, UpdateCycle.HALF_YEARLY: 6, UpdateCycle.YEARLY: 12}


def next_due(last: dt.date, cycle: str) -> dt.date | None:
    """The day by which data that are of ``last`` must be renewed; None when the cycle promises nothing."""
    if cycle in DAYS:
        return last + dt.timedelta(days=DAYS[UpdateCycle(cycle)])
    if cycle in MONTHS:
        months = last.month - 1 + MONTHS[UpdateCycle(cycle)]
        year, month = last.year + months // 12, months % 12 + 1
        return dt.date(year, month, min(last.day, calendar.monthrange(year, month)[1]))
    return None
