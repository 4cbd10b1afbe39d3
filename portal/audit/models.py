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

    ``hash`` is SHA-256 over the canonical JSON of every other field and the hash of the event before it in the
    stream (``portal.audit.record.digest``). A trigger forbids changing or deleting rows.
    """

    id = models.BigAutoField(primary_key=True)
    stream = models.CharField(max_length=80)
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    on_behalf_of = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    verb = models.CharField(max_length=60)
    data = models.JSONField(default=dict)
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
