"""Baskets, sharing requests (共享申请) and their items."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog.models import Channel, Dataset, UpdateCycle
from portal.access import Standing
from portal.departments.models import Department
from portal.ids import new_id
from sharing.models.route import RouteVersion


class BasketItem(models.Model):
    """A dataset that a person has put aside to apply for (申请清单)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="basket")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["added_at", "id"]
        constraints = [models.UniqueConstraint(fields=["user", "dataset"], name="dataset_once_in_basket")]

    def __str__(self) -> str:
        return str(self.dataset)


class RequestState(models.TextChoices):
    """``returned`` while an item waits for changes, ``offered`` while one waits for a word on conditions, and
    ``completed`` when every item has its answer."""

    DRAFT = "draft", _("Draft")
    IN_REVIEW = "in_review", _("In review")
    RETURNED = "returned", _("Returned for changes")
    OFFERED = "offered", _("Conditions to be accepted")
    COMPLETED = "completed", _("Completed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Purpose(models.TextChoices):
    """What the data are needed for (使用目的)."""

    LAW_ENFORCEMENT = "enforcement", _("Administrative enforcement")
    PUBLIC_SERVICE = "service", _("Public service")
    SUPERVISION = "supervision", _("Market and social supervision")
    PLANNING = "planning", _("Planning and statistics")
    EMERGENCY = "emergency", _("Emergency response")
    OTHER = "other", _("Other duties")


class ApplicantKind(models.TextChoices):
    """Who applies: a department, or somebody from outside for conditionally open data (有条件开放申请)."""

    DEPARTMENT = "department", _("Department")
    ENTERPRISE = "enterprise", _("Enterprise")
    RESEARCH = "research", _("Research institution")
    OTHER = "other", _("Other organisation")

    @classmethod
    def outside(cls) -> list[tuple[str, Any]]:
        """The choices of those who are no department."""
        return [choice for choice in cls.choices if choice[0] != cls.DEPARTMENT]


class SharingRequestQuerySet(models.QuerySet["SharingRequest"]):
    def readable_by(self, standing: Standing) -> SharingRequestQuerySet:
        """Requests of one's departments, and those with a step of one's offices or a copy for them.

        A draft is seen by the applicant's department alone. Who made a request and has left the department since has
        no more to do with it. The department of an application from outside only receives it: it is not its own.
        """
        from sharing.models.step import RequestCopy  # which stands on this module

        mine = standing.departments_with()
        own = Q(department_id__in=mine, applicant_kind=ApplicantKind.DEPARTMENT) | Q(filed_by_department_id__in=mine)
        copies = RequestCopy.objects.filter(request=models.OuterRef("pk"), office__in=list(standing.group_ids))
        asked = Q(_has_step_of(standing.group_ids)) | Q(models.Exists(copies))
        return self.filter(own | (~Q(state=RequestState.DRAFT) & asked))

    def of_departments(self, standing: Standing) -> SharingRequestQuerySet:
        """What one's own departments apply for, drafts included."""
        return self.from_departments().filter(department_id__in=standing.departments_with())

    def from_departments(self) -> SharingRequestQuerySet:
        """Requests of departments, for themselves."""
        return self.filter(applicant_kind=ApplicantKind.DEPARTMENT)

    def from_outside(self) -> SharingRequestQuerySet:
        """Applications of enterprises, researchers and others for conditionally open data."""
        return self.exclude(applicant_kind=ApplicantKind.DEPARTMENT)

    def filed_by(self, standing: Standing) -> SharingRequestQuerySet:
        """What one's own departments file for departments below them."""
        return self.filter(filed_by_department__in=standing.departments_with())

    def handled_by(self, standing: Standing) -> SharingRequestQuerySet:
        """Requests that have (or had) a step of one's offices."""
        return self.filter(_has_step_of(standing.group_ids))

    def with_item_counts(self) -> SharingRequestQuerySet:
        """Annotates ``items_total`` and ``items_answered``."""
        answered = Q(items__state__in=ItemState.answered())
        return self.annotate(items_total=models.Count("items"), items_answered=models.Count("items", filter=answered))


def _has_step_of(group_ids: Iterable[int]) -> models.Exists:
    """True for a request that has (or had) a step of one of the offices."""
    from sharing.models.step import ApprovalStep, StepState  # which stands on this module

    steps = ApprovalStep.objects.filter(request_id=models.OuterRef("pk"), office_id__in=list(group_ids))
    return models.Exists(steps.exclude(state=StepState.WAITING))


class SharingRequest(models.Model):
    """One application for many datasets of many providers (domain.md §5: what an application states).

    An application from outside (``OpenApplicant``) has no person of the portal behind it; its ``department`` is the
    data authority that receives it, and neither applies nor uses what is granted.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(_("number"), max_length=20, unique=True, null=True, editable=False)
    title = models.CharField(_("title"), max_length=200)
    department = models.ForeignKey(Department, models.PROTECT, related_name="requests", verbose_name=_("applicant"))
    filed_by_department = models.ForeignKey(
        Department, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("filed by the superior")
    )
    """The superior department that files for ``department`` (代下级部门申请); null where it files for itself."""
    applicant_kind = models.CharField(
        _("kind of applicant"),
        max_length=12,
        choices=ApplicantKind.choices,
        default=ApplicantKind.DEPARTMENT,
        editable=False,
    )
    outside_name = models.CharField(_("applicant from outside"), max_length=120, blank=True, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="requests")
    purpose = models.CharField(_("purpose"), max_length=15, choices=Purpose.choices)
    legal_basis = models.TextField(_("basis of duty"), max_length=2000)
    scenario = models.TextField(_("scenario of use"), max_length=2000)
    scope_of_use = models.TextField(_("scope of use"), max_length=1000, blank=True)
    channels = ArrayField(models.CharField(max_length=10, choices=Channel.choices), verbose_name=_("sharing modes"))
    frequency = models.CharField(
        _("frequency of use"), max_length=15, choices=UpdateCycle.choices, default=UpdateCycle.IRREGULAR
    )
    expected_calls = models.PositiveIntegerField(_("expected calls a day"), null=True, blank=True)
    valid_until = models.DateField(_("needed until"))
    is_cross_border = models.BooleanField(_("data leave the country"), default=False)
    has_commitment = models.BooleanField(_("security commitments accepted"), default=False)

    state = models.CharField(
        _("state"), max_length=12, choices=RequestState.choices, default=RequestState.DRAFT, editable=False
    )
    route_version = models.ForeignKey(RouteVersion, models.PROTECT, null=True, editable=False, related_name="requests")
    version = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified = models.DateTimeField(_("modified"), auto_now=True)
    submitted_at = models.DateTimeField(_("submitted"), null=True, editable=False)
    orphaned_at = models.DateTimeField(null=True, editable=False)
    """Since when it waits for an applicant where nobody applies any more; the clerk was told then."""
    completed_at = models.DateTimeField(_("completed"), null=True, editable=False)

    objects = SharingRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("sharing request")
        constraints = [
            models.CheckConstraint(
                condition=Q(applicant_kind="department", outside_name="", created_by__isnull=False)
                | (~Q(applicant_kind="department") & ~Q(outside_name="") & Q(created_by__isnull=True)),
                name="applicant_is_inside_or_outside",
            ),
        ]
        indexes = [
            # a department's requests, newest first, with and without a state
            models.Index(fields=["department", "-modified", "-id"], name="request_of_department"),
            models.Index(fields=["department", "state", "-modified"], name="request_by_state"),
            # what a department files for those below it
            models.Index(
                fields=["filed_by_department", "-modified", "-id"],
                condition=Q(filed_by_department__isnull=False),
                name="request_filed_for",
            ),
            # what waits for an applicant: offices without one
            models.Index(fields=["department"], condition=Q(state__in=["returned", "offered"]), name="request_waiting"),
            # one's own
            models.Index(fields=["created_by", "-modified"], name="request_of_person"),
            # applications from outside, newest first: figures for the public, contacts to be deleted
            models.Index(
                fields=["-submitted_at"], condition=~Q(applicant_kind="department"), name="request_from_outside"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number or _('Draft')} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("sharing:request-detail", args=[self.pk])

    @property
    def is_outside(self) -> bool:
        """Whether somebody from outside applies."""
        return self.applicant_kind != ApplicantKind.DEPARTMENT

    @property
    def applicant_name(self) -> str:
        """Who applies: the department, or who applies from outside."""
        return self.outside_name or self.department.name

    @property
    def is_open(self) -> bool:
        """Whether offices or the applicant still have something to do."""
        return self.state in (RequestState.IN_REVIEW, RequestState.RETURNED, RequestState.OFFERED)


class ItemState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    IN_REVIEW = "in_review", _("In review")
    RETURNED = "returned", _("Returned for changes")
    OFFERED = "offered", _("Approved with conditions")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    CLOSED = "closed", _("Closed")

    @classmethod
    def answered(cls) -> list[str]:
        """States after which nobody has anything to do on the item."""
        return [cls.APPROVED, cls.REFUSED, cls.WITHDRAWN, cls.CLOSED]

    @classmethod
    def undecided(cls) -> list[str]:
        """States of a submitted item that somebody still has something to do on."""
        return [cls.IN_REVIEW, cls.RETURNED, cls.OFFERED]


class RefusalReason(models.TextChoices):
    """Reasons for which a request may be refused (domain.md §5); each needs a text beside it."""

    NOT_IN_DUTIES = "not_in_duties", _("Not within the applicant's duties")
    PURPOSE_UNCLEAR = "purpose_unclear", _("Purpose unclear")
    SCOPE_EXCEEDS_NEED = "scope_exceeds_need", _("Scope goes beyond the need")
    BASIS_MISSING = "basis_missing", _("Basis missing")
    SECURITY_UNMET = "security_unmet", _("Security conditions not met")
    LAW_FORBIDS = "law_forbids", _("Forbidden by law")
    NOT_HELD = "not_held", _("Data not held")
    OTHER = "other", _("Other")


class RequestItem(models.Model):
    """One dataset of a request with the items and rows asked for.

    ``columns`` are column names of data items; ``row_filter`` is a list of conditions in the form of
    ``catalog.tables.filters``, empty for all rows. The ``submitted_`` pair is what the offices were last asked.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(SharingRequest, models.CASCADE, related_name="items")
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="request_items")
    columns = ArrayField(models.CharField(max_length=60), verbose_name=_("data items"), default=list)
    row_filter = models.JSONField(_("rows"), default=list, blank=True)
    submitted_columns = ArrayField(models.CharField(max_length=60), default=list, editable=False)
    submitted_filter = models.JSONField(default=list, editable=False)
    state = models.CharField(max_length=12, choices=ItemState.choices, default=ItemState.DRAFT, editable=False)
    refusal_reason = models.CharField(max_length=20, choices=RefusalReason.choices, blank=True, editable=False)
    answer = models.TextField(_("answer"), blank=True, editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    terms = models.JSONField(default=dict, blank=True, editable=False)
    """Conditions of the offices together, in the form of ``sharing.terms``; a grant waits until they are accepted."""
    terms_accepted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("request item")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "dataset"],
                name="dataset_once_in_request",
                violation_error_message=_("This dataset is in the request already."),
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(refusal_reason=""), name="refused_item_has_a_reason"
            ),
        ]
        indexes = [
            # open items of a dataset: withdrawal, "who asks for this?"
            models.Index(fields=["dataset", "state"], name="item_of_dataset"),
        ]

    def __str__(self) -> str:
        return str(self.dataset)

    @property
    def is_answered(self) -> bool:
        return self.state in ItemState.answered()
