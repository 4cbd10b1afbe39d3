"""The restriction list (限制名单): departments and people who broke the terms, with reason, effect and term."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.access import Actor
from portal.departments.models import Department, Duty
from portal.departments.scope import regions_in_charge
from portal.ids import new_id
from sharing.models.grant import Grant
from sharing.models.request import SharingRequest

TELLS_OF_PEOPLE = (Duty.OWN_APPROVER, Duty.CLERK)
"""Duties in a department that see which of its people are listed."""


class Effect(models.TextChoices):
    """What an entry does: offices see it; routes can add a stage; or nothing can be submitted."""

    WARN = "warn", _("Offices are warned")
    REVIEW = "review", _("Further review")
    BLOCK = "block", _("May not apply")


def _term() -> Func:
    """First and last day as a range, both included."""
    return Func(F("since"), F("until"), Value("[]"), function="daterange", output_field=DateRangeField())


class RestrictionQuerySet(models.QuerySet["Restriction"]):
    def readable_by(self, actor: Actor) -> RestrictionQuerySet:
        """Entries in the regions of which one is the authority, those of one's departments, and one's own.

        Which person is listed is told to them and to those who answer for their department.
        """
        standing = actor.standing
        found = Q(person__isnull=True, department__in=standing.departments_with())
        found |= Q(person=actor.user_id) | Q(department__in=standing.departments_with(*TELLS_OF_PEOPLE))
        for path in regions_in_charge(standing):
            found |= Q(department__region__path__startswith=path)
        return self.filter(found)

    def in_force(self, day: dt.date | None = None) -> RestrictionQuerySet:
        day = day or timezone.localdate()
        return self.filter(lifted_at__isnull=True, since__lte=day, until__gte=day)

    def to_come(self) -> RestrictionQuerySet:
        return self.filter(lifted_at__isnull=True, since__gt=timezone.localdate())

    def ended(self) -> RestrictionQuerySet:
        return self.filter(Q(lifted_at__isnull=False) | Q(until__lt=timezone.localdate()))


class Restriction(models.Model):
    """One entry: ``department`` is listed, or only ``person`` of it; ``until`` is the last day."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(_("number"), max_length=20, unique=True)
    department = models.ForeignKey(Department, models.PROTECT, related_name="restrictions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="restrictions")
    effect = models.CharField(_("effect"), max_length=10, choices=Effect.choices)
    reason = models.TextField(_("reason"), max_length=2000)
    basis = models.TextField(_("basis"), max_length=1000)
    since = models.DateField(_("from"))
    until = models.DateField(_("until"))
    grant = models.ForeignKey(Grant, models.PROTECT, null=True, related_name="+")
    request = models.ForeignKey(SharingRequest, models.PROTECT, null=True, related_name="+")
    authority = models.ForeignKey(Department, models.PROTECT, related_name="+")
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(_("entered"), auto_now_add=True)
    statement = models.TextField(_("statement"), max_length=4000, blank=True)
    stated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    stated_at = models.DateTimeField(null=True)
    lift_reason = models.TextField(max_length=2000, blank=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    objects = RestrictionQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry of the restriction list")
        constraints = [
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="restriction_term_in_order"),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True) ^ ~Q(lift_reason=""), name="lifted_restriction_has_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(stated_at__isnull=True) ^ ~Q(statement=""), name="statement_has_a_moment"
            ),
            ExclusionConstraint(
                name="restriction_of_department_once",
                expressions=[
                    ("department", RangeOperators.EQUAL),
                    ("effect", RangeOperators.EQUAL),
                    (_term(), RangeOperators.OVERLAPS),
                ],
                condition=Q(person__isnull=True, lifted_at__isnull=True),
            ),
            ExclusionConstraint(
                name="restriction_of_person_once",
                expressions=[
                    ("person", RangeOperators.EQUAL),
                    ("effect", RangeOperators.EQUAL),
                    (_term(), RangeOperators.OVERLAPS),
                ],
                condition=Q(person__isnull=False, lifted_at__isnull=True),
            ),
        ]
        indexes = [
            # is this department or this person listed? asked of each request
            models.Index(fields=["department", "until"], condition=Q(lifted_at=None), name="restriction_in_force"),
            models.Index(
                fields=["person", "until"],
                condition=Q(lifted_at=None, person__isnull=False),
                name="restriction_of_person",
            ),
            # the list: newest first, by the last day, by number (unique)
            models.Index(fields=["-entered_at", "-id"], name="restriction_newest"),
            models.Index(fields=["until", "id"], name="restriction_by_end"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("sharing:restriction-detail", args=[self.pk])

    @property
    def subject(self) -> str:
        """Who is listed, in words."""
        return f"{self.department} · {self.person}" if self.person else str(self.department)

    @property
    def state(self) -> str:
        """``lifted``, ``over``, ``coming`` or ``in_force`` today."""
        today = timezone.localdate()
        if self.lifted_at:
            return "lifted"
        if self.until < today:
            return "over"
        return "coming" if self.since > today else "in_force"
