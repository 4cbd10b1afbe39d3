"""Checkpoints: every stream's head in one signed hash, the proof that an event is under it, and their verification."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit import checks, hashing, merkle, signing
from portal.audit.checks import Finding
from portal.audit.models import Checkpoint, Event, SealedHead
from portal.audit.record import body_of
from portal.errors import WrongState

ROOTS_CHECKED = 24
"""Trees that ``verify`` builds anew: the newest; those before are held by the chain and by the heads themselves."""
SEALED_PREFIX = "sealed/"


@dataclass(frozen=True)
class Sealer:
    """Records that are no events but are sealed with them, in closed lots that never change again.

    ``lots`` names those that are closed (``sealed/usage/2026-11-20``); ``head_of`` gives a lot's number of rows and
    digest.
    """

    lots: Callable[[], Iterable[str]]
    head_of: Callable[[str], tuple[int, str]]


_sealers: list[Sealer] = []


def register_sealer(sealer: Sealer) -> None:
    """Seal further records; an app above registers its own."""
    _sealers.append(sealer)


@transaction.atomic
def make() -> Checkpoint | None:
    """Seal every stream that grew since the last checkpoint and sign the tree; None when nothing grew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('portal.audit.checkpoints'))")
    last = Checkpoint.objects.first()
    number = last.number + 1 if last else 1
    if not _seal_streams(number) + _seal_others(number):
        return None
    events = 0

    def counted() -> Iterator[bytes]:
        nonlocal events
        for stream, length, head in _heads(number):
            events += 0 if stream.startswith(SEALED_PREFIX) else length
            yield merkle.leaf(settings.AUDIT_HASH, stream, length, head)

    root, streams = merkle.root(settings.AUDIT_HASH, counted())
    checkpoint = Checkpoint(
        number=number,
        at=timezone.now(),
        algorithm=settings.AUDIT_HASH,
        streams=streams,
        events=events,
        root=root.hex(),
        prev_hash=last.hash if last else "",
    )
    message = hashing.canonical(statement(checkpoint))
    checkpoint.hash = hashing.digest(checkpoint.algorithm, message)
    checkpoint.key_id, checkpoint.signature = signing.sign(message)
    checkpoint.save(force_insert=True)
    return checkpoint


def statement(checkpoint: Checkpoint) -> dict[str, Any]:
    """What is signed."""
    return {
        "number": checkpoint.number,
        "at": checkpoint.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "algorithm": checkpoint.algorithm,
        "streams": checkpoint.streams,
        "events": checkpoint.events,
        "root": checkpoint.root,
        "prev": checkpoint.prev_hash,
    }


def _seal_streams(number: int) -> int:
    """Copy the heads that differ from their last sealed state; one statement, so one moment. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO portal_sealedhead (stream, checkpoint, length, head)
            SELECT s.name, %s, s.length, s.head FROM portal_eventstream s
            LEFT JOIN LATERAL (
                SELECT h.length FROM portal_sealedhead h WHERE h.stream = s.name COLLATE "C"
                ORDER BY h.checkpoint DESC LIMIT 1
            ) sealed ON true
            WHERE s.length > 0 AND s.length IS DISTINCT FROM sealed.length
            """,
            [number],
        )
        return int(cursor.rowcount)


def _seal_others(number: int) -> int:
    known = set(SealedHead.objects.filter(stream__startswith=SEALED_PREFIX).values_list("stream", flat=True))
    rows = []
    for sealer in _sealers:
        for name in set(sealer.lots()) - known:
            length, head = sealer.head_of(name)
            rows.append(SealedHead(stream=name, checkpoint=number, length=length, head=head))
    return len(SealedHead.objects.bulk_create(rows))


def _heads(number: int) -> Iterator[tuple[str, int, str]]:
    """(stream, length, head) of every stream at a checkpoint, by name."""
    rows = SealedHead.objects.filter(checkpoint__lte=number).order_by("stream", "-checkpoint").distinct("stream")
    yield from rows.values_list("stream", "length", "head").iterator(chunk_size=10_000)


def _leaves(algorithm: str, number: int) -> Iterator[bytes]:
    return (merkle.leaf(algorithm, *head) for head in _heads(number))


