"""A file on its way in: sent in parts, so that a broken line costs the last part only."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from catalog.models.dataset import Dataset
from portal.ids import new_id


class PartialUpload(models.Model):
    """A file of ``size`` bytes of which the first ``received`` are here."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            # what was given up, for the nightly cleaning
            models.Index(fields=["modified"], name="upload_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.received}/{self.size}"

    @property
    def is_complete(self) -> bool:
        return self.received == self.size
