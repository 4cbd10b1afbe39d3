"""Approval routes (审批流程) as data: a route has versions, one of them in force."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.ids import new_id


class Route(models.Model):
    """A named way of approval; requests keep the version under which they were submitted."""

    key = models.SlugField(_("key"), primary_key=True)
    title = models.CharField(_("title"), max_length=100)

    def __str__(self) -> str:
        return self.title


class RouteVersion(models.Model):
    """The stages of a route, in the form that ``sharing.routes.parse_stages`` reads; frozen once published."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    route = models.ForeignKey(Route, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    stages = models.JSONField()
    is_in_force = models.BooleanField(default=False)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["route", "number"], name="route_version_number"),
            models.UniqueConstraint(fields=["route"], condition=Q(is_in_force=True), name="one_route_version_in_force"),
        ]

    def __str__(self) -> str:
        return f"{self.route_id} v{self.number}"
