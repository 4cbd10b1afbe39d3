"""Datasets (数据资源) and their data items (信息项)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxLengthValidator, MinLengthValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from catalog.models.theme import Theme
from catalog.models.vocabulary import (
    Channel,
    DatasetState,
    DataType,
    Grade,
    OpenType,
    ResourceClass,
    ResourceFormat,
    Sensitivity,
    SharingType,
    UpdateCycle,
)
from portal.departments.models import Department, Region
from portal.ids import new_id

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from catalog.models.revision import DatasetRevision
    from portal.accounts.models import User


DURATION = r"^P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?$"
DURATION_MESSAGE = _("A duration as in ISO 8601: P1D for a day, P1M for a month, PT15M for 15 minutes.")


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def visible_to(self, user: User | AnonymousUser) -> DatasetQuerySet:
        """Datasets that ``user`` may see: one array overlap on the search row's reader groups (design.md §5)."""
        from portal.access import standing_of

        return self.readable_by(standing_of(user).reader_groups)

    def readable_by(self, reader_groups: list[int]) -> DatasetQuerySet:
        """``visible_to`` for a standing that has been read already."""
        return self.filter(search_row__reader_groups__overlap=reader_groups)

    def published(self) -> DatasetQuerySet:
        return self.filter(state=DatasetState.PUBLISHED)

    def open(self) -> DatasetQuerySet:
        """Published datasets that the public may have."""
        return self.published().filter(open_type=OpenType.OPEN)

    def conditionally_open(self) -> DatasetQuerySet:
        """Published datasets that enterprises and researchers may apply for; never those graded 4 or above."""
        found = self.published().filter(open_type=OpenType.CONDITIONAL, grade__lt=Grade.HIGHLY_SENSITIVE)
        return found.exclude(sharing_type=SharingType.NOT_SHARED)

    def to_review_by(self, department_ids: set, authority_regions: list[str]) -> DatasetQuerySet:
        """Records that wait for the departments' own review, or for the authorities of the regions."""
        from catalog.models.revision import DatasetRevision

        own = Q(state=DatasetState.DEPARTMENT_REVIEW)
        authority = Q(state=DatasetState.AUTHORITY_REVIEW, review_region_id__in=authority_regions)
        revised = DatasetRevision.objects.filter(authority | (own & Q(dataset__provider_id__in=department_ids)))
        return self.filter((own & Q(provider_id__in=department_ids)) | authority | Q(pk__in=revised.values("dataset")))


