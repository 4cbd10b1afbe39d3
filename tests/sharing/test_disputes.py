"""Disputes: negotiation, coordination, the superior; what was overturned is granted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from catalog import lifecycle
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Notice
from sharing import deciding, workflow
from sharing.deciding import Decision
from sharing.disputes import acts
from sharing.models import Dispute, Grant, RequestItem, SharingRequest
from sharing.terms import Terms
from tests.checks import findings
from tests.clients import client_of
from tests.factories import World, actor, approve_common, decide, make_dataset, make_request, make_user, step_of, submit

pytestmark = pytest.mark.django_db


def refused(world: World, **changes: Any) -> RequestItem:
    """An item of the provincial bureau that it refused."""
    dataset = make_dataset(world.province_bureau, "低保对象", **changes)
    request = submit(world, make_request(world, dataset))
    approve_common(world, request)
    decide(step_of(request, "provider"), world.provider, "refuse", reason="scope_exceeds_need", note="范围过大")
    return RequestItem.objects.get()


def contested(world: World) -> Dispute:
    return acts.open_dispute(item=refused(world), actor=actor(world.applicant), text="范围符合最小必要")


@pytest.fixture
def coordinator(world: World) -> Any:
    """Somebody of the province's authority, which coordinates disputes with the provincial bureau."""
    return make_user("coordinator", world.province_authority_department, "authority_head")


def coordinated(world: World) -> Dispute:
    """A dispute that both sides have spoken in and that is with the provincial authority."""
    dispute = contested(world)
    acts.say(dispute=dispute, actor=actor(world.provider), text="仍认为范围过大")
    return acts.move_up(dispute=dispute, actor=actor(world.applicant))


def test_an_overturned_refusal_issues_the_grant(world: World, coordinator: Any) -> None:
    dispute = coordinated(world)
    assert (dispute.stage, dispute.coordinator) == ("coordination", world.province_authority_department)
    acts.settle(dispute=dispute, actor=actor(coordinator), is_overturned=True, text="应予共享")
    item = RequestItem.objects.get()
    assert (item.state, item.refusal_reason, Grant.objects.get().state) == ("approved", "", "active")
    assert SharingRequest.objects.get().state == "completed"
    assert (Dispute.objects.get().outcome, Dispute.objects.get().stage) == ("overturned", "settled")
    assert Notice.objects.filter(user=world.applicant, kind="dispute_changed").exists()
    assert findings() == []


def test_an_upheld_refusal_goes_to_the_superior_within_ten_days(world: World, coordinator: Any) -> None:
    nation = make_user("nation", None)
    from portal.access import Actor
    from portal.departments.duties import assign
    from tests.factories import make_department

    superior = make_department("国家数据局", world.regions["nation"], "data_authority")
    assign(user=nation, department=superior, duty="authority_reviewer", actor=Actor.system())
    dispute = acts.settle(dispute=coordinated(world), actor=actor(coordinator), is_overturned=False, text="理由成立")
    assert (dispute.outcome, Grant.objects.count()) == ("upheld", 0)
    dispute = acts.appeal(dispute=dispute, actor=actor(world.applicant))
    assert (dispute.stage, dispute.outcome, dispute.superior) == ("superior", "", superior)
    with pytest.raises(NotPermitted):
        acts.settle(dispute=dispute, actor=actor(coordinator), is_overturned=False, text="再次维持")
    acts.settle(dispute=dispute, actor=actor(nation), is_overturned=False, text="维持")
    with pytest.raises(WrongState):
        acts.appeal(dispute=dispute, actor=actor(world.applicant))
    assert findings() == []


def test_the_office_gives_way_while_both_negotiate(world: World) -> None:
    dispute = contested(world)
    acts.give_way(dispute=dispute, actor=actor(world.provider), text="补充说明后同意")
    assert (Dispute.objects.get().outcome, Grant.objects.count()) == ("agreed", 1)
    assert findings() == []


def test_contested_conditions_fall_when_they_are_overturned(world: World, coordinator: Any) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    approve_common(world, request)
    step = step_of(request, "provider")
    decision = Decision("approve", terms=Terms(columns=("code",)))
    ids = dict.fromkeys(deciding.open_items(step), decision)
    deciding.decide(step=step, actor=actor(world.provider), seen_version=step.version, decisions=ids)
    item = RequestItem.objects.get()
    dispute = acts.open_dispute(item=item, actor=actor(world.applicant), text="名称为必需")
    with pytest.raises(WrongState):
        workflow.answer_terms(item=item, actor=actor(world.applicant), is_accepted=True)
    acts.say(dispute=dispute, actor=actor(world.provider), text="仅代码可共享")
    acts.move_up(dispute=dispute, actor=actor(world.provider))
    acts.settle(dispute=dispute, actor=actor(coordinator), is_overturned=True, text="名称应予共享")
    assert Grant.objects.get().columns == ["code", "name"]
    assert findings() == []


