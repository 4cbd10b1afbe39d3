"""What changes while a request runs: its datasets."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.models import Dataset
from portal.departments.models import Duty
from portal.errors import InvalidInput
from portal.models import Event, Notice
from sharing import deciding, drafts, workflow
from sharing.deciding import Decision
from sharing.disputes import acts as disputes
from sharing.models import Dispute, Grant, SharingRequest
from sharing.terms import Terms
from tests.checks import findings
from tests.factories import (
    ITEMS,
    World,
    actor,
    approve_common,
    decide,
    granted,
    make_dataset,
    make_request,
    make_user,
    revise,
    step_of,
    submit,
)
from tests.sharing.running import states, two_lanes

pytestmark = pytest.mark.django_db


def changed(world: World, dataset: Dataset, **values: Any) -> Dataset:
    """A new version of a dataset of the city's bureau."""
    return revise(dataset, people=(world.cataloguer, world.provider2, world.authority), **values)


@pytest.fixture
def city_security(world: World) -> Any:
    return make_user("city_security", world.city_bureau, Duty.SECURITY_OFFICER)


def test_a_dataset_graded_up_is_decided_again_and_alone(world: World, city_security: Any) -> None:
    request, dataset = two_lanes(world)
    decide(step_of(request, "provider", world.province_bureau), world.provider)
    changed(world, dataset, grade=3)
    assert states(request) == {"排污": "in_review", "低保": "approved"}
    assert step_of(request, "own-department").state == "open"
    assert step_of(request, "compliance").state == "waiting"
    security = step_of(request, "security", world.city_bureau)
    assert (security.state, [e.item.dataset for e in security.step_items.all()]) == ("waiting", [dataset])
    assert Notice.objects.filter(user=world.applicant, kind="item_changed").count() == 1
    assert findings() == []
    approve_common(world, request)
    decide(step_of(request, "provider", world.city_bureau), world.provider2)
    decide(step_of(request, "security"), city_security)
    assert states(request) == {"排污": "approved", "低保": "approved"}
    assert Grant.objects.count() == 2
    assert findings() == []


def test_a_dataset_shared_with_everybody_now_needs_no_provider_any_more(world: World) -> None:
    request, dataset = two_lanes(world)
    changed(world, dataset, sharing_type="unconditional")
    assert states(request) == {"排污": "approved", "低保": "in_review"}
    assert step_of(request, "provider", world.city_bureau).state == "skipped"
    assert Grant.objects.get().dataset == dataset
    assert findings() == []


def test_a_column_that_is_not_shared_any_more_leaves_the_item_and_its_decisions_stand(world: World) -> None:
    request, dataset = two_lanes(world)
    changed(world, dataset, items=[ITEMS[0], {**ITEMS[1], "sharing_type": "not_shared"}])
    item = request.items.get(dataset=dataset)
    assert (item.state, item.columns, item.submitted_columns) == ("in_review", ["code"], ["code"])
    assert step_of(request, "provider", world.city_bureau).state == "open"
    assert Event.objects.get(verb="item.narrowed").data["title"] == "排污"
    decide(step_of(request, "provider", world.city_bureau), world.provider2)
    assert Grant.objects.get().columns == ["code"]
    assert findings() == []


def test_an_item_is_closed_when_nothing_of_it_is_left(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "排污")
    request = make_request(world, dataset)
    drafts.change_item(item=request.items.get(), actor=actor(world.applicant), columns=["name"], row_filter=[])
    submit(world, request)
    changed(world, dataset, items=[ITEMS[0], {**ITEMS[1], "sharing_type": "not_shared"}])
    item = request.items.get()
    assert (item.state, "名称" in item.answer) == ("closed", True)
    assert SharingRequest.objects.get().state == "completed"
    assert findings() == []


