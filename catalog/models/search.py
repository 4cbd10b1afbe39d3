"""The narrow row that lists and searches read: what a dataset can be found and filtered by, and by whom."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Lower

from catalog.models.dataset import Dataset
from portal.departments.models import Department, Region


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
