"""Requests that run, in few words, for tests of what changes meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.models import Dataset
from portal.departments.models import Duty
from sharing.models import SharingRequest
from tests.factories import World, approve_common, make_dataset, make_request, make_user, submit


@pytest.fixture
def keeper(world: World) -> Any:
    """The authority of the province, which is the highest that is staffed."""
    return make_user("keeper", world.province_authority_department, Duty.AUTHORITY_HEAD)


def states(request: SharingRequest) -> dict[str, str]:
    """The state of each item, by the title of its dataset."""
    return dict(request.items.values_list("dataset__title", "state"))


def two_lanes(world: World) -> tuple[SharingRequest, Dataset]:
    """A request for a dataset of the city and one of the province, both with their providers."""
    ours, theirs = make_dataset(world.city_bureau, "排污"), make_dataset(world.province_bureau, "低保")
    request = submit(world, make_request(world, ours, theirs))
    approve_common(world, request)
    return request, ours
