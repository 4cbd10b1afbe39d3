"""What shows that data are collected twice (一数一源): signatures of records, sketches of keys, and found pairs."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from catalog.models.dataset import Dataset
from catalog.models.table import TableVersion
from portal.ids import new_id


class SignatureKind(models.IntegerChoices):
    """What a signature is of: an item's name or column, a word of the title, one of the lowest key values."""

    NAME = 1
    COLUMN = 2
    TITLE = 3
    VALUE = 4


class RecordSignature(models.Model):
    """A 64-bit hash of something two records of the same data have in common; ``item`` numbers a record's items."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="signatures")
    kind = models.PositiveSmallIntegerField(choices=SignatureKind.choices)
    item = models.PositiveSmallIntegerField(default=0)
    signature = models.BigIntegerField()

    class Meta:
        indexes = [
            # which records have this in common
            models.Index(fields=["signature", "dataset"], name="record_signature"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.signature:x}"


class SignatureQueue(models.Model):
    """Records whose signatures changed and that the search for pairs has not looked at since."""

    dataset = models.OneToOneField(Dataset, models.CASCADE, primary_key=True, related_name="+")
    queued_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.dataset_id)


class KeySketch(models.Model):
    """The lowest hashes of a table version's key values; keyed, so that no value can be found out from them."""

    version = models.OneToOneField(TableVersion, models.CASCADE, related_name="key_sketch")
    columns = ArrayField(models.CharField(max_length=60))
    distinct = models.PositiveBigIntegerField()
    hashes = ArrayField(models.BigIntegerField())

    def __str__(self) -> str:
        return f"{self.version_id} {self.columns}"


class PairState(models.TextChoices):
    OPEN = "open", _("To be settled")
    MERGED = "merged", _("One record stays")
    KEPT = "kept", _("Both stay")
    SOURCED = "sourced", _("Source named")


class DuplicatePair(models.Model):
    """Two published records that hold the same data; ``one`` has the lower key.

    Shares are of the items, from 0 to 1: how much of ``one`` stands in ``two``, and the other way. ``keeper`` is the
    record that stays, or the source from which the other takes its data.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    one = models.ForeignKey(Dataset, models.CASCADE, related_name="+")
    two = models.ForeignKey(Dataset, models.CASCADE, related_name="+")
    score = models.FloatField()
    share_one = models.FloatField()
    share_two = models.FloatField()
    value_overlap = models.FloatField(null=True)
    state = models.CharField(max_length=8, choices=PairState.choices, default=PairState.OPEN)
    keeper = models.ForeignKey(Dataset, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=1000, blank=True)
    until = models.DateField(_("until"), null=True)
    settled_score = models.FloatField(null=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("duplicate")
        constraints = [
            models.UniqueConstraint(fields=["one", "two"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(one__lt=F("two")), name="duplicate_pair_in_order"),
        ]
        indexes = [
            # the board: the most alike first, and the newest
            models.Index(fields=["state", "-score", "id"], name="duplicate_by_score"),
            models.Index(fields=["state", "-found_at", "id"], name="duplicate_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} = {self.two_id}"
