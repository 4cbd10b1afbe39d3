"""Any sequence of commands on requests, under any route, leaves states that agree with the rules and their events."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.machine import RequestMachine

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("part", range(4))
def test_the_rules_hold_after_any_command(db: None, part: int) -> None:
    quick = settings(
        max_examples=10,
        stateful_step_count=16,
        deadline=None,
        derandomize=False,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(RequestMachine, settings=quick)  # type: ignore[no-untyped-call]
