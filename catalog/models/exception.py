"""Exceptions: who may see one record although no rule says so."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models.dataset import Dataset
from portal.departments.models import Department, Duty
from portal.ids import new_id


class AccessExceptionQuerySet(models.QuerySet["AccessException"]):
    def standing(self) -> AccessExceptionQuerySet:
        """Exceptions that nobody has ended and whose right is still given."""
        return self.filter(ended_at__isnull=True)

    def expired(self, day: dt.date | None = None) -> AccessExceptionQuerySet:
        """Standing exceptions whose last day has passed."""
        return self.standing().filter(valid_until__lt=day or timezone.localdate())


class AccessException(models.Model):
    """The holders of a duty may see a record until a day, for a reason.

    The right itself is the guardian permission of the group that stands for the duty (design.md §5): it is given and
    taken with this row, and an exception never shows rows of data.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="access_exceptions")
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    duty = models.CharField(_("duty"), max_length=20, choices=Duty.choices)
    group = models.ForeignKey(Group, models.PROTECT, related_name="+")
    valid_until = models.DateField(_("until"))
    reason = models.CharField(_("reason"), max_length=500)
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    given_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = AccessExceptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("exception")
        ordering = ["-given_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "group"],
                condition=Q(ended_at__isnull=True),
                name="one_exception_per_duty",
            ),
        ]
        indexes = [
            # what ends today
            models.Index(fields=["valid_until"], condition=Q(ended_at__isnull=True), name="exception_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} · {self.department} · {self.get_duty_display()}"
