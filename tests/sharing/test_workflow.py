"""The commands on a request, from submission to the grant."""

import pytest

from portal.errors import NotPermitted
from sharing.errors import StaleStep
from sharing.models import Grant, SharingRequest, StepItem
from tests.factories import World, approve_common, decide, make_dataset, make_request, step_of, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def test_a_grant_is_issued_the_moment_its_items_last_step_agrees(world: World) -> None:
    province = make_dataset(world.province_bureau, "社会救助对象")
    city = make_dataset(world.city_bureau, "空气质量", sharing_type="unconditional")
    request = submit(world, make_request(world, province, city))
    decide(step_of(request, "own-department"), world.applicant_head)
    assert Grant.objects.count() == 0
    decide(step_of(request, "compliance"), world.authority)
    assert [grant.dataset for grant in Grant.objects.all()] == [city]
    decide(step_of(request, "provider", world.province_bureau), world.provider)
    assert {grant.dataset for grant in Grant.objects.all()} == {province, city}
    assert SharingRequest.objects.get().state == "completed"


def test_second_decision_on_a_step_is_refused_and_changes_nothing(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "社会救助对象")))
    step = step_of(request, "own-department")
    decide(step, world.applicant_head)
    before = list(StepItem.objects.values())
    with pytest.raises(StaleStep):
        decide(step, world.applicant_head, "refuse", only=request.items.get().pk, reason="other", note="再想")
    assert list(StepItem.objects.values()) == before


def test_nobody_decides_on_their_own_request(world: World) -> None:
    from tests.factories import Actor, Duty, assign

    assign(user=world.applicant, department=world.county_bureau, duty=Duty.OWN_APPROVER, actor=Actor.system())
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "社会救助对象")))
    with pytest.raises(NotPermitted):
        decide(step_of(request, "own-department"), world.applicant)
    approve_common(world, request)
