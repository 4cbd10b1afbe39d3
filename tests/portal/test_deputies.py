"""Deputies: who may be one, what they may do, and that both names stand in the record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from portal.access import Actor, Permission, can, standing_of
from portal.accounts.models import User
from portal.departments import duties
from portal.departments.models import Duty, Membership
from portal.deputies.delegations import LONGEST_DAYS, end_delegation, name_deputy
from portal.deputies.models import Delegation
from portal.errors import InvalidInput, NotPermitted
from portal.models import Event, Notice
from sharing import deciding
from sharing.deciding import Decision
from sharing.models import StepItem
from tests.clients import client_of
from tests.factories import World, actor, make_dataset, make_request, make_user, step_of, submit
from tests.queries import queries_of
from tests.words import zh

pytestmark = pytest.mark.django_db


def days(count: int) -> dt.date:
    return timezone.localdate() + dt.timedelta(days=count)


@pytest.fixture
def colleague(world: World) -> User:
    """Holds a duty in the county bureau, but not the one that decides."""
    return make_user("colleague", world.county_bureau, Duty.CATALOGUER)


def name(world: World, deputy: User, *, by: User | None = None, **changes: Any) -> Delegation:
    values: dict[str, Any] = {
        "principal": world.applicant_head,
        "department": world.county_bureau,
        "duties": [Duty.OWN_APPROVER],
        "valid_from": days(0),
        "valid_until": days(5),
        "reason": "年休假",
    }
    values |= changes
    return name_deputy(deputy=deputy, actor=actor(by or values["principal"]), **values)


def refused(found: Any) -> set[str]:
    return set(found.value.fields)


def test_a_deputy_decides_and_the_record_names_both(world: World, colleague: User) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "救助对象")))
    step = step_of(request, "own-department")
    assert not can(actor(colleague), Permission.STEP_DECIDE, step)
    name(world, colleague)
    decisions = {item.pk: Decision("approve") for item in request.items.all()}
    deciding.decide(step=step, actor=actor(colleague), seen_version=step.version, decisions=decisions)
    event = Event.objects.get(verb="step.decided")
    assert (event.actor, event.on_behalf_of) == (colleague, world.applicant_head)
    entry = StepItem.objects.get(step=step)
    assert (entry.decided_by, entry.decided_for) == (colleague, world.applicant_head)


def test_what_one_may_do_oneself_is_done_in_ones_own_name(world: World) -> None:
    second = make_user("second", world.county_bureau, Duty.OWN_APPROVER)
    name(world, second)
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "救助对象")))
    step = step_of(request, "own-department")
    decisions = {item.pk: Decision("approve") for item in request.items.all()}
    deciding.decide(step=step, actor=actor(second), seen_version=step.version, decisions=decisions)
    event = Event.objects.get(verb="step.decided")
    assert (event.actor, event.on_behalf_of) == (second, None)


def test_a_deputy_decides_neither_their_own_request_nor_the_principals(world: World, colleague: User) -> None:
    duties.assign(user=world.applicant_head, department=world.county_bureau, duty=Duty.APPLICANT, actor=Actor.system())
    name(world, world.applicant)
    own = step_of(submit(world, make_request(world, make_dataset(world.province_bureau, "一"))), "own-department")
    assert not can(actor(world.applicant), Permission.STEP_DECIDE, own)
    end_delegation(delegation=Delegation.objects.get(), actor=actor(world.applicant_head))
    name(world, colleague)
    request = make_request(world, make_dataset(world.province_bureau, "二"))
    type(request).objects.filter(pk=request.pk).update(created_by=world.applicant_head)
    theirs = step_of(submit(world, request), "own-department")
    assert not can(actor(colleague), Permission.STEP_DECIDE, theirs)


def test_who_decided_as_a_deputy_decides_in_no_other_role_and_nor_does_the_principal(
    world: World, colleague: User
) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "救助对象")))
    step = step_of(request, "own-department")
    name(world, colleague)
    decisions = {item.pk: Decision("approve") for item in request.items.all()}
    deciding.decide(step=step, actor=actor(colleague), seen_version=step.version, decisions=decisions)
    for person in (colleague, world.applicant_head):
        duties.assign(user=person, department=world.province_bureau, duty=Duty.PROVIDER_APPROVER, actor=Actor.system())
        provider_step = step_of(request, "provider")
        assert not can(actor(person), Permission.STEP_DECIDE, provider_step)
    assert can(actor(world.provider), Permission.STEP_DECIDE, step_of(request, "provider"))


@pytest.mark.parametrize("case", ["later", "over", "ended", "principal_left", "deputy_left", "disabled"])
def test_a_delegation_counts_only_in_its_term_and_while_both_hold_duties(
    world: World, colleague: User, case: str
) -> None:
    held = (world.county_bureau.pk, Duty.OWN_APPROVER)
    delegation = name(world, colleague, **({"valid_from": days(1)} if case == "later" else {}))
    if case == "over":
        Delegation.objects.update(valid_from=days(-9), valid_until=days(-1))
    elif case == "ended":
        end_delegation(delegation=delegation, actor=actor(colleague))
    elif case in ("principal_left", "deputy_left"):
        person = world.applicant_head if case == "principal_left" else colleague
        duties.end(membership=Membership.objects.get(user=person), actor=Actor.system())
    elif case == "disabled":
        User.objects.filter(pk=world.applicant_head.pk).update(is_active=False)
    assert held not in standing_of(colleague).duties
    assert colleague not in duties.holders(world.county_bureau, Duty.OWN_APPROVER)


def test_a_delegation_in_force_gives_the_chosen_duty_and_its_notices_and_nothing_else(
    world: World, colleague: User
) -> None:
    duties.assign(
        user=world.applicant_head, department=world.county_bureau, duty=Duty.SECURITY_OFFICER, actor=Actor.system()
    )
    name(world, colleague)
    bureau = world.county_bureau.pk
    assert standing_of(colleague).duties == {(bureau, Duty.CATALOGUER), (bureau, Duty.OWN_APPROVER)}
    assert duties.holders(world.county_bureau, Duty.OWN_APPROVER) == [world.applicant_head, colleague]
    assert duties.holders(world.county_bureau, Duty.SECURITY_OFFICER) == [world.applicant_head]


def test_a_deputys_duty_is_not_passed_on(world: World, colleague: User) -> None:
    name(world, colleague)
    with pytest.raises(InvalidInput) as found:
        name(world, world.applicant, principal=colleague, duties=[Duty.OWN_APPROVER])
    assert refused(found) == {"duties"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"valid_until": days(-1), "valid_from": days(-3)}, "valid_until"),
        ({"valid_from": days(5), "valid_until": days(4)}, "valid_until"),
        ({"valid_until": days(LONGEST_DAYS)}, "valid_until"),
        ({"reason": "  "}, "reason"),
        ({"duties": []}, "duties"),
        ({"duties": [Duty.PROVIDER_APPROVER]}, "duties"),
        ({"duties": [Duty.CLERK]}, "duties"),
    ],
)
def test_a_term_or_duty_that_makes_no_sense_is_refused_by_field(
    world: World, colleague: User, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as found:
        name(world, colleague, **changes)
    assert refused(found) == {field}
    assert not Delegation.objects.exists()


def test_only_a_colleague_of_the_department_may_be_the_deputy(world: World) -> None:
    for stranger in (world.provider, make_user("nobody"), make_user("secadmin", admin_role="security")):
        with pytest.raises(InvalidInput) as found:
            name(world, stranger)
        assert refused(found) == {"deputy"}
    with pytest.raises((InvalidInput, NotPermitted)):
        name(world, world.applicant_head)


def test_a_second_deputy_for_the_same_days_is_refused_and_for_others_not(world: World, colleague: User) -> None:
    name(world, colleague)
    with pytest.raises(InvalidInput) as found:
        name(world, world.applicant, valid_from=days(5), valid_until=days(9))
    assert refused(found) == {"valid_from"}
    name(world, world.applicant, valid_from=days(6), valid_until=days(9))
    assert Delegation.objects.count() == 2


def test_a_circle_of_deputies_is_refused_however_long(world: World, colleague: User) -> None:
    name(world, colleague)
    name(world, world.applicant, principal=colleague, duties=[Duty.CATALOGUER])
    for principal, duty, deputy in (
        (colleague, Duty.CATALOGUER, world.applicant_head),
        (world.applicant, Duty.APPLICANT, world.applicant_head),
    ):
        with pytest.raises(InvalidInput) as found:
            name(world, deputy, principal=principal, duties=[duty], valid_from=days(5), valid_until=days(5))
        assert "deputy" in refused(found) or "valid_from" in refused(found)
    name(world, world.applicant_head, principal=world.applicant, duties=[Duty.APPLICANT], **later())


def later() -> dict[str, Any]:
    return {"valid_from": days(6), "valid_until": days(7)}


def test_nobody_makes_themselves_a_deputy_and_a_clerk_names_one_for_somebody_absent(
    world: World, colleague: User
) -> None:
    clerk = make_user("clerk", world.county_bureau, Duty.CLERK)
    for person, deputy in ((colleague, colleague), (clerk, clerk), (world.provider, colleague)):
        with pytest.raises(NotPermitted):
            name(world, deputy, by=person)
    delegation = name(world, colleague, by=clerk)
    assert Notice.objects.filter(kind="deputy_named").count() == 2
    with pytest.raises(NotPermitted):
        end_delegation(delegation=delegation, actor=actor(world.provider))
    end_delegation(delegation=delegation, actor=actor(clerk))
    assert [e.verb for e in Event.objects.filter(verb__startswith="deputy.").order_by("id")] == [
        "deputy.named",
        "deputy.ended",
    ]


def test_of_two_delegations_at_once_that_overlap_one_is_made(
    committed: None, concurrently: Callable[..., list[Any]]
) -> None:
    world = World()
    people = [make_user(f"colleague{n}", world.county_bureau, Duty.CATALOGUER) for n in range(3)]
    results = concurrently(*[lambda p=p: name(world, p) for p in people])  # type: ignore[misc]
    assert sorted(type(found).__name__ for found in results) == ["Delegation", "InvalidInput", "InvalidInput"]
    assert Delegation.objects.count() == 1


def form_of(world: World, deputy: User, **changes: str) -> dict[str, str]:
    body = {
        "duties": f"{world.county_bureau.pk}:own_approver",
        "deputy": str(deputy.pk),
        "valid_from": days(0).isoformat(),
        "valid_until": days(5).isoformat(),
        "reason": "年休假",
    }
    return body | changes


def test_the_pages_name_a_deputy_keep_what_was_typed_and_end_it(world: World, colleague: User) -> None:
    client = client_of(world.applicant_head)
    answer = client.post("/deputies/new/", form_of(world, colleague, valid_until=days(-1).isoformat()))
    assert (answer.status_code, "年休假" in answer.content.decode()) == (422, True)
    assert client.post("/deputies/new/", form_of(world, colleague)).status_code == 302
    delegation = Delegation.objects.get()
    assert (delegation.principal, delegation.deputy) == (world.applicant_head, colleague)
    assert world.applicant_head.name in client_of(colleague).get("/deputies/").content.decode()
    assert client_of(world.provider).post(f"/deputies/{delegation.pk}/end/").status_code == 404
    assert client_of(colleague).post(f"/deputies/{delegation.pk}/end/").status_code == 302
    delegation.refresh_from_db()
    assert delegation.ended_by == colleague


def test_a_clerk_names_deputies_for_people_of_the_own_department_only(world: World, colleague: User) -> None:
    clerk = client_of(make_user("clerk", world.county_bureau, Duty.CLERK))
    body = form_of(world, colleague)
    assert clerk.post("/deputies/new/", body | {"for": str(world.provider.pk)}).status_code == 404
    assert clerk.post("/deputies/new/", body | {"for": str(world.applicant_head.pk)}).status_code == 302
    assert client_of(world.applicant).post("/deputies/new/", body | {"for": "x"}).status_code == 403


def test_the_list_takes_as_many_queries_for_ten_delegations_as_for_one(world: World, colleague: User) -> None:
    client = client_of(world.applicant_head)
    name(world, colleague)
    client.get("/deputies/")
    few = queries_of(client, "/deputies/")
    for number in range(1, 10):
        name(world, colleague, valid_from=days(number * 6), valid_until=days(number * 6 + 5))
    assert queries_of(client, "/deputies/") == few


def test_the_step_page_says_for_whom_one_decides(world: World, colleague: User) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "救助对象")))
    step = step_of(request, "own-department")
    name(world, colleague)
    page = client_of(colleague).get(f"/steps/{step.pk}/")
    assert page.context["deciding_for"] == world.applicant_head
    assert client_of(world.applicant_head).get(f"/steps/{step.pk}/").context["deciding_for"] is None


def test_the_page_of_the_department_says_who_stands_in_for_whom(world: World, colleague: User) -> None:
    name(world, colleague)
    name(world, world.applicant, principal=colleague, duties=[Duty.CATALOGUER], **later())
    page = client_of(world.provider).get(f"/departments/{world.county_bureau.pk}/")
    assert [row.deputy for row in page.context["deputies"]] == [colleague]
    text = zh("%(deputy)s stands in for %(principal)s until %(until)s")
    words = {"deputy": "colleague", "principal": "applicant_head", "until": days(5).isoformat()}
    assert text % words in page.content.decode()
