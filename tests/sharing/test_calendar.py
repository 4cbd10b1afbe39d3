"""The official calendar changes: whatever waits is counted again, and nobody is held up or forgotten over it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from portal.calendars import acts as calendar
from portal.calendars import terms
from portal.calendars.models import CalendarDay
from portal.calendars.working_days import calendar_around
from portal.errors import InvalidInput, NotPermitted
from sharing import reminders, workflow
from sharing.corrections import answers as correction_answers
from sharing.corrections import reports
from sharing.corrections.reports import Reported
from sharing.demands import acts as demands
from sharing.demands import answers
from sharing.demands.acts import Wanted
from sharing.disputes import acts as disputes
from sharing.holding import renewals
from sharing.holding.renewals import Wish
from sharing.models import (
    ApprovalStep,
    CorrectionReport,
    Demand,
    Dispute,
    Grant,
    GrantRenewal,
    RequestItem,
    SharingQuestion,
    SharingRequest,
    SupervisionNotice,
)
from sharing.negative import acts as negative
from sharing.supervision import acts
from tests.checks import findings
from tests.clients import client_of
from tests.clock import at
from tests.factories import (
    World,
    actor,
    approve_common,
    decide,
    granted,
    make_dataset,
    make_request,
    make_user,
    step_of,
    submit,
)

pytestmark = pytest.mark.django_db


def request_of(world: World) -> SharingRequest:
    return submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))


@pytest.fixture
def keeper(world: World) -> Any:
    return make_user("keeper", world.province_authority_department, "authority_reviewer")


def test_deadlines_in_a_year_not_known_are_provisional_and_counted_again_when_it_is(
    world: World, keeper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 2026, 12, 31, 10, 0)
    request = request_of(world)
    step = step_of(request, "own-department")
    assert (step.is_provisional, timezone.localdate(step.due_at)) == (True, dt.date(2027, 1, 4))
    days = calendar.read_days("2027-01-01,休,元旦\n2027/1/4，holiday，元旦".replace("/1/4", "/01/04"), 2027)
    assert calendar.import_year(year=2027, days=days, source="国办发明电", actor=actor(keeper)) == 1
    step = step_of(request, "own-department")
    assert (step.is_provisional, timezone.localdate(step.due_at)) == (False, dt.date(2027, 1, 6))
    assert calendar.clear_day(day=dt.date(2027, 1, 4), actor=actor(keeper)) == 1
    assert timezone.localdate(step_of(request, "own-department").due_at) == dt.date(2027, 1, 5)


def _dispute(world: World) -> Dispute:
    request = request_of(world)
    decide(step_of(request, "own-department"), world.applicant_head, "refuse", reason="other", note="不必申请")
    return disputes.open_dispute(item=RequestItem.objects.get(), actor=actor(world.applicant), text="确有需要")


def _report(world: World) -> CorrectionReport:
    granted(world, dataset := make_dataset(world.province_bureau, "低保对象"))
    reported = Reported(kind="wrong", description="有误", columns=[], rows=[])
    return reports.file(
        dataset=dataset, actor=actor(world.applicant), department=world.county_bureau, reported=reported
    )


def _renewal(world: World) -> GrantRenewal:
    last = timezone.localdate() + dt.timedelta(days=30)
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保"), valid_until=last))
    approve_common(world, request)
    decide(step_of(request, "provider"), world.provider)
    grant = Grant.objects.select_related("dataset__provider", "department").get()
    return renewals.ask(grant=grant, actor=actor(world.applicant), wish=Wish("继续核查", has_commitment=True))


def _demand(world: World) -> Demand:
    wanted = Wanted(title="婚姻登记", purpose="核对", content="姓名", legal_basis="办法")
    return demands.create(actor=actor(world.applicant), department=world.county_bureau, wanted=wanted)


def _question(world: World) -> SharingQuestion:
    kept = make_dataset(world.city_bureau, "内部名册", sharing_type="not_shared")
    return negative.ask(dataset=kept, actor=actor(world.authority), text="为何不共享？")


def _notice(world: World) -> SupervisionNotice:
    step = step_of(request_of(world), "own-department")
    ApprovalStep.objects.filter(pk=step.pk).update(due_at=timezone.now() - dt.timedelta(days=1))
    return acts.issue(step_ids=[step.pk], actor=actor(world.authority), text="请尽快办理", days=3)[0]


@pytest.mark.parametrize("make", [_dispute, _report, _renewal, _demand, _question, _notice])
def test_whatever_else_waits_is_counted_again_when_the_year_is_known(
    world: World, keeper: Any, monkeypatch: pytest.MonkeyPatch, make: Callable[[World], Any]
) -> None:
    at(monkeypatch, 2026, 12, 31, 10, 0)
    row = make(world)
    before = timezone.localdate(row.due_at)
    assert (row.is_provisional, row.term_from) == (True, dt.date(2026, 12, 31))
    days = calendar.read_days("2027-01-01,休,元旦\n2027-01-04,休,元旦\n2027-01-05,休,元旦", 2027)
    assert calendar.import_year(year=2027, days=days, source="国办发明电", actor=actor(keeper)) >= 1
    row.refresh_from_db()
    after = calendar_around(before).add(dt.date(2026, 12, 31), row.term_days)
    assert (row.is_provisional, timezone.localdate(row.due_at)) == (False, after.day)
    assert after.day > before


def test_a_deadline_that_moves_later_is_reminded_of_again(
    world: World, keeper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 2026, 12, 31, 10, 0)
    request_of(world)
    demand = _demand(world)
    ApprovalStep.objects.update(warned_at=timezone.now(), reminded_at=timezone.now(), escalated_at=timezone.now())
    Demand.objects.update(reminded_at=timezone.now())
    calendar.import_year(
        year=2027, days=calendar.read_days("2027-01-04,休,元旦", 2027), source="国办", actor=actor(keeper)
    )
    step = ApprovalStep.objects.get(state="open")
    assert (step.warned_at, step.reminded_at, step.escalated_at) == (None, None, None)
    demand.refresh_from_db()
    assert demand.reminded_at is None


def test_a_calendar_of_the_past_touches_nothing_that_came_later(world: World, keeper: Any) -> None:
    request_of(world)
    _demand(world)
    year = timezone.localdate().year
    found = [
        [terms.reaching(rows, [each], received).count() for each in (2020, year)]
        for rows, received in (
            (ApprovalStep.objects.open(), reminders.RECEIVED),
            (Demand.objects.all(), "term_from"),
        )
    ]
    assert found == [[0, 1], [0, 1]]
    assert calendar.clear_day(day=dt.date(2020, 10, 1), actor=actor(keeper)) == 0


def test_an_extended_report_is_counted_from_the_day_it_came(
    world: World, keeper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 2026, 12, 31, 10, 0)
    report = correction_answers.extend(report=_report(world), actor=actor(world.provider), reason="需核实")
    assert (report.term_from, report.term_days) == (dt.date(2026, 12, 31), 20)
    before = report.due_at
    days = calendar.read_days("2027-01-04,休,元旦", 2027)
    calendar.import_year(year=2027, days=days, source="国办", actor=actor(keeper))
    report.refresh_from_db()
    assert report.due_at > before


def test_the_calendar_and_a_withdrawal_at_once_both_come_through(
    committed: None, concurrently: Callable[..., list[Any]]
) -> None:
    """A withdrawal takes its dispute and then its steps, the calendar all steps and then all disputes."""
    world = World()
    keeper = make_user("keeper", world.province_authority_department, "authority_reviewer")
    datasets = [make_dataset(world.province_bureau, "甲"), make_dataset(world.city_bureau, "乙")]
    request = submit(world, make_request(world, *datasets))
    approve_common(world, request)
    decide(step_of(request, "provider", world.province_bureau), world.provider, "refuse", reason="other", note="不符")
    item = RequestItem.objects.get(dataset=datasets[0])
    disputes.open_dispute(item=item, actor=actor(world.applicant), text="确有需要")
    today = timezone.localdate()
    special = calendar.SpecialDay(today + dt.timedelta(days=1), False, "休")

    def change() -> str:
        calendar.set_day(special=special, actor=actor(keeper))
        return "calendar"

    def withdraw() -> str:
        workflow.withdraw(request=SharingRequest.objects.get(), actor=actor(world.applicant))
        return "withdrawn"

    assert sorted(concurrently(change, withdraw)) == ["calendar", "withdrawn"]
    assert SharingRequest.objects.get().state == "withdrawn"
    assert findings() == []


def test_a_day_that_the_holder_promised_stays_when_the_calendar_changes(
    world: World, keeper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 2026, 12, 31, 10, 0)
    demand = demands.assign(demand=_demand(world), actor=actor(world.authority), holder=world.city_bureau)
    demand = answers.accept(demand=demand, actor=actor(world.provider2), promised_on=dt.date(2027, 2, 1))
    days = calendar.read_days("2027-02-01,休,春节", 2027)
    calendar.import_year(year=2027, days=days, source="国办发明电", actor=actor(keeper))
    demand.refresh_from_db()
    assert timezone.localdate(demand.due_at) == dt.date(2027, 2, 1)


@pytest.mark.parametrize(
    "text", ["", "2027-13-01,休", "2026-01-01,休", "2027-01-01,休\n2027-01-01,班", "2027-01-05,班,调休", "元旦 休"]
)
def test_an_arrangement_that_cannot_be_read_changes_nothing(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        calendar.read_days(text, 2027)
    assert caught.value.fields["text"]


def test_the_city_does_not_change_everybodys_calendar(world: World, keeper: Any) -> None:
    with pytest.raises(NotPermitted):
        calendar.set_day(special=calendar.SpecialDay(dt.date(2027, 1, 1), False, ""), actor=actor(world.authority))


def test_the_calendar_is_changed_on_its_page(world: World, keeper: Any) -> None:
    client = client_of(keeper)
    assert client.get("/calendar/?year=2027").status_code == 200
    year = {"year": "2027", "source": "国办发明电", "text": "2027-01-01,休,元旦"}
    assert client.post("/calendar/import/?year=2027", year).status_code == 302
    page = client.post("/calendar/import/", year | {"text": "不是日期"})
    assert page.status_code == 422
    assert "不是日期" in page.content.decode()
    day = {"day": "2027-05-01", "kind": "holiday", "name": "劳动节"}
    assert client.post("/calendar/day/", day).status_code == 302
    assert CalendarDay.objects.filter(day__year=2027).count() == 2
