"""Renewals: in one step when nothing has changed, never by silence, and told in time."""

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
from portal.models import Event, Notice
from sharing import grants
from sharing.holding import keeping, renewals
from sharing.holding.changes import changes_of
from sharing.holding.renewals import Wish
from sharing.models import Credential, Grant, GrantRenewal, SharingRequest
from sharing.restrictions import acts as restriction_acts
from sharing.restrictions.acts import Listing
from tests.checks import findings
from tests.clients import client_of
from tests.factories import (
    World,
    actor,
    approve_common,
    decide,
    load,
    make_dataset,
    make_request,
    make_user,
    step_of,
    submit,
)
from tests.queries import queries_of

pytestmark = pytest.mark.django_db
WISH = Wish("继续用于低保核查", has_commitment=True)
TERM = dt.timedelta(days=30)


def told(user: Any) -> list[str]:
    kinds = ("grant_ending", "renewal_to_decide", "renewal_due", "renewal_late", "renewal_decided")
    rows = Notice.objects.filter(user=user, kind__in=kinds).order_by("created_at", "id")
    return list(rows.values_list("kind", flat=True))


def in_days(days: int) -> dt.date:
    return timezone.localdate() + dt.timedelta(days=days)


def grant_of(request: SharingRequest) -> Grant:
    related = "dataset__provider", "department", "item__request"
    return Grant.objects.select_related(*related).get(item__request=request)


def conditional(world: World, title: str = "救助对象", days: int = 30) -> Grant:
    """A grant of a conditionally shared dataset that ends in ``days``."""
    dataset = make_dataset(world.province_bureau, title)
    request = submit(world, make_request(world, dataset, valid_until=in_days(days)))
    approve_common(world, request)
    decide(step_of(request, "provider"), world.provider)
    return grant_of(request)


def unconditional(world: World, title: str = "行政区划", days: int = 30) -> Grant:
    dataset = make_dataset(world.province_bureau, title, sharing_type="unconditional")
    request = submit(world, make_request(world, dataset, valid_until=in_days(days)))
    approve_common(world, request)
    return grant_of(request)


def ask(world: World, grant: Grant, wish: Wish = WISH, user: Any = None) -> GrantRenewal:
    return renewals.ask(grant=grant, actor=actor(user or world.applicant), wish=wish)


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


# --- ends are told --------------------------------------------------------------------------------------------------
def ends_in(grant: Grant, days: int) -> None:
    Grant.objects.filter(pk=grant.pk).update(valid_from=in_days(-200), valid_until=in_days(days))


def test_each_end_is_told_sixty_thirty_and_seven_days_before_once_each(world: World) -> None:
    grant = conditional(world, days=200)
    counts = []
    for days in (61, 60, 59, 31, 30, 29, 8, 7, 1):
        ends_in(grant, days)
        counts.append((keeping.tell_ends(), keeping.tell_ends()))
    assert counts == [(0, 0), (1, 0), (0, 0), (0, 0), (1, 0), (0, 0), (0, 0), (1, 0), (0, 0)]
    assert told(world.applicant) == ["grant_ending"] * 3


def test_after_days_without_the_worker_one_notice_is_sent_for_all_grants_of_a_department(world: World) -> None:
    for grant in (conditional(world, "甲", days=200), conditional(world, "乙", days=200)):
        ends_in(grant, 5)
    assert (keeping.tell_ends(), keeping.tell_ends()) == (2, 0)
    notice = Notice.objects.get(user=world.applicant, kind="grant_ending")
    assert (notice.data["n"], notice.data["days"]) == (2, 7)
    listed = client_of(world.applicant).get(notice.url)
    assert len(listed.context["object_list"]) == 2


def test_a_grant_shorter_than_a_threshold_is_not_told_of_it_on_its_first_day(world: World) -> None:
    conditional(world, days=20)
    assert keeping.tell_ends() == 0


def test_a_renewed_grant_is_told_of_its_next_end_and_one_that_waits_is_not_nagged(world: World) -> None:
    grant = conditional(world, days=200)
    ends_in(grant, 7)
    assert keeping.tell_ends() == 1
    renewal = ask(world, grant_of(grant.item.request))
    Grant.objects.filter(pk=grant.pk).update(expiry_told=None)
    assert keeping.tell_ends() == 0
    renewals.approve(renewal=renewal, actor=actor(world.provider))
    grant.refresh_from_db()
    assert (grant.expiry_told, keeping.tell_ends()) == (None, 0)
    ends_in(grant, 60)
    assert keeping.tell_ends() == 1


