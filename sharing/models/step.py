"""The steps in which offices decide requests (审批任务), their decisions and votes, and copies for information."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.access import Standing
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from portal.ids import new_id
from sharing.models.request import RefusalReason, RequestItem, SharingRequest
from sharing.models.route import titled

if TYPE_CHECKING:
    from sharing.rules import Ties


class StepState(models.TextChoices):
    """``waiting`` until the steps before it are done; ``paused`` while all its open items are with the applicant, or a
    question that stops the clock is."""

    WAITING = "waiting", _("Waiting")
    OPEN = "open", _("To be decided")
    PAUSED = "paused", _("With the applicant")
    DONE = "done", _("Decided")
    SKIPPED = "skipped", _("Not needed")


class ApprovalStepQuerySet(models.QuerySet["ApprovalStep"]):
    def of_offices(self, standing: Standing) -> ApprovalStepQuerySet:
        """Steps of the offices in which somebody with ``standing`` decides."""
        return self.filter(office_id__in=list(standing.group_ids))

    def open(self) -> ApprovalStepQuerySet:
        return self.filter(state=StepState.OPEN)


class ApprovalStep(models.Model):
    """One office's turn on some items of a request (审批任务).

    ``lane`` is the provider whose lane the step is in, null for the common steps; ``order`` counts within the common
    steps and then within the lane. ``office`` is the auth group of (``department``, ``duty``). ``days_left`` keeps
    the rest of the term while the clock stands.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(SharingRequest, models.CASCADE, related_name="steps")
    stage = models.SlugField(max_length=40)
    title = models.CharField(max_length=100)
    title_en = models.CharField(max_length=100, blank=True)
    lane = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="+")
    order = models.PositiveSmallIntegerField()
    department = models.ForeignKey(Department, models.PROTECT, related_name="steps")
    duty = models.CharField(max_length=20, choices=Duty.choices)
    office = models.ForeignKey(Group, models.PROTECT, related_name="+")
    working_days = models.PositiveSmallIntegerField()
    quorum = models.PositiveSmallIntegerField(default=1)
    """How many must agree; 0 for everybody who holds the duty."""
    is_halted = models.BooleanField(default=False)
    """The clock stands still until the applicant has answered a question (``sharing.thread``)."""
    is_afterwards = models.BooleanField(default=False)
    """Looks at what was granted already; a refusal revokes the grant."""
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    """Who works on it (认领); the others of the office see that, and can take it over."""
    late = models.CharField(max_length=10, default="remind")
    """Who is told besides the office when it is late: ``sharing.routes.Late``."""
    state = models.CharField(max_length=10, choices=StepState.choices, default=StepState.WAITING)
    opened_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    is_provisional = models.BooleanField(default=False)
    days_left = models.SmallIntegerField(null=True)
    term_days = models.PositiveSmallIntegerField(null=True)
    """Working days that it had when the clock last started: what ``due_at`` is counted with."""
    days_used = models.PositiveSmallIntegerField(default=0)
    """Working days during which it was open, up to when the clock last stopped."""
    warned_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)
    vacant_at = models.DateTimeField(null=True)
    """Since when it is known that nobody holds the office; who can help was told then (``sharing.vacancies``)."""
    decided_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0)

    ties: Ties | None = None
    """What binds people to its request, where many steps are decided at once (``sharing.rules``); not stored."""

    objects = ApprovalStepQuerySet.as_manager()

    class Meta:
        verbose_name = _("approval step")
        ordering = ["order", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "stage", "lane"], name="stage_once_per_lane", nulls_distinct=False
            ),
        ]
        indexes = [
            # the queue: an office's open steps by deadline
            models.Index(fields=["office", "due_at", "id"], condition=Q(state="open"), name="step_queue"),
            # what somebody works on, by deadline
            models.Index(fields=["claimed_by", "due_at", "id"], condition=Q(state="open"), name="step_claimed"),
            # an office's decided steps, newest first
            models.Index(fields=["office", "-decided_at"], condition=Q(state="done"), name="step_decided"),
            # an office's steps that wait for the applicant
            models.Index(fields=["office", "id"], condition=Q(state="paused"), name="step_paused"),
            # requests that came to an office, the newest first
            models.Index(fields=["office", "-request"], condition=~Q(state="waiting"), name="step_handled"),
            # steps that had nobody to decide them
            models.Index(fields=["id"], condition=Q(vacant_at__isnull=False), name="step_vacant"),
            # late steps, for reminders and the authority's board
            models.Index(fields=["due_at"], condition=Q(state="open"), name="step_late"),
        ]

    def __str__(self) -> str:
        return f"{self.label} · {self.department}"

    def get_absolute_url(self) -> str:
        return reverse("sharing:step-detail", args=[self.pk])

    @property
    def label(self) -> str:
        """The stage's title in the reader's language."""
        return titled(self.title, self.title_en)

    @property
    def is_authority_step(self) -> bool:
        return self.duty in AUTHORITY_DUTIES


