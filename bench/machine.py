"""Steps of the state machine of requests: commands in any order, the rules checked after each.

BENCH_COMMANDS sets another number of commands. It fails loudly when a rule is broken; the figure is the time of one
command with its checks, against a bare transaction that is rolled back.
"""

from __future__ import annotations

import os
import time

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from bench.__main__ import Row
from bench.catalogue import scratch_database
from tests.properties.machine import RequestMachine

COMMANDS = int(os.environ.get("BENCH_COMMANDS", "5000"))
EACH = 25
"""Commands on one request."""


def run() -> list[Row]:
    """One row: the mean of a command with its checks."""
    taken = [0]

    class Counted(RequestMachine):
        def check_invariants(self, *args: object, **kwargs: object) -> None:
            taken[0] += 1
            super().check_invariants(*args, **kwargs)  # type: ignore[misc]

    wanted = settings(
        max_examples=max(1, COMMANDS // (EACH - 5)),
        stateful_step_count=EACH,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    with scratch_database():
        started = time.perf_counter()
        run_state_machine_as_test(Counted, settings=wanted)  # type: ignore[no-untyped-call]
        ours = (time.perf_counter() - started) / max(1, taken[0])
        started = time.perf_counter()
        for _n in range(100):
            with transaction.atomic():
                transaction.set_rollback(True)
        bare = (time.perf_counter() - started) / 100
    return [Row("command and checks", f"{taken[0]:,} commands", ours, ours, "empty transaction", bare, taken[0])]
