"""Delegations: a colleague takes over chosen duties of a person for a period."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.departments.models import Department, Duty
from portal.ids import new_id


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def standing(self) -> DelegationQuerySet:
        """Delegations that nobody has ended, past, present and to come."""
        return self.filter(ended_at__isnull=True)

    def in_force(self, day: dt.date | None = None) -> DelegationQuerySet:
        """Delegations that count on ``day`` (today)."""
        day = day or timezone.localdate()
        return self.standing().filter(valid_from__lte=day, valid_until__gte=day)

    def overlapping(self, start: dt.date, end: dt.date) -> DelegationQuerySet:
        """Delegations with a day in common with the period from ``start`` to ``end``, both inclusive."""
        return self.standing().filter(valid_from__lte=end, valid_until__gte=start)


class Delegation(models.Model):
    """``deputy`` acts for ``principal`` in ``duties`` of ``department``, from the first day to the last, inclusive.

    It counts only while the principal holds the duty and the deputy a duty of the same department: whoever leaves the
    department, or loses the duty, takes the delegation with them. It gives nothing to pass on.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    principal = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="delegations_given", verbose_name=_("person")
    )
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="delegations_held", verbose_name=_("deputy")
    )
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    duties = ArrayField(models.CharField(max_length=20, choices=Duty.choices), verbose_name=_("duties"))
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"))
    reason = models.CharField(_("reason"), max_length=200)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, editable=False)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False)

    objects = DelegationQuerySet.as_manager()

    class Meta:
        verbose_name = _("delegation")
        ordering = ["-valid_from", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(valid_until__gte=F("valid_from")), name="delegation_term_in_order"),
            models.CheckConstraint(condition=~Q(principal=F("deputy")), name="nobody_is_own_deputy"),
            models.CheckConstraint(condition=~Q(duties=[]), name="delegation_has_duties"),
        ]
        indexes = [
            # whom somebody stands in for, on every request of a signed-in person
            models.Index(
                fields=["deputy", "valid_until"], condition=Q(ended_at__isnull=True), name="delegation_by_deputy"
            ),
            # who stands in for somebody: notices, "who decides here?", overlaps
            models.Index(
                fields=["principal", "valid_until"], condition=Q(ended_at__isnull=True), name="delegation_by_principal"
            ),
            models.Index(
                fields=["department", "valid_until"],
                condition=Q(ended_at__isnull=True),
                name="delegation_by_department",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deputy} → {self.principal}"

    @property
    def duty_labels(self) -> list[str]:
        """The duties in the reader's language."""
        return [str(Duty(duty).label) for duty in self.duties]

    @property
    def has_begun(self) -> bool:
        return self.valid_from <= timezone.localdate()

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None or self.valid_until < timezone.localdate()
