"""How well people are hidden in what is open of a table version."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from catalog.models.table import TableVersion
from portal.ids import new_id


class DisclosureReport(models.Model):
    """The anonymity of a version's open part: of rows that are alike in the quasi-identifiers, the fewest (k).

    ``l`` is the least number of different sensitive values among such rows, ``t`` the largest distance (0 to 1) of
    their distribution from that of the whole table; None without a sensitive item. ``at_risk`` rows are in classes
    smaller than the threshold of that day. ``mark`` stands for the items and masks that were measured.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(TableVersion, models.CASCADE, related_name="disclosures")
    mark = models.CharField(max_length=64)
    quasi = ArrayField(models.CharField(max_length=60))
    k = models.PositiveBigIntegerField()
    l = models.PositiveBigIntegerField(null=True)  # noqa: E741  (the measure's name)
    t = models.FloatField(null=True)
    rows = models.PositiveBigIntegerField()
    classes = models.PositiveBigIntegerField()
    at_risk = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    overruled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "mark"], name="disclosure_once")]

    def __str__(self) -> str:
        return f"{self.version_id}: k={self.k}"
