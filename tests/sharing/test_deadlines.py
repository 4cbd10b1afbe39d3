"""Deadlines: reminders, escalation, the calendar that changes, supervision notices, and the figures of the board."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone

from portal.calendars.models import CalendarDay
from portal.errors import NotPermitted, WrongState
from portal.models import Notice
from sharing import deciding, reminders
from sharing.models import (
    ApprovalStep,
    SharingRequest,
    SupervisionNotice,
)
from sharing.supervision import acts, figures
from sharing.supervision.figures import Period
from tests.clients import client_of
from tests.clock import at
from tests.factories import (
    World,
    actor,
    approve_common,
    decide,
    make_dataset,
    make_request,
    make_user,
    step_of,
    submit,
)

pytestmark = pytest.mark.django_db


def request_of(world: World, title: str = "低保对象") -> SharingRequest:
    return submit(world, make_request(world, make_dataset(world.province_bureau, title)))


def test_a_deadline_on_the_eve_of_a_make_up_sunday_counts_the_sunday(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2026-09-20 is a make-up Sunday: two working days from Friday the 18th end on Monday the 21st."""
    assert CalendarDay.objects.get(day=dt.date(2026, 9, 20)).is_workday
    at(monkeypatch, 2026, 9, 18, 10, 0)
    assert timezone.localdate(step_of(request_of(world), "own-department").due_at) == dt.date(2026, 9, 21)


def test_the_worker_off_for_three_days_sends_each_reminder_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 2026, 3, 2, 10, 0)
    request_of(world)
    at(monkeypatch, 2026, 3, 9, 10, 0)
    for _run in range(3):
        reminders.warn_early()
        reminders.remind_late()
        reminders.escalate()
    kinds = list(Notice.objects.filter(user=world.applicant_head).values_list("kind", flat=True))
    assert sorted(kinds) == ["step_late", "step_opened"]


def test_an_office_is_reminded_a_working_day_before(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 2026, 3, 2, 10, 0)
    request_of(world)
    assert reminders.warn_early() == 0
    at(monkeypatch, 2026, 3, 3, 10, 0)
    assert (reminders.warn_early(), reminders.warn_early()) == (1, 0)


def test_a_step_that_stays_late_is_told_to_the_authority_where_the_route_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 2026, 3, 2, 10, 0)
    step = step_of(request_of(world), "own-department")
    ApprovalStep.objects.filter(pk=step.pk).update(late="authority")
    at(monkeypatch, 2026, 3, 5, 10, 0)
    assert reminders.escalate() == 0
    at(monkeypatch, 2026, 3, 9, 10, 0)
    assert (reminders.escalate(), reminders.escalate()) == (1, 0)
    assert Notice.objects.filter(user=world.authority, kind="step_escalated").count() == 1


