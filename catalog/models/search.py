"""The narrow row that lists and searches read: what a dataset can be found and filtered by, and by whom."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models.dataset import Dataset
from portal.departments.models import Department, Region


class QualityBand(models.IntegerChoices):
    """How good the data are, as a filter."""

    UNKNOWN = 0, _("Not measured")
    LOW = 1, _("Below 60")
    FAIR = 2, _("60 to 79")
    GOOD = 3, _("80 and more")


class Freshness(models.TextChoices):
    """Whether new data came as the update cycle promises."""

    FRESH = "fresh", _("On time")
    LATE = "late", _("Late")
    NONE = "none", _("Without a promise")


class DatasetSearchRow(models.Model):
    """Derived from a dataset by ``catalog.search.index`` in the transaction that changes it; never edited by hand.

    ``reader_groups`` holds auth group ids and the pseudo groups of ``portal.access``; it answers ``visible_to``.
    """

    dataset = models.OneToOneField(Dataset, models.CASCADE, primary_key=True, related_name="search_row")
    reader_groups = ArrayField(models.IntegerField(), default=list)
    heading = SearchVectorField(default="")
    """Words of title and code (weight A) and of keywords, themes and item names (B)."""
    tokens = SearchVectorField()
    """All words: those of the heading, and of department and summary (C)."""
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=20)
    provider = models.ForeignKey(Department, models.CASCADE, related_name="+")
    region = models.ForeignKey(Region, models.CASCADE, related_name="+")
    level = models.PositiveSmallIntegerField()
    theme_codes = ArrayField(models.CharField(max_length=8), default=list)
    formats = ArrayField(models.CharField(max_length=20), default=list)
    sharing_type = models.CharField(max_length=15)
    open_type = models.CharField(max_length=15)
    update_cycle = models.CharField(max_length=15)
    grade = models.PositiveSmallIntegerField()
    has_data = models.BooleanField(default=False)
    row_count = models.PositiveBigIntegerField(default=0)
    issued = models.DateTimeField(null=True)
    modified = models.DateTimeField()
    uses = models.PositiveIntegerField(default=0)
    """Deliveries under grants in the last 90 days; with the next three kept by ``catalog.search.standing``."""
    quality = models.PositiveSmallIntegerField(default=0)
    """In percent; 0 where it was not measured."""
    quality_band = models.PositiveSmallIntegerField(choices=QualityBand.choices, default=QualityBand.UNKNOWN)
    freshness = models.CharField(max_length=5, choices=Freshness.choices, default=Freshness.NONE)

    class Meta:
        indexes = [
            # words
            GinIndex(fields=["tokens"], name="search_tokens"),
            GinIndex(fields=["heading"], name="search_heading"),
            # words of titles that are typed wrongly
            GinIndex(OpClass(Lower("title"), name="gin_trgm_ops"), name="search_title_trigrams"),
            # newest first, the default order of every list; keyset paging
            models.Index(fields=["-modified", "-dataset"], name="search_newest"),
            # by title
            models.Index(fields=["title", "dataset"], name="search_title"),
            # most used, and best, first
            models.Index(fields=["-uses", "-dataset"], name="search_most_used"),
            models.Index(fields=["-quality", "-dataset"], name="search_best"),
            # a department's catalogue
            models.Index(fields=["provider", "-modified"], name="search_provider"),
            # the open section: newest first
            models.Index(
                fields=["-modified", "-dataset"],
                condition=models.Q(state="published", open_type="open"),
                name="search_open_newest",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class SearchTerm(models.Model):
    """Words that mean the same to the search, as the authority wrote them; one alone is kept whole. Never changed."""

    words = ArrayField(models.CharField(max_length=60), verbose_name=_("words"))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("search words")
        ordering = ["-id"]

    def __str__(self) -> str:
        return " = ".join(self.words)


class SearchMiss(models.Model):
    """A text that was searched for on one day and met by no record; without who searched."""

    text = models.CharField(_("text"), max_length=100)
    day = models.DateField(_("day"))
    is_public = models.BooleanField()
    """Whether it was the open section."""
    count = models.PositiveIntegerField(_("times"), default=1)

    class Meta:
        verbose_name = _("search in vain")
        constraints = [models.UniqueConstraint(fields=["day", "is_public", "text"], name="one_miss_a_day")]

    def __str__(self) -> str:
        return self.text


class SavedSearch(models.Model):
    """A search that somebody keeps; ``params`` is its address. New records are told of where ``is_noticed``."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_searches")
    name = models.CharField(_("name"), max_length=60)
    params = models.CharField(max_length=2_000, blank=True)
    is_noticed = models.BooleanField(_("tell me of new datasets"), default=True)
    told_at = models.DateTimeField(default=timezone.now)
    """Records that were published later are new."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("saved search")
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="search_saved_once_by_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('catalog:dataset-list')}?{self.params}"
