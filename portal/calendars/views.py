"""The official calendar: a year at a glance, single days, and the import of a year's arrangement."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext, pgettext

from portal import access
from portal.access import Permission
from portal.calendars import acts
from portal.calendars.models import CalendarDay, CalendarYear
from portal.errors import PortalError
from portal.views import actor_of, require_duty, show_refusal

TEXT_LIMIT = 40_000
CLEAR = "clear"


class DayForm(forms.Form):
    """One day."""

    day = forms.DateField(label=gettext_lazy("Day"), widget=forms.DateInput(attrs={"type": "date"}))
    kind = forms.ChoiceField(
        label=gettext_lazy("It is"),
        choices=[
            ("holiday", gettext_lazy("a holiday")),
            ("workday", gettext_lazy("a make-up workday")),
            (CLEAR, gettext_lazy("as the week has it")),
        ],
    )
    name = forms.CharField(label=gettext_lazy("Occasion"), max_length=60, required=False)


class YearForm(forms.Form):
    """The arrangement of a year."""

    year = forms.IntegerField(label=gettext_lazy("Year"), min_value=2000, max_value=2099)
    source = forms.CharField(
        label=gettext_lazy("Official notice"), max_length=200, help_text=gettext_lazy("The notice, with its number.")
    )
    text = forms.CharField(
        label=gettext_lazy("Days"),
        widget=forms.Textarea(attrs={"rows": 8}),
        max_length=TEXT_LIMIT,
        help_text=gettext_lazy(
            "A line a day: date, holiday or workday, name. For example: 2027-01-01,holiday,New Year"
        ),
    )


def _year(request: HttpRequest) -> int:
    text, this = request.GET.get("year", ""), timezone.localdate().year
    return int(text) if text.isdecimal() and len(text) == 4 and int(text) in acts.YEARS else this


def _months(year: int) -> list[dict[str, Any]]:
    """The months of a year as weeks of days, each with what it is."""
    special = {row.day: row for row in CalendarDay.objects.filter(day__year=year)}
    today = timezone.localdate()

    def cell(day: dt.date, month: int) -> dict[str, Any]:
        row = special.get(day)
        kind = "" if day.weekday() < 5 else "weekend"
        if row:
            kind = "workday" if row.is_workday else "holiday"
        return {
            "day": day,
            "kind": kind,
            "name": row.label if row else "",
            "out": day.month != month,
            "today": day == today,
        }

    return [
        {
            "first": dt.date(year, month, 1),
            "weeks": [
                [cell(day, month) for day in week] for week in calendar.Calendar(0).monthdatescalendar(year, month)
            ],
        }
        for month in range(1, 13)
    ]


def _context(request: HttpRequest, year: int) -> dict[str, Any]:
    known = CalendarYear.objects.filter(year=year).first()
    return {
        "year": year,
        "known": known,
        "months": _months(year),
        "weekdays": pgettext("weekdays", "Mo Tu We Th Fr Sa Su").split(),
        "special": list(CalendarDay.objects.filter(day__year=year)),
        "may_manage": access.can(actor_of(request), Permission.CALENDAR_MANAGE),
        "day_form": DayForm(),
        "year_form": YearForm(initial={"year": year}),
    }


def _say(request: HttpRequest, count: int) -> None:
    text = ngettext("Saved. %(n)s deadline was counted again.", "Saved. %(n)s deadlines were counted again.", count)
    messages.success(request, text % {"n": count})


@login_required
def calendar_page(request: HttpRequest) -> HttpResponse:
    """A year at a glance."""
    require_duty(request)
    return render(request, "calendars/year.html", _context(request, _year(request)))


@login_required
def calendar_day(request: HttpRequest) -> HttpResponse:
    """Change one day."""
    actor = access.require(actor_of(request), Permission.CALENDAR_MANAGE)
    form = DayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            if data["kind"] == CLEAR:
                count = acts.clear_day(day=data["day"], actor=actor)
            else:
                special = acts.SpecialDay(data["day"], data["kind"] == "workday", data["name"])
                count = acts.set_day(special=special, actor=actor)
        except PortalError as error:
            show_refusal(form, error)
        else:
            _say(request, count)
            return redirect(f"{reverse('calendar')}?year={data['day'].year}")
    context = _context(request, _year(request)) | {"day_form": form, "form": form}
    return render(request, "calendars/year.html", context, status=422 if form.errors else 200)


@login_required
def calendar_import(request: HttpRequest) -> HttpResponse:
    """Import the arrangement of a year."""
    actor = access.require(actor_of(request), Permission.CALENDAR_MANAGE)
    form = YearForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            days = acts.read_days(data["text"], data["year"])
            count = acts.import_year(year=data["year"], days=days, source=data["source"], actor=actor)
        except PortalError as error:
            show_refusal(form, error)
        else:
            _say(request, count)
            return redirect(f"{reverse('calendar')}?year={data['year']}")
    context = _context(request, _year(request)) | {"year_form": form, "form": form}
    return render(request, "calendars/year.html", context, status=422 if form.errors else 200)
