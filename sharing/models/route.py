"""Approval routes (审批流程) as data: a route has versions, each in force from a day on."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.departments.models import Region
from portal.ids import new_id


def titled(title: str, title_en: str) -> str:
    """A title that was written in two languages, in the reader's; the Chinese one where there is no other."""
    is_english = (translation.get_language() or "").startswith("en")
    return (title_en if is_english else title) or title


class Route(models.Model):
    """A named way of approval; requests keep the version under which they were submitted.

    Among the routes that are switched on and fit a request, the one with the lowest ``rank`` is taken. A route fits
    when its region (if any) holds the applicant's and one of its alternatives ``any_of`` holds for one of the items.
    """

    key = models.SlugField(_("key"), primary_key=True, max_length=40)
    title = models.CharField(_("title"), max_length=100)
    title_en = models.CharField(_("English title"), max_length=100, blank=True)
    rank = models.PositiveSmallIntegerField(_("rank"), default=100)
    region = models.ForeignKey(
        Region, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("region")
    )
    any_of = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(_("switched on"), default=False)

    class Meta:
        verbose_name = _("approval route")
        ordering = ["rank", "key"]

    def __str__(self) -> str:
        return titled(self.title, self.title_en)

    def get_absolute_url(self) -> str:
        return reverse("sharing:route-detail", args=[self.pk])


class RouteVersionQuerySet(models.QuerySet["RouteVersion"]):
    def in_force(self, day: dt.date | None = None) -> RouteVersionQuerySet:
        """For each route the version that holds on ``day`` (today): of those published, the last to take effect."""
        published = self.filter(published_at__isnull=False, effective_from__lte=day or timezone.localdate())
        return published.order_by("route_id", "-effective_from", "-number").distinct("route_id")


class RouteVersion(models.Model):
    """The stages of a route, in the form that ``sharing.routes.parse_stages`` reads; frozen once published."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    route = models.ForeignKey(Route, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    stages = models.JSONField()
    note = models.CharField(_("what changed"), max_length=200, blank=True)
    effective_from = models.DateField(_("in force from"), null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    changes = models.PositiveIntegerField(default=0)
    """How often the draft was changed: who saves an older state of it is refused."""

    objects = RouteVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a route")
        constraints = [
            models.UniqueConstraint(fields=["route", "number"], name="route_version_number"),
            models.UniqueConstraint(fields=["route"], condition=Q(published_at=None), name="one_route_draft"),
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(effective_from__isnull=False), name="published_route_has_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.route_id} v{self.number}"

    @property
    def label(self) -> str:
        """Its route and number in the reader's language."""
        return gettext("%(route)s, version %(n)s") % {"route": self.route, "n": self.number}

    @property
    def is_draft(self) -> bool:
        return self.published_at is None
