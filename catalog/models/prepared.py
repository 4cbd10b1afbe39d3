"""Files made ready for download."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models.table import TableVersion
from portal.ids import new_id


class PreparedState(models.TextChoices):
    WAITING = "waiting", _("being prepared")
    READY = "ready", _("ready")


class PreparedFile(models.Model):
    """A whole table in one format, as one reader may have it: written once, then sent from the disk, also in parts.

    ``purpose`` and ``owner`` say for whom (open data: the record; a grant: the grant), ``mark`` is the digest of all
    that the content depends on. A file whose mark is not the one asked for is never sent.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(TableVersion, models.CASCADE, related_name="prepared")
    purpose = models.CharField(max_length=10)
    owner = models.UUIDField()
    format = models.CharField(max_length=20)
    mark = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=8, choices=PreparedState.choices, default=PreparedState.WAITING)
    done = models.PositiveBigIntegerField(default=0)
    """Rows written so far."""
    size_bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["purpose", "owner"], name="prepared_by_owner"),
            # what nobody asked for any more, for the nightly cleaning
            models.Index(fields=["used_at"], name="prepared_by_use"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.format} ({self.state})"

    @property
    def percent(self) -> int:
        """How much of it is written."""
        return min(99, self.done * 100 // max(1, self.version.row_count))