def test_it_goes_up_after_both_spoke_or_when_the_time_is_over(world: World, coordinator: Any) -> None:
    dispute = contested(world)
    with pytest.raises(WrongState):
        acts.move_up(dispute=dispute, actor=actor(world.applicant))
    Dispute.objects.update(due_at=timezone.now() - dt.timedelta(days=1))
    assert (acts.remind_late(), acts.remind_late()) == (1, 0)
    assert acts.move_up(dispute=dispute, actor=actor(world.applicant)).stage == "coordination"
    with pytest.raises(WrongState):
        acts.move_up(dispute=dispute, actor=actor(world.applicant))


def test_a_refusal_of_the_authority_itself_goes_to_its_superior(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    decide(step_of(request, "own-department"), world.applicant_head)
    decide(step_of(request, "compliance"), world.authority, "refuse", reason="basis_missing", note="依据不足")
    dispute = acts.open_dispute(item=RequestItem.objects.get(), actor=actor(world.applicant), text="依据充分")
    acts.say(dispute=dispute, actor=actor(world.authority), text="请补充条款")
    dispute = acts.move_up(dispute=dispute, actor=actor(world.applicant))
    assert (dispute.stage, dispute.superior) == ("superior", world.province_authority_department)


def test_who_may_not(world: World, coordinator: Any) -> None:
    dispute = coordinated(world)
    for person in (world.applicant, world.provider, world.authority, world.applicant_head):
        with pytest.raises(NotPermitted):
            acts.settle(dispute=dispute, actor=actor(person), is_overturned=True, text="应予共享")
    with pytest.raises(NotPermitted):
        acts.say(dispute=dispute, actor=actor(world.provider2), text="旁人")
    with pytest.raises(NotPermitted):
        acts.withdraw(dispute=dispute, actor=actor(world.provider))
    with pytest.raises(WrongState):
        acts.give_way(dispute=dispute, actor=actor(world.provider), text="")
    with pytest.raises(InvalidInput):
        acts.settle(dispute=dispute, actor=actor(coordinator), is_overturned=False, text=" ")


def test_an_item_is_contested_once(world: World) -> None:
    dispute = contested(world)
    acts.withdraw(dispute=dispute, actor=actor(world.applicant))
    with pytest.raises(WrongState):
        acts.open_dispute(item=RequestItem.objects.get(), actor=actor(world.applicant), text="再次提出")
    assert findings() == []


def test_a_withdrawn_dataset_cannot_be_granted_by_a_ruling(world: World, coordinator: Any) -> None:
    dispute = coordinated(world)
    dataset = RequestItem.objects.get().dataset
    lifecycle.withdraw(dataset=dataset, actor=actor(world.provider), reason="停止采集")
    with pytest.raises(WrongState):
        acts.settle(dispute=dispute, actor=actor(coordinator), is_overturned=True, text="应予共享")
    acts.settle(dispute=dispute, actor=actor(coordinator), is_overturned=False, text="数据已停止采集")
    assert findings() == []


def test_a_dispute_through_its_pages(world: World, coordinator: Any) -> None:
    item = refused(world)
    applicant, provider, authority = map(client_of, (world.applicant, world.provider, coordinator))
    assert "dispute/" in applicant.get(item.request.get_absolute_url()).content.decode()
    form = f"{item.request.get_absolute_url()}items/{item.pk}/dispute/"
    assert applicant.get(form).status_code == 200
    assert applicant.post(form, {"text": ""}).status_code == 422
    page = applicant.post(form, {"text": "范围符合最小必要"}).headers["Location"]
    assert provider.get("/disputes/").content.decode().count("ZY") >= 1
    assert provider.post(f"{page}say/", {"text": "仍认为范围过大"}).status_code == 302
    early = applicant.post(f"{page}uphold/", {"text": "自行维持"})
    assert early.status_code == 403
    assert applicant.post(f"{page}move-up/").status_code == 302
    kept = authority.post(f"{page}overturn/", {"text": ""})
    assert kept.status_code == 422
    assert authority.post(f"{page}overturn/", {"text": "应予共享"}).status_code == 302
    shown = applicant.get(page).content.decode()
    assert "应予共享" in shown
    assert "仍认为范围过大" in shown
    assert client_of(world.provider2).get(page).status_code == 404
    assert applicant.post(f"{page}dance/").status_code == 404


def test_the_list_takes_a_fixed_number_of_queries(world: World, django_assert_max_num_queries: Any) -> None:
    client = client_of(world.applicant)
    contested(world)
    client.get("/disputes/")
    with django_assert_max_num_queries(40) as first:
        client.get("/disputes/")
    other = make_dataset(world.province_bureau, "婚姻登记")
    request = submit(world, make_request(world, other))
    approve_common(world, request)
    decide(step_of(request, "provider"), world.provider, "refuse", reason="other", note="暂不共享")
    item = RequestItem.objects.get(request=request)
    acts.open_dispute(item=item, actor=actor(world.applicant), text="职责需要")
    with django_assert_max_num_queries(len(first.captured_queries)):
        client.get("/disputes/")
