"""The people and departments of every test of sharing."""

import pytest

from tests.factories import World


@pytest.fixture
def world(db: None) -> World:
    return World()
