"""Grants (共享授权), the credentials that open them, and the record of their use."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models import Channel, Dataset
from portal.access import Standing
from portal.departments.models import AUTHORITY_DUTIES, Department
from portal.ids import new_id
from sharing.models.outside import OpenApplicant
from sharing.models.request import RequestItem


class GrantState(models.TextChoices):
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    REVOKED = "revoked", _("Revoked")


class SuspendedFor(models.TextChoices):
    """Why a grant is suspended, where it is not by an office's own decision."""

    REVIEW = "review", _("Use not confirmed in the yearly review")


class GrantQuerySet(models.QuerySet["Grant"]):
    def readable_by(self, standing: Standing) -> GrantQuerySet:
        """Grants to one's departments, of their data, and of providers in one's charge as their data authority."""
        departments = standing.departments_with()
        own = Q(department_id__in=departments, outside__isnull=True) | Q(dataset__provider_id__in=departments)
        authorities = standing.departments_with(*AUTHORITY_DUTIES)
        if not authorities:
            return self.filter(own)
        region = models.ExpressionWrapper(OuterRef("dataset__provider__region__path"), models.CharField())
        nearest = Department.objects.authorities().alias(below=region).filter(below__startswith=F("region__path"))
        charge = Subquery(nearest.order_by("-region__level").values("pk")[:1])
        return self.alias(charge=charge).filter(own | Q(charge__in=authorities))

    def received_by(self, standing: Standing) -> GrantQuerySet:
        """Grants that one's departments hold; what was granted to somebody outside is nobody's here."""
        return self.filter(department__in=standing.departments_with(), outside__isnull=True)

    def of_departments(self) -> GrantQuerySet:
        """Those that departments hold; applicants from outside hold the others."""
        return self.filter(outside__isnull=True)

    def in_force(self) -> GrantQuerySet:
        today = timezone.localdate()
        return self.filter(state=GrantState.ACTIVE, valid_from__lte=today, valid_until__gte=today)


class Grant(models.Model):
    """What a department may use of a dataset: columns, rows, channels and term (``valid_until`` inclusive).

    With ``outside`` the applicant from outside alone may use it; ``department`` is the authority that received the
    application.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    item = models.OneToOneField(RequestItem, models.PROTECT, related_name="grant")
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="grants")
    department = models.ForeignKey(Department, models.PROTECT, related_name="grants")
    outside = models.ForeignKey(OpenApplicant, models.PROTECT, null=True, editable=False, related_name="grants")
    columns = ArrayField(models.CharField(max_length=60))
    row_filter = models.JSONField(default=list)
    masks = models.JSONField(default=dict, blank=True)
    """Column → mask, beside those of the items; see catalog.tables.masks."""
    channels = ArrayField(models.CharField(max_length=10, choices=Channel.choices))
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"))
    state = models.CharField(_("state"), max_length=10, choices=GrantState.choices, default=GrantState.ACTIVE)
    state_note = models.TextField(blank=True)
    suspended_for = models.CharField(max_length=10, choices=SuspendedFor.choices, blank=True)
    basis = models.JSONField(default=dict, editable=False)
    """How the dataset was shared when this was issued, with the days of the term; see sharing.holding.changes."""
    confirmed_on = models.DateField(null=True)
    """When the department last confirmed the use, in a yearly review or with a renewal."""
    expiry_told = models.PositiveSmallIntegerField(null=True)
    """The last threshold, in days before the end, of which the department was told; null again after a renewal."""
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("grant")
        constraints = [
            models.CheckConstraint(
                condition=Q(suspended_for="") | Q(state="suspended"), name="only_a_suspended_grant_says_what_for"
            )
        ]
        indexes = [
            # running grants by their last day: those that end soon
            models.Index(fields=["valid_until", "id"], condition=Q(state="active"), name="grant_ending"),
            # a department's grants, newest first; and those of a dataset
            models.Index(fields=["department", "-created_at", "-id"], name="grant_of_department"),
            models.Index(fields=["dataset", "state"], name="grant_of_dataset"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} → {self.department}"

    def get_absolute_url(self) -> str:
        return reverse("sharing:grant-detail", args=[self.pk])

    @property
    def is_outside(self) -> bool:
        """Whether somebody from outside holds it."""
        return self.outside_id is not None

    @property
    def holder_name(self) -> str:
        """Who may use it: the department, or the applicant from outside."""
        return self.item.request.outside_name if self.outside_id else self.department.name

    @property
    def is_in_force(self) -> bool:
        return self.state == GrantState.ACTIVE and self.valid_from <= timezone.localdate() <= self.valid_until

    @property
    def is_expired(self) -> bool:
        return self.valid_until < timezone.localdate()


class Credential(models.Model):
    """An API key (访问凭证) of one grant: shown once, kept as SHA-256; ``prefix`` tells keys apart on screen."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    grant = models.ForeignKey(Grant, models.CASCADE, related_name="credentials")
    prefix = models.CharField(max_length=12)
    key_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    """Who made it; null for an applicant from outside."""
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("credential")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class UsageRecord(models.Model):
    """One delivery under a grant: who, by which channel, how many rows; never the values."""

    id = models.BigAutoField(primary_key=True)
    grant = models.ForeignKey(Grant, models.PROTECT, related_name="usage")
    credential = models.ForeignKey(Credential, models.PROTECT, null=True, related_name="usage")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    format = models.CharField(max_length=20)
    rows = models.PositiveBigIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(default=0)
    is_complete = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("usage record")
        indexes = [
            # a grant's use, newest first
            models.Index(fields=["grant", "-at"], name="usage_of_grant"),
            # a day's deliveries, to seal and to check them
            models.Index(fields=["at"], name="usage_by_day"),
        ]
        triggers = [
            pgtrigger.Protect(name="usage_never_deleted", operation=pgtrigger.Delete),
            # a delivery is written when it begins and once more when it ends; then it stands
            pgtrigger.Trigger(
                name="usage_closed",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF OLD.is_complete OR OLD.at < now() - interval '1 day' OR NEW.at <> OLD.at
                        OR NEW.grant_id <> OLD.grant_id OR NEW.user_id IS DISTINCT FROM OLD.user_id
                        OR NEW.credential_id IS DISTINCT FROM OLD.credential_id THEN
                        RAISE EXCEPTION 'a delivery that has ended is not changed';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.grant_id} {self.at:%Y-%m-%d %H:%M}"
