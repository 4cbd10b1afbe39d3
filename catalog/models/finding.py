"""What was found of personal data in a record's table, and what its cataloguer says to it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models.dataset import Dataset
from portal.ids import new_id


class FindingState(models.TextChoices):
    OPEN = "open", _("To be answered")
    CONFIRMED = "confirmed", _("Confirmed")
    OVERRULED = "overruled", _("Overruled")


class Finding(models.Model):
    """A column of a record that seems to hold data of a kind (``catalog.protection.detectors.Kind``).

    ``share`` of the filled values that were looked at, from 0 to 1; ``sample`` is masked.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="findings")
    column = models.CharField(max_length=60)
    kind = models.CharField(max_length=12)
    share = models.FloatField()
    is_named = models.BooleanField(default=False)
    sample = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=10, choices=FindingState.choices, default=FindingState.OPEN)
    reason = models.CharField(max_length=500, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    found_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["column"]
        constraints = [models.UniqueConstraint(fields=["dataset", "column"], name="finding_once")]

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.column}: {self.kind}"
