"""Renewals: in one step when nothing has changed, and never by silence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import lifecycle
from catalog.models import DataItem, Dataset
from portal.calendars.working_days import deadline
from portal.departments.models import Duty
from portal.deputies.delegations import name_deputy
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Event
from sharing import grants
from sharing.holding import keeping, renewals
from sharing.holding.changes import changes_of
from sharing.holding.renewals import Wish
from sharing.models import Credential, Grant, GrantRenewal
from sharing.restrictions import acts as restriction_acts
from sharing.restrictions.acts import Listing
from tests.checks import findings
from tests.clients import client_of
from tests.factories import World, actor, load, make_user
from tests.sharing.renewing import WISH, ask, conditional, grant_of, in_days, told, unconditional

pytestmark = pytest.mark.django_db


def test_an_unconditional_grant_is_renewed_at_once_and_its_keys_keep_working(world: World) -> None:
    grant = unconditional(world)
    load(grant.dataset, b"code,name\n01,a\n")
    _credential, key = grants.create_credential(grant=grant, actor=actor(world.applicant))
    renewal = ask(world, grant)
    assert (renewal.state, renewal.until) == ("granted", in_days(60))
    grant.refresh_from_db()
    assert (grant.valid_until, grant.confirmed_on) == (in_days(60), timezone.localdate())
    assert Credential.objects.filter(revoked_at__isnull=True).count() == 1
    answer = Client(headers={"Authorization": f"Bearer {key}"}).get(f"/api/v1/data/{grant.pk}/rows")
    assert answer.status_code == 200
    event = Event.objects.filter(stream=f"grant:{grant.pk}").order_by("-seq")[0]
    assert (event.verb, event.data["valid_until"], event.actor) == (
        "grant.renewed",
        in_days(60).isoformat(),
        world.applicant,
    )
    assert findings() == []


def test_a_conditional_grant_waits_for_one_click_of_the_provider(world: World) -> None:
    grant = conditional(world)
    renewal = ask(world, grant)
    grant.refresh_from_db()
    assert (renewal.state, renewal.due_at, grant.valid_until) == (
        "pending",
        deadline(timezone.localdate(), 5).at,
        in_days(30),
    )
    assert findings() == []
    page = client_of(world.provider).post(reverse("sharing:renewal-act", args=[renewal.pk, "approve"]))
    grant.refresh_from_db()
    assert (page.status_code, grant.valid_until, grant.state) == (302, in_days(60), "active")
    assert told(world.provider) == ["renewal_to_decide"]
    assert told(world.applicant) == ["renewal_decided"]
    assert findings() == []


def test_a_refused_renewal_says_why_and_the_grant_ends_on_its_day(world: World) -> None:
    grant = conditional(world)
    renewal = ask(world, grant)
    with pytest.raises(InvalidInput):
        renewals.refuse(renewal=renewal, actor=actor(world.provider), reason=" ")
    renewals.refuse(renewal=renewal, actor=actor(world.provider), reason="政策调整")
    grant.refresh_from_db()
    assert grant.valid_until == in_days(30)
    page = client_of(world.applicant).get(grant.get_absolute_url()).content.decode()
    assert "政策调整" in page
    assert ask(world, grant).state == "pending"
    assert findings() == []


def test_only_those_who_use_it_ask_and_only_the_provider_decides(world: World) -> None:
    grant = conditional(world)
    for user in (world.applicant_head, world.provider, world.provider2, world.authority):
        with pytest.raises(NotPermitted):
            ask(world, grant, user=user)
    renewal = ask(world, grant)
    for user in (world.applicant, world.applicant_head, world.security, world.provider2, world.authority):
        with pytest.raises(NotPermitted):
            renewals.approve(renewal=renewal, actor=actor(user))
    with pytest.raises(NotPermitted):
        renewals.withdraw(renewal=renewal, actor=actor(world.provider))
    assert renewals.withdraw(renewal=renewal, actor=actor(world.applicant)).state == "withdrawn"


def test_a_renewal_states_the_use_and_accepts_the_commitments(world: World) -> None:
    grant = unconditional(world)
    with pytest.raises(InvalidInput) as refused:
        ask(world, grant, Wish(" ", has_commitment=False))
    assert set(refused.value.fields) == {"statement", "has_commitment"}
    assert GrantRenewal.objects.count() == 0


def test_the_new_term_is_not_longer_than_the_first_nor_than_a_year(world: World) -> None:
    grant = unconditional(world)
    for until in (in_days(30), in_days(61)):
        with pytest.raises(InvalidInput):
            ask(world, grant, Wish("x", has_commitment=True, until=until))
    assert ask(world, grant, Wish("x", has_commitment=True, until=in_days(31))).until == in_days(31)
    grant.refresh_from_db()
    assert renewals.longest(grant) == in_days(61)
    long = unconditional(world, "长期", days=700)
    assert renewals.longest(long) == in_days(700 + 365)


def test_too_early_and_too_late_nothing_is_renewed(world: World) -> None:
    early = unconditional(world, "早", days=61)
    with pytest.raises(WrongState):
        ask(world, early)
    on_time = unconditional(world, "当日", days=60)
    assert ask(world, on_time).state == "granted"
    late = unconditional(world, "晚")
    Grant.objects.filter(pk=late.pk).update(valid_from=in_days(-40), valid_until=in_days(-1))
    with pytest.raises(WrongState):
        ask(world, late)
    last = unconditional(world, "末日")
    Grant.objects.filter(pk=last.pk).update(valid_from=in_days(-30), valid_until=in_days(0))
    assert ask(world, last).until == in_days(30)


@pytest.mark.parametrize(
    "change",
    [
        {"sharing_type": "conditional"},
        {"sharing_type": "not_shared"},
        {"grade": 3},
        {"channels": ["api"]},
        {"state": "withdrawn"},
    ],
)
def test_what_became_stricter_stands_against_a_renewal(world: World, change: dict[str, Any]) -> None:
    grant = unconditional(world)
    assert changes_of(grant) == []
    Dataset.objects.filter(pk=grant.dataset_id).update(**change)
    with pytest.raises(WrongState):
        ask(world, grant)
    assert (GrantRenewal.objects.count(), len(changes_of(grant_of(grant.item.request)))) == (0, 1)


@pytest.mark.parametrize("change", [{"sharing_type": "unconditional"}, {"grade": 1}, {"title": "改名"}])
def test_what_became_freer_does_not(world: World, change: dict[str, Any]) -> None:
    grant = conditional(world)
    Dataset.objects.filter(pk=grant.dataset_id).update(**change)
    assert changes_of(grant_of(grant.item.request)) == []


def test_items_that_are_more_sensitive_or_not_shared_any_more_are_named(world: World) -> None:
    grant = unconditional(world)
    items = DataItem.objects.filter(dataset=grant.dataset)
    items.filter(column="name").update(sensitivity="personal")
    items.filter(column="code").update(sharing_type="not_shared")
    found = " ".join(changes_of(grant))
    assert ("名称" in found, "代码" in found, len(changes_of(grant))) == (True, True, 2)
    page = client_of(world.applicant).get(reverse("sharing:grant-renew", args=[grant.pk]))
    text = page.content.decode()
    copy = reverse("sharing:request-copy", args=[grant.item.request_id])
    assert (copy in text, page.context["can_renew"]) == (True, False)


def test_a_grant_that_came_over_from_a_merged_department_is_asked_for_anew(world: World) -> None:
    grant = unconditional(world)
    Grant.objects.filter(pk=grant.pk).update(department=world.city_bureau)
    head = make_user("successor", world.city_bureau, Duty.APPLICANT)
    with pytest.raises(WrongState):
        ask(world, grant, user=head)
    assert GrantRenewal.objects.count() == 0


def test_a_mask_that_the_provider_set_stays_over_the_renewal(world: World) -> None:
    grant = unconditional(world)
    grants.set_masks(grant=grant, actor=actor(world.provider), masks={"name": "hide"}, reason="最小必要")
    ask(world, grant)
    grant.refresh_from_db()
    assert (grant.masks, grant.valid_until) == ({"name": "hide"}, in_days(60))


def test_a_dataset_withdrawn_in_between_cannot_be_agreed_to(world: World) -> None:
    grant = conditional(world)
    renewal = ask(world, grant)
    lifecycle.withdraw(dataset=grant.dataset, actor=actor(world.provider_head), reason="停用")
    with pytest.raises(WrongState):
        renewals.approve(renewal=renewal, actor=actor(world.provider))
    assert renewals.refuse(renewal=renewal, actor=actor(world.provider), reason="已停用").state == "refused"
    grant.refresh_from_db()
    assert (grant.state, grant.valid_until) == ("suspended", in_days(30))
    assert findings() == []


def test_the_renewal_of_a_revoked_grant_lapses(world: World) -> None:
    grant = conditional(world)
    renewal = ask(world, grant)
    grants.revoke(grant=grant, actor=actor(world.security), reason="泄露")
    with pytest.raises(WrongState):
        renewals.approve(renewal=renewal, actor=actor(world.provider))
    assert (keeping.close_renewals(), keeping.close_renewals()) == (1, 0)
    renewal.refresh_from_db()
    assert renewal.state == "lapsed"
    assert findings() == []


def test_a_late_provider_is_reminded_and_silence_renews_nothing(world: World) -> None:
    grant = conditional(world)
    renewal = ask(world, grant)
    assert keeping.remind_renewals() == 0
    GrantRenewal.objects.filter(pk=renewal.pk).update(due_at=timezone.now() + dt.timedelta(minutes=5))
    assert (keeping.remind_renewals(), keeping.remind_renewals()) == (1, 0)
    GrantRenewal.objects.filter(pk=renewal.pk).update(due_at=timezone.now() - dt.timedelta(days=40))
    assert (keeping.remind_renewals(), keeping.remind_renewals()) == (1, 0)
    assert told(world.provider) == ["renewal_to_decide", "renewal_due", "renewal_late"]
    keeping.keep()
    grant.refresh_from_db()
    renewal.refresh_from_db()
    assert (grant.valid_until, renewal.state) == (in_days(30), "pending")


def test_a_renewal_asked_in_time_can_be_agreed_to_after_the_end(world: World) -> None:
    grant = conditional(world)
    renewal = ask(world, grant)
    Grant.objects.filter(pk=grant.pk).update(valid_from=in_days(-31), valid_until=in_days(-1))
    renewals.approve(renewal=renewal, actor=actor(world.provider))
    grant.refresh_from_db()
    assert (grant.valid_until, grant.is_in_force) == (in_days(60), True)


def test_two_at_once_ask_once(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    world = World()
    grant = conditional(world)
    who = actor(world.applicant)
    results = concurrently(*[lambda: renewals.ask(grant=grant, actor=who, wish=WISH)] * 2)
    assert sorted(type(result).__name__ for result in results) == ["GrantRenewal", "WrongState"]
    renewal = GrantRenewal.objects.get()
    deciders = [lambda: renewals.approve(renewal=renewal, actor=actor(world.provider))] * 2
    results = concurrently(*deciders)
    assert sorted(type(result).__name__ for result in results) == ["GrantRenewal", "WrongState"]
    grant.refresh_from_db()
    assert grant.valid_until == in_days(60)


def test_a_deputy_of_the_provider_decides_on_behalf(world: World) -> None:
    deputy = make_user("deputy", world.province_bureau, Duty.CATALOGUER)
    renewal = ask(world, conditional(world))
    today = timezone.localdate()
    name_deputy(
        principal=world.provider,
        deputy=deputy,
        department=world.province_bureau,
        duties=[Duty.PROVIDER_APPROVER],
        valid_from=today,
        valid_until=today,
        reason="年休假",
        actor=actor(world.provider),
    )
    renewals.approve(renewal=renewal, actor=actor(deputy))
    event = Event.objects.get(verb="grant.renewed")
    assert (event.actor, event.on_behalf_of) == (deputy, world.provider)


def test_a_last_day_that_was_not_recorded_is_found(world: World) -> None:
    grant = unconditional(world)
    Grant.objects.filter(pk=grant.pk).update(valid_until=in_days(300))
    assert [finding.subject for finding in findings()] == [f"grant:{grant.pk}"]
    Grant.objects.filter(pk=grant.pk).update(valid_until=in_days(30))
    renewal = ask(world, grant)
    GrantRenewal.objects.filter(pk=renewal.pk).update(state="withdrawn")
    assert [finding.subject for finding in findings()] == [f"grant:{grant.pk}"]


def test_a_department_on_the_restriction_list_renews_nothing_while_it_is_blocked(world: World) -> None:
    grant = conditional(world)
    asked = renewals.ask(grant=grant, actor=actor(world.applicant), wish=WISH)
    listing = Listing(world.county_bureau, "block", "超范围使用", "协议第六条", timezone.localdate(), in_days(10))
    entry = restriction_acts.enter(listing=listing, actor=actor(world.authority))
    with pytest.raises(InvalidInput):
        renewals.approve(renewal=asked, actor=actor(world.provider))
    renewals.withdraw(renewal=asked, actor=actor(world.applicant))
    with pytest.raises(InvalidInput):
        renewals.ask(grant=grant, actor=actor(world.applicant), wish=WISH)
    restriction_acts.lift(entry=entry, actor=actor(world.authority), reason="已整改")
    assert renewals.ask(grant=grant, actor=actor(world.applicant), wish=WISH).state == "pending"
