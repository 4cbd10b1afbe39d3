"""Signed reviews of rights."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class RightsReview(models.Model):
    """A security administrator looked at everybody's rights and signed for them, once a quarter.

    ``content`` is the list they signed, gzipped CSV; ``digest`` its SHA-256 (of the CSV), which the event record holds
    too, so that neither can be changed without the other.
    """

    quarter = models.CharField(_("quarter"), max_length=6, unique=True)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(_("signed"))
    note = models.TextField(_("findings"), blank=True, max_length=2_000)
    row_count = models.PositiveIntegerField()
    added = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64)
    content = models.BinaryField()

    class Meta:
        verbose_name = _("review of rights")
        ordering = ["-quarter"]

    def __str__(self) -> str:
        return quarter_label(self.quarter)


def quarter_label(quarter: str) -> str:
    """``2026Q4`` in the reader's language."""
    year, number = quarter.split("Q")
    return gettext("%(year)s, quarter %(number)s") % {"year": year, "number": number}
