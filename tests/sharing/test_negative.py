"""The negative list: what stands in it, reviews, and questions of the authority."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import lifecycle, revisions
from catalog.models import Dataset, DatasetVersion
from catalog.verification import search_rows, states
from portal.calendars.working_days import deadline
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Notice
from sharing.models import Responsibility, SharingQuestion
from sharing.negative import acts
from sharing.responsibilities import reminders
from tests.clients import client_of
from tests.factories import World, actor, make_dataset
from tests.queries import queries_of

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
BASIS = "《档案法》第二十八条"


def kept(world: World, title: str = "举报人信息", **changes: Any) -> Dataset:
    return make_dataset(world.city_bureau, title, sharing_type="not_shared", **changes)


def review(world: World, dataset: Dataset, **changes: Any) -> Dataset:
    values = {"basis": BASIS, "until": timezone.localdate() + 365 * DAY}
    return acts.review(dataset=dataset, actor=actor(world.provider2), **(values | changes))


def listed(client: Client, **params: str) -> list[str]:
    rows = client.get(reverse("sharing:negative-list"), params).context["object_list"]
    return [getattr(row, "title", None) or row.name for row in rows]


def test_the_list_holds_published_records_and_items_that_are_not_shared(world: World) -> None:
    items = [
        {"name": "编号", "column": "code"},
        {"name": "举报人", "column": "name", "sharing_type": "not_shared"},
    ]
    kept(world)
    kept(world, "草稿", state="draft")
    make_dataset(world.city_bureau, "共享资源", items=items)
    client = client_of(world.applicant)
    assert listed(client) == ["举报人信息"]
    assert listed(client, tab="items") == ["举报人"]
    figures = client.get(reverse("sharing:negative-list")).context["figures"]
    assert (figures["records"], figures["items"], figures["defects"]) == (1, 1, 1)
    body = b"".join(client.get(reverse("sharing:negative-export")).streaming_content).decode()  # type: ignore[attr-defined]
    assert [line.split(",")[1] for line in body.splitlines()[1:]] == ["举报人信息", "共享资源"]


def test_defects_and_overdue_reviews_are_found(world: World) -> None:
    today = timezone.localdate()
    kept(world, "逾期", sharing_review_on=today - DAY)
    kept(world, "无依据", sharing_basis="", sharing_review_on=today + DAY)
    kept(world, "无日期")
    kept(world, "齐全", sharing_review_on=today + DAY)
    client = client_of(world.authority)
    assert listed(client, flag="overdue") == ["逾期"]
    assert sorted(listed(client, flag="defect")) == ["无依据", "无日期"]
    assert listed(client)[0] == "逾期"
    assert listed(client, sort="-review")[-1] == "无日期"
    assert listed(client, q="齐全") == ["齐全"]
    assert listed(client, department="不存在") == []


def test_a_review_makes_a_version_with_its_basis_and_day(world: World) -> None:
    dataset = kept(world)
    before = dataset.version
    reviewed = review(world, dataset)
    assert (reviewed.sharing_basis, reviewed.version) == (BASIS, before + 1)
    frozen = DatasetVersion.objects.get(dataset=dataset, number=reviewed.version).metadata
    assert frozen["sharing_review_on"] == reviewed.sharing_review_on.isoformat()
    line = Responsibility.objects.get(duty_of=dataset)
    assert (line.kind, line.due_on) == ("review", reviewed.sharing_review_on)
    assert [*states(), *search_rows()] == []


def test_only_the_providers_approvers_review_and_within_two_years(world: World) -> None:
    dataset = kept(world)
    for user in (world.cataloguer, world.authority, world.provider):
        with pytest.raises(NotPermitted):
            acts.review(dataset=dataset, actor=actor(user), basis=BASIS, until=timezone.localdate() + DAY)
    for changes in (
        {"until": timezone.localdate()},
        {"until": timezone.localdate() + 731 * DAY},
        {"basis": " "},
    ):
        with pytest.raises(InvalidInput):
            review(world, dataset, **changes)
    dataset.refresh_from_db()
    assert dataset.sharing_review_on is None
    with pytest.raises(WrongState):
        review(world, make_dataset(world.city_bureau, "共享的"))


def test_two_reviews_at_once_leave_one(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    world = World()
    dataset = kept(world)
    results = concurrently(
        lambda: review(world, dataset, seen_version=dataset.version),
        lambda: review(world, dataset, seen_version=dataset.version, basis="另一依据"),
    )
    assert sorted(type(result).__name__ for result in results) == ["Dataset", "WrongState"]
    assert DatasetVersion.objects.filter(dataset=dataset).count() == 1


def test_an_open_revision_takes_the_review_over_and_keeps_its_own_words(world: World) -> None:
    dataset = kept(world)
    draft = revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    draft.document["sharing_basis"] = "修订中的依据"
    draft.save()
    reviewed = review(world, dataset)
    draft.refresh_from_db()
    assert draft.document["sharing_basis"] == "修订中的依据"
    assert draft.document["sharing_review_on"] == reviewed.sharing_review_on.isoformat()
    saved = lifecycle.update(
        dataset=dataset, actor=actor(world.cataloguer), values={"contact": "0571-1"}, seen_revision=0
    )
    assert saved.open_revision is not None
    assert saved.open_revision.document["sharing_review_on"] == reviewed.sharing_review_on.isoformat()


def test_the_provider_is_told_before_the_review_and_when_it_is_late(world: World) -> None:
    dataset = kept(world, sharing_review_on=timezone.localdate() + DAY)
    assert (reminders.remind(), reminders.remind()) == (1, 0)
    Responsibility.objects.filter(duty_of=dataset).update(due_on=timezone.localdate() - DAY)
    assert (reminders.remind(), reminders.remind()) == (1, 0)
    kinds = Notice.objects.filter(user=world.provider2).order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["responsibility_due", "responsibility_late"]


def test_the_authority_asks_once_and_the_provider_answers(world: World) -> None:
    dataset = kept(world)
    with pytest.raises(NotPermitted):
        acts.ask(dataset=dataset, actor=actor(world.provider), text="为何不共享？")
    question = acts.ask(dataset=dataset, actor=actor(world.authority), text="为何不共享？")
    assert question.due_at == deadline(timezone.localdate(), 10).at
    with pytest.raises(WrongState):
        acts.ask(dataset=dataset, actor=actor(world.authority), text="再问")
    assert listed(client_of(world.authority), flag="asked") == ["举报人信息"]
    with pytest.raises(NotPermitted):
        acts.answer(question=question, actor=actor(world.authority), text="自答")
    answered = acts.answer(question=question, actor=actor(world.provider2), text=BASIS)
    assert (answered.answer, answered.answered_by) == (BASIS, world.provider2)
    with pytest.raises(WrongState):
        acts.answer(question=question, actor=actor(world.provider2), text="再答")
    assert Notice.objects.filter(user=world.authority, kind="not_sharing_answered").count() == 1


def test_a_late_answer_is_reminded_once(world: World) -> None:
    question = acts.ask(dataset=kept(world), actor=actor(world.authority), text="为何？")
    assert reminders.remind_questions() == 0
    SharingQuestion.objects.filter(pk=question.pk).update(due_at=timezone.now() - 3 * DAY)
    assert (reminders.remind_questions(), reminders.remind_questions()) == (1, 0)


def test_the_page_of_a_record_reviews_asks_and_answers(world: World) -> None:
    dataset = kept(world)
    page = reverse("sharing:negative-record", args=[dataset.pk])
    asked = client_of(world.authority).post(reverse("sharing:negative-ask", args=[dataset.pk]), {"text": "为何？"})
    assert asked.status_code == 302
    provider = client_of(world.provider2)
    bad = provider.post(reverse("sharing:negative-review", args=[dataset.pk]), {"basis": "", "until": "2000-01-01"})
    assert bad.status_code == 422
    until = (timezone.localdate() + 30 * DAY).isoformat()
    words = {"basis": BASIS, "until": until, "seen_version": dataset.version}
    good = provider.post(reverse("sharing:negative-review", args=[dataset.pk]), words)
    assert good.status_code == 302
    stale = provider.post(reverse("sharing:negative-review", args=[dataset.pk]), words)
    assert stale.status_code == 409
    done = provider.post(reverse("sharing:negative-answer", args=[dataset.pk]), {"text": "依法"})
    assert done.status_code == 302
    assert {BASIS, "依法"} <= set(provider.get(page).content.decode().replace("<", "\n").replace(">", "\n").split("\n"))


def test_the_list_takes_as_many_queries_for_twenty_as_for_one(world: World) -> None:
    kept(world)
    client, path = client_of(world.authority), reverse("sharing:negative-list")
    queries_of(client, path)  # what is read once a process
    few = queries_of(client, path)
    for n in range(19):
        kept(world, f"资源{n}")
    assert queries_of(client, path) == few <= 22
