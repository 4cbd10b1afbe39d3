"""How many columns of a labelled set are found for what they are, and how many others are taken for it."""

from __future__ import annotations

from collections import Counter

from bench.__main__ import Row, timed
from bench.labelled import columns
from catalog.protection.detectors import Kind, detect


def scores() -> dict[Kind, tuple[float, float, int]]:
    """Kind → precision, recall and number of columns."""
    right, reported, wanted = Counter[Kind](), Counter[Kind](), Counter[Kind]()
    for column in columns():
        found = detect([column.title], column.values)
        if column.kind is not None:
            wanted[column.kind] += 1
        if found is not None:
            reported[found.kind] += 1
            right[found.kind] += found.kind == column.kind
    return {kind: (right[kind] / (reported[kind] or 1), right[kind] / count, count) for kind, count in wanted.items()}


def run() -> list[Row]:
    """Precision and recall for each kind, and the time that one column of 60 values takes."""
    for kind, (precision, recall, count) in scores().items():
        print(f"{kind.label!s:<30} precision {precision:.3f}  recall {recall:.3f}  of {count} columns")
    sample = next(iter(columns()))
    median, p95 = timed(lambda: detect([sample.title], sample.values), 200)
    return [Row("one column", f"{len(sample.values)} values", median, p95, "itself", median, 200)]
