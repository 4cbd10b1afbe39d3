"""More time for a provider's step: once, with a reason, and with the consent of the data authority."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.calendars.working_days import calendar_around
from portal.departments.models import Duty
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Notice
from sharing import workflow
from sharing.extending import acts
from sharing.models import ApprovalStep, Extension
from sharing.thread import acts as thread
from tests.checks import findings
from tests.clients import client_of
from tests.factories import World, actor, approve_common, decide, make_dataset, make_request, make_user, step_of, submit
from tests.queries import queries_of

pytestmark = pytest.mark.django_db


def step_at_provider(world: World, title: str = "低保对象") -> ApprovalStep:
    """The provincial bureau's step of a request, with ten working days."""
    request = submit(world, make_request(world, make_dataset(world.province_bureau, title)))
    approve_common(world, request)
    return step_of(request, "provider")


def ask(world: World, step: ApprovalStep | None = None) -> Extension:
    step = step or step_at_provider(world)
    return acts.ask(step=step, actor=actor(world.provider), reason="需核对历史数据")


@pytest.fixture
def consenting(world: World) -> Any:
    """Somebody of the province's data authority."""
    return make_user("consenting", world.province_authority_department, Duty.AUTHORITY_REVIEWER)


def test_consent_doubles_the_term_and_tells_both_sides(world: World, consenting: Any) -> None:
    extension = ask(world)
    assert (extension.days, extension.authority) == (10, world.province_authority_department)
    assert Notice.objects.filter(user=consenting, kind="extension_asked").count() == 1
    acts.answer(extension=extension, actor=actor(consenting), is_given=True)
    step = ApprovalStep.objects.get(pk=extension.step_id)
    today = timezone.localdate()
    assert (step.due_at, step.working_days, step.term_days) == (calendar_around(today).add(today, 20).at, 20, 20)
    told = set(Notice.objects.filter(kind="extension_answered").values_list("user__username", flat=True))
    assert told == {"provider", "provider_head", "applicant"}
    assert findings() == []


def test_without_consent_the_deadline_stays_and_a_reason_is_given(world: World, consenting: Any) -> None:
    extension = ask(world)
    before = extension.step.due_at
    with pytest.raises(InvalidInput):
        acts.answer(extension=extension, actor=actor(consenting), is_given=False)
    acts.answer(extension=extension, actor=actor(consenting), is_given=False, note="理由不足")
    assert (ApprovalStep.objects.get(pk=extension.step_id).due_at, Extension.objects.get().outcome) == (
        before,
        "denied",
    )
    assert findings() == []


def test_time_is_given_to_a_step_whose_clock_stands(world: World, consenting: Any) -> None:
    extension = ask(world)
    thread.ask(step=extension.step, actor=actor(world.provider), text="范围？", stops_clock=True)
    acts.answer(extension=extension, actor=actor(consenting), is_given=True)
    step = ApprovalStep.objects.get(pk=extension.step_id)
    assert (step.state, step.days_left, step.due_at) == ("paused", 20, None)


def test_it_is_asked_once(world: World, consenting: Any) -> None:
    extension = ask(world)
    with pytest.raises(WrongState):
        ask(world, extension.step)
    acts.answer(extension=extension, actor=actor(consenting), is_given=False, note="理由不足")
    with pytest.raises(WrongState):
        ask(world, ApprovalStep.objects.get(pk=extension.step_id))


def test_it_is_answered_once_and_not_after_the_decision(world: World, consenting: Any) -> None:
    extension = ask(world)
    acts.answer(extension=extension, actor=actor(consenting), is_given=True)
    with pytest.raises(WrongState):
        acts.answer(extension=extension, actor=actor(consenting), is_given=False, note="收回")
    other = ask(world, step_at_provider(world, "高龄补贴"))
    decide(ApprovalStep.objects.get(pk=other.step_id), world.provider)
    with pytest.raises(WrongState):
        acts.answer(extension=other, actor=actor(consenting), is_given=True)
    assert Extension.objects.waiting().count() == 0


