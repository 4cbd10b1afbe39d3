"""One decision on many steps at once, against the same steps one by one; and the submission of a large request.

BENCH_STEPS sets another number of steps. Each step is of a request of its own with one item.
"""

from __future__ import annotations

import os
import time

from bench.__main__ import Row
from bench.catalogue import scratch_database
from sharing import deciding
from sharing.deciding import BulkEntry, Decision
from sharing.models import ApprovalStep
from tests import factories
from tests.factories import World

STEPS = int(os.environ.get("BENCH_STEPS", "500"))
ITEMS = 500
PROVIDERS = 50
LIMIT_S = 2.0
"""What the submission of 500 items may take (issue of the approval workflow)."""


def run() -> list[Row]:
    """Each measured once: every run needs requests of its own."""
    with scratch_database():
        world = World()
        dataset = factories.make_dataset(world.province_bureau, "低保对象")
        bulk, single = _steps(world, dataset), _steps(world, dataset)
        decision = Decision("approve")
        started = time.perf_counter()
        entries = [BulkEntry(step, step.version, decision) for step in bulk]
        results = deciding.decide_many(entries=entries, actor=factories.actor(world.applicant_head))
        ours = time.perf_counter() - started
        assert all(result.error is None for result in results)
        started = time.perf_counter()
        for step in single:
            factories.decide(step, world.applicant_head)
        theirs = time.perf_counter() - started
        return [
            Row("bulk decision", f"{STEPS} steps", ours, ours, "one by one", theirs, 1),
            _submission(world),
        ]


def _steps(world: World, dataset: object) -> list[ApprovalStep]:
    found = []
    for _n in range(STEPS):
        request = factories.submit(world, factories.make_request(world, dataset))  # type: ignore[arg-type]
        found.append(factories.step_of(request, "own-department"))
    return found


def _submission(world: World) -> Row:
    levels = list(world.regions.values())
    authority = factories.make_department("国家数据局", world.regions["nation"], "data_authority")
    factories.make_user("nation", authority, "authority_reviewer")
    providers = [factories.make_department(f"第{n}局", levels[n % len(levels)]) for n in range(PROVIDERS)]
    for n, provider in enumerate(providers):
        factories.make_user(f"answers{n}", provider, "provider_approver")
    datasets = [factories.make_dataset(providers[n % PROVIDERS], f"资源{n:03d}") for n in range(ITEMS)]
    request = factories.make_request(world, *datasets)
    started = time.perf_counter()
    factories.submit(world, request)
    seconds = time.perf_counter() - started
    return Row(
        "submission", f"{ITEMS} items, {PROVIDERS} lanes, {len(levels)} levels", seconds, seconds, "limit", LIMIT_S, 1
    )
