"""The yearly review: what comes up, who confirms it, what happens when nobody does, and what the provider sees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from catalog import lifecycle
from portal.departments.models import Duty
from portal.deputies.delegations import name_deputy
from portal.errors import NotPermitted, WrongState
from portal.models import Event, Notice
from sharing import grants
from sharing.holding import keeping, renewals, reviews
from sharing.models import Grant, GrantReview, UsageRecord
from tests.checks import findings
from tests.clients import client_of
from tests.factories import World, actor, approve_common, decide, make_dataset, make_request, make_user, step_of, submit
from tests.queries import queries_of
from tests.sharing.renewing import in_days

pytestmark = pytest.mark.django_db
KINDS = ("review_opened", "review_reminded", "review_warned", "grant_suspended")


def told(user: Any) -> list[str]:
    rows = Notice.objects.filter(user=user, kind__in=KINDS).order_by("created_at", "id")
    return list(rows.values_list("kind", flat=True))


def old_grant(world: World, title: str = "救助对象", days: int = 365) -> Grant:
    """A grant that was issued ``days`` ago and runs for two more years."""
    request = submit(world, make_request(world, make_dataset(world.province_bureau, title), valid_until=in_days(730)))
    approve_common(world, request)
    decide(step_of(request, "provider"), world.provider)
    Grant.objects.filter(item__request=request).update(valid_from=in_days(-days))
    return Grant.objects.select_related("dataset__provider", "department").get(item__request=request)


def opened(world: World, title: str = "救助对象") -> GrantReview:
    grant = old_grant(world, title)
    keeping.open_reviews()
    return GrantReview.objects.select_related("grant").get(grant=grant)


def later(review: GrantReview, due_in: int) -> GrantReview:
    """The review as it is when ``due_in`` days are left; a warning grows as much older."""
    review.refresh_from_db()
    shift = review.due_on - in_days(due_in)
    warned = review.warned_on - shift if review.warned_on else None
    opened_on = review.opened_on - shift
    GrantReview.objects.filter(pk=review.pk).update(due_on=in_days(due_in), warned_on=warned, opened_on=opened_on)
    return GrantReview.objects.select_related("grant").get(pk=review.pk)


def missed(world: World) -> GrantReview:
    """A review that nobody confirmed; its grant is suspended."""
    review = opened(world)
    keeping.tell_reviews()
    review = later(review, 7)
    keeping.tell_reviews()
    review = later(review, -1)
    assert keeping.close_reviews() == 1
    return GrantReview.objects.select_related("grant").get(pk=review.pk)


def test_a_grant_comes_up_a_year_after_its_issue_and_once(world: World) -> None:
    old, young = old_grant(world), old_grant(world, "新授权", days=364)
    assert (keeping.open_reviews(), keeping.open_reviews()) == (1, 0)
    review = GrantReview.objects.get()
    assert (review.grant, review.state, review.due_on, review.is_unused) == (old, "open", in_days(30), True)
    assert not young.reviews.exists()
    assert findings() == []


def test_a_grant_that_was_used_in_the_year_is_not_marked(world: World) -> None:
    used, formerly = old_grant(world), old_grant(world, "以前用过")
    for grant, days in ((used, 10), (formerly, 366)):
        at = timezone.now() - dt.timedelta(days=days)
        UsageRecord.objects.create(grant=grant, at=at, channel="api", format="json", rows=5)
    keeping.open_reviews()
    marks = dict(GrantReview.objects.values_list("grant", "is_unused"))
    assert marks == {used.pk: False, formerly.pk: True}
    page = client_of(world.applicant).get(reverse("sharing:review-list"), {"unused": "1"})
    assert [review.grant_id for review, _people in page.context["lines"]] == [formerly.pk]


def test_the_department_is_told_at_the_start_reminded_and_warned_once_each(world: World) -> None:
    review = opened(world)
    counts = []
    for left in (30, 29, 16, 15, 14, 8, 7, 1):
        later(review, left)
        counts.append((keeping.tell_reviews(), keeping.tell_reviews()))
    assert counts == [(1, 0), (0, 0), (0, 0), (1, 0), (0, 0), (0, 0), (1, 0), (0, 0)]
    assert told(world.applicant) == ["review_opened", "review_reminded", "review_warned"]
    assert Notice.objects.get(user=world.applicant, kind="review_warned").data["day"] == in_days(8).isoformat()


def test_many_grants_of_a_department_come_in_one_notice(world: World) -> None:
    for number in range(3):
        old_grant(world, f"第{number}")
    keeping.keep()
    keeping.keep()
    assert [notice.data["n"] for notice in Notice.objects.filter(user=world.applicant, kind="review_opened")] == [3]


def test_after_weeks_without_the_worker_it_warns_first_and_suspends_a_week_later(world: World) -> None:
    review = opened(world)
    keeping.tell_reviews()
    later(review, -20)
    assert (keeping.close_reviews(), keeping.tell_reviews(), keeping.tell_reviews()) == (0, 1, 0)
    assert told(world.applicant) == ["review_opened", "review_warned"]
    later(review, -26)
    assert keeping.close_reviews() == 0
    later(review, -27)
    assert (keeping.close_reviews(), keeping.close_reviews()) == (1, 0)
    review.grant.refresh_from_db()
    assert (review.grant.state, review.grant.suspended_for) == ("suspended", "review")


def test_what_nobody_confirms_is_suspended_by_the_portal_with_its_reason(world: World) -> None:
    review = missed(world)
    grant = review.grant
    assert (review.state, grant.state, grant.suspended_for, grant.is_in_force) == (
        "missed",
        "suspended",
        "review",
        False,
    )
    assert told(world.applicant) == ["review_opened", "review_warned", "grant_suspended"]
    event = Event.objects.get(stream=f"grant:{grant.pk}", verb="grant.suspended")
    assert (event.actor, event.data["for"]) == (None, "review")
    assert findings() == []


def test_a_late_confirmation_lets_the_grant_run_again_at_once(world: World) -> None:
    review = missed(world)
    reviews.confirm(review=review, actor=actor(world.applicant), statement="每月核查")
    grant = Grant.objects.get(pk=review.grant_id)
    assert (grant.state, grant.suspended_for, grant.confirmed_on) == ("active", "", timezone.localdate())
    review.refresh_from_db()
    assert (review.state, review.statement, review.confirmed_by) == ("confirmed", "每月核查", world.applicant)
    assert keeping.open_reviews() == 0
    assert findings() == []


def test_a_suspension_that_the_provider_takes_over_is_not_lifted_by_a_confirmation(world: World) -> None:
    review = missed(world)
    grants.suspend(grant=review.grant, actor=actor(world.security), reason="疑似泄露")
    reviews.confirm(review=review, actor=actor(world.applicant))
    grant = Grant.objects.get(pk=review.grant_id)
    assert (grant.state, grant.suspended_for, grant.state_note) == ("suspended", "", "疑似泄露")
    assert findings() == []


def test_a_dataset_withdrawn_in_between_stays_withdrawn(world: World) -> None:
    review = missed(world)
    lifecycle.withdraw(dataset=review.grant.dataset, actor=actor(world.provider_head), reason="停用")
    reviews.confirm(review=review, actor=actor(world.applicant))
    grant = Grant.objects.get(pk=review.grant_id)
    assert (grant.state, grant.suspended_for) == ("suspended", "")
    assert findings() == []


def test_a_grant_that_the_provider_resumes_is_asked_again(world: World) -> None:
    review = missed(world)
    grants.resume(grant=review.grant, actor=actor(world.provider))
    assert keeping.open_reviews() == 1
    states = list(GrantReview.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["ended", "open"]
    assert findings() == []


def test_a_suspended_grant_is_neither_told_nor_missed_until_it_runs_again(world: World) -> None:
    review = opened(world)
    grants.suspend(grant=review.grant, actor=actor(world.security), reason="核查")
    later(review, -5)
    assert (keeping.tell_reviews(), keeping.close_reviews()) == (0, 0)
    grants.resume(grant=review.grant, actor=actor(world.security))
    assert keeping.tell_reviews() == 1
    assert told(world.applicant) == ["grant_suspended", "review_warned"]


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_the_review_of_a_grant_that_has_ended_ends_with_it(world: World, end: str) -> None:
    review = opened(world)
    if end == "revoked":
        grants.revoke(grant=review.grant, actor=actor(world.provider), reason="不再需要")
    else:
        Grant.objects.filter(pk=review.grant_id).update(valid_until=in_days(-1))
    with pytest.raises(WrongState):
        reviews.confirm(review=review, actor=actor(world.applicant))
    assert (keeping.close_reviews(), keeping.close_reviews()) == (1, 0)
    review.refresh_from_db()
    assert review.state == "ended"


def test_a_renewal_confirms_the_use_too(world: World) -> None:
    review = opened(world)
    grant = review.grant
    Grant.objects.filter(pk=grant.pk).update(valid_until=in_days(20))
    wish = renewals.Wish("继续核查", has_commitment=True)
    renewal = renewals.ask(grant=grant, actor=actor(world.applicant), wish=wish)
    review.refresh_from_db()
    assert review.state == "open"
    renewals.approve(renewal=renewal, actor=actor(world.provider))
    review.refresh_from_db()
    assert (review.state, review.statement, review.confirmed_by) == ("confirmed", "继续核查", world.applicant)
    assert keeping.open_reviews() == 0


def test_only_those_who_use_the_grant_confirm_it(world: World) -> None:
    review = opened(world)
    for user in (world.applicant_head, world.provider, world.provider2, world.authority):
        with pytest.raises(NotPermitted):
            reviews.confirm(review=review, actor=actor(user))
    reviews.confirm(review=review, actor=actor(world.applicant))
    with pytest.raises(WrongState):
        reviews.confirm(review=review, actor=actor(world.applicant))


def test_a_deputy_confirms_on_behalf(world: World) -> None:
    review = opened(world)
    today = timezone.localdate()
    deputy = make_user("deputy", world.county_bureau, Duty.CLERK)
    name_deputy(
        principal=world.applicant,
        deputy=deputy,
        department=world.county_bureau,
        duties=[Duty.APPLICANT],
        valid_from=today,
        valid_until=today,
        reason="年休假",
        actor=actor(world.applicant),
    )
    reviews.confirm(review=review, actor=actor(deputy))
    event = Event.objects.get(verb="grant.reviewed")
    assert (event.actor, event.on_behalf_of) == (deputy, world.applicant)


def test_two_at_once_confirm_once(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    world = World()
    review = missed(world)
    who = actor(world.applicant)
    results = concurrently(*[lambda: reviews.confirm(review=review, actor=who)] * 2)
    assert sorted(type(result).__name__ for result in results) == ["GrantReview", "WrongState"]
    assert Event.objects.filter(verb="grant.resumed").count() == 1


def test_two_workers_at_once_open_and_suspend_once(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    world = World()
    old_grant(world)
    assert sorted(concurrently(keeping.open_reviews, keeping.open_reviews)) == [0, 1]
    review = GrantReview.objects.select_related("grant").get()
    later(review, 7)
    assert sorted(concurrently(keeping.tell_reviews, keeping.tell_reviews)) == [0, 1]
    later(review, -1)
    assert sorted(concurrently(keeping.close_reviews, keeping.close_reviews)) == [0, 1]
    assert Event.objects.filter(verb="grant.suspended").count() == 1


# --- pages ----------------------------------------------------------------------------------------------------------
def test_the_ticked_ones_are_confirmed_with_a_line_each_and_foreign_ones_passed_over(world: World) -> None:
    ours = [opened(world, title) for title in ("甲", "乙")]
    foreign = opened(world, "别家")
    Grant.objects.filter(pk=foreign.grant_id).update(department=world.city_bureau)
    client = client_of(world.applicant)
    page = client.get(reverse("sharing:review-list"))
    assert {review.pk for review, _people in page.context["lines"]} == {review.pk for review in ours}
    reviews.confirm(review=ours[0], actor=actor(world.applicant))
    path = reverse("sharing:review-confirm")
    done = client.post(path, {"review": [*(review.pk for review in ours), foreign.pk, "no-key"]})
    lines = {line.review.pk: bool(line.error) for line in done.context["lines"]}
    assert lines == {ours[0].pk: True, ours[1].pk: False}
    foreign.refresh_from_db()
    assert foreign.state == "open"
    assert client.post(path, {"review": [foreign.pk]}).status_code == 302
    assert client_of(world.provider).post(path, {"review": [ours[1].pk]}).status_code == 403


def test_the_list_shows_the_use_and_who_holds_keys(world: World) -> None:
    review = opened(world)
    for _n in range(2):
        grants.create_credential(grant=review.grant, actor=actor(world.applicant))
    UsageRecord.objects.create(grant=review.grant, channel="api", format="json", rows=5)
    UsageRecord.objects.create(grant=review.grant, channel="api", format="json", rows=7)
    page = client_of(world.applicant).get(reverse("sharing:review-list"))
    [(line, people)] = page.context["lines"]
    assert (line.rows_taken, people, line.last_used is not None) == (12, ["applicant"], True)


def test_the_provider_sees_the_result_and_exports_it(world: World) -> None:
    review = opened(world)
    reviews.confirm(review=review, actor=actor(world.applicant), statement="每月核查")
    client = client_of(world.provider)
    page = client.get(reverse("sharing:review-list"), {"side": "given", "state": "confirmed"})
    assert [(line.statement, line.confirmed_by) for line, _people in page.context["lines"]] == [
        ("每月核查", world.applicant)
    ]
    response: Any = client.get(reverse("sharing:review-export"), {"side": "given"})
    rows = b"".join(response.streaming_content).decode().splitlines()[1:]
    assert [(row.split(",")[0], row.split(",")[-1]) for row in rows] == [("救助对象", "每月核查")]
    elsewhere = client_of(world.provider2).get(reverse("sharing:review-list"), {"side": "given"})
    assert elsewhere.context["lines"] == []


def test_the_list_takes_as_many_queries_for_many_as_for_one(world: World) -> None:
    first = opened(world)
    grants.create_credential(grant=first.grant, actor=actor(world.applicant))
    client = client_of(world.applicant)
    path = reverse("sharing:review-list")
    queries_of(client, path)
    few = queries_of(client, path)
    for number in range(5):
        grants.create_credential(grant=opened(world, f"第{number}").grant, actor=actor(world.applicant))
    assert queries_of(client, path) == few <= 20


def test_a_confirmation_that_was_not_recorded_is_found(world: World) -> None:
    review = opened(world)
    GrantReview.objects.filter(pk=review.pk).update(state="confirmed")
    assert [finding.subject for finding in findings()] == [f"grant:{review.grant_id}"]
