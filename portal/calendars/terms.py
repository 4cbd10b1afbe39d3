"""Rows on which somebody must act within working days: and how their deadlines were counted, to count them again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import TypeVar

from django.db import models
from django.db.models import Q, QuerySet

from portal.calendars.working_days import LONGEST_TERM_DAYS, Deadline, WorkingDays
from portal.rows import update_rows

LOT = 1_000


class HasTerm(models.Model):
    """Somebody has the turn until ``due_at``: ``term_days`` working days after ``term_from``, or on a day named."""

    due_at = models.DateTimeField(null=True)
    is_provisional = models.BooleanField(default=False)
    term_from = models.DateField(null=True, editable=False)
    term_days = models.PositiveSmallIntegerField(null=True, editable=False)

    class Meta:
        abstract = True

    def set_term(self, term: Deadline | None) -> None:
        """Give the row this deadline, or none; saved by the caller."""
        self.due_at = term.at if term else None
        self.is_provisional = bool(term and term.is_provisional)
        self.term_from, self.term_days = (term.received, term.days) if term else (None, None)


Row = TypeVar("Row", bound=models.Model)


def recount(rows: QuerySet[Row], years: Collection[int], counted: Callable[[Row], tuple[dt.date, int]]) -> int:
    """Count deadlines again that reach into ``years``, whose calendar has changed; provisional ones become firm.

    ``rows`` have ``due_at`` and ``is_provisional``; ``counted`` gives the day of receipt and the working days of one.
    They are locked until the transaction ends. Returns how many changed.
    """
    if not years:
        return 0
    first, last = dt.date(min(years), 1, 1), dt.date(max(years), 12, 31)
    reach = dt.timedelta(days=LONGEST_TERM_DAYS)
    calendar = WorkingDays(first - reach, last + reach)
    reaching = rows.filter(Q(due_at__date__gte=first) | Q(is_provisional=True), due_at__isnull=False)
    changed = []
    for row in reaching.select_for_update(of=("self",)).order_by("pk").iterator(chunk_size=LOT):
        received, days = counted(row)
        if received > last:
            continue
        due = calendar.add(received, days)
        if (due.at, due.is_provisional) != (row.due_at, row.is_provisional):  # type: ignore[attr-defined]
            row.due_at, row.is_provisional = due.at, due.is_provisional  # type: ignore[attr-defined]
            changed.append(row)
    update_rows(changed, ["due_at", "is_provisional"])
    return len(changed)


def recount_terms(rows: QuerySet[Row], years: Collection[int]) -> int:
    """``recount`` for open rows of a model that ``HasTerm``; days that somebody named stay."""
    return recount(rows.filter(term_days__isnull=False), years, lambda row: (row.term_from, row.term_days))  # type: ignore[attr-defined]