class Dataset(models.Model):  # type: ignore[django-manager-missing]
    """A catalogue record: what the data are, who answers for them, and on which terms they are shared and opened.

    Field names follow DCAT and domain.md §4 (GUIDE, GB/T 21063). ``review_region`` is the region whose data
    authority checks the record, set on submission.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(_("resource code"), max_length=40, unique=True, editable=False)
    title = models.CharField(_("title"), max_length=200)
    title_en = models.CharField(_("English title"), max_length=300, blank=True)
    provider = models.ForeignKey(Department, models.PROTECT, related_name="datasets", verbose_name=_("provider"))
    resource_class = models.CharField(
        _("resource class"), max_length=1, choices=ResourceClass.choices, default=ResourceClass.DEPARTMENTAL
    )
    summary = models.TextField(_("summary"), validators=[MinLengthValidator(20), MaxLengthValidator(1000)])
    resource_format = models.CharField(
        _("resource format"), max_length=20, choices=ResourceFormat.choices, default=ResourceFormat.DATABASE
    )
    format_type = models.CharField(_("format type"), max_length=60, blank=True)
    sharing_type = models.CharField(_("sharing type"), max_length=15, choices=SharingType.choices)
    sharing_condition = models.TextField(_("sharing condition"), blank=True, max_length=1000)
    sharing_basis = models.TextField(_("basis for the sharing type"), blank=True, max_length=1000)
    sharing_review_on = models.DateField(_("review of not sharing by"), null=True, blank=True)
    channels = ArrayField(
        models.CharField(max_length=10, choices=Channel.choices),
        verbose_name=_("sharing modes"),
        default=list,
        blank=True,
    )
    open_type = models.CharField(_("open type"), max_length=15, choices=OpenType.choices, default=OpenType.NOT_OPEN)
    open_condition = models.TextField(_("condition or basis of opening"), blank=True, max_length=1000)
    update_cycle = models.CharField(_("update cycle"), max_length=15, choices=UpdateCycle.choices)
    grade = models.PositiveSmallIntegerField(_("data grade"), choices=Grade.choices, default=Grade.INTERNAL)
    themes = models.ManyToManyField(Theme, verbose_name=_("themes"), related_name="datasets")
    keywords = ArrayField(models.CharField(max_length=40), verbose_name=_("keywords"), default=list, blank=True)
    source_system = models.CharField(_("source system"), max_length=100, blank=True)
    contact = models.CharField(_("contact"), max_length=200, blank=True)
    data_category = models.CharField(_("data category"), max_length=60, blank=True)
    licence = models.CharField(_("licence"), max_length=60, blank=True)
    attribution = models.CharField(_("source to be cited"), max_length=500, blank=True)
    landing_page = models.URLField(_("original page"), max_length=500, blank=True)
    language = models.CharField(_("language"), max_length=10, default="zh")
    spatial = models.ForeignKey(
        Region, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("spatial coverage")
    )
    spatial_resolution_m = models.FloatField(
        _("spatial resolution (metres)"), null=True, blank=True, validators=[MinValueValidator(0)]
    )
    temporal_resolution = models.CharField(
        _("temporal resolution"), max_length=20, blank=True, validators=[RegexValidator(DURATION, DURATION_MESSAGE)]
    )
    temporal_start = models.DateField(_("coverage from"), null=True, blank=True)
    temporal_end = models.DateField(_("coverage until"), null=True, blank=True)
    conforms_to = models.CharField(_("standards followed"), max_length=300, blank=True)
    provenance = models.TextField(_("how the data arise"), max_length=2000, blank=True)
    version_notes = models.TextField(_("what this version changes"), max_length=1000, blank=True)

    state = models.CharField(
        _("state"), max_length=20, choices=DatasetState.choices, default=DatasetState.DRAFT, editable=False
    )
    review_region = models.ForeignKey(Region, models.PROTECT, null=True, editable=False, related_name="+")
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    state_note = models.TextField(blank=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)
    revision = models.PositiveIntegerField(default=0, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified = models.DateTimeField(_("modified"), auto_now=True)
    issued = models.DateTimeField(_("published"), null=True, editable=False)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        verbose_name = _("dataset")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "title"],
                name="dataset_title_once_per_provider",
                violation_error_message=_("Your department already has a dataset with this title."),
            ),
            models.CheckConstraint(
                condition=Q(temporal_end__isnull=True)
                | Q(temporal_start__isnull=True)
                | Q(temporal_end__gte=models.F("temporal_start")),
                name="dataset_coverage_in_order",
                violation_error_message=_("The coverage ends before it begins."),
            ),
        ]
        indexes = [
            # the reviewers' queues; few rows are in these states
            models.Index(
                fields=["state", "provider", "modified"],
                condition=Q(state__in=["draft", "department_review", "authority_review", "withdrawn"]),
                name="dataset_in_work",
            ),
            # the negative list by review day, by title and by provider; few records are not shared
            models.Index(
                fields=["sharing_review_on", "id"],
                condition=Q(state="published", sharing_type="not_shared"),
                name="dataset_not_shared_by_day",
            ),
            models.Index(
                fields=["title", "id"],
                condition=Q(state="published", sharing_type="not_shared"),
                name="dataset_not_shared_by_title",
            ),
            # a department's own records
            models.Index(fields=["provider", "-modified"], name="dataset_of_provider"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("catalog:dataset-detail", args=[self.pk])

    @property
    def is_published(self) -> bool:
        return self.state == DatasetState.PUBLISHED

    @property
    def is_open(self) -> bool:
        return self.is_published and self.open_type == OpenType.OPEN

    @property
    def is_conditionally_open(self) -> bool:
        """Whether enterprises and researchers may apply for it, as ``conditionally_open`` says."""
        if self.open_type != OpenType.CONDITIONAL or self.sharing_type == SharingType.NOT_SHARED:
            return False
        return self.is_published and self.grade < Grade.HIGHLY_SENSITIVE

    @property
    def is_editable(self) -> bool:
        return self.state in (DatasetState.DRAFT, DatasetState.WITHDRAWN)

    @cached_property
    def open_revision(self) -> DatasetRevision | None:
        """The next version that somebody writes or reviews while this one stays public."""
        return self.revisions.open().first()

    @property
    def work(self) -> Dataset | DatasetRevision:
        """What is written and reviewed at present: the open revision of a published record, else the record."""
        return self.open_revision or self


class DatasetUserObjectPermission(UserObjectPermissionBase):
    """Unused on purpose: object rights belong to groups; guardian asks for the pair of models."""

    content_object = models.ForeignKey(Dataset, models.CASCADE)


class DatasetGroupObjectPermission(GroupObjectPermissionBase):
    """An exception: a group may see or edit one dataset (design.md §5)."""

    content_object = models.ForeignKey(Dataset, models.CASCADE)


class DisclosureRole(models.TextChoices):
    """What an item can do to people in open data: nothing, tell them apart with others, or say something about them."""

    NONE = "none", _("none")
    QUASI = "quasi", _("tells people apart together with others")
    SENSITIVE = "sensitive", _("says what must not be known of somebody")


class DataItem(models.Model):
    """A field of a dataset; ``column`` is its name in the table and in the API."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(_("name"), max_length=200)
    name_en = models.CharField(_("English name"), max_length=200, blank=True)
    column = models.CharField(
        _("column"),
        max_length=60,
        validators=[RegexValidator(r"^[^\W\d]\w*$", _("Letters, digits and underscores; no digit first."))],
    )
    data_type = models.CharField(_("data type"), max_length=4, choices=DataType.choices, default=DataType.STRING)
    length = models.PositiveIntegerField(_("length"), null=True, blank=True)
    precision = models.PositiveSmallIntegerField(_("decimal places"), null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=30, blank=True)
    element = models.ForeignKey(
        "catalog.DataElement",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="items",
        verbose_name=_("data element"),
    )
    description = models.CharField(_("description"), max_length=2000, blank=True)
    is_key = models.BooleanField(_("key"), default=False)
    is_nullable = models.BooleanField(_("may be empty"), default=True)
    sensitivity = models.CharField(
        _("personal data"), max_length=10, choices=Sensitivity.choices, default=Sensitivity.NONE
    )
    sharing_type = models.CharField(
        _("sharing type"), max_length=15, choices=SharingType.choices, default=SharingType.CONDITIONAL
    )
    open_type = models.CharField(_("open type"), max_length=15, choices=OpenType.choices, default=OpenType.NOT_OPEN)
    disclosure_role = models.CharField(
        _("role in telling people apart"), max_length=10, choices=DisclosureRole.choices, default=DisclosureRole.NONE
    )
    share_mask = models.CharField(_("mask when shared"), max_length=40, blank=True)
    open_mask = models.CharField(_("mask when open"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("data item")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "column"],
                name="item_column_once_in_dataset",
                violation_error_message=_("Two items of this dataset have the same column."),
            ),
        ]
        indexes = [
            # the negative list of single items, by record
            models.Index(
                fields=["dataset", "position", "id"], condition=Q(sharing_type="not_shared"), name="item_not_shared"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DatasetVersion(models.Model):
    """The metadata of a dataset as it was published: frozen, numbered from 1."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    metadata = models.JSONField()
    published_at = models.DateTimeField(auto_now_add=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="dataset_version_number")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.dataset_id} v{self.number}"


class CodeSequence(models.Model):
    """The last serial number (顺序号) given under a prefix of resource codes."""

    prefix = models.CharField(max_length=20, primary_key=True)
    last = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.prefix}/{self.last}"
