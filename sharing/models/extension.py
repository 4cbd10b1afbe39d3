"""More time for a step (延期): asked for once, and given or not by the data authority."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.access import Standing
from portal.departments.models import AUTHORITY_DUTIES, Department
from portal.ids import new_id
from sharing.models.step import ApprovalStep, StepState


class ExtensionOutcome(models.TextChoices):
    ASKED = "asked", _("Waits for the authority")
    GIVEN = "given", pgettext_lazy("extension", "Given")
    DENIED = "denied", _("Not given")


class ExtensionQuerySet(models.QuerySet["Extension"]):
    def in_charge(self, standing: Standing) -> ExtensionQuerySet:
        """Those that one's authorities answer or answered."""
        return self.filter(authority__in=standing.departments_with(*AUTHORITY_DUTIES))

    def waiting(self) -> ExtensionQuerySet:
        """Those not answered yet on steps that are not decided either."""
        undecided = (StepState.OPEN, StepState.PAUSED)
        return self.filter(outcome=ExtensionOutcome.ASKED, step__state__in=undecided)


class Extension(models.Model):
    """One office's wish for ``days`` more working days on a step, with its reason."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    step = models.OneToOneField(ApprovalStep, models.CASCADE, related_name="extension")
    authority = models.ForeignKey(Department, models.PROTECT, related_name="+")
    days = models.PositiveSmallIntegerField()
    reason = models.TextField(_("reason"), max_length=2000)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(_("asked"), auto_now_add=True)
    outcome = models.CharField(max_length=8, choices=ExtensionOutcome.choices, default=ExtensionOutcome.ASKED)
    note = models.TextField(_("note"), max_length=2000, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    objects = ExtensionQuerySet.as_manager()

    class Meta:
        verbose_name = _("extension")
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="asked") ^ Q(answered_at__isnull=False), name="answered_extension_has_a_time"
            ),
        ]
        indexes = [
            # an authority's list, the oldest that waits first, and the newest answers
            models.Index(fields=["authority", "asked_at", "id"], name="extension_of_authority"),
        ]

    def __str__(self) -> str:
        return f"{self.step_id} +{self.days}"

    def get_absolute_url(self) -> str:
        return reverse("sharing:extension-list")
