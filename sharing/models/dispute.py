"""Disputes (共享争议) over a refusal or a condition, with both sides' statements."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.access import Standing
from portal.calendars.terms import HasTerm
from portal.departments.models import AUTHORITY_DUTIES, Department
from portal.ids import new_id
from sharing.models.request import ApplicantKind, RequestItem
from sharing.models.step import ApprovalStep


class DisputeStage(models.TextChoices):
    """The ladder of the regulation: both sides, the data authority, its superior."""

    NEGOTIATION = "negotiation", _("Negotiation")
    COORDINATION = "coordination", _("Coordination by the authority")
    SUPERIOR = "superior", _("With the superior authority")
    SETTLED = "settled", _("Settled")


class DisputeOutcome(models.TextChoices):
    AGREED = "agreed", _("The office gave way")
    OVERTURNED = "overturned", _("Overturned")
    UPHELD = "upheld", _("Upheld")
    WITHDRAWN = "withdrawn", _("Given up by the applicant")
    LAPSED = "lapsed", _("Without object any more")


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def readable_by(self, standing: Standing) -> DisputeQuerySet:
        """Disputes of one's departments, of one's offices, and those that one's authority settles or settled."""
        authorities = standing.departments_with(*AUTHORITY_DUTIES)
        applying = Q(
            item__request__department__in=standing.departments_with(),
            item__request__applicant_kind=ApplicantKind.DEPARTMENT,
        )
        mine = applying | Q(step__office__in=standing.group_ids)
        return self.filter(mine | Q(coordinator__in=authorities) | Q(superior__in=authorities))


class Dispute(HasTerm):
    """One dispute over one item; ``step`` is where it was refused or given its conditions."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(_("number"), max_length=20, unique=True)
    item = models.ForeignKey(RequestItem, models.CASCADE, related_name="disputes")
    step = models.ForeignKey(ApprovalStep, models.CASCADE, related_name="disputes")
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    """Null for an applicant from outside."""
    opened_at = models.DateTimeField(auto_now_add=True)
    stage = models.CharField(_("stage"), max_length=15, choices=DisputeStage.choices, default=DisputeStage.NEGOTIATION)
    coordinator = models.ForeignKey(Department, models.PROTECT, null=True, related_name="+")
    superior = models.ForeignKey(Department, models.PROTECT, null=True, related_name="+")
    reminded_at = models.DateTimeField(null=True)
    outcome = models.CharField(_("outcome"), max_length=12, choices=DisputeOutcome.choices, blank=True)
    outcome_note = models.TextField(blank=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        verbose_name = _("dispute")
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["item"], condition=~Q(stage="settled"), name="one_open_dispute_per_item"),
            models.CheckConstraint(condition=Q(stage="settled") ^ Q(outcome=""), name="settled_dispute_has_an_outcome"),
        ]
        indexes = [models.Index(fields=["due_at"], condition=~Q(stage="settled"), name="dispute_late")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("sharing:dispute-detail", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.stage != DisputeStage.SETTLED

    @property
    def authority(self) -> Department | None:
        """Who settles it at present; nobody while both sides negotiate."""
        if self.stage == DisputeStage.SUPERIOR:
            return self.superior
        return self.coordinator if self.stage == DisputeStage.COORDINATION else None


class DisputeStatement(models.Model):
    """What one side says, for both to read; without department and author the applicant from outside says it."""

    dispute = models.ForeignKey(Dispute, models.CASCADE, related_name="statements")
    department = models.ForeignKey(Department, models.PROTECT, null=True, related_name="+")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    text = models.TextField(_("statement"), max_length=4000)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("statement")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.department} · {self.dispute_id}"

    @property
    def side(self) -> str:
        """For whom it was said."""
        return self.department.name if self.department else self.dispute.item.request.applicant_name