def test_an_item_is_closed_rather_than_widened_when_its_rows_cannot_be_chosen_any_more(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "排污")
    request = make_request(world, dataset)
    rows = [{"column": "name", "op": "eq", "value": "西湖区"}]
    drafts.change_item(item=request.items.get(), actor=actor(world.applicant), columns=["code"], row_filter=rows)
    submit(world, request)
    changed(world, dataset, items=[ITEMS[0], {**ITEMS[1], "sharing_type": "not_shared"}])
    assert states(request) == {"排污": "closed"}


def test_a_dataset_not_shared_any_more_closes_items_and_suspends_grants(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "排污")
    granted(world, dataset)
    request = submit(world, make_request(world, dataset))
    basis = {"sharing_condition": "", "sharing_basis": "保守国家秘密法第九条"}
    changed(world, dataset, sharing_type="not_shared", open_type="not_open", channels=[], **basis)
    assert states(request) == {"排污": "closed"}
    assert Grant.objects.get().state == "suspended"
    assert findings() == []


def test_who_holds_a_grant_is_told_what_it_does_not_deliver_any_more(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "排污")
    granted(world, dataset)
    changed(world, dataset, items=[ITEMS[0], {**ITEMS[1], "sharing_type": "not_shared"}])
    notice = Notice.objects.get(user=world.applicant, kind="grant_narrowed")
    assert "名称" in notice.data["note"]
    assert Grant.objects.get().state == "active"


def test_a_returned_item_stays_with_the_applicant_and_starts_again_when_it_comes_back(
    world: World, city_security: Any
) -> None:
    request, dataset = two_lanes(world)
    decide(step_of(request, "provider", world.city_bureau), world.provider2, "return", note="缩小范围")
    changed(world, dataset, grade=3)
    assert states(request) == {"排污": "returned", "低保": "in_review"}
    workflow.resubmit(request=request, actor=actor(world.applicant))
    assert step_of(request, "own-department").state == "open"
    assert step_of(request, "security", world.city_bureau).state == "waiting"
    assert findings() == []


def test_a_dispute_over_conditions_lapses_when_the_item_is_decided_again(world: World, city_security: Any) -> None:
    request, dataset = two_lanes(world)
    step = step_of(request, "provider", world.city_bureau)
    item = request.items.get(dataset=dataset)
    decision = {item.pk: Decision("approve", terms=Terms(columns=("code",)))}
    deciding.decide(step=step, actor=actor(world.provider2), seen_version=step.version, decisions=decision)
    item.refresh_from_db()
    disputes.open_dispute(item=item, actor=actor(world.applicant), text="名称为履职所必需")
    changed(world, dataset, grade=3)
    dispute = Dispute.objects.get()
    assert (dispute.stage, dispute.outcome) == ("settled", "lapsed")
    item.refresh_from_db()
    assert (item.state, item.terms) == ("in_review", {})
    assert findings() == []


def test_a_dispute_lapses_when_its_request_is_withdrawn(world: World) -> None:
    request, dataset = two_lanes(world)
    step = step_of(request, "provider", world.city_bureau)
    item = request.items.get(dataset=dataset)
    decision = {item.pk: Decision("approve", terms=Terms(columns=("code",)))}
    deciding.decide(step=step, actor=actor(world.provider2), seen_version=step.version, decisions=decision)
    item.refresh_from_db()
    disputes.open_dispute(item=item, actor=actor(world.applicant), text="名称为履职所必需")
    workflow.withdraw(request=request, actor=actor(world.applicant))
    assert Dispute.objects.get().outcome == "lapsed"
    assert findings() == []


def test_a_draft_that_asks_for_what_is_not_shared_any_more_says_so_before_submission(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "排污")
    draft = make_request(world, dataset)
    changed(world, dataset, items=[ITEMS[0], {**ITEMS[1], "sharing_type": "not_shared"}])
    with pytest.raises(InvalidInput) as caught:
        submit(world, draft)
    assert [("排污" in text, "name" in text) for text in caught.value.fields["items"]] == [(True, True)]
    assert SharingRequest.objects.get().state == "draft"