class Verdict(models.TextChoices):
    """What can be decided on an item."""

    APPROVE = "approve", _("Approve")
    REFUSE = "refuse", _("Refuse")
    RETURN = "return", _("Return for changes")


class StepItem(models.Model):
    """An item as it stands in a step: undecided, or with the last decision made on it there (审批意见).

    ``decided_for`` is the person for whom a deputy decided.
    """

    step = models.ForeignKey(ApprovalStep, models.CASCADE, related_name="step_items")
    item = models.ForeignKey(RequestItem, models.CASCADE, related_name="step_items")
    is_needed = models.BooleanField(default=True)
    verdict = models.CharField(max_length=10, choices=Verdict.choices, blank=True)
    reason = models.CharField(max_length=20, choices=RefusalReason.choices, blank=True)
    note = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_for = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    terms = models.JSONField(default=dict, blank=True)
    """Conditions of an approval, in the form of ``sharing.terms``."""
    marks = models.JSONField(default=list, blank=True)
    """What a return asks to be changed: names from ``sharing.marks``."""

    class Meta:
        ordering = ["item_id"]
        constraints = [models.UniqueConstraint(fields=["step", "item"], name="item_once_in_step")]
        indexes = [
            # what a person decided on a request: nobody decides twice in two roles
            models.Index(fields=["decided_by"], condition=~Q(verdict=""), name="stepitem_decided_by"),
        ]

    def __str__(self) -> str:
        return f"{self.step_id} · {self.item_id}"

    @property
    def is_open(self) -> bool:
        """Whether the office still has to decide it: needed, and not approved, refused or with the applicant."""
        return self.is_needed and not self.verdict


class Vote(models.Model):
    """One person's word on an item in a step that several decide together (会签); the entry has what came of them."""

    entry = models.ForeignKey(StepItem, models.CASCADE, related_name="votes")
    voter = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    """Who holds the duty; ``cast_by`` is their deputy or the same person."""
    cast_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    reason = models.CharField(max_length=20, choices=RefusalReason.choices, blank=True)
    note = models.TextField(blank=True)
    terms = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["entry", "voter"], name="one_vote_each")]

    def __str__(self) -> str:
        return f"{self.voter} · {self.get_verdict_display()}"


class RequestCopy(models.Model):
    """An office that gets a request for information and does not vote (知会)."""

    request = models.ForeignKey(SharingRequest, models.CASCADE, related_name="copies")
    department = models.ForeignKey(Department, models.PROTECT, related_name="+")
    duty = models.CharField(max_length=20, choices=Duty.choices)
    office = models.ForeignKey(Group, models.PROTECT, related_name="+")
    given_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["request", "office"], name="one_copy_per_office")]

    def __str__(self) -> str:
        return f"{self.department} · {self.request_id}"


class SavedView(models.Model):
    """A person's way of looking at the queue (常用视图): its filters, tab and columns as a query string."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="queue_views")
    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(max_length=500)

    class Meta:
        verbose_name = _("saved view")
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_view_of_a_name")]

    def __str__(self) -> str:
        return self.name
