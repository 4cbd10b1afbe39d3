"""Demands (数据需求): what departments and citizens ask for that is not in the catalogue."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from catalog.models import Dataset
from portal.access import Standing
from portal.calendars.terms import HasTerm
from portal.departments.models import AUTHORITY_DUTIES, Department
from portal.ids import new_id


class DemandState(models.TextChoices):
    """``submitted`` waits for the authority, ``assigned`` for the holder, ``catalogued`` for the asker."""

    SUBMITTED = "submitted", pgettext_lazy("demand", "To be assigned")
    ASSIGNED = "assigned", pgettext_lazy("demand", "With the holder")
    ACCEPTED = "accepted", pgettext_lazy("demand", "Promised")
    CATALOGUED = "catalogued", pgettext_lazy("demand", "In the catalogue")
    FULFILLED = "fulfilled", pgettext_lazy("demand", "Fulfilled")
    DECLINED = "declined", pgettext_lazy("demand", "Declined")
    REJECTED = "rejected", pgettext_lazy("demand", "Not taken up")
    MERGED = "merged", pgettext_lazy("demand", "Merged")
    WITHDRAWN = "withdrawn", pgettext_lazy("demand", "Withdrawn")


OPEN_STATES = (DemandState.SUBMITTED, DemandState.ASSIGNED, DemandState.ACCEPTED, DemandState.CATALOGUED)
ACTIVE_STATES = (DemandState.SUBMITTED, DemandState.ASSIGNED, DemandState.ACCEPTED)
"""States in which an office has something to do, and can be late."""


class DeclineReason(models.TextChoices):
    """Why a holder declines; each needs a text with the statute or the fact (domain.md §5)."""

    LAW_FORBIDS = "law_forbids", _("Forbidden by law")
    NOT_HELD = "not_held", _("Data not held")
    NOT_COLLECTED = "not_collected", _("Collected by nobody: no duty to do so")
    SECURITY = "security", _("Security conditions not met")
    OTHER = "other", _("Other")


class RejectReason(models.TextChoices):
    """Why the authority does not take a demand up."""

    EXISTING = "existing", _("In the catalogue already")
    UNCLEAR = "unclear", _("Unclear what is asked for")


class DemandQuerySet(models.QuerySet["Demand"]):
    def readable_by(self, standing: Standing) -> DemandQuerySet:
        """Departments' demands: every civil servant. Citizens': the offices that deal with them, all once released."""
        mine = standing.departments_with()
        if not mine:
            return self.none()
        return self.filter(Q(department__isnull=False) | Q(is_public=True) | Q(holder__in=mine) | in_charge(standing))

    def open(self) -> DemandQuerySet:
        return self.filter(state__in=OPEN_STATES)

    def late(self) -> DemandQuerySet:
        """Demands with which an office is past its deadline."""
        return self.filter(state__in=ACTIVE_STATES, due_at__lt=timezone.now())

    def public(self) -> DemandQuerySet:
        """What the authority released to the public."""
        return self.filter(is_public=True).exclude(state=DemandState.MERGED)


def in_charge(standing: Standing) -> Q:
    """Demands to the authorities in which ``standing`` holds an authority's duty, and to those of regions below."""
    paths = Department.objects.filter(pk__in=standing.departments_with(*AUTHORITY_DUTIES))
    found = Q(pk__in=[])
    for path in paths.values_list("region__path", flat=True):
        found |= Q(authority__region__path__startswith=path)
    return found


class Demand(HasTerm):
    """Data that somebody needs and did not find; without ``department`` a citizen asks.

    ``authority`` names the holder, ``holder`` answers. ``due_at`` is the deadline of whoever has the turn; ``version``
    counts the acts, so that one on an old page is refused. ``sealed_email`` is a citizen's address, encrypted.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(_("number"), max_length=20, unique=True)
    title = models.CharField(_("title"), max_length=200)
    purpose = models.TextField(_("what for"), max_length=2000)
    content = models.TextField(_("which data"), max_length=2000, blank=True)
    legal_basis = models.CharField(_("legal basis"), max_length=500, blank=True)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="demands")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    sealed_email = models.TextField(blank=True)
    authority = models.ForeignKey(Department, models.PROTECT, related_name="+")
    holder = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="demands_to_answer")
    state = models.CharField(_("state"), max_length=12, choices=DemandState.choices, default=DemandState.SUBMITTED)
    reason = models.CharField(max_length=20, choices=[*DeclineReason.choices, *RejectReason.choices], blank=True)
    answer = models.TextField(_("answer"), blank=True)
    suggested_holder = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="+")
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    dataset = models.ForeignKey(Dataset, models.PROTECT, null=True, blank=True, related_name="demands")
    promised_on = models.DateField(_("promised for"), null=True, blank=True)
    is_public = models.BooleanField(default=False)
    public_title = models.CharField(_("title for the public"), max_length=200, blank=True)
    public_summary = models.TextField(_("summary for the public"), max_length=1000, blank=True)
    objections = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(_("asked"), default=timezone.now)
    reminded_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    objects = DemandQuerySet.as_manager()

    class Meta:
        verbose_name = _("demand")
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=["assigned", "accepted", "catalogued"]) | Q(holder__isnull=False),
                name="assigned_demand_has_a_holder",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["accepted", "catalogued", "fulfilled"]) | Q(promised_on__isnull=False),
                name="accepted_demand_has_a_day",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["catalogued", "fulfilled"]) | Q(dataset__isnull=False),
                name="catalogued_demand_has_a_dataset",
            ),
            models.CheckConstraint(
                condition=Q(department__isnull=True) | Q(sealed_email=""), name="only_citizens_leave_an_address"
            ),
        ]
        indexes = [
            # the list, newest first
            models.Index(fields=["-created_at", "-id"], name="demand_newest"),
            # the list by deadline, and what is late
            models.Index(fields=["due_at", "id"], name="demand_by_deadline"),
            # what a department has to answer, by deadline
            models.Index(fields=["holder", "due_at", "id"], name="demand_of_holder"),
            # what an authority has in charge, by deadline
            models.Index(fields=["authority", "due_at", "id"], name="demand_of_authority"),
            # a department's own, newest first
            models.Index(fields=["department", "-created_at", "-id"], name="demand_of_asker"),
            # by title
            models.Index(fields=["title", "id"], name="demand_by_title"),
            # the public list, newest first
            models.Index(fields=["-created_at", "-id"], condition=Q(is_public=True), name="demand_public"),
            # addresses to be deleted
            models.Index(fields=["closed_at"], condition=~Q(sealed_email=""), name="demand_with_address"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("sharing:demand-detail", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def has_deadline(self) -> bool:
        """Whether an office has the turn."""
        return self.state in ACTIVE_STATES


class DemandSupporter(models.Model):
    """A department that needs the same data and joined instead of asking again."""

    demand = models.ForeignKey(Demand, models.CASCADE, related_name="supporters")
    department = models.ForeignKey(Department, models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    need = models.CharField(_("what for"), max_length=500)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["joined_at", "id"]
        constraints = [models.UniqueConstraint(fields=["demand", "department"], name="department_joins_once")]

    def __str__(self) -> str:
        return f"{self.demand_id} · {self.department}"
