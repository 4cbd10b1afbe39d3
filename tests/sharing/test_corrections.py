"""Reports of errors: who may report what, the holder's days, objections, and who is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from catalog import lifecycle
from catalog.models import Dataset
from portal.calendars.working_days import deadline
from portal.departments.models import Duty
from portal.deputies.delegations import name_deputy
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Event
from sharing import grants
from sharing.corrections import answers, keeping, queries, reports, verification
from sharing.corrections.reports import Reported
from sharing.corrections.rows import parse_rows
from sharing.models import CorrectionReport, Grant
from tests.clients import client_of, text_of
from tests.factories import World, actor, make_dataset, make_user
from tests.sharing import correcting
from tests.sharing.correcting import COLUMNS, answer, file, told

pytestmark = pytest.mark.django_db
grant, opened = correcting.grant, correcting.opened


# --- the way of a report --------------------------------------------------------------------------------------------
def test_a_report_is_answered_confirmed_and_every_holder_is_told(world: World, grant: Grant) -> None:
    other = make_user("colleague", world.county_bureau, Duty.APPLICANT)
    report = file(world, grant.dataset)
    assert (report.state, report.holder, report.grant) == ("filed", world.province_bureau, grant)
    assert (report.due_at, report.rows) == (deadline(timezone.localdate(), 10).at, [{"code": "01", "name": "甲"}])
    version = grant.dataset.distributions.get().current
    report = answer(world, report, table_version=version)
    assert (report.state, report.due_at) == ("answered", deadline(timezone.localdate(), 10).at)
    assert (report.table_version, report.corrected_at is not None) == (version, True)
    report = reports.confirm(report=report, actor=actor(other))
    assert (report.state, report.due_at, report.closed_at is not None) == ("closed", None, True)
    assert told(world.provider) == ["correction_to_answer"]
    assert told(world.applicant) == ["correction_changed"]
    assert told(other) == ["data_corrected"]
    verbs = Event.objects.filter(stream=f"correctionreport:{report.pk}").order_by("seq").values_list("verb", flat=True)
    assert list(verbs) == ["correction.filed", "correction.answered", "correction.confirmed"]
    assert list(verification.states()) == []


def test_an_explanation_tells_the_reporter_alone_and_is_no_correction(world: World, grant: Grant) -> None:
    other = make_user("colleague", world.county_bureau, Duty.APPLICANT)
    report = answer(world, file(world, grant.dataset), "explained")
    assert (report.corrected_at, report.erratum) == (None, "")
    assert told(other) == []
    assert queries.errata_of(grant.dataset) == []


def test_an_answer_says_what_was_corrected_and_names_a_version_of_its_own_table(
    world: World, grant: Grant, opened: Dataset
) -> None:
    report = file(world, grant.dataset)
    foreign = opened.distributions.get().current
    with pytest.raises(InvalidInput) as refused:
        answers.answer(report=report, actor=actor(world.provider), outcome="corrected", text="x", table_version=foreign)
    assert set(refused.value.fields) == {"erratum", "table_version"}
    with pytest.raises(InvalidInput):
        answer(world, report, "cured")
    report.refresh_from_db()
    assert (report.state, report.version) == ("filed", 1)


def test_only_approvers_of_the_holder_answer_and_cataloguers_see_it(world: World, opened: Dataset) -> None:
    report = file(world, opened)
    for user in (world.applicant, world.cataloguer, world.provider, world.authority):
        with pytest.raises(NotPermitted):
            answer(world, report, user=user)
    assert client_of(world.cataloguer).get(report.get_absolute_url()).status_code == 200
    assert answer(world, report, user=world.provider2).state == "answered"


def test_the_reporter_objects_once_and_the_second_answer_is_final(world: World, opened: Dataset) -> None:
    report = answer(world, file(world, opened), "explained", user=world.provider2)
    report = reports.object_to(report=report, actor=actor(world.applicant), reason="现场核实不符")
    assert (report.state, report.authority) == ("objected", world.authority_department)
    assert report.due_at == deadline(timezone.localdate(), 15).at
    with pytest.raises(NotPermitted):
        reports.settle(report=report, actor=actor(world.provider2), is_upheld=True, text="维持")
    report = reports.settle(report=report, actor=actor(world.authority), is_upheld=False, text="请重新核实")
    assert (report.state, report.due_at) == ("filed", deadline(timezone.localdate(), 10).at)
    report = answer(world, report, user=world.provider2)
    assert (report.state, report.outcome) == ("closed", "corrected")
    with pytest.raises(WrongState):
        reports.object_to(report=report, actor=actor(world.applicant), reason="再次")
    assert list(verification.states()) == []


def test_an_upheld_answer_closes_the_report(world: World, opened: Dataset) -> None:
    report = answer(world, file(world, opened), "explained", user=world.provider2)
    report = reports.object_to(report=report, actor=actor(world.applicant), reason="不符")
    report = reports.settle(report=report, actor=actor(world.authority), is_upheld=True, text="口径不同")
    assert (report.state, report.outcome, report.ruling) == ("closed", "explained", "口径不同")


def test_the_authority_does_not_settle_what_its_own_department_answered(world: World) -> None:
    dataset = make_dataset(world.authority_department, "目录统计", items=COLUMNS)
    report = file(world, dataset, Reported(kind="other", description="少一类"))
    reviewer = make_user("office", world.authority_department, Duty.PROVIDER_APPROVER)
    report = answer(world, report, "explained", user=reviewer)
    report = reports.object_to(report=report, actor=actor(world.applicant), reason="不符")
    assert report.authority == world.province_authority_department


def test_time_is_extended_once_with_a_reason(world: World, opened: Dataset) -> None:
    report = file(world, opened)
    with pytest.raises(InvalidInput):
        answers.extend(report=report, actor=actor(world.provider2), reason=" ")
    report = answers.extend(report=report, actor=actor(world.provider2), reason="需现场核查")
    assert report.due_at == deadline(timezone.localdate(), 20).at
    with pytest.raises(WrongState):
        answers.extend(report=report, actor=actor(world.provider2), reason="再延")
    assert told(world.applicant) == ["correction_changed"]


def test_handed_on_it_has_its_days_anew_and_the_rows_stay_unless_passed_on(world: World, grant: Grant) -> None:
    report = file(world, grant.dataset)
    real = make_dataset(world.city_bureau, "街道名录", items=COLUMNS)
    report = answers.hand_on(report=report, actor=actor(world.provider), source=real, reason="街道名称取自该目录")
    assert (report.holder, report.source, report.due_at) == (
        world.city_bureau,
        real,
        deadline(timezone.localdate(), 10).at,
    )
    page = client_of(world.provider2).get(report.get_absolute_url())
    assert (page.context["table"], page.context["hidden_rows"]) == (None, 1)
    assert "甲" not in text_of(page)
    with pytest.raises(NotPermitted):
        answer(world, report)
    answer(world, report, user=world.provider2)
    assert [each.pk for each in queries.errata_of(real)] == [report.pk]
    assert [each.pk for each in queries.errata_of(grant.dataset)] == [report.pk]


def test_rows_passed_on_are_read_by_the_new_holder(world: World, grant: Grant) -> None:
    report = file(world, grant.dataset)
    answers.hand_on(
        report=report, actor=actor(world.provider), holder=world.city_bureau, reason="由其维护", passes_rows=True
    )
    page = client_of(world.provider2).get(report.get_absolute_url())
    assert page.context["table"]["rows"] == [["01", "甲"]]


def test_a_report_wanders_at_most_three_times_and_never_to_oneself(world: World, opened: Dataset) -> None:
    report = file(world, opened)
    for target in (world.city_bureau, world.county_bureau):
        with pytest.raises(InvalidInput):
            answers.hand_on(report=report, actor=actor(world.provider2), holder=target, reason="x")
    places = [(world.provider2, world.province_bureau), (world.provider, world.city_bureau)] * 2
    for user, target in places[:3]:
        report = answers.hand_on(report=report, actor=actor(user), holder=target, reason="x")
    with pytest.raises(WrongState):
        answers.hand_on(report=report, actor=actor(world.provider), holder=world.city_bureau, reason="x")


def test_a_report_is_withdrawn_before_it_is_answered(world: World, opened: Dataset) -> None:
    report = file(world, opened)
    with pytest.raises(NotPermitted):
        reports.withdraw(report=report, actor=actor(world.provider2))
    assert reports.withdraw(report=report, actor=actor(world.applicant)).state == "withdrawn"
    with pytest.raises(WrongState):
        answer(world, report, user=world.provider2)


# --- who may report, and which values -------------------------------------------------------------------------------
def test_nobody_reports_to_their_own_department_or_for_another(world: World, opened: Dataset) -> None:
    with pytest.raises(NotPermitted):
        file(world, opened, user=world.cataloguer, department=world.city_bureau)
    with pytest.raises(NotPermitted):
        file(world, opened, department=world.city_bureau)
    with pytest.raises(NotPermitted):
        file(world, make_dataset(world.city_bureau, "草稿", state="draft", items=COLUMNS))
    assert CorrectionReport.objects.count() == 0


def test_values_are_attached_only_of_columns_that_the_reporter_reads(world: World, grant: Grant) -> None:
    with pytest.raises(InvalidInput) as refused:
        file(world, grant.dataset, user=world.provider2, department=world.city_bureau)
    assert set(refused.value.fields) == {"rows"}
    plain = Reported(kind="wrong", description="名称有误", columns=["name"])
    assert file(world, grant.dataset, plain, user=world.provider2, department=world.city_bureau).grant is None
    head = Reported(kind="wrong", description="x", rows=[{"code": "01"}])
    with pytest.raises(InvalidInput):
        file(world, grant.dataset, head, user=world.applicant_head)


def test_a_column_that_was_not_granted_is_not_attached(world: World, grant: Grant) -> None:
    Grant.objects.filter(pk=grant.pk).update(columns=["code", "name"])
    with pytest.raises(InvalidInput) as refused:
        file(world, grant.dataset, Reported(kind="wrong", description="x", rows=[{"street": "b"}]))
    assert "street" in str(refused.value)


def test_a_revoked_grant_attaches_nothing_any_more(world: World, grant: Grant) -> None:
    grants.revoke(grant=grant, actor=actor(world.provider), reason="不再需要")
    with pytest.raises(InvalidInput):
        file(world, grant.dataset)


def test_a_dataset_withdrawn_in_between_is_still_answered(world: World, grant: Grant) -> None:
    report = file(world, grant.dataset)
    lifecycle.withdraw(dataset=grant.dataset, actor=actor(world.provider_head), reason="停用")
    with pytest.raises(NotPermitted):
        file(world, Dataset.objects.get(pk=grant.dataset_id))
    assert answer(world, report, "explained").state == "answered"


def test_too_many_rows_and_too_much_text_are_refused(world: World, opened: Dataset) -> None:
    many = [{"code": str(n)} for n in range(101)]
    for rows in (many, [{"code": "9" * 201}], [{"code": f"{n:03d}" + "字" * 190} for n in range(100)]):
        with pytest.raises(InvalidInput):
            file(world, opened, Reported(kind="wrong", description="x", rows=rows))
    report = file(world, opened, Reported(kind="wrong", description="x", rows=[*many[:100], many[0]]))
    assert len(report.rows) == 100


def test_pasted_rows_are_read_by_names_or_columns_with_tabs_or_commas(opened: Dataset) -> None:
    items = list(opened.items.all())
    expected = [{"code": "01", "name": "甲"}, {"code": "02"}]
    for text in ("代码,名称\n01,甲\n02,\n", "code\tname\n01\t甲\n\n02", "代码，名称\n01，甲\n02"):
        assert parse_rows(text, items) == expected
    assert parse_rows(" \n", items) == []
    for text in ("没有这列\n1", "代码\n1,2", "代码"):
        with pytest.raises(InvalidInput):
            parse_rows(text, items)


def test_a_deputy_answers_on_behalf_of_the_approver(world: World, opened: Dataset) -> None:
    today = timezone.localdate()
    deputy = make_user("deputy", world.city_bureau, Duty.CATALOGUER)
    report = file(world, opened)
    with pytest.raises(NotPermitted):
        answer(world, report, user=deputy)
    name_deputy(
        principal=world.provider2,
        deputy=deputy,
        department=world.city_bureau,
        duties=[Duty.PROVIDER_APPROVER],
        valid_from=today,
        valid_until=today,
        reason="年休假",
        actor=actor(world.provider2),
    )
    answer(world, report, user=deputy)
    event = Event.objects.get(stream=f"correctionreport:{report.pk}", verb="correction.answered")
    assert (event.actor, event.on_behalf_of) == (deputy, world.provider2)


# --- time -----------------------------------------------------------------------------------------------------------
def test_the_holder_is_reminded_once_before_and_once_after_the_deadline(world: World, opened: Dataset) -> None:
    report = file(world, opened)
    assert keeping.remind_late() == 0
    CorrectionReport.objects.filter(pk=report.pk).update(due_at=timezone.now() + dt.timedelta(minutes=5))
    assert (keeping.remind_late(), keeping.remind_late()) == (1, 0)
    CorrectionReport.objects.filter(pk=report.pk).update(due_at=timezone.now() - dt.timedelta(days=9))
    assert (keeping.remind_late(), keeping.remind_late()) == (1, 0)
    assert told(world.provider2) == ["correction_to_answer", "correction_due", "correction_late"]
    page = client_of(world.provider2).get(reverse("sharing:correction-list"), {"late": "1", "side": "answer"})
    assert [row.pk for row in page.context["object_list"]] == [report.pk]


def test_without_an_objection_an_answered_report_is_closed(world: World, opened: Dataset) -> None:
    report = answer(world, file(world, opened), user=world.provider2)
    assert keeping.close_unopposed() == 0
    CorrectionReport.objects.filter(pk=report.pk).update(due_at=timezone.now() - dt.timedelta(hours=1))
    assert (keeping.close_unopposed(), keeping.close_unopposed()) == (1, 0)
    report.refresh_from_db()
    assert report.state == "closed"


def test_two_answers_at_once_leave_one(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    world = World()
    dataset = make_dataset(world.city_bureau, "空气", items=COLUMNS)
    report = file(world, dataset, Reported(kind="other", description="x"))
    who = actor(world.provider2)
    results = concurrently(
        lambda: answers.answer(report=report, actor=who, outcome="explained", text="a"),
        lambda: answers.hand_on(report=report, actor=who, holder=world.province_bureau, reason="b"),
    )
    assert len([result for result in results if isinstance(result, CorrectionReport)]) == 1
    assert Event.objects.filter(stream=f"correctionreport:{report.pk}").count() == 2


def test_an_act_on_an_old_page_is_409_and_changes_nothing(world: World, opened: Dataset) -> None:
    report = file(world, opened)
    path = reverse("sharing:correction-act", args=[report.pk, "extend"])
    client = client_of(world.provider2)
    assert client.post(path, {"seen_version": report.version - 1, "reason": "x"}).status_code == 409
    assert client.post(path, {"seen_version": report.version, "reason": "x"}).status_code == 302
    assert client.get(reverse("sharing:correction-act", args=[report.pk, "explode"])).status_code == 404


def test_a_state_that_was_not_recorded_is_found(world: World, opened: Dataset) -> None:
    report = file(world, opened)
    CorrectionReport.objects.filter(pk=report.pk).update(state="closed")
    assert [finding.subject for finding in verification.states()] == [f"correctionreport:{report.pk}"]
