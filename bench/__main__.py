"""Runs the parts named on the command line, or all; prints a table for each and keeps it in ``bench/results``."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.demo")
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One measurement: seconds of ours and of the peer, each as median and 95th percentile over ``runs``."""

    what: str
    size: str
    ours_s: float
    ours_p95_s: float
    peer: str
    peer_s: float
    runs: int

    @property
    def ratio(self) -> float:
        """How many times as long the peer takes."""
        return self.peer_s / self.ours_s if self.ours_s else 0.0


def timed(call: Callable[[], Any], runs: int) -> tuple[float, float]:
    """Median and 95th percentile of ``runs`` calls, in seconds."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    seconds.sort()
    return statistics.median(seconds), seconds[min(runs - 1, int(runs * 0.95))]


def compare(what: str, size: str, ours: Callable[[], Any], peer: str, theirs: Callable[[], Any], runs: int) -> Row:
    """Measure ours and the peer one after the other."""
    ours()
    theirs()
    median, p95 = timed(ours, runs)
    peer_median, _p95 = timed(theirs, runs)
    return Row(what, size, median, p95, peer, peer_median, runs)


def main(names: list[str]) -> None:
    import django

    django.setup()
    from bench import (
        crashes,
        decisions,
        detection,
        duplicates,
        imports,
        lists,
        machine,
        marks,
        pages,
        plane,
        profile,
        queue,
        relevance,
        search,
        tables,
    )

    modules = (
        *(tables, lists, duplicates, imports, detection, profile, plane, marks, relevance, search),
        *(queue, decisions, crashes, machine, pages),
    )
    parts: dict[str, Callable[[], list[Row]]] = {m.__name__.rpartition(".")[2]: m.run for m in modules}
    for name in names or list(parts):
        rows = parts[name]()
        RESULTS.mkdir(exist_ok=True)
        result = [asdict(row) | {"ratio": row.ratio} for row in rows]
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
        print(f"\n{name}\n{'what':<34}{'size':<22}{'ours ms':>10}{'p95 ms':>10}{'peer ms':>10}{'ratio':>8}  peer")
        for row in rows:
            figures = (
                f"{row.ours_s * 1e3:>10.2f}{row.ours_p95_s * 1e3:>10.2f}{row.peer_s * 1e3:>10.2f}{row.ratio:>8.2f}"
            )
            print(f"{row.what:<34}{row.size:<22}{figures}  {row.peer}")


if __name__ == "__main__":
    main(sys.argv[1:])
