"""Questions with and without the clock, opinions, internal notes, forwarding, and what a return marks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from portal.access import Actor
from portal.departments.duties import assign
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Notice
from sharing import deciding, workflow
from sharing.deciding import Decision
from sharing.errors import StaleStep
from sharing.models import ApprovalStep, Enquiry, InternalNote, SharingRequest
from sharing.thread import acts
from sharing.thread.queries import talk_on
from tests.checks import findings
from tests.clients import client_of
from tests.factories import World, actor, approve_common, decide, make_dataset, make_request, make_user, step_of, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_(world: World) -> SharingRequest:
    """A request that is with the provincial bureau."""
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    approve_common(world, request)
    return SharingRequest.objects.get(pk=request.pk)


def seen(request: SharingRequest, user: Any) -> list[str]:
    entries = talk_on(request, actor(user))
    return [(entry.enquiry or entry.note).text for entry in entries]  # type: ignore[union-attr]


def test_a_question_lets_the_clock_run_and_the_step_be_decided(world: World, request_: SharingRequest) -> None:
    step = step_of(request_, "provider")
    acts.ask(step=step, actor=actor(world.provider), text="哪几个科室使用？")
    step.refresh_from_db()
    assert (step.state, step.due_at is not None) == ("open", True)
    assert Notice.objects.filter(user=world.applicant, kind="question_asked").count() == 1
    page = client_of(world.applicant).get(f"/requests/{request_.pk}/").content.decode()
    assert "哪几个科室使用？" in page
    enquiry = Enquiry.objects.get()
    client_of(world.applicant).post(f"/enquiries/{enquiry.pk}/answer/", {"text": "社会救助科"})
    assert "社会救助科" in client_of(world.provider).get(f"/steps/{step.pk}/").content.decode()
    assert Notice.objects.filter(user=world.provider, kind="enquiry_answered").count() == 1
    decide(ApprovalStep.objects.get(pk=step.pk), world.provider)
    assert findings() == []


def test_a_question_that_stops_the_clock_gives_back_what_was_left(world: World, request_: SharingRequest) -> None:
    step = step_of(request_, "provider")
    left = step.working_days
    acts.ask(step=step, actor=actor(world.provider), text="请补充依据", stops_clock=True)
    halted = ApprovalStep.objects.get(pk=step.pk)
    assert (halted.state, halted.due_at, halted.days_left) == ("paused", None, left)
    with pytest.raises(StaleStep):
        decide(halted, world.provider)
    item = request_.items.get()
    with pytest.raises(StaleStep):
        decision = {item.pk: Decision("approve")}
        deciding.decide(step=halted, actor=actor(world.provider), seen_version=halted.version, decisions=decision)
    acts.answer(enquiry=Enquiry.objects.get(), actor=actor(world.applicant), text="见第十七条")
    going = ApprovalStep.objects.get(pk=step.pk)
    assert (going.state, going.term_days) == ("open", left)
    assert going.due_at and going.due_at > timezone.now() + dt.timedelta(days=1)
    with pytest.raises(InvalidInput, match="一次"):
        acts.ask(step=going, actor=actor(world.provider), text="再补充", stops_clock=True)
    acts.ask(step=going, actor=actor(world.provider), text="再问一句")
    assert findings() == []


def test_a_question_taken_back_lets_the_clock_go_on(world: World, request_: SharingRequest) -> None:
    step = step_of(request_, "provider")
    enquiry = acts.ask(step=step, actor=actor(world.provider), text="请补充依据", stops_clock=True)
    with pytest.raises(NotPermitted):
        acts.take_back(enquiry=enquiry, actor=actor(world.applicant))
    acts.take_back(enquiry=enquiry, actor=actor(world.provider_head))
    assert ApprovalStep.objects.get(pk=step.pk).state == "open"
    with pytest.raises(WrongState):
        acts.answer(enquiry=enquiry, actor=actor(world.applicant), text="晚了")


def test_only_who_may_decide_asks_and_only_the_applicant_answers(world: World, request_: SharingRequest) -> None:
    step = step_of(request_, "provider")
    for user in (world.applicant, world.applicant_head, world.authority, world.provider2):
        with pytest.raises(NotPermitted):
            acts.ask(step=step, actor=actor(user), text="?")
    enquiry = acts.ask(step=step, actor=actor(world.provider), text="?")
    for user in (world.provider, world.provider2, world.authority, world.applicant_head):
        with pytest.raises(NotPermitted):
            acts.answer(enquiry=enquiry, actor=actor(user), text="!")
    with pytest.raises(InvalidInput):
        acts.ask(step=step, actor=actor(world.provider), text=" ")


def test_withdrawn_while_a_question_waits(world: World, request_: SharingRequest) -> None:
    acts.ask(step=step_of(request_, "provider"), actor=actor(world.provider), text="?", stops_clock=True)
    workflow.withdraw(request=request_, actor=actor(world.applicant))
    assert step_of(request_, "provider").state == "skipped"
    acts.answer(enquiry=Enquiry.objects.get(), actor=actor(world.applicant), text="已撤回")
    assert step_of(request_, "provider").state == "skipped"
    assert findings() == []


def test_an_office_gives_its_opinion_and_the_applicant_sees_nothing_of_it(
    world: World, request_: SharingRequest
) -> None:
    step = step_of(request_, "provider")
    client = client_of(world.provider)
    typed = {"opinion-department": "杭州市生态环境局", "opinion-duty": "provider_approver", "opinion-text": "口径？"}
    assert client.post(f"/steps/{step.pk}/talk/opinion/", typed).status_code == 302
    asked = client_of(world.provider2)
    page = asked.get(f"/requests/{request_.pk}/").content.decode()
    assert "口径？" in page
    asked.post(f"/enquiries/{Enquiry.objects.get().pk}/answer/", {"text": "按年度口径提供"})
    assert seen(request_, world.provider) == ["口径？"]
    assert "按年度口径提供" in client.get(f"/steps/{step.pk}/").content.decode()
    for user in (world.applicant, world.applicant_head):
        page = client_of(user).get(f"/requests/{request_.pk}/").content.decode()
        assert "口径" not in page
    assert ApprovalStep.objects.get(pk=step.pk).state == "open"


@pytest.mark.parametrize("department", ["西湖区民政局", "没有这个部门", "浙江省数据局"])
def test_an_opinion_needs_an_office_that_somebody_holds(
    world: World, request_: SharingRequest, department: str
) -> None:
    typed = {"opinion-department": department, "opinion-duty": "provider_approver", "opinion-text": "口径？"}
    answer = client_of(world.provider).post(f"/steps/{step_of(request_, 'provider').pk}/talk/opinion/", typed)
    assert answer.status_code == 422
    assert "口径？" in answer.content.decode()
    assert not Enquiry.objects.exists()


def test_internal_notes_stay_inside(world: World, request_: SharingRequest) -> None:
    step = step_of(request_, "provider")
    acts.note(step=step, actor=actor(world.provider), text="先问处长")
    acts.note(step=step, actor=actor(world.provider), text="三家口径一致", is_shared=True)
    acts.note(step=step_of(request_, "own-department"), actor=actor(world.applicant_head), text="局长已口头同意")
    assert seen(request_, world.provider_head) == ["先问处长", "三家口径一致"]
    assert seen(request_, world.authority) == ["三家口径一致"]
    assert seen(request_, world.applicant_head) == ["局长已口头同意"]
    assert seen(request_, world.applicant) == []
    assert "口径一致" not in client_of(world.applicant).get(f"/requests/{request_.pk}/").content.decode()
    with pytest.raises(NotPermitted):
        acts.note(step=step, actor=actor(world.applicant), text="?")
    assert InternalNote.objects.count() == 3


def test_a_step_is_forwarded_and_cannot_come_back(world: World, request_: SharingRequest) -> None:
    step = step_of(request_, "provider")
    due = step.due_at
    client = client_of(world.provider)
    typed = {"forward-department": "杭州市生态环境局", "forward-reason": "数据由其采集", "seen_version": step.version}
    assert client.post(f"/steps/{step.pk}/talk/forward/", typed).status_code == 302
    moved = ApprovalStep.objects.get(pk=step.pk)
    assert (moved.department, moved.due_at, moved.lane) == (world.city_bureau, due, world.province_bureau)
    assert Notice.objects.filter(user=world.provider2, kind="step_opened").count() == 1
    with pytest.raises(NotPermitted):
        decide(moved, world.provider)
    with pytest.raises(InvalidInput, match="办理过"):
        acts.forward(
            step=moved,
            actor=actor(world.provider2),
            seen_version=moved.version,
            department=world.province_bureau,
            reason="不是我们",
        )
    decide(moved, world.provider2)
    assert request_.items.get().state == "approved"
    assert findings() == []


def test_what_cannot_be_forwarded(world: World, request_: SharingRequest) -> None:
    step = step_of(request_, "provider")
    asked: dict[str, Any] = {"step": step, "actor": actor(world.provider), "reason": "职责"}
    with pytest.raises(StaleStep):
        acts.forward(seen_version=step.version - 1, department=world.city_bureau, **asked)
    for department in (world.county_bureau, world.province_authority_department):
        with pytest.raises(InvalidInput):
            acts.forward(seen_version=step.version, department=department, **asked)
    with pytest.raises(InvalidInput):
        acts.forward(seen_version=step.version, department=world.city_bureau, **(asked | {"reason": ""}))


def test_somebody_asked_for_an_opinion_may_not_decide_on_their_own_request(world: World) -> None:
    """Whoever made the request sees nothing of the inside, even with a duty elsewhere."""
    assign(user=world.applicant, department=world.province_bureau, duty="provider_approver", actor=Actor.system())
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    approve_common(world, request)
    step = step_of(request, "provider")
    acts.note(step=step, actor=actor(world.provider), text="内部意见")
    assert seen(request, world.applicant) == []


def test_a_return_marks_what_is_to_be_changed(world: World, request_: SharingRequest) -> None:
    step, item = step_of(request_, "provider"), request_.items.get()
    prefix = str(item.pk)
    typed = {
        "seen_version": step.version,
        f"{prefix}-verdict": "return",
        f"{prefix}-note": "请写明条款",
        f"{prefix}-marks": ["legal_basis", "columns"],
    }
    client_of(world.provider).post(f"/steps/{step.pk}/decide/", typed)
    client = client_of(world.applicant)
    page = client.get(f"/requests/{request_.pk}/").content.decode()
    assert "需修改" in page
    assert "履职依据" in page
    form = client.get(f"/requests/{request_.pk}/edit/").content.decode()
    assert "履职依据" in form
    workflow.resubmit(request=request_, actor=actor(world.applicant))
    assert "需修改" not in client.get(f"/requests/{request_.pk}/").content.decode()
    assert findings() == []


def test_marks_go_with_a_return_alone(world: World, request_: SharingRequest) -> None:
    step = step_of(request_, "provider")
    for decision in (Decision("approve", marks=("columns",)), Decision("return", note="改", marks=("nothing",))):
        with pytest.raises(InvalidInput):
            deciding.decide(
                step=step,
                actor=actor(world.provider),
                seen_version=step.version,
                decisions={request_.items.get().pk: decision},
            )


def test_two_answers_at_once(world: World, request_: SharingRequest) -> None:
    enquiry = acts.ask(step=step_of(request_, "provider"), actor=actor(world.provider), text="?")
    make_user("second", world.county_bureau, "applicant")
    acts.answer(enquiry=enquiry, actor=actor(world.applicant), text="甲")
    with pytest.raises(WrongState):
        acts.answer(enquiry=enquiry, actor=actor(world.applicant), text="乙")
    assert Enquiry.objects.get().answer == "甲"
