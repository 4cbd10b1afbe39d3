"""How far a dataset follows the standards of its items."""

from __future__ import annotations

from django.db import models

from catalog.models.dataset import Dataset


class ConformanceReport(models.Model):
    """What was found when the items and a sample of the rows were last compared with their standards.

    ``score`` is the share of looked-at cells that conform, or of items when no cell was looked at, from 0 to 1; None
    when no item follows a standard. ``findings`` is a list of objects: column, element, kind, share, examples.
    """

    dataset = models.OneToOneField(Dataset, models.CASCADE, primary_key=True, related_name="conformance")
    score = models.FloatField(null=True)
    linked = models.PositiveIntegerField(default=0)
    items = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0)
    broken = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list)
    computed_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            # the worst first
            models.Index(fields=["score", "dataset"], name="conformance_worst"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.score}"
