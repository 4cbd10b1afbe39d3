"""Five hundred decisions that are cut off at any moment leave all of them or none.

The database session is killed, as it is when PostgreSQL stops or when the web process or the worker dies, since the
server ends the session of a process that is gone.
"""

from __future__ import annotations

import random
import threading
import time

import pytest
from django.db import DatabaseError, InterfaceError, connection, connections

from portal.audit import checks
from portal.models import Notice
from sharing import deciding
from sharing.deciding import BulkEntry, Decision
from sharing.models import ApprovalStep, Grant, RequestItem, StepItem
from tests.factories import World, actor, decide, make_dataset, make_request, step_of, submit

STEPS = 120
ROUNDS = 20
SPACING = 0.02
"""Seconds between the moments at which the session is killed, each later than the last until a round gets through."""
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def seeded(committed: None) -> None:
    """Every transaction commits for real."""


def _pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _kill_after(pid: int, seconds: float) -> threading.Thread:
    def work() -> None:
        time.sleep(seconds)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_process_or_database_that_stops_at_any_moment_leaves_no_half_decision() -> None:
    world = World()
    dataset = make_dataset(world.city_bureau, "空气质量", sharing_type="unconditional")
    requests = [submit(world, make_request(world, dataset)) for _ in range(STEPS)]
    for request in requests:
        decide(step_of(request, "own-department"), world.applicant_head)
    chance = random.Random(20261124)
    outcomes = []
    for round_ in range(ROUNDS):
        steps = list(ApprovalStep.objects.filter(stage="compliance", state="open").select_related("request"))
        person = actor(world.authority)
        notices = Notice.objects.count()
        entries = [BulkEntry(step, step.version, Decision("approve")) for step in steps]
        killer = _kill_after(_pid(), chance.uniform(round_ * SPACING, (round_ + 1) * SPACING))
        try:
            deciding.decide_many(entries=entries, actor=person)
            outcomes.append("committed")
        except (DatabaseError, InterfaceError):
            outcomes.append("cut off")
        killer.join()
        connection.close()
        decided = StepItem.objects.filter(step__stage="compliance").exclude(verdict="").count()
        assert decided == (STEPS if outcomes[-1] == "committed" else 0)
        assert Grant.objects.count() == RequestItem.objects.filter(state="approved").count() == decided
        assert (Notice.objects.count() > notices) == bool(decided)
        assert [found for _name, rows in checks.run() for found in rows] == []
        if decided:
            break
    assert outcomes[0] == "cut off"
