"""What is asked and noted while a request is decided: questions, opinions of other offices, internal notes."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.departments.models import Department, Duty
from portal.ids import new_id
from sharing.models.request import SharingRequest
from sharing.models.step import ApprovalStep


class EnquiryKind(models.TextChoices):
    """To whom an office turns: the applicant (询问), or another office for its opinion (征求意见)."""

    QUESTION = "question", _("Question to the applicant")
    OPINION = "opinion", _("Opinion asked for")


class Enquiry(models.Model):
    """One question with its answer. ``stops_clock`` holds for questions: the step waits until they are answered.

    ``office`` is the auth group of (``department``, ``duty``) that is asked for its opinion; null for questions.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(SharingRequest, models.CASCADE, related_name="enquiries")
    step = models.ForeignKey(ApprovalStep, models.CASCADE, related_name="enquiries")
    kind = models.CharField(max_length=10, choices=EnquiryKind.choices)
    text = models.TextField(_("question"), max_length=2000)
    stops_clock = models.BooleanField(default=False)
    department = models.ForeignKey(Department, models.PROTECT, null=True, related_name="+")
    duty = models.CharField(max_length=20, choices=Duty.choices, blank=True)
    office = models.ForeignKey(Group, models.PROTECT, null=True, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    answer = models.TextField(_("answer"), max_length=4000, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    """When it was answered or taken back."""

    class Meta:
        verbose_name = _("question")
        ordering = ["asked_at", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(kind="opinion") | Q(office__isnull=False), name="opinion_of_an_office"),
            models.UniqueConstraint(fields=["step"], condition=Q(stops_clock=True), name="clock_stopped_once_per_step"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.request_id}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class InternalNote(models.Model):
    """What an office writes for itself (内部备注), or with ``is_shared`` for the other offices that decide.

    The applicant's department never sees it, except the office there that wrote it.
    """

    step = models.ForeignKey(ApprovalStep, models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = models.TextField(_("note"), max_length=2000)
    is_shared = models.BooleanField(default=False)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("internal note")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.author} · {self.step_id}"
