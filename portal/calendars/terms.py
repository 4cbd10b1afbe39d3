"""Rows on which somebody must act within working days, and how their deadlines were counted, to count them again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from django.db import models
from django.db.models import Q, QuerySet

from portal.calendars.working_days import LONGEST_TERM_DAYS, Deadline, WorkingDays
from portal.rows import update_rows

LOT = 1_000


class HasTerm(models.Model):
    """Somebody has the turn until ``due_at``: ``term_days`` working days after ``term_from``, or on a day named.

    Steps of requests are not among these: their clocks stop and go on (``sharing.flow``). A model whose rows always
    have a deadline declares ``due_at`` again, as not null.
    """

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
MARKS = ("warned_at", "reminded_at", "escalated_at")
"""What was sent for a deadline; where the deadline comes to lie later, it is sent again."""


def _span(years: Collection[int]) -> tuple[dt.date, dt.date]:
    return dt.date(min(years), 1, 1), dt.date(max(years), 12, 31)


def reaching(rows: QuerySet[Row], years: Collection[int], received: str) -> QuerySet[Row]:
    """Those of ``rows`` whose deadline may depend on ``years``, given the lookup of their day of receipt."""
    first, last = _span(years)
    found = rows.filter(Q(due_at__date__gte=first) | Q(is_provisional=True), due_at__isnull=False)
    return found.filter(**{f"{received}__lte": last})


def recount(
    rows: QuerySet[Row], years: Collection[int], received: str, counted: Callable[[Row], tuple[dt.date, int]]
) -> int:
    """Count deadlines again that reach into ``years``, whose calendar has changed; provisional ones become firm.

    ``rows`` have ``due_at`` and ``is_provisional``; ``received`` names the lookup of the day of receipt, ``counted``
    gives that day and the working days of a row. Rows are locked until the transaction ends. Returns how many changed.
    """
    if not years:
        return 0
    first, last = _span(years)
    reach = dt.timedelta(days=LONGEST_TERM_DAYS)
    calendar = WorkingDays(first - reach, last + reach)
    locked = reaching(rows, years, received).select_for_update(of=("self",), no_key=True)
    marks = [name for name in MARKS if any(field.name == name for field in rows.model._meta.concrete_fields)]
    changed: list[Any] = []
    row: Any
    for row in locked.order_by("pk").iterator(chunk_size=LOT):
        due = calendar.add(*counted(row))
        if (due.at, due.is_provisional) == (row.due_at, row.is_provisional):
            continue
        if due.at > row.due_at:
            for name in marks:
                setattr(row, name, None)
        row.due_at, row.is_provisional = due.at, due.is_provisional
        changed.append(row)
    update_rows(changed, ["due_at", "is_provisional", *marks])
    return len(changed)


def recount_terms(rows: QuerySet[Row], years: Collection[int]) -> int:
    """``recount`` for open rows of a model that ``HasTerm``; days that somebody named stay."""

    def counted(row: Any) -> tuple[dt.date, int]:
        return row.term_from, row.term_days

    return recount(rows.filter(term_days__isnull=False), years, "term_from", counted)
