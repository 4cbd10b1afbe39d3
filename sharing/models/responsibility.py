"""What departments owe the catalogue by a day (责任清单), and questions about records that are not shared."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from catalog.models import Dataset
from portal.calendars.terms import HasTerm
from portal.departments.models import Department
from portal.ids import new_id
from sharing.models.demand import Demand


class ResponsibilityKind(models.TextChoices):
    """Where an entry comes from; only ``entered`` ones are written by people."""

    ENTERED = "entered", pgettext_lazy("responsibility", "Set by the authority")
    DEMAND = "demand", pgettext_lazy("responsibility", "Promised on a demand")
    UPDATE = "update", pgettext_lazy("responsibility", "Update of shared data")
    REVIEW = "review", pgettext_lazy("responsibility", "Review of not sharing")


class ResponsibilityQuerySet(models.QuerySet["Responsibility"]):
    def pending(self) -> ResponsibilityQuerySet:
        """What still has to be done."""
        return self.filter(done_on__isnull=True)

    def late(self) -> ResponsibilityQuerySet:
        return self.pending().filter(due_on__lt=timezone.localdate())


class Responsibility(models.Model):
    """One entry: ``department`` does ``title`` until ``due_on``.

    Entries of a demand hang on ``demand``; a record's duty to be renewed or reviewed on ``duty_of``: each is kept by
    the functions that change the demand or the record. ``dataset`` is the record with which an entered one is met.
    ``warned_for`` and ``reminded_for`` are the due days about which the department was told.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=ResponsibilityKind.choices)
    department = models.ForeignKey(Department, models.PROTECT, related_name="responsibilities")
    title = models.CharField(_("what"), max_length=200)
    basis = models.CharField(_("basis"), max_length=500, blank=True)
    due_on = models.DateField(_("due"))
    done_on = models.DateField(_("done"), null=True, blank=True)
    needs_data = models.BooleanField(_("with data, not only the record"), default=False)
    dataset = models.ForeignKey(Dataset, models.PROTECT, null=True, blank=True, related_name="responsibilities")
    demand = models.OneToOneField(Demand, models.CASCADE, null=True, blank=True, related_name="responsibility")
    duty_of = models.OneToOneField(Dataset, models.CASCADE, null=True, blank=True, related_name="duty")
    warned_for = models.DateField(null=True)
    reminded_for = models.DateField(null=True)
    version = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = ResponsibilityQuerySet.as_manager()

    class Meta:
        verbose_name = _("responsibility")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="entered", demand__isnull=True, duty_of__isnull=True)
                | Q(kind="demand", demand__isnull=False, duty_of__isnull=True)
                | Q(kind__in=["update", "review"], demand__isnull=True, duty_of__isnull=False),
                name="responsibility_hangs_on_its_kind",
            ),
            models.UniqueConstraint(
                fields=["department", "title", "due_on"],
                condition=Q(kind="entered"),
                name="responsibility_entered_once",
                violation_error_message=_("This entry stands in the list already."),
            ),
        ]
        indexes = [
            # the list by due day, over all departments and of one
            models.Index(fields=["due_on", "id"], name="responsibility_by_day"),
            models.Index(fields=["department", "due_on", "id"], name="responsibility_of_office"),
            # the list by title
            models.Index(fields=["title", "id"], name="responsibility_by_title"),
            # what is pending, for reminders and figures
            models.Index(fields=["due_on"], condition=Q(done_on__isnull=True), name="responsibility_pending"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Where one sees what it is about."""
        if self.demand_id:
            return reverse("sharing:demand-detail", args=[self.demand_id])
        if self.shown_record is not None:
            return self.shown_record.get_absolute_url()
        return ""

    @property
    def state(self) -> str:
        """``done``, ``late`` or ``due``."""
        if self.done_on:
            return "done"
        return "late" if self.due_on < timezone.localdate() else "due"

    @property
    def shown_record(self) -> Dataset | None:
        """The record that it is about, or that meets it."""
        return self.duty_of or self.dataset


class SharingQuestion(HasTerm):
    """The authority asks a provider why a record is not shared; the provider owes an answer."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="sharing_questions")
    text = models.TextField(_("question"), max_length=1000)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True)
    answer = models.TextField(_("answer"), max_length=2000, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("question about a record that is not shared")
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset"], condition=Q(answered_at__isnull=True), name="one_open_question_per_dataset"
            ),
        ]
        indexes = [
            # open questions by deadline
            models.Index(fields=["due_at"], condition=Q(answered_at__isnull=True), name="sharing_question_open"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id}: {self.text[:40]}"
