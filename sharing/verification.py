"""Recomputes the states of requests, their items, decisions and grants from events, and compares."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Any

from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit import checkpoints, checks, hashing
from portal.audit.checkpoints import Sealer
from portal.audit.checks import Finding
from portal.audit.models import Event
from portal.audit.record import stream_of
from sharing.models import Grant, SharingRequest, StepItem, UsageRecord

Fold = dict[str, Any]
USAGE_LOT = "sealed/usage/"
USAGE_FIELDS = ("pk", "grant_id", "credential_id", "user_id", "at", "channel", "format", "rows", "is_complete")


def _fold(prefix: str) -> Iterator[tuple[str, Fold]]:
    """(stream, what its events say at their end) of every stream of one kind, in the order of the streams."""
    stream, folded = "", Fold()
    events = Event.objects.filter(stream__startswith=f"{prefix}:").order_by("stream", "seq")
    for event in events.iterator(chunk_size=5_000):
        if event.stream != stream:
            if stream:
                yield stream, folded
            stream, folded = event.stream, {"state": "", "items": {}, "verdicts": {}}
        _apply(folded, event)
    if stream:
        yield stream, folded


def _apply(folded: Fold, event: Event) -> None:
    data = event.data
    folded["state"] = data.get("state", folded["state"])
    folded["items"] = data.get("items", folded["items"])
    folded["valid_until"] = data.get("valid_until", folded.get("valid_until"))
    folded["for"] = data.get("for", folded.get("for", ""))
    for item, decision in data.get("decisions", {}).items():
        folded["verdicts"][(data["step"], item)] = decision["verdict"]
    for pair in data.get("reset", []):
        folded["verdicts"].pop((pair["step"], pair["item"]), None)


def requests() -> Iterator[Finding]:
    """Requests whose state, items or decisions are not what their events say."""
    for stream, folded in _fold("sharingrequest"):
        pk = stream.partition(":")[2]
        request = SharingRequest.objects.prefetch_related("items").filter(pk=pk).first()
        if request is None:
            yield Finding(stream, _("its record is gone"))
            continue
        if request.state != folded["state"]:
            yield Finding(stream, _("its state is not what its events say"))
        if {str(item.pk): item.state for item in request.items.all()} != folded["items"]:
            yield Finding(stream, _("the states of its items are not what its events say"))
        decided = StepItem.objects.filter(step__request=request).exclude(verdict="")
        verdicts = {(str(e.step_id), str(e.item_id)): e.verdict for e in decided}
        if verdicts != folded["verdicts"]:
            yield Finding(stream, _("its decisions are not what its events say"))


def grants() -> Iterator[Finding]:
    """Grants whose state or last day is not what their events say, and grants without events."""
    said = dict(_fold("grant"))
    for grant in Grant.objects.order_by("pk").iterator():
        folded = said.get(stream_of(grant), {"state": None})
        if (folded["state"], folded.get("for", "")) != (grant.state, grant.suspended_for):
            yield Finding(stream_of(grant), _("its state is not what its events say"))
        if folded.get("valid_until") not in (None, grant.valid_until.isoformat()):
            yield Finding(stream_of(grant), _("its last day is not what its events say"))


def _closed_days() -> list[str]:
    """Days whose deliveries are all over: until the day before yesterday."""
    limit = timezone.localdate() - dt.timedelta(days=1)
    days = UsageRecord.objects.annotate(day=TruncDate("at")).filter(day__lt=limit).values_list("day", flat=True)
    return [f"{USAGE_LOT}{day.isoformat()}" for day in days.distinct()]


def _usage_head(lot: str) -> tuple[int, str]:
    """How many deliveries a day had, and the SHA-256 over them in the order of their ids."""
    day = dt.date.fromisoformat(lot.removeprefix(USAGE_LOT))
    start = timezone.make_aware(dt.datetime.combine(day, dt.time()))
    rows = UsageRecord.objects.filter(at__gte=start, at__lt=start + dt.timedelta(days=1)).order_by("pk")
    digest, count = hashlib.sha256(), 0
    for row in rows.values_list(*USAGE_FIELDS).iterator(chunk_size=10_000):
        digest.update(hashing.canonical([str(value) for value in row]))
        count += 1
    return count, digest.hexdigest()


checks.register("requests", requests)
checks.register("grants", grants)
checkpoints.register_sealer(Sealer(_closed_days, _usage_head))
