"""What a version of a table holds, in figures."""

from __future__ import annotations

from django.db import models

from catalog.models.table import TableVersion


class TableProfile(models.Model):
    """The profile of one version: ``columns`` is a list of objects with the figures of ``catalog.quality.profiles``.

    ``drift`` lists what differs from the version before, as objects with kind, column, before and after.
    """

    version = models.OneToOneField(TableVersion, models.CASCADE, primary_key=True, related_name="profile")
    rows = models.PositiveBigIntegerField()
    repeated_keys = models.PositiveBigIntegerField(null=True)
    columns = models.JSONField()
    drift = models.JSONField(default=list)
    computed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.version_id}: {self.rows}"
