"""The official calendar: statutory holidays and make-up workdays (domain.md §12)."""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMES: dict[str, str | Promise] = {
    "元旦": _("New Year's Day"),
    "春节": _("Spring Festival"),
    "清明节": _("Tomb-sweeping Day"),
    "劳动节": _("Labour Day"),
    "端午节": _("Dragon Boat Festival"),
    "中秋节": _("Mid-autumn Festival"),
    "国庆节": _("National Day"),
}
"""The statutory holidays; other names are shown as they were written."""


class CalendarDay(models.Model):
    """A day that differs from the weekly rule: a holiday on a weekday, or a make-up workday (调休) on a weekend."""

    day = models.DateField(_("day"), primary_key=True)
    is_workday = models.BooleanField(_("workday"))
    name = models.CharField(_("name"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("calendar day")
        ordering = ["day"]

    def __str__(self) -> str:
        return self.day.isoformat()

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return str(NAMES.get(self.name, self.name))


class CalendarYear(models.Model):
    """A year whose official arrangement was imported; deadlines in other years are provisional (暂定)."""

    year = models.PositiveSmallIntegerField(_("year"), primary_key=True)
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("calendar year")

    def __str__(self) -> str:
        return str(self.year)
