"""Open datasets for feed readers and search engines."""

from __future__ import annotations

import datetime as dt

from django.contrib.sitemaps import Sitemap
from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.urls import reverse, reverse_lazy
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext_lazy as _

from catalog.models import Dataset

FEED_SIZE = 50
SITEMAP_SIZE = 5_000


def _newest() -> QuerySet[Dataset]:
    return Dataset.objects.open().select_related("provider").order_by("-modified", "-id")


class NewestFeed(Feed[Dataset, None]):
    """The open datasets that changed last, as Atom."""

    feed_type = Atom1Feed
    title = _("Open data: newest datasets")
    link = reverse_lazy("open:dataset-list")
    subtitle = title

    def items(self) -> QuerySet[Dataset]:
        return _newest()[:FEED_SIZE]

    def item_title(self, item: Dataset) -> str:
        return item.title

    def item_description(self, item: Dataset) -> str:
        return item.summary

    def item_link(self, item: Dataset) -> str:
        return reverse("open:dataset-detail", args=[item.pk])

    def item_updateddate(self, item: Dataset) -> dt.datetime:
        return item.modified

    def item_author_name(self, item: Dataset) -> str:
        return item.provider.name


class DatasetSitemap(Sitemap[Dataset]):
    """Open datasets for search engines."""

    limit = SITEMAP_SIZE

    def items(self) -> QuerySet[Dataset]:
        return _newest()

    def lastmod(self, item: Dataset) -> dt.datetime:
        return item.modified

    def location(self, item: Dataset) -> str:
        return reverse("open:dataset-detail", args=[item.pk])


SITEMAPS = {"datasets": DatasetSitemap}
