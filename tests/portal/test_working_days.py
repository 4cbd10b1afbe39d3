"""Working days: holidays, make-up workdays, provisional years."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendars.working_days import calendar_around, deadline

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("received", "days", "last"),
    [
        ("2026-03-02", 1, "2026-03-03"),
        ("2026-03-06", 1, "2026-03-09"),
        ("2026-03-07", 1, "2026-03-09"),
        ("2026-03-02", 10, "2026-03-16"),
        ("2025-09-30", 1, "2025-10-09"),
        ("2025-09-26", 2, "2025-09-29"),
        ("2025-10-09", 2, "2025-10-11"),
    ],
)
def test_a_deadline_counts_official_working_days(received: str, days: int, last: str) -> None:
    found = deadline(dt.date.fromisoformat(received), days)
    assert (found.day.isoformat(), found.is_provisional) == (last, False)


def test_a_year_without_an_official_calendar_is_provisional() -> None:
    found = deadline(dt.date(2031, 1, 6), 5)
    assert (found.day, found.is_provisional) == (dt.date(2031, 1, 13), True)


def test_the_last_day_ends_at_the_close_of_business() -> None:
    assert deadline(dt.date(2026, 3, 2), 1).at.isoformat() == "2026-03-03T17:30:00+08:00"


def test_adding_and_counting_agree() -> None:
    calendar = calendar_around(dt.date(2026, 1, 1))

    @given(st.integers(0, 300), st.integers(0, 60))
    def agree(offset: int, days: int) -> None:
        start = dt.date(2025, 6, 1) + dt.timedelta(days=offset)
        end = calendar.add(start, days).day
        assert calendar.between(start, end) == days
        assert calendar.between(end, start) == -days
        assert days == 0 or calendar.is_working(end)

    agree()
