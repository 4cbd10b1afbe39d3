"""The append-only, hash-chained record of everything that changed (流转记录 / 审计日志)."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class EventStream(models.Model):
    """The head of one chain: how many events it has and the hash of the last, so that a cut-off end is noticed."""

    name = models.CharField(max_length=80, primary_key=True)
    length = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)

    class Meta:
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="only_grows",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__length__lte=pgtrigger.F("old__length")),
                func="RAISE EXCEPTION 'an event stream only grows';",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EventQuerySet(models.QuerySet["Event"]):
    def of(self, stream: str) -> EventQuerySet:
        """The events of one stream in order."""
        return self.filter(stream=stream).order_by("seq")


class Event(models.Model):
    """One thing that happened, in the stream of the object it happened to.

    ``hash`` is the digest, by ``algorithm``, of the canonical JSON of every other field and the hash of the event
    before it in the stream (``portal.audit.record.digest``). A trigger forbids changing or deleting rows.
    """

    id = models.BigAutoField(primary_key=True)
    stream = models.CharField(max_length=80)
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    on_behalf_of = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    verb = models.CharField(max_length=60)
    data = models.JSONField(default=dict)
    algorithm = models.CharField(max_length=10, default="sha256", db_default="sha256")
    prev_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        constraints = [models.UniqueConstraint(fields=["stream", "seq"], name="event_order_in_stream")]
        indexes = [
            # the auditor's list: newest first, by actor and by verb
            models.Index(fields=["-at", "-id"], name="event_newest"),
            models.Index(fields=["actor", "-at"], name="event_by_actor"),
            models.Index(fields=["verb", "-at"], name="event_by_verb"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.stream}#{self.seq} {self.verb}"

    @property
    def algorithm_label(self) -> str:
        """The algorithm as standards write it."""
        return {"sha256": "SHA-256", "sm3": "SM3"}.get(self.algorithm, self.algorithm)


class Checkpoint(models.Model):
    """The state of every stream at one moment, in one signed hash.

    ``root`` is the root of the Merkle tree (RFC 6962) over the heads of all streams, ordered by name
    (``portal.audit.merkle``); ``prev_hash`` the hash of the checkpoint before; ``signature`` is Ed25519 over the
    canonical JSON of the rest, empty when no key is set. ``events`` counts the events of all streams.
    """

    number = models.PositiveIntegerField(primary_key=True)
    at = models.DateTimeField()
    algorithm = models.CharField(max_length=10)
    streams = models.PositiveIntegerField()
    events = models.PositiveBigIntegerField()
    root = models.CharField(max_length=64)
    prev_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)
    key_id = models.CharField(max_length=16, blank=True)
    signature = models.CharField(max_length=88, blank=True)

    class Meta:
        verbose_name = _("checkpoint")
        ordering = ["-number"]
        triggers = [pgtrigger.Protect(name="checkpoint_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return str(self.number)


class SealedHead(models.Model):
    """The head of one stream as a checkpoint found it; only streams that grew since the checkpoint before.

    The tree of checkpoint n holds, of each stream, the head with the greatest ``checkpoint`` that is not above n.
    """

    stream = models.CharField(max_length=80, db_collation="C")
    checkpoint = models.PositiveIntegerField()
    length = models.PositiveBigIntegerField()
    head = models.CharField(max_length=64)

    class Meta:
        constraints = [
            # also the order in which trees are built
            models.UniqueConstraint(fields=["stream", "checkpoint"], name="sealed_once_per_checkpoint"),
        ]
        triggers = [pgtrigger.Protect(name="sealed_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.stream}#{self.length} @{self.checkpoint}"


class ArchivedMonth(models.Model):
    """Events of one month that stand in a Parquet file instead of the table; ``digest`` is the file's SHA-256."""

    month = models.DateField(primary_key=True)
    file = models.CharField(max_length=100)
    rows = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    archived_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["month"]
        triggers = [pgtrigger.Protect(name="archive_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class ArchivedHead(models.Model):
    """How much of a stream is archived: its last archived event's number and hash, on which the table goes on."""

    stream = models.CharField(max_length=80, primary_key=True)
    length = models.PositiveIntegerField()
    head = models.CharField(max_length=64)

    class Meta:
        triggers = [
            pgtrigger.Protect(name="archived_head_stays", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="archived_head_only_grows",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__length__lte=pgtrigger.F("old__length")),
                func="RAISE EXCEPTION 'an archive only grows';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream}#{self.length}"
