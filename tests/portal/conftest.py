"""The world of the tests of the portal's rooms."""

import pytest

from tests.factories import World


@pytest.fixture
def world(db: None) -> World:
    return World()