def proof(event: Event) -> dict[str, Any]:
    """That ``event`` stands under a signed checkpoint: its bytes, those after it up to the sealed head, and the path.

    ``docs/check_proof.py`` checks it with nothing but the public key.

    Raises:
        WrongState: no checkpoint covers the event yet.
    """
    sealed = SealedHead.objects.filter(stream=event.stream, length__gte=event.seq).order_by("checkpoint").first()
    if sealed is None:
        raise WrongState(_("The next checkpoint, within the hour, will cover this event. Try again then."))
    checkpoint = Checkpoint.objects.get(pk=sealed.checkpoint)
    run = Event.objects.of(event.stream).filter(seq__gte=event.seq, seq__lte=sealed.length)
    leaves, index = [], -1
    for place, head in enumerate(_heads(checkpoint.number)):
        leaves.append(merkle.leaf(checkpoint.algorithm, *head))
        if head[0] == event.stream:
            index = place
    return {
        "events": [{"algorithm": e.algorithm, "body": hashing.canonical(body_of(e)).decode()} for e in run],
        "stream": sealed.stream,
        "length": sealed.length,
        "path": [[side, found.hex()] for side, found in merkle.path(checkpoint.algorithm, leaves, index)],
        "checkpoint": exported(checkpoint),
    }


def exported(checkpoint: Checkpoint) -> dict[str, Any]:
    """A checkpoint as it is given away: the statement as it was signed, the signature, and the key's name."""
    return {
        "statement": hashing.canonical(statement(checkpoint)).decode(),
        "hash": checkpoint.hash,
        "key_id": checkpoint.key_id,
        "signature": checkpoint.signature,
        "public_key": signing.public_key(),
    }


def signature_state(checkpoint: Checkpoint) -> str:
    """``signed``, ``unsigned``, ``unknown_key`` or ``wrong``."""
    if not checkpoint.signature:
        return "unsigned"
    found = signing.verifies(hashing.canonical(statement(checkpoint)), checkpoint.signature, checkpoint.key_id)
    return "unknown_key" if found is None else "signed" if found else "wrong"


def check_checkpoints() -> Iterator[Finding]:
    """Checkpoints that were changed, removed, not signed or whose tree does not give their root."""
    sentences = {
        "unsigned": _("it is not signed"),
        "unknown_key": _("it is signed with a key that is not known here"),
        "wrong": _("its signature is wrong"),
    }
    previous, newest = "", Checkpoint.objects.aggregate(n=Max("number"))["n"] or 0
    for expected, checkpoint in enumerate(Checkpoint.objects.order_by("number"), start=1):
        subject = f"checkpoint:{checkpoint.number}"
        if checkpoint.number != expected:
            yield Finding(f"checkpoint:{expected}", _("it is missing"))
            return
        computed = hashing.digest(checkpoint.algorithm, hashing.canonical(statement(checkpoint)))
        if checkpoint.hash != computed or checkpoint.prev_hash != previous:
            yield Finding(subject, _("it was changed after it was written"))
        if sentence := sentences.get(signature_state(checkpoint)):
            yield Finding(subject, sentence)
        if checkpoint.number > newest - ROOTS_CHECKED:
            root, streams = merkle.root(checkpoint.algorithm, _leaves(checkpoint.algorithm, checkpoint.number))
            if (root.hex(), streams) != (checkpoint.root, checkpoint.streams):
                yield Finding(subject, _("the sealed heads do not give its root"))
        previous = checkpoint.hash


def check_sealed() -> Iterator[Finding]:
    """Events that are not what a checkpoint sealed: changed, removed or cut off since."""
    sql = """
        SELECT h.stream, h.length, h.checkpoint FROM portal_sealedhead h
        LEFT JOIN portal_event e ON e.stream = h.stream COLLATE "default" AND e.seq = h.length
        LEFT JOIN portal_archivedhead a ON a.stream = h.stream COLLATE "default"
        WHERE e.hash IS DISTINCT FROM h.head AND COALESCE(a.length, 0) < h.length AND h.stream NOT LIKE 'sealed/%%'
        ORDER BY 1, 2
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [])
        for stream, length, number in cursor.fetchall():
            message = _("it is not the event that checkpoint %(number)s sealed") % {"number": number}
            yield Finding(f"{stream}#{length}", message)
    sealed = {row.stream: row for row in SealedHead.objects.filter(stream__startswith=SEALED_PREFIX)}
    for sealer in _sealers:
        for name in sealed.keys() & set(sealer.lots()):
            row = sealed.pop(name)
            if sealer.head_of(name) != (row.length, row.head):
                message = _("its rows are not those that checkpoint %(number)s sealed") % {"number": row.checkpoint}
                yield Finding(name, message)
    for name in sealed:
        yield Finding(name, _("its rows are gone"))


checks.register("checkpoints", check_checkpoints)
checks.register("sealed events", check_sealed)
