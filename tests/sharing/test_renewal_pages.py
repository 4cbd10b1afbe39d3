"""Ends of grants that are told in time, and the pages on which they are renewed."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from portal.models import Notice
from sharing.holding import keeping, renewals
from sharing.models import Grant, GrantRenewal
from tests.clients import client_of
from tests.factories import World, actor
from tests.queries import queries_of
from tests.sharing.renewing import ask, conditional, grant_of, in_days, told, unconditional

pytestmark = pytest.mark.django_db
BODY = {"statement": "继续核查", "has_commitment": "on", "until": ""}


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
