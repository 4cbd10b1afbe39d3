"""Five hundred decisions in one act while the deciding process, or the whole database server, is killed at random.

After each kill either all of them stand or none, with their grants, and ``verify`` finds nothing. It fails loudly when
that is not so; the figures are how long the decisions take, and how long a killed server takes to answer again.
BENCH_STEPS and BENCH_KILLS (of each kind, in each stage) set other numbers.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from pathlib import Path

from django.db import DatabaseError, connection

from bench.__main__ import Row
from bench.catalogue import scratch_database
from portal.audit import checks
from portal.database import django_database
from portal.embedded import EmbeddedServer
from sharing import deciding
from sharing.deciding import BulkEntry, Decision
from sharing.models import ApprovalStep, Grant, RequestItem, StepItem
from tests import factories
from tests.factories import World

STEPS = int(os.environ.get("BENCH_STEPS", "500"))
KILLS = int(os.environ.get("BENCH_KILLS", "4"))


def run() -> list[Row]:
    """On a server of its own, which writes as durably as the portal's does."""
    before = dict(connection.settings_dict)
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder) / "data" / "postgres")
        connection.close()
        connection.settings_dict.update(django_database(server.acquire(), Path(folder)))
        connection.settings_dict["OPTIONS"].pop("pool", None)
        try:
            with scratch_database():
                return _rows(server)
        finally:
            connection.close()
            connection.settings_dict.update(before)
            server.release()


def _rows(server: EmbeddedServer) -> list[Row]:
    world, chance = World(), random.Random(7)
    dataset = factories.make_dataset(world.province_bureau, "低保对象")
    for _n in range(STEPS):
        factories.submit(world, factories.make_request(world, dataset))
    whole, restarts, cut_off = [], [0.0], {"process": 0, "server": 0}
    stages = {
        "own-department": world.applicant_head,
        "compliance": world.authority,
        "provider": world.provider,
    }
    for stage, person in stages.items():
        limit = whole[0] if whole else 0.5
        for kind in ("process", "server") * KILLS:
            wait = chance.uniform(0.02, limit)
            if kind == "process":
                cut_off[kind] += _killed(stage, person, wait)
            else:
                was_cut, seconds = _server_killed(server, stage, person, wait)
                cut_off[kind] += was_cut
                restarts.append(seconds)
            _check(stage)
        started = time.perf_counter()
        if ApprovalStep.objects.filter(stage=stage, state="open").exists():
            _decide(stage, person)
            whole.append(time.perf_counter() - started)
        _check(stage)
    assert Grant.objects.count() == STEPS
    size = f"{cut_off['process']} + {cut_off['server']} cut off"
    return [
        Row(f"{STEPS} decisions, none half", size, max(whole), max(whole), "server back", max(restarts), len(whole))
    ]


def _decide(stage: str, person: object) -> None:
    steps = ApprovalStep.objects.filter(stage=stage, state="open").select_related("request")
    entries = [BulkEntry(step, step.version, Decision("approve")) for step in steps]
    deciding.decide_many(entries=entries, actor=factories.actor(person))  # type: ignore[arg-type]


def _child(stage: str, person: object) -> int:
    """A process of its own that decides; its id."""
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            _decide(stage, person)
        except DatabaseError:
            os._exit(1)
        finally:
            os._exit(0)
    return child


def _killed(stage: str, person: object, seconds: float) -> bool:
    """Kill the deciding process after so long; whether it was still at work."""
    child = _child(stage, person)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _server_killed(server: EmbeddedServer, stage: str, person: object, seconds: float) -> tuple[bool, float]:
    """Stop the server as a power cut does; whether it cut the decisions off, and how long it took to come back."""
    child = _child(stage, person)
    time.sleep(seconds)
    os.kill(int((server.folder / "postmaster.pid").read_text().splitlines()[0]), signal.SIGQUIT)
    was_cut = os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 1
    started = time.perf_counter()
    while (server.folder / "postmaster.pid").exists() and time.perf_counter() - started < 10:
        time.sleep(0.05)
    server.acquire()
    return was_cut, time.perf_counter() - started


def _check(stage: str) -> None:
    """All of the stage's steps are decided, or none; grants are there exactly for what is approved."""
    decided = StepItem.objects.filter(step__stage=stage).exclude(verdict="").count()
    assert decided in (0, STEPS), f"{decided} of {STEPS} decisions stand"
    assert Grant.objects.count() == RequestItem.objects.filter(state="approved").count()
    assert [found for _name, rows in checks.run() for found in rows] == []