# --- pages ----------------------------------------------------------------------------------------------------------
BODY = {"statement": "继续核查", "has_commitment": "on", "until": ""}


def test_many_are_renewed_together_with_a_line_each(world: World) -> None:
    free, asked, early = unconditional(world), conditional(world), conditional(world, "早", days=100)
    foreign = Grant.objects.get(pk=conditional(world, "别家").pk)
    Grant.objects.filter(pk=foreign.pk).update(department=world.city_bureau)
    client = client_of(world.applicant)
    listed = client.get(reverse("sharing:grant-list"))
    assert listed.context["renewable"] == {free.pk, asked.pk}
    ids = "&".join(f"grant={each.pk}" for each in (free, asked, early, foreign))
    path = f"{reverse('sharing:grant-renew-many')}?{ids}&grant=no-key"
    page = client.get(path)
    assert {each.grant.pk for each in page.context["candidates"]} == {free.pk, asked.pk, early.pk}
    failed = client.post(path, BODY | {"statement": ""})
    assert (failed.status_code, GrantRenewal.objects.count()) == (422, 0)
    done = client.post(path, BODY)
    lines = {line.grant.pk: line.renewal.state if line.renewal else "" for line in done.context["lines"]}
    assert lines == {free.pk: "granted", asked.pk: "pending", early.pk: ""}
    assert client.get(reverse("sharing:grant-renew-many")).status_code == 302


def test_one_is_renewed_on_its_page_and_a_refusal_keeps_what_was_typed(world: World) -> None:
    grant = unconditional(world)
    client = client_of(world.applicant)
    path = reverse("sharing:grant-renew", args=[grant.pk])
    wrong = client.post(path, BODY | {"until": in_days(90).isoformat()})
    assert (wrong.status_code, "继续核查" in wrong.content.decode()) == (422, True)
    assert client.post(path, BODY).status_code == 302
    grant.refresh_from_db()
    assert grant.valid_until == in_days(60)


def test_foreign_grants_and_renewals_are_not_found(world: World) -> None:
    grant = conditional(world)
    renewal = ask(world, grant)
    client = client_of(world.provider2)
    assert client.post(reverse("sharing:grant-renew", args=[grant.pk]), BODY).status_code == 404
    assert client.post(reverse("sharing:renewal-act", args=[renewal.pk, "approve"])).status_code == 404
    assert client_of(world.provider).post(reverse("sharing:grant-renew", args=[grant.pk]), BODY).status_code == 403
    assert (
        client_of(world.applicant).post(reverse("sharing:renewal-act", args=[renewal.pk, "approve"])).status_code == 403
    )
    assert (
        client_of(world.applicant).get(reverse("sharing:renewal-act", args=[renewal.pk, "explode"])).status_code == 404
    )
    renewal.refresh_from_db()
    assert renewal.state == "pending"


def test_the_list_of_renewals_filters_and_exports(world: World) -> None:
    waiting, done = ask(world, conditional(world)), ask(world, unconditional(world))
    path = reverse("sharing:renewal-list")

    def found(user: Any, **params: str) -> list[Any]:
        return [row.pk for row in client_of(user).get(path, params).context["object_list"]]

    assert found(world.applicant) == [done.pk, waiting.pk]
    assert found(world.applicant, sort="created") == [waiting.pk, done.pk]
    assert found(world.provider, side="answer") == [waiting.pk]
    assert found(world.applicant, state="granted") == [done.pk]
    assert found(world.applicant, q="行政") == [done.pk]
    assert found(world.provider, side="mine") == []
    assert found(world.provider2) == []
    response: Any = client_of(world.provider).get(reverse("sharing:renewal-export"), {"side": "answer"})
    body = b"".join(response.streaming_content).decode()
    assert [line.split(",")[0] for line in body.splitlines()[1:]] == ["救助对象"]


def test_the_list_takes_as_many_queries_for_many_as_for_one(world: World) -> None:
    ask(world, conditional(world))
    client = client_of(world.provider)
    path = reverse("sharing:renewal-list")
    queries_of(client, path)
    few = queries_of(client, path)
    for number in range(5):
        ask(world, conditional(world, f"第{number}"))
    assert queries_of(client, path) == few <= 20


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
