"""Ways round the rules that are closed, and two people clicking at once."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from catalog import lifecycle
from catalog.models import Dataset
from portal.access import Actor, Permission, has_perm
from portal.departments import duties
from portal.departments.models import Membership
from portal.errors import InvalidInput, NotPermitted, PortalError
from portal.models import Event, Notice
from sharing import drafts, grants, workflow
from sharing.delivery.gate import open_grant
from sharing.errors import GrantNotInForce, UnknownColumns
from sharing.models import ApprovalStep, Grant, RequestItem, SharingRequest
from tests.clients import client_of
from tests.factories import (
    World,
    actor,
    approve_common,
    decide,
    details,
    granted,
    load,
    make_dataset,
    make_request,
    make_user,
    step_of,
    submit,
)

pytestmark = pytest.mark.django_db
PERSONAL = [
    {"name": "代码", "column": "code"},
    {"name": "证件号", "column": "id_no", "sensitivity": "sensitive"},
    {"name": "密", "column": "secret", "sharing_type": "not_shared"},
]


def leave(world: World) -> None:
    """The applicant goes to another department."""
    membership = Membership.objects.get(user=world.applicant)
    duties.end(membership=membership, actor=actor(make_user("secadmin", admin_role="security")))
    duties.assign(user=world.applicant, department=world.city_bureau, duty="applicant", actor=Actor.system())


def test_a_condition_on_a_sensitive_item_leads_to_the_security_office(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "甲", items=PERSONAL)
    request = make_request(world, dataset)
    item = request.items.get()
    rows = [{"column": "id_no", "op": "eq", "value": "330106199001010011"}]
    drafts.change_item(item=item, actor=actor(world.applicant), columns=["code"], row_filter=rows)
    submit(world, request)
    stages = ApprovalStep.objects.filter(request=request).values_list("stage", flat=True)
    assert sorted(stages) == ["compliance", "own-department", "provider", "security"]


def test_a_condition_on_an_item_that_is_not_shared_is_refused(world: World) -> None:
    item = make_request(world, make_dataset(world.province_bureau, "甲", items=PERSONAL)).items.get()
    rows = [{"column": "secret", "op": "eq", "value": "1"}]
    with pytest.raises(InvalidInput):
        drafts.change_item(item=item, actor=actor(world.applicant), columns=["code"], row_filter=rows)
    assert RequestItem.objects.get().row_filter == []


def test_an_item_that_is_not_shared_any_more_is_not_delivered(world: World) -> None:
    dataset = load(make_dataset(world.province_bureau, "甲"), b"code,name\n01,a\n")
    granted(world, dataset)
    dataset.items.filter(column="name").update(sharing_type="not_shared")
    opening = open_grant(Grant.objects.get(), "api")  # type: ignore[arg-type]
    assert opening.page(opening.query()).rows == [("01",)]
    with pytest.raises(UnknownColumns):
        opening.query(columns=["name"])
    Dataset.objects.update(sharing_type="not_shared")
    with pytest.raises(GrantNotInForce):
        open_grant(Grant.objects.get(), "api")  # type: ignore[arg-type]


def test_nobody_decides_on_a_draft_of_a_colleague_that_they_submitted(world: World) -> None:
    both = make_user("both", world.county_bureau, "applicant", "own_approver")
    request = make_request(world, make_dataset(world.province_bureau, "甲"))
    workflow.submit(request=request, actor=actor(both))
    step = step_of(request, "own-department")
    with pytest.raises(NotPermitted):
        decide(step, both)
    decide(step, world.applicant_head)


def test_who_left_the_department_sees_its_requests_no_more_and_the_others_get_the_answers(world: World) -> None:
    successor = make_user("successor", world.county_bureau, "applicant")
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    draft = make_request(world, make_dataset(world.province_bureau, "乙"))
    client = client_of(world.applicant)
    assert client.get(f"/requests/{request.pk}/").status_code == 200
    leave(world)
    for path in (f"/requests/{request.pk}/", f"/requests/{draft.pk}/", f"/api/v1/requests/{request.pk}/"):
        assert client.get(path).status_code == 404
    assert client.get("/api/v1/requests/").json()["results"] == []
    assert str(draft.pk) not in client.get("/basket/").content.decode()
    decide(step_of(request, "own-department"), world.applicant_head, "return", note="请补充依据")
    told = Notice.objects.filter(kind="item_returned").values_list("user__username", flat=True)
    assert list(told) == [successor.username]


def test_an_own_approver_does_not_read_what_other_departments_were_told(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "甲")
    other = make_user("other", world.city_bureau, "applicant")
    theirs = drafts.create(
        actor=actor(other), department=world.city_bureau, details=details(), dataset_ids=[dataset.pk]
    )
    workflow.submit(request=theirs, actor=actor(other))
    decide(step_of(theirs, "own-department"), world.provider2, "refuse", reason="other", note="否")
    request = submit(world, make_request(world, dataset))
    name = world.city_bureau.name
    assert (
        name
        not in client_of(world.applicant_head).get(f"/steps/{step_of(request, 'own-department').pk}/").content.decode()
    )
    approve_common(world, request)
    assert name in client_of(world.provider).get(f"/steps/{step_of(request, 'provider').pk}/").content.decode()


def test_a_reason_that_is_none_of_the_reasons_is_refused_by_field(world: World) -> None:
    step = step_of(submit(world, make_request(world, make_dataset(world.province_bureau, "甲"))), "own-department")
    for words in ({"reason": "x" * 50, "note": "否"}, {"reason": "other", "note": "否" * 2_001}):
        with pytest.raises(InvalidInput) as caught:
            decide(step, world.applicant_head, "refuse", **words)
        assert list(caught.value.fields) == ["reason" if words["reason"] != "other" else "note"]


def test_a_basket_sent_twice_makes_one_draft_and_adding_twice_changes_nothing(world: World) -> None:
    one, two = make_dataset(world.province_bureau, "甲"), make_dataset(world.province_bureau, "乙")
    me = actor(world.applicant)
    drafts.add_to_basket(actor=me, dataset_ids=[one.pk])
    request = drafts.create_from_basket(actor=me, department=world.county_bureau, details=details())
    with pytest.raises(InvalidInput):
        drafts.create_from_basket(actor=me, department=world.county_bureau, details=details())
    drafts.add_to_basket(actor=me, dataset_ids=[one.pk, two.pk])
    assert [item.dataset_id for item in drafts.add_from_basket(request=request, actor=me)] == [two.pk]
    events = Event.objects.count()
    assert drafts.add_items(request=request, actor=me, dataset_ids=[one.pk, two.pk]) == []
    assert (SharingRequest.objects.count(), Event.objects.count()) == (1, events)


def test_suspending_twice_does_not_resume(world: World) -> None:
    granted(world, make_dataset(world.province_bureau, "甲"))
    grant, client = Grant.objects.get(), client_of(world.provider)
    states = []
    for act in ("suspend", "suspend", "resume", "resume"):
        assert client.post(f"/grants/{grant.pk}/suspend/", {"act": act}).status_code == 302
        states.append(Grant.objects.get().state)
    assert states == ["suspended", "suspended", "active", "active"]


@pytest.mark.parametrize("reason", ["\x00", "a\x00b", "\ud800"])
def test_odd_characters_in_a_reason_are_no_fault(world: World, reason: str) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    text = quote(reason, errors="surrogatepass")
    response = client_of(world.applicant).post(
        f"/requests/{request.pk}/withdraw/", f"reason={text}", content_type="application/x-www-form-urlencoded"
    )
    assert (response.status_code, SharingRequest.objects.get().state) == (302, "withdrawn")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/requests/?state=%00", 200),
        ("/api/v1/requests/?state=nonsense", 200),
        (f"/api/v1/requests/?cursor={b64encode(b'p=abc').decode()}", 404),
        (f"/api/v1/requests/?cursor={b64encode(b'p=2026-13-45T00:00:00').decode()}", 404),
        (f"/api/v1/grants/?cursor={b64encode(b'p=%00').decode()}", 404),
        ("/api/v1/grants/?cursor=%00", 200),
        (f"/api/v1/steps/?cursor={b64encode(b'p=x').decode()}", 404),
        ("/queue/?stage=%00", 200),
    ],
)
def test_odd_parameters_are_no_fault(world: World, path: str, status: int) -> None:
    assert client_of(world.applicant_head).get(path).status_code == status


def test_the_pages_of_a_cursor_follow_each_other(world: World) -> None:
    for number in range(51):
        make_request(world, make_dataset(world.province_bureau, f"数据{number}"))
    client = client_of(world.applicant)
    first = client.get("/api/v1/requests/").json()
    second = client.get(first["next"]).json()
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert (len(ids), len(set(ids)), second["next"]) == (51, 51, None)


@pytest.mark.django_db(transaction=True)
def test_granting_and_withdrawing_at_once_end_with_a_suspended_grant_or_none(
    committed: None, concurrently: Callable[..., list[Any]]
) -> None:
    world = World()
    dataset = make_dataset(world.province_bureau, "甲")
    request = submit(world, make_request(world, dataset))
    approve_common(world, request)
    step = step_of(request, "provider")
    results = concurrently(
        lambda: decide(step, world.provider),
        lambda: lifecycle.withdraw(dataset=dataset, actor=actor(world.provider_head), reason="口径有误"),
    )
    assert [r for r in results if isinstance(r, Exception) and not isinstance(r, PortalError)] == []
    assert Dataset.objects.get().state == "withdrawn"
    item, states = RequestItem.objects.get(), list(Grant.objects.values_list("state", flat=True))
    assert (item.state, states) in [("approved", ["suspended"]), ("closed", [])]


@pytest.mark.django_db(transaction=True)
def test_submitting_and_withdrawing_at_once_leave_no_open_item_on_a_withdrawn_dataset(
    committed: None, concurrently: Callable[..., list[Any]]
) -> None:
    world = World()
    dataset = make_dataset(world.province_bureau, "甲")
    request = make_request(world, dataset)
    results = concurrently(
        lambda: submit(world, request),
        lambda: lifecycle.withdraw(dataset=dataset, actor=actor(world.provider_head), reason="口径有误"),
    )
    assert [r for r in results if isinstance(r, Exception) and not isinstance(r, PortalError)] == []
    assert RequestItem.objects.get().state in {"draft", "closed"}


def test_a_key_is_of_no_use_after_its_grant_is_revoked_and_says_so(world: World) -> None:
    granted(world, load(make_dataset(world.province_bureau, "甲"), b"code,name\n01,a\n"))
    grant = Grant.objects.get()
    _credential, key = grants.create_credential(grant=grant, actor=actor(world.applicant))
    path, headers = f"/api/v1/data/{grant.pk}/rows", {"Authorization": f"Bearer {key}"}
    assert Client().get(path, headers=headers).status_code == 200
    grants.revoke(grant=grant, actor=actor(world.provider), reason="到期")
    refused = Client().get(path, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "grant_not_in_force")


def test_the_basket_says_what_the_department_has_or_asked_for_already(world: World) -> None:
    one, two, three = (make_dataset(world.province_bureau, title) for title in ("甲", "乙", "丙"))
    granted(world, one)
    asked = submit(world, make_request(world, two))
    drafts.add_to_basket(actor=actor(world.applicant), dataset_ids=[one.pk, two.pk, three.pk])
    response: Any = client_of(world.applicant).get("/basket/")
    assert response.context["held"] == {one.pk: Grant.objects.get().valid_until}
    assert response.context["asked"] == {two.pk: asked.number}
    assert f"{Grant.objects.get().valid_until}" in response.content.decode()


def test_the_queue_stays_marked_while_a_step_is_read(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    step = step_of(request, "own-department")
    response: Any = client_of(world.applicant_head).get(f"/steps/{step.pk}/")
    assert [item.url for item in response.context["workplace"].nav if item.is_current] == ["/queue/"]


@pytest.mark.django_db(transaction=True)
def test_a_duty_given_twice_at_once_is_held_once(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    world = World()
    give = {"user": world.applicant, "department": world.city_bureau, "duty": "clerk", "actor": Actor.system()}
    results = concurrently(lambda: duties.assign(**give), lambda: duties.assign(**give))
    assert [type(result) for result in results] == [Membership, Membership]
    assert Membership.objects.filter(user=world.applicant, duty="clerk").count() == 1


def test_the_authority_in_charge_of_a_provider_can_end_its_grants_and_another_cannot(world: World) -> None:
    in_charge = make_user("in_charge", world.province_authority_department, "authority_head")
    clerk = make_user("clerk_there", world.province_authority_department, "clerk")
    granted(world, make_dataset(world.province_bureau, "甲"))
    grant = Grant.objects.get()
    people = {"in_charge": in_charge, "clerk": clerk, "city": world.authority, "provider": world.provider}
    seen = {name: list(Grant.objects.readable_by(actor(user).standing)) == [grant] for name, user in people.items()}
    assert seen == {"in_charge": True, "clerk": False, "city": False, "provider": True}
    assert seen == {name: has_perm(user, Permission.GRANT_VIEW, grant) for name, user in people.items()}
    assert client_of(world.authority).get(f"/grants/{grant.pk}/revoke/").status_code == 404
    client_of(in_charge).post(f"/grants/{grant.pk}/revoke/", {"reason": "超出用途"})
    assert Grant.objects.get().state == "revoked"