def test_two_answers_at_once_count_once(committed: None, concurrently: Any) -> None:
    world = World()
    people = [make_user(name, world.province_authority_department, Duty.AUTHORITY_REVIEWER) for name in ("one", "two")]
    extension = ask(world)
    results = concurrently(
        *(
            lambda person=person: acts.answer(extension=extension, actor=actor(person), is_given=True)
            for person in people
        )
    )
    assert sorted(type(result).__name__ for result in results) == ["Extension", "WrongState"]
    assert ApprovalStep.objects.get(pk=extension.step_id).working_days == 20


def test_only_a_providers_open_step_that_is_not_late(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    with pytest.raises(WrongState):
        acts.ask(step=step_of(request, "own-department"), actor=actor(world.applicant_head), reason="忙")
    step = step_at_provider(world, "高龄补贴")
    with pytest.raises(InvalidInput):
        acts.ask(step=step, actor=actor(world.provider), reason=" ")
    with pytest.raises(NotPermitted):
        acts.ask(step=step, actor=actor(world.applicant), reason="催办")
    ApprovalStep.objects.filter(pk=step.pk).update(due_at=timezone.now() - dt.timedelta(hours=1))
    with pytest.raises(WrongState):
        acts.ask(step=step, actor=actor(world.provider), reason="忙")
    assert Extension.objects.count() == 0


def test_only_the_authority_of_the_region_answers(world: World, consenting: Any) -> None:
    extension = ask(world)
    for person in (world.provider, world.authority, world.applicant):
        with pytest.raises(NotPermitted):
            acts.answer(extension=extension, actor=actor(person), is_given=True)
    path = reverse("sharing:extension-answer", args=[extension.pk])
    assert client_of(world.authority).post(path, {"answer": "give"}).status_code == 404
    assert Extension.objects.get().outcome == "asked"


def test_it_is_asked_and_answered_on_the_pages(world: World, consenting: Any) -> None:
    step = step_at_provider(world)
    provider, authority = client_of(world.provider), client_of(consenting)
    path = reverse("sharing:extension-ask", args=[step.pk])
    assert provider.post(path, {"reason": ""}).status_code == 422
    assert provider.post(path, {"reason": "需核对历史数据"}).status_code == 302
    page = authority.get(reverse("sharing:extension-list"))
    assert [each.step for each in page.context["object_list"]] == [step]
    extension = Extension.objects.get()
    answer = reverse("sharing:extension-answer", args=[extension.pk])
    refused = authority.post(answer, {"answer": "deny", "note": ""})
    assert (refused.status_code, Extension.objects.get().outcome) == (422, "asked")
    assert authority.post(answer, {"answer": "give"}).status_code == 302
    assert list(authority.get(reverse("sharing:extension-list")).context["object_list"]) == []
    answered = authority.get(reverse("sharing:extension-list") + "?tab=answered&q=浙江省民政厅")
    assert list(answered.context["object_list"]) == [extension]
    exported = b"".join(authority.get(reverse("sharing:extension-export") + "?tab=answered"))
    assert "需核对历史数据" in exported.decode()
    assert "需核对历史数据" in provider.get(step.get_absolute_url()).content.decode()


def test_the_list_takes_the_same_queries_however_long_it_is(world: World, consenting: Any) -> None:
    client, path = client_of(consenting), reverse("sharing:extension-list")
    ask(world)
    client.get(path)
    one = queries_of(client, path)
    for n in range(3):
        ask(world, step_at_provider(world, f"数据{n}"))
    assert queries_of(client, path) == one


def test_verify_finds_an_outcome_that_nobody_gave(world: World, consenting: Any) -> None:
    ask(world)
    Extension.objects.update(outcome="given", answered_at=timezone.now())
    assert [finding.subject for finding in findings()] == [f"sharingrequest:{Extension.objects.get().step.request_id}"]


def test_a_withdrawn_request_has_nothing_to_answer(world: World, consenting: Any) -> None:
    extension = ask(world)
    workflow.withdraw(request=extension.step.request, actor=actor(world.applicant))
    with pytest.raises(WrongState):
        acts.answer(extension=extension, actor=actor(consenting), is_given=True)
    assert Extension.objects.waiting().count() == 0
