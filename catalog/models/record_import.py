"""Imports of catalogue records: the file, what each of its lines would do, and what it did."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models.dataset import Dataset
from portal.ids import new_id


class ImportState(models.TextChoices):
    READING = "reading", _("Being read")
    PLANNED = "planned", _("Ready to be loaded")
    LOADING = "loading", _("Being loaded")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class LineState(models.TextChoices):
    """What a line would do, and after the load what it did: a new, changed or same record, or none."""

    NEW = "new", _("New")
    CHANGED = "changed", _("Changed")
    SAME = "same", _("Unchanged")
    BAD = "bad", _("Refused")


class RecordImport(models.Model):
    """One file of records by one person; ``done`` of ``total`` lines are read, or loaded."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    file_name = models.CharField(_("file"), max_length=255)
    state = models.CharField(max_length=10, choices=ImportState.choices, default=ImportState.READING)
    is_partial = models.BooleanField(default=True)
    stop_requested = models.BooleanField(default=False)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    notes = models.JSONField(default=list)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("import of records")
        indexes = [
            # one's own imports, the newest first
            models.Index(fields=["created_by", "-created_at"], name="record_import_of"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"

    @property
    def is_active(self) -> bool:
        """Whether a worker has it."""
        return self.state in (ImportState.READING, ImportState.LOADING)

    @property
    def percent(self) -> int:
        return min(99, self.done * 100 // self.total) if self.total else 0


class ImportLine(models.Model):
    """One record of the file: its document, what it changes, what is wrong with it (sheet, cell, value, reason)."""

    record_import = models.ForeignKey(RecordImport, models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=LineState.choices)
    title = models.CharField(max_length=200)
    document = models.JSONField(default=dict)
    changes = models.JSONField(default=list)
    faults = models.JSONField(default=list)
    dataset = models.ForeignKey(Dataset, models.SET_NULL, null=True, related_name="+")
    is_loaded = models.BooleanField(default=False)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["record_import", "number"], name="import_line_number")]
        indexes = [
            # the report by state, and what is still to be loaded
            models.Index(fields=["record_import", "state", "number"], name="import_line_state"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"
