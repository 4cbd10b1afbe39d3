"""What changed for the worse from one version of a table to the next; pure, on two profiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from catalog.quality.profiling import Profile

SMALLEST = 1e-4
"""Shares below this count as this, so that an empty bin does not make the index infinite."""


def compare(before: Sequence[Profile], rows_before: int, now: Sequence[Profile], rows: int) -> list[dict[str, Any]]:
    """Columns that came, went or changed their type; sudden empty values; jumps of the rows; shifted values."""
    old, new = ({column["name"]: column for column in side} for side in (before, now))
    found: list[dict[str, Any]] = [{"what": "removed", "column": name} for name in old if name not in new]
    found += [{"what": "added", "column": name} for name in new if name not in old]
    if rows_before and abs(rows - rows_before) / rows_before > settings.DRIFT_ROW_SHARE:
        found.append({"what": "rows", "before": rows_before, "now": rows})
    for name, column in new.items():
        if name in old:
            found += _of_column(old[name], rows_before, column, rows)
    return found


def _of_column(before: Profile, rows_before: int, now: Profile, rows: int) -> list[dict[str, Any]]:
    name = now["name"]
    if before["type"] != now["type"]:
        return [{"what": "retyped", "column": name, "before": before["type"], "now": now["type"]}]
    if not rows_before or not rows:
        return []
    found: list[dict[str, Any]] = []
    shares = [(column["nulls"] + column["blank"]) / n for column, n in ((before, rows_before), (now, rows))]
    if shares[1] - shares[0] > settings.DRIFT_NULL_SHARE:
        found.append({"what": "nulls", "column": name, "before": shares[0], "now": shares[1]})
    if min(rows, rows_before) >= settings.DRIFT_PSI_ROWS and (index := shift(before, now)) > settings.DRIFT_PSI:
        found.append({"what": "shift", "column": name, "now": round(index, 3)})
    return found


def shift(before: Profile, now: Profile) -> float:
    """The population stability index of a column, over the bins of the older histogram; 0 when there is none.

    The newer bins are spread evenly over the older ones, so the index is an estimate.
    """
    old, new = before.get("histogram"), now.get("histogram")
    if not old or not new or old["what"] != new["what"]:
        return 0.0
    return psi(old["counts"], spread(new, old["low"], old["high"], len(old["counts"])))


def spread(histogram: dict[str, Any], low: float, high: float, bins: int) -> list[float]:
    """The counts of a histogram in ``bins`` equal bins from ``low`` to ``high``; the rest counts at the ends."""
    counts = [0.0] * bins
    width = (histogram["high"] - histogram["low"]) / len(histogram["counts"])
    target = (high - low) / bins
    for position, count in enumerate(histogram["counts"]):
        start = histogram["low"] + position * width
        for tenth in range(10):
            point = start + (tenth + 0.5) * width / 10
            place = int((point - low) / target) if target else (0 if point <= low else bins - 1)
            counts[min(bins - 1, max(0, place))] += count / 10
    return counts


def psi(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Population stability index: the sum of (a - e) · ln(a / e) over the shares of each bin."""
    all_expected, all_actual = sum(expected), sum(actual)
    if not all_expected or not all_actual:
        return 0.0
    index = 0.0
    for one, other in zip(expected, actual, strict=True):
        e, a = max(one / all_expected, SMALLEST), max(other / all_actual, SMALLEST)
        index += (a - e) * math.log(a / e)
    return index


BREAKS = frozenset({"removed", "retyped", "nulls", "rows", "shift"})
"""What is told; a column that came is only shown."""
