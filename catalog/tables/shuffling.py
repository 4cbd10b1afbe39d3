"""Values that stay in their column and leave their row: the mask of exports that keeps a column's distribution."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

BLOCK_ROWS = 4_096
"""Values move within blocks of at least so many rows, or within the whole export where it has fewer."""


def shuffled(batches: Iterable[pa.RecordBatch], places: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """The batches with the columns at ``places`` each in an order of its own, drawn anew for each export."""
    waiting: list[pa.RecordBatch] = []
    ready: pa.RecordBatch | None = None
    for batch in batches:
        waiting.append(batch)
        if sum(part.num_rows for part in waiting) >= BLOCK_ROWS:
            if ready is not None:
                yield _mixed(ready, places)
            ready, waiting = _joined(waiting), []
    last = [*([ready] if ready is not None else []), *waiting]
    if last:
        yield _mixed(_joined(last), places)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0] if len(batches) > 1 else batches[0]


def _mixed(batch: pa.RecordBatch, places: Sequence[int]) -> pa.RecordBatch:
    arrays = list(batch.columns)
    for place in places:
        order = list(range(batch.num_rows))
        random.SystemRandom().shuffle(order)
        arrays[place] = arrays[place].take(pa.array(order))
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
