"""The people and departments of every test of the catalogue."""

import pytest

from tests.factories import World


@pytest.fixture
def world(db: None) -> World:
    return World()
