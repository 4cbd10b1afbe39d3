"""Revisions: the next version of a published record, written and reviewed while the published one stays public."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.dataset import Dataset
from catalog.models.vocabulary import DatasetState
from portal.departments.models import Region
from portal.ids import new_id


class RevisionState(models.TextChoices):
    """As a record's, until it is published or given up; the first three values are those of DatasetState."""

    DRAFT = "draft", _("Draft")
    DEPARTMENT_REVIEW = "department_review", _("Department review")
    AUTHORITY_REVIEW = "authority_review", _("Authority review")
    PUBLISHED = "published", _("Published")
    DISCARDED = "discarded", _("Given up")


OPEN_STATES = (RevisionState.DRAFT, RevisionState.DEPARTMENT_REVIEW, RevisionState.AUTHORITY_REVIEW)


class DatasetRevisionQuerySet(models.QuerySet["DatasetRevision"]):
    def open(self) -> DatasetRevisionQuerySet:
        """Revisions that somebody still writes or reviews."""
        return self.filter(state__in=OPEN_STATES)


class DatasetRevision(models.Model):
    """The next version of a record as a document (``catalog.documents``); at most one of a dataset is open.

    The fields of its review are named as those of Dataset, so that one set of commands works on both
    (``Dataset.work``); ``revision`` counts its saves.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="revisions")
    base_version = models.PositiveIntegerField()
    document = models.JSONField()
    state = models.CharField(_("state"), max_length=20, choices=RevisionState.choices, default=RevisionState.DRAFT)
    review_region = models.ForeignKey(Region, models.PROTECT, null=True, related_name="+")
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    state_note = models.TextField(blank=True)
    revision = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    objects = DatasetRevisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("revision")
        constraints = [
            models.UniqueConstraint(
                fields=["dataset"], condition=Q(state__in=OPEN_STATES), name="one_open_revision_per_dataset"
            ),
        ]
        indexes = [
            # the reviewers' queues
            models.Index(fields=["state", "modified"], condition=Q(state__in=OPEN_STATES), name="revision_in_work"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id} v{self.base_version}+"

    @property
    def is_editable(self) -> bool:
        return self.state == DatasetState.DRAFT


class SavedDocument(models.Model):
    """A document as it was before a save, so that two who write at once can be merged; the last few are kept."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="saved_documents")
    draft = models.ForeignKey(DatasetRevision, models.CASCADE, null=True, related_name="saved_documents")
    revision = models.PositiveIntegerField()
    document = models.JSONField()
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "draft", "revision"], name="document_saved_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id} r{self.revision}"
