"""Distributions (数据分发), the versions of their tables, and the jobs that load them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.dataset import Dataset
from catalog.tables.schema import Column, TableRef, columns_from_json
from portal.ids import new_id


class Distribution(models.Model):
    """A form in which a dataset's data can be had: here, a table in the data plane; ``current`` is what is read."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="distributions")
    title = models.CharField(_("title"), max_length=200)
    media_type = models.CharField(max_length=20, default="csv")
    current = models.OneToOneField("TableVersion", models.PROTECT, null=True, blank=True, related_name="current_of")
    created_at = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("distribution")
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.title

    @property
    def ref(self) -> TableRef | None:
        """What the engine reads: table, version, columns and key; None while nothing is loaded."""
        return self.current.ref if self.current else None


class TableVersion(models.Model):
    """One loaded version of a distribution's table; ``number`` is the version in its Delta log."""

    distribution = models.ForeignKey(Distribution, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    columns = models.JSONField()
    key = ArrayField(models.CharField(max_length=60), default=list)
    row_count = models.PositiveBigIntegerField()
    rejected_count = models.PositiveBigIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    """When its rows were removed; its figures stay."""

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["distribution", "number"], name="table_version_number")]

    def __str__(self) -> str:
        return f"{self.distribution_id} v{self.number}"

    @property
    def schema(self) -> tuple[Column, ...]:
        return columns_from_json(self.columns)

    @property
    def ref(self) -> TableRef:
        return TableRef(self.distribution_id, self.number, self.schema, tuple(self.key))


class JobState(models.TextChoices):
    STAGED = "staged", _("Types to be checked")
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class LoadMode(models.TextChoices):
    """What becomes of the rows that are there: replaced, kept with the new ones after them, or renewed by their key."""

    REPLACE = "replace", _("The file replaces all rows")
    APPEND = "append", _("The rows are added to those there")
    MERGE = "merge", _("Rows with the same key are renewed, others added")


class IngestJobQuerySet(models.QuerySet["IngestJob"]):
    def active(self) -> IngestJobQuerySet:
        """Loads that wait or run."""
        return self.filter(state__in=[JobState.QUEUED, JobState.RUNNING])


class IngestJob(models.Model):
    """The loading of one uploaded file into a distribution, with its progress and what it refused."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    distribution = models.ForeignKey(Distribution, models.CASCADE, related_name="jobs")
    file_name = models.CharField(_("file"), max_length=255)
    file_size = models.PositiveBigIntegerField()
    mode = models.CharField(max_length=8, choices=LoadMode.choices, default=LoadMode.REPLACE)
    sheet = models.CharField(max_length=100, blank=True)
    types = models.JSONField(default=dict, blank=True)
    """Column → type, where somebody chose another than was found."""
    key = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    """The key that somebody chose; empty: that of the items, or the one found."""
    is_pulled = models.BooleanField(default=False)
    """Whether the rows are read from the database of the record's pull rather than from a file."""
    reached = models.TextField(blank=True)
    """The greatest watermark of the rows that a pull read."""
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    phase = models.CharField(max_length=20, blank=True)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    stop_requested = models.BooleanField(default=False)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)
    version = models.ForeignKey(TableVersion, models.SET_NULL, null=True, blank=True, related_name="jobs")
    rejected_count = models.PositiveBigIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = IngestJobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["distribution"],
                condition=Q(state__in=["queued", "running"]),
                name="one_running_load_per_distribution",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"

    @property
    def is_active(self) -> bool:
        return self.state in (JobState.QUEUED, JobState.RUNNING)

    @property
    def percent(self) -> int:
        """Progress in percent, 0 while the total is unknown."""
        if self.state == JobState.DONE:
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0
