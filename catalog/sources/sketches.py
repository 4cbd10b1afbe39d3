"""Sketches of key values: how much of one table's keys stand in another's, without comparing the tables.

The lowest hashes of the distinct values are a fair sample (bottom-k); hashes are keyed with a secret, so that nobody
can find out by trying which values a table holds.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db import transaction

from catalog.models import KeySketch, RecordSignature, SignatureKind, TableVersion
from catalog.sources import signatures
from catalog.tables.engine import Query, default_engine

SIZE = 256
INDEXED = 8
"""So many of the lowest hashes lead from one record to another."""


def _hash(values: tuple[object, ...]) -> int:
    text = "\x1f".join("" if value is None else str(value) for value in values)
    key = hashlib.sha256(f"sketch:{settings.SECRET_KEY}".encode()).digest()
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, key=key).digest(), "big", signed=True)


def lowest(values: Iterable[tuple[object, ...]]) -> tuple[int, list[int]]:
    """How many values there were, and the lowest hashes of the distinct ones, ascending."""
    heap: list[int] = []
    held: set[int] = set()
    count = 0
    for value in values:
        count += 1
        number = _hash(value)
        if number in held:
            continue
        if len(heap) < SIZE:
            heapq.heappush(heap, -number)
            held.add(number)
        elif number < -heap[0]:
            held.discard(-heapq.heappushpop(heap, -number))
            held.add(number)
    return count, sorted(held)


def make(version_id: int) -> KeySketch | None:
    """The sketch of a table version's key; None when it has no key, or is no longer read."""
    version = TableVersion.objects.select_related("distribution__dataset").get(pk=version_id)
    if not version.key or not hasattr(version, "current_of"):
        return None
    query = Query(columns=tuple(version.key))
    rows = (row for batch in default_engine().batches(version.ref, query) for row in _rows(batch))
    count, hashes = lowest(rows)
    with transaction.atomic():
        sketch, _made = KeySketch.objects.update_or_create(
            version=version, defaults={"columns": version.key, "distinct": count, "hashes": hashes}
        )
        dataset = version.distribution.dataset_id
        RecordSignature.objects.filter(dataset=dataset, kind=SignatureKind.VALUE).delete()
        signatures.write([(dataset, SignatureKind.VALUE, 0, number) for number in hashes[:INDEXED]])
        signatures.queue([dataset])
    return sketch


def _rows(batch: object) -> Iterable[tuple[object, ...]]:
    columns = [column.to_pylist() for column in batch.columns]  # type: ignore[attr-defined]
    return zip(*columns, strict=True)


def overlap(one: KeySketch, two: KeySketch) -> float:
    """The share, from 0 to 1, of the smaller table's keys that stand in the other, estimated."""
    small, large = sorted((one, two), key=lambda sketch: sketch.distinct)
    if not small.hashes or not large.hashes:
        return 0.0
    border = large.hashes[-1] if len(large.hashes) == SIZE else max(small.hashes[-1], large.hashes[-1])
    seen = [number for number in small.hashes if number <= border]
    if not seen:
        return 0.0
    return len(set(seen) & set(large.hashes)) / len(seen)


def current_sketches(datasets: Iterable[UUID]) -> dict[UUID, KeySketch]:
    """The sketches of the tables that are read now, by dataset."""
    rows = KeySketch.objects.filter(version__current_of__dataset__in=list(datasets))
    return {sketch.version.distribution.dataset_id: sketch for sketch in rows.select_related("version__distribution")}
