"""Correction reports (数据校核): errors that users of granted or open data report to who answers for the data."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from catalog.models import Dataset, DatasetState, OpenType, TableVersion
from portal.access import Standing
from portal.calendars.terms import HasTerm
from portal.departments.models import AUTHORITY_DUTIES, Department
from portal.ids import new_id
from sharing.models.grant import Grant


class ErrorKind(models.TextChoices):
    """What is wrong with the data."""

    WRONG = "wrong", _("Value is wrong")
    MISSING = "missing", _("Data are missing")
    DUPLICATE = "duplicate", _("Rows are there twice")
    OUTDATED = "outdated", _("Out of date")
    FORMAT = "format", _("Wrong format")
    OTHER = "other", pgettext_lazy("kind of error", "Something else")


class CorrectionState(models.TextChoices):
    """``filed`` waits for the holder, ``answered`` for the reporter, ``objected`` for the data authority."""

    FILED = "filed", pgettext_lazy("correction", "With the holder")
    ANSWERED = "answered", pgettext_lazy("correction", "Answered")
    OBJECTED = "objected", pgettext_lazy("correction", "With the data authority")
    CLOSED = "closed", pgettext_lazy("correction", "Closed")
    WITHDRAWN = "withdrawn", pgettext_lazy("correction", "Withdrawn")


class CorrectionOutcome(models.TextChoices):
    CORRECTED = "corrected", _("Corrected")
    PARTLY = "partly", _("Partly corrected")
    EXPLAINED = "explained", _("Explained: no error")


CORRECTING = (CorrectionOutcome.CORRECTED, CorrectionOutcome.PARTLY)
"""Outcomes after which the data are other than they were."""
WAITING = (CorrectionState.FILED, CorrectionState.OBJECTED)
"""States in which an office has the turn, and can be late."""


class CorrectionQuerySet(models.QuerySet["CorrectionReport"]):
    def readable_by(self, standing: Standing) -> CorrectionQuerySet:
        """Reports of one's departments, on data they provide or must answer for, and in charge of one's authority."""
        mine = standing.departments_with()
        if not mine:
            return self.none()
        parties = Q(department__in=mine) | Q(holder__in=mine) | Q(dataset__provider__in=mine)
        return self.filter(parties | _in_charge(standing))

    def waiting(self) -> CorrectionQuerySet:
        return self.filter(state__in=WAITING)

    def late(self) -> CorrectionQuerySet:
        """Reports with which an office is past its deadline."""
        return self.waiting().filter(due_at__lt=timezone.now())

    def errata(self) -> CorrectionQuerySet:
        """Reports that led to a correction (更正记录), newest first."""
        return self.filter(corrected_at__isnull=False).order_by("-corrected_at", "-id")

    def of_dataset(self, dataset: Dataset) -> CorrectionQuerySet:
        """Reports on a dataset, and those that were handed on to it."""
        return self.filter(Q(dataset=dataset) | Q(source=dataset))

    def public(self) -> CorrectionQuerySet:
        """Corrections of what the public can read, as long as the dataset is open."""
        is_open = Q(dataset__state=DatasetState.PUBLISHED, dataset__open_type=OpenType.OPEN)
        return self.filter(is_open, is_public=True).errata()


def _in_charge(standing: Standing) -> Q:
    """Reports to holders in the regions of one's data authorities, and those that lie with one of them."""
    authorities = standing.departments_with(*AUTHORITY_DUTIES)
    if not authorities:
        return Q(pk__in=[])
    found = Q(authority__in=authorities)
    for path in Department.objects.filter(pk__in=authorities).values_list("region__path", flat=True):
        found |= Q(holder__region__path__startswith=path)
    return found


class CorrectionReport(HasTerm):
    """One report; without ``department`` a citizen wrote it, about open data.

    ``rows`` are the rows in question as ``{column: value}``, of columns that the reporter may read; they leave the
    reporter's department and the provider only when the provider passes them on (``passes_rows``). ``source`` is the
    dataset that the report was handed on to. ``erratum`` says what was corrected, for everybody who reads the data.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(_("number"), max_length=20, unique=True)
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="corrections")
    grant = models.ForeignKey(Grant, models.PROTECT, null=True, related_name="corrections")
    department = models.ForeignKey(Department, models.PROTECT, null=True, related_name="corrections")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    sealed_email = models.TextField(blank=True)
    kind = models.CharField(_("kind of error"), max_length=10, choices=ErrorKind.choices)
    columns = ArrayField(models.CharField(max_length=60), default=list)
    description = models.TextField(_("what is wrong"), max_length=2000)
    rows = models.JSONField(default=list)
    expected = models.CharField(_("what would be right"), max_length=500, blank=True)
    evidence = models.TextField(_("how one knows"), max_length=2000, blank=True)
    holder = models.ForeignKey(Department, models.PROTECT, related_name="corrections_to_answer")
    source = models.ForeignKey(Dataset, models.PROTECT, null=True, related_name="+")
    passes_rows = models.BooleanField(default=False)
    hand_ons = models.PositiveSmallIntegerField(default=0)
    authority = models.ForeignKey(Department, models.PROTECT, null=True, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=CorrectionState.choices, default=CorrectionState.FILED)
    outcome = models.CharField(max_length=10, choices=CorrectionOutcome.choices, blank=True)
    answer = models.TextField(_("answer"), blank=True)
    erratum = models.CharField(_("what was corrected"), max_length=500, blank=True)
    table_version = models.ForeignKey(TableVersion, models.SET_NULL, null=True, related_name="+")
    is_public = models.BooleanField(default=False)
    objection = models.TextField(blank=True)
    ruling = models.TextField(blank=True)
    extension_reason = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(_("reported"), default=timezone.now)
    warned_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    corrected_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction report")
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="answered") | ~Q(outcome=""), name="answered_correction_has_an_outcome"
            ),
            models.CheckConstraint(
                condition=~Q(state="objected") | Q(authority__isnull=False), name="objected_correction_has_an_authority"
            ),
            models.CheckConstraint(
                condition=Q(corrected_at__isnull=True) | ~Q(erratum=""), name="correction_says_what_was_corrected"
            ),
            models.CheckConstraint(
                condition=Q(department__isnull=True) | Q(sealed_email=""), name="only_citizens_leave_an_address_here"
            ),
        ]
        indexes = [
            # the list, newest first, and by deadline with what is late
            models.Index(fields=["-created_at", "-id"], name="correction_newest"),
            models.Index(fields=["due_at", "id"], name="correction_by_deadline"),
            # what a department has to answer, and what it reported
            models.Index(fields=["holder", "state", "due_at"], name="correction_of_holder"),
            models.Index(fields=["department", "-created_at", "-id"], name="correction_of_reporter"),
            # what was corrected in a dataset, newest first
            models.Index(
                fields=["dataset", "-corrected_at"],
                condition=Q(corrected_at__isnull=False),
                name="erratum_of_dataset",
            ),
            models.Index(fields=["-corrected_at", "-id"], condition=Q(is_public=True), name="erratum_public"),
            # addresses to be deleted
            models.Index(fields=["closed_at"], condition=~Q(sealed_email=""), name="correction_with_address"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.dataset}"

    def get_absolute_url(self) -> str:
        return reverse("sharing:correction-detail", args=[self.pk])

    @property
    def is_waiting(self) -> bool:
        """Whether an office has the turn."""
        return self.state in WAITING

    @property
    def was_objected(self) -> bool:
        return bool(self.objection)