def test_a_clock_that_is_set_back_changes_no_deadline_and_takes_no_working_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by NTP: opened at ten, decided, by the clock, an hour (and a day) before."""
    at(monkeypatch, 2026, 3, 3, 10, 0)
    request = request_of(world)
    due = step_of(request, "own-department").due_at
    at(monkeypatch, 2026, 3, 2, 9, 0)
    decide(step_of(request, "own-department"), world.applicant_head)
    step = step_of(request, "own-department")
    assert (step.due_at, step.days_used, step.state) == (due, 0, "done")


def test_days_with_the_applicant_are_not_counted_as_the_offices(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from sharing import workflow

    at(monkeypatch, 2026, 3, 2, 10, 0)
    request = request_of(world)
    at(monkeypatch, 2026, 3, 3, 10, 0)
    decide(step_of(request, "own-department"), world.applicant_head, "return", note="请补充")
    at(monkeypatch, 2026, 3, 20, 10, 0)
    workflow.resubmit(request=SharingRequest.objects.get(), actor=actor(world.applicant))
    at(monkeypatch, 2026, 3, 24, 10, 0)
    decide(step_of(request, "own-department"), world.applicant_head)
    assert step_of(request, "own-department").days_used == 1 + 2


def late_step(world: World, monkeypatch: pytest.MonkeyPatch) -> ApprovalStep:
    at(monkeypatch, 2026, 3, 2, 10, 0)
    request = request_of(world)
    at(monkeypatch, 2026, 3, 9, 10, 0)
    return step_of(request, "own-department")


def test_a_supervision_notice_is_sent_and_answered_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    step = late_step(world, monkeypatch)
    client = client_of(world.authority)
    assert "低保核查数据共享" in client.get("/supervision/").content.decode()
    empty = client.post("/supervision/issue/", {"step": [str(step.pk)], "text": "", "days": "3"})
    assert empty.status_code == 422
    client.post("/supervision/issue/", {"step": [str(step.pk)], "text": "请三日内办结", "days": "3"})
    notice = SupervisionNotice.objects.get()
    assert notice.number.startswith("DB2026")
    assert "请三日内办结" in client_of(world.applicant_head).get(step.get_absolute_url()).content.decode()
    url = f"/supervision/notices/{notice.pk}/answer/"
    client_of(world.applicant_head).post(url, {"text": "经办人休假，明日办结"})
    notice.refresh_from_db()
    assert notice.answer == "经办人休假，明日办结"
    with pytest.raises(WrongState):
        acts.answer(notice=notice, actor=actor(world.applicant_head), text="再次答复")
    assert Notice.objects.filter(user=world.authority, kind="supervision_answered").exists()
    assert "明日办结" in client.get("/supervision/notices/").content.decode()


def test_an_authority_supervises_the_offices_of_its_region_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    step = late_step(world, monkeypatch)
    other = make_user("other", world.province_bureau, "provider_approver")
    for person in (other, world.applicant_head):
        with pytest.raises(NotPermitted):
            acts.issue(step_ids=[step.pk], actor=actor(person), text="请办理", days=3)
    ApprovalStep.objects.filter(pk=step.pk).update(department=world.province_bureau)
    with pytest.raises(NotPermitted):
        acts.issue(step_ids=[step.pk], actor=actor(world.authority), text="请办理", days=3)


def test_the_figures_of_the_board_agree_with_a_count_over_events(world: World) -> None:
    for n, verdict in enumerate(("approve", "approve", "refuse", "return")):
        request = submit(world, make_request(world, make_dataset(world.province_bureau, f"资源{n}")))
        words = {"reason": "other", "note": "说明"} if verdict == "refuse" else {"note": "请补充"}
        approve_common(world, request)
        decide(step_of(request, "provider"), world.provider, verdict, **({} if verdict == "approve" else words))
    period = Period.year(timezone.localdate().year)
    found = figures.board(ApprovalStep.objects.all(), period)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT decision.value ->> 'verdict', count(*) FROM portal_event, jsonb_each(data -> 'decisions') decision "
            "WHERE verb = 'step.decided' GROUP BY 1"
        )
        verdicts = dict(cursor.fetchall())
        cursor.execute(
            "SELECT count(DISTINCT data ->> 'step') FROM portal_event e WHERE verb = 'step.decided' AND NOT EXISTS "
            "(SELECT FROM jsonb_each(e.data -> 'decisions') d WHERE d.value ->> 'verdict' = 'return')"
        )
        (decided,) = cursor.fetchone()
    assert {name: found[name] for name in ("approve", "refuse", "return")} == verdicts
    assert found["decided"] == decided == 11
    assert (found["open"], found["late"], found["on_time"]) == (0, 0, 11)
    lines = {row["stage"]: row for row in figures.by_office(ApprovalStep.objects.all(), period)}
    assert {stage: row["decided"] for stage, row in lines.items()} == {
        "own-department": 4,
        "compliance": 4,
        "provider": 3,
    }


def test_median_and_ninetieth_percentile_are_of_working_days(world: World) -> None:
    for days in (1, 2, 3, 4, 10):
        request = submit(world, make_request(world, make_dataset(world.province_bureau, f"资源{days}")))
        decide(step_of(request, "own-department"), world.applicant_head)
        ApprovalStep.objects.filter(request=request, stage="own-department").update(days_used=days)
    (row,) = figures.by_office(ApprovalStep.objects.all(), Period.year(timezone.localdate().year))
    assert (row["median"], round(row["p90"], 1)) == (3, 7.6)
    assert figures.usual_days([(world.county_bureau.pk, "own-department")]) == {
        (world.county_bureau.pk, "own-department"): 3
    }


def test_the_applicant_sees_when_it_is_usually_answered(world: World) -> None:
    request = request_of(world)
    assert figures.expected_day(list(request.steps.all())) is None
    decide(step_of(request, "own-department"), world.applicant_head)
    approve_later = request_of(world, "婚姻登记")
    assert figures.expected_day(list(approve_later.steps.all())) is not None
    assert "预计" in client_of(world.applicant).get(approve_later.get_absolute_url()).content.decode()
    assert deciding.open_items(step_of(approve_later, "own-department"))


def test_the_figures_are_exported(world: World) -> None:
    request = request_of(world)
    decide(step_of(request, "own-department"), world.applicant_head)
    client = client_of(world.authority)
    assert client.get("/supervision/figures/").status_code == 200
    answer = client.get("/supervision/figures/?format=csv")
    assert "西湖区民政局" in b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
