"""Appending events to their streams and checking the chains."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.utils import timezone

from portal.audit import hashing
from portal.audit.models import ArchivedHead, Event, EventStream
from portal.rows import update_rows

if TYPE_CHECKING:
    from portal.access import Actor


def stream_of(obj: models.Model) -> str:
    """The stream of an object: its model's name and its key, ``sharingrequest:0199…``."""
    return f"{obj._meta.model_name}:{obj.pk}"


def digest(event: Event) -> str:
    """The event's own algorithm (hex) over its canonical JSON without its hash, including the hash before it."""
    return hashing.digest(event.algorithm, hashing.canonical(body_of(event)))


def body_of(event: Event) -> dict[str, Any]:
    """What is hashed of an event; the algorithm is part of it unless it is SHA-256."""
    body = {
        "stream": event.stream,
        "seq": event.seq,
        "at": event.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "actor": event.actor_id,
        "on_behalf_of": event.on_behalf_of_id,
        "verb": event.verb,
        "data": event.data,
        "prev": event.prev_hash,
    }
    return body if event.algorithm == "sha256" else body | {"algorithm": event.algorithm}


FROM_OUTSIDE = "from_outside"
"""What marks the event of an applicant who has no account, in its data."""


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """``data`` as it will come back from the database, so that its hash can be recomputed."""
    return json.loads(json.dumps(data, cls=DjangoJSONEncoder))


@dataclass(frozen=True)
class Entry:
    """One event to be appended: its stream, what was done, by whom, with which data (JSON, no secrets)."""

    stream: str
    verb: str
    actor: Actor
    data: dict[str, Any]


def append(*, stream: str, verb: str, actor: Actor, data: dict[str, Any] | None = None) -> Event:
    """Append one event to ``stream`` in the caller's transaction; the stream is locked until it ends.

    ``data`` is JSON and holds no secrets and no values of shared data.
    """
    return append_all([Entry(stream, verb, actor, data or {})])[0]


def append_all(entries: Sequence[Entry]) -> list[Event]:
    """``append`` for many, in the order given, in a number of queries that does not grow with them.

    The streams are locked in the order of their names, so that two such writers cannot block each other for good.
    """
    assert connection.in_atomic_block, "an event belongs to the transaction of the change it records"
    names = sorted({entry.stream for entry in entries})
    EventStream.objects.bulk_create([EventStream(name=name) for name in names], ignore_conflicts=True)
    heads = {head.pk: head for head in EventStream.objects.filter(pk__in=names).order_by("pk").select_for_update()}
    at, events = timezone.now(), []
    for entry in entries:
        head = heads[entry.stream]
        event = Event(
            stream=entry.stream,
            seq=head.length + 1,
            at=at,
            actor_id=entry.actor.user_id,
            on_behalf_of_id=entry.actor.on_behalf_of_id,
            verb=entry.verb,
            data=_plain(entry.data | ({FROM_OUTSIDE: True} if entry.actor.outside else {})),
            algorithm=settings.AUDIT_HASH,
            prev_hash=head.head,
        )
        event.hash = digest(event)
        head.length, head.head = event.seq, event.hash
        events.append(event)
    Event.objects.bulk_create(events)
    update_rows(list(heads.values()), ["length", "head"])
    return events


def append_first(
    entries: Iterable[tuple[str, dict[str, Any]]], *, verb: str, actor: Actor, batch_size: int = 2_000
) -> int:
    """Write the first event of many new streams at once; ``entries`` are (stream, data). Returns how many.

    For bulk imports: each stream must be new, which the unique (stream, seq) guarantees.
    """
    at, count = timezone.now(), 0
    batch: list[Event] = []

    def flush() -> None:
        EventStream.objects.bulk_create([EventStream(name=e.stream, length=1, head=e.hash) for e in batch])
        Event.objects.bulk_create(batch)
        batch.clear()

    with transaction.atomic():
        for stream, data in entries:
            event = Event(
                stream=stream,
                seq=1,
                at=at,
                actor_id=actor.user_id,
                verb=verb,
                data=_plain(data),
                algorithm=settings.AUDIT_HASH,
            )
            event.hash = digest(event)
            batch.append(event)
            count += 1
            if len(batch) >= batch_size:
                flush()
        flush()
    return count


@dataclass(frozen=True)
class Break:
    """The first event of a stream at which its chain does not hold, and why (``changed``, ``missing``, ``cut``)."""

    stream: str
    seq: int
    reason: str


def _walk(
    stream: str, events: Sequence[Event], head: EventStream | None, archived: ArchivedHead | None = None
) -> Break | None:
    previous, before = (archived.head, archived.length) if archived else ("", 0)
    for position, event in enumerate(events, start=before + 1):
        if event.seq != position:
            return Break(stream, position, "missing")
        if event.prev_hash != previous or digest(event) != event.hash:
            return Break(stream, position, "changed")
        previous = event.hash
    if head is None or head.length != before + len(events) or head.head != previous:
        return Break(stream, before + len(events) + 1, "cut")
    return None


def broken(streams: Iterable[str] | None = None) -> Iterator[Break]:
    """Check every chain (or only ``streams``) and yield the first broken event of each that does not hold."""
    events = Event.objects.order_by("stream", "seq")
    heads = EventStream.objects.all()
    if streams is not None:
        names = list(streams)
        events, heads = events.filter(stream__in=names), heads.filter(pk__in=names)
    known = heads.in_bulk()
    archived = ArchivedHead.objects.in_bulk()
    name, run = "", list[Event]()
    for event in events.iterator(chunk_size=5_000):
        if event.stream != name and run:
            found = _walk(name, run, known.pop(name, None), archived.get(name))
            if found:
                yield found
            run = []
        name = event.stream
        run.append(event)
    if run:
        found = _walk(name, run, known.pop(name, None), archived.get(name))
        if found:
            yield found
    for stream, head in known.items():
        found = _walk(stream, [], head, archived.get(stream))
        if found:
            yield Break(stream, found.seq, "missing")
