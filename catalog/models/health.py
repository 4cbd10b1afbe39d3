"""How well the catalogue is kept: a row for each published record, and a row for each department and day."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from catalog.models.dataset import Dataset
from portal.departments.models import Department


class RecordHealth(models.Model):
    """What is known of a published record's keeping; brought up to date in the transaction of each change.

    ``completeness`` is in percent; ``due_on`` is the day by which its cycle promises new data, None without a promise.
    """

    dataset = models.OneToOneField(Dataset, models.CASCADE, primary_key=True, related_name="health")
    provider = models.ForeignKey(Department, models.PROTECT, related_name="+")
    completeness = models.PositiveSmallIntegerField()
    renewed_on = models.DateField()
    due_on = models.DateField(null=True)
    is_open = models.BooleanField(default=False)
    has_data = models.BooleanField(default=False)
    items = models.PositiveIntegerField(default=0)
    linked = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            # a department's late records, the latest first; its least complete ones
            models.Index(
                fields=["provider", "due_on", "dataset"], condition=Q(due_on__isnull=False), name="health_due"
            ),
            models.Index(fields=["provider", "completeness", "dataset"], name="health_incomplete"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.completeness}%"


class HealthSnapshot(models.Model):
    """A department's figures on one day; shares are from 0 to 1, None where there is nothing to measure."""

    department = models.ForeignKey(Department, models.CASCADE, related_name="health_snapshots")
    day = models.DateField()
    records = models.PositiveIntegerField()
    late = models.PositiveIntegerField()
    completeness = models.FloatField(null=True)
    timeliness = models.FloatField(null=True)
    conformance = models.FloatField(null=True)
    quality = models.FloatField(null=True)
    open_share = models.FloatField(null=True)
    data_share = models.FloatField(null=True)
    linked_share = models.FloatField(null=True)
    score = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["department", "day"], name="health_once_a_day")]
        indexes = [
            # the ranking of a day
            models.Index(fields=["day", "-score", "department"], name="health_ranking"),
        ]

    def __str__(self) -> str:
        return f"{self.department_id} {self.day} {self.score}"
