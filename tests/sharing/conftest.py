"""The people and departments of every test of sharing, and the province that takes applications from outside."""

import pytest

from tests.factories import World
from tests.sharing.applying import Province


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def province(world: World) -> Province:
    return Province(world)
