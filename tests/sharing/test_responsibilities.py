"""The responsibility list: what follows from records and demands by itself, what the authority enters, reminders."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog import lifecycle, search
from catalog.cycles import next_due
from catalog.models import Dataset, Theme
from portal.departments import sheets
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Event, Notice
from sharing.models import Responsibility
from sharing.responsibilities import acts, keeping, reminders
from sharing.responsibilities.acts import COLUMNS, Entry
from tests.clients import client_of
from tests.factories import World, actor, load, make_dataset, make_department, make_region, make_user
from tests.queries import queries_of

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def duty(dataset: Dataset) -> Responsibility:
    return Responsibility.objects.get(duty_of=dataset)


def entry(world: World, **changes: Any) -> Entry:
    values = {"department": world.city_bureau, "title": "排污许可证信息", "due_on": timezone.localdate() + 90 * DAY}
    return Entry(**(values | changes))


def enter(world: World, **changes: Any) -> Responsibility:
    return acts.enter(actor=actor(world.authority), entry=entry(world, **changes))


def told(user: Any) -> list[tuple[str, int]]:
    rows = Notice.objects.filter(user=user, kind__startswith="responsibility").order_by("id")
    return [(row.kind, row.data["n"]) for row in rows]


@pytest.mark.parametrize(
    ("cycle", "due"),
    [
        ("realtime", dt.date(2025, 2, 1)),
        ("daily", dt.date(2025, 2, 1)),
        ("weekly", dt.date(2025, 2, 7)),
        ("monthly", dt.date(2025, 2, 28)),
        ("quarterly", dt.date(2025, 4, 30)),
        ("half_yearly", dt.date(2025, 7, 31)),
        ("yearly", dt.date(2026, 1, 31)),
        ("irregular", None),
        ("never", None),
    ],
)
def test_the_next_due_day_follows_the_cycle_and_the_month(cycle: str, due: dt.date | None) -> None:
    assert next_due(dt.date(2025, 1, 31), cycle) == due


def test_a_published_shared_record_owes_its_update_and_new_data_move_it(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气质量", update_cycle="monthly")
    today = timezone.localdate()
    assert (duty(dataset).kind, duty(dataset).due_on) == ("update", next_due(today, "monthly"))
    Dataset.objects.filter(pk=dataset.pk).update(modified=timezone.now() - 60 * DAY)
    search.index([dataset.pk])
    assert duty(dataset).state == "late"
    load(dataset, b"code,name\n01,a\n")
    assert (duty(dataset).state, duty(dataset).due_on) == ("due", next_due(today, "monthly"))


def test_data_count_and_not_a_change_of_words(world: World) -> None:
    dataset = load(make_dataset(world.city_bureau, "空气质量", update_cycle="monthly"), b"code,name\n01,a\n")
    version = dataset.distributions.get().current
    assert version is not None
    type(version).objects.filter(pk=version.pk).update(created_at=timezone.now() - 60 * DAY)
    dataset.save()
    search.index([dataset.pk])
    assert duty(dataset).state == "late"


def test_a_withdrawn_record_owes_nothing(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气质量")
    assert duty(dataset).department == world.city_bureau
    lifecycle.withdraw(dataset=dataset, actor=actor(world.provider2), reason="停用")
    assert not Responsibility.objects.filter(duty_of=dataset).exists()


def test_publishing_a_record_meets_what_the_authority_entered(world: World) -> None:
    values = {
        "title": "排污许可证",
        "summary": "排污许可证核发信息，供跨部门核验使用，每日更新。",
        "update_cycle": "irregular",
    }
    values |= {
        "update_cycle": "irregular",
        "sharing_type": "unconditional",
        "open_condition": "内部",
        "channels": ["api"],
    }
    items = [{"name": "编号", "column": "code", "sharing_type": "unconditional"}]
    draft = lifecycle.create(
        actor=actor(world.cataloguer),
        provider=world.city_bureau,
        values=values,
        themes=list(Theme.objects.filter(code="10")),
        items=items,
    )
    row = enter(world, dataset=draft)
    with_data = enter(world, dataset=draft, needs_data=True, title="排污许可证数据")
    assert row.done_on is None
    lifecycle.submit(dataset=draft, actor=actor(world.cataloguer))
    lifecycle.approve(dataset=draft, actor=actor(world.provider2))
    lifecycle.approve(dataset=draft, actor=actor(world.authority))
    row.refresh_from_db()
    with_data.refresh_from_db()
    assert (row.done_on, with_data.done_on) == (timezone.localdate(), None)
    load(draft, b"code\n01\n")
    with_data.refresh_from_db()
    assert with_data.done_on == timezone.localdate()
    lifecycle.withdraw(dataset=draft, actor=actor(world.provider2), reason="停用")
    row.refresh_from_db()
    assert row.done_on is None
    verbs = list(Event.objects.filter(stream=f"responsibility:{row.pk}").order_by("seq").values_list("verb", flat=True))
    assert verbs == ["responsibility.entered", "responsibility.met", "responsibility.reopened"]


def test_only_the_authority_of_the_region_or_above_enters(world: World) -> None:
    for user in (world.cataloguer, world.provider2, world.applicant):
        with pytest.raises(NotPermitted):
            acts.enter(actor=actor(user), entry=entry(world))
    with pytest.raises(NotPermitted):
        enter(world, department=world.province_bureau)
    province = make_user("province", world.province_authority_department, "authority_reviewer")
    made = acts.enter(actor=actor(province), entry=entry(world, department=world.county_bureau))
    assert made.department == world.county_bureau


def test_a_line_is_checked_changed_and_removed(world: World) -> None:
    row = enter(world)
    with pytest.raises(InvalidInput):
        enter(world)
    foreign = make_dataset(world.province_bureau, "别家")
    with pytest.raises(InvalidInput) as refused:
        acts.change(row=row, actor=actor(world.authority), entry=entry(world, title=" ", dataset=foreign))
    assert set(refused.value.fields) == {"title", "dataset"}
    dataset = make_dataset(world.city_bureau, "排污许可")
    changed = acts.change(row=row, actor=actor(world.authority), entry=entry(world, dataset=dataset), seen_version=0)
    assert changed.state == "done"
    with pytest.raises(WrongState):
        acts.change(row=row, actor=actor(world.authority), entry=entry(world), seen_version=0)
    acts.remove(row=row, actor=actor(world.authority))
    assert not Responsibility.objects.filter(kind="entered").exists()
    with pytest.raises(WrongState):
        acts.remove(row=row, actor=actor(world.authority))


def workbook(path: Path, *lines: list[Any]) -> Path:
    path.write_bytes(sheets.write("责任清单", COLUMNS, lines))
    return path


def test_a_workbook_is_entered_as_a_whole_or_not_at_all(world: World, tmp_path: Path) -> None:
    good = [world.city_bureau.credit_code, "排污许可证信息", "条例", "2030-01-31", "是", ""]
    bad = [world.province_bureau.credit_code, "跨区", "", "2030-13-31", "", "没有"]
    found = acts.load_workbook(path=workbook(tmp_path / "a.xlsx", good, bad), actor=actor(world.authority))
    assert sorted(fault.cell for row in found for fault in row.faults) == ["D3", "F3"]
    assert Responsibility.objects.filter(kind="entered").count() == 0
    elsewhere = [world.province_bureau.credit_code, "跨区", "", "2030-12-31", "", ""]
    found = acts.load_workbook(path=workbook(tmp_path / "b.xlsx", good, elsewhere), actor=actor(world.authority))
    assert [fault.cell for row in found for fault in row.faults] == ["A3"]
    assert Responsibility.objects.filter(kind="entered").count() == 0
    assert acts.load_workbook(path=workbook(tmp_path / "c.xlsx", good), actor=actor(world.authority)) == []
    row = Responsibility.objects.get(kind="entered")
    assert (row.due_on, row.needs_data, row.basis) == (dt.date(2030, 1, 31), True, "条例")


def test_the_import_page_names_the_cells(world: World, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["000", "许可", "", "2030-01-31", "", ""])
    client = client_of(world.authority)
    upload = SimpleUploadedFile("a.xlsx", path.read_bytes())
    page = client.post(reverse("sharing:responsibility-import"), {"file": upload})
    assert (page.status_code, "A2" in page.content.decode()) == (422, True)
    rubbish = client.post(reverse("sharing:responsibility-import"), {"file": SimpleUploadedFile("a.xlsx", b"no")})
    assert rubbish.status_code == 422
    template = client.get(reverse("sharing:responsibility-template"))
    assert template.content[:2] == b"PK"


def test_departments_are_told_once_before_and_once_after_the_day(world: World) -> None:
    row = enter(world, due_on=timezone.localdate() + DAY)
    enter(world, title="第二项", due_on=timezone.localdate() + DAY)
    assert (reminders.remind(), reminders.remind()) == (2, 0)
    assert told(world.provider2)[:1] == [("responsibility_due", 2)]
    Responsibility.objects.filter(pk=row.pk).update(due_on=timezone.localdate() - 3 * DAY)
    assert (reminders.remind(), reminders.remind()) == (1, 0)
    assert told(world.cataloguer) == [("responsibility_due", 2), ("responsibility_late", 1)]


def test_a_line_that_became_late_while_the_worker_slept_is_told_as_late_only(world: World) -> None:
    enter(world, due_on=timezone.localdate() - 3 * DAY)
    assert (reminders.remind(), reminders.remind()) == (1, 0)
    assert told(world.cataloguer) == [("responsibility_late", 1)]


def test_a_daily_update_is_not_announced_every_day(world: World) -> None:
    make_dataset(world.city_bureau, "实时监测", update_cycle="daily")
    assert reminders.remind() == 0


def test_each_sees_their_own_and_the_authority_its_region(world: World) -> None:
    city = duty(make_dataset(world.city_bureau, "空气"))
    province = duty(make_dataset(world.province_bureau, "救助"))
    elsewhere = make_department("湖北省民政厅", make_region("420000", "湖北省", 2, world.regions["nation"]))
    duty(make_dataset(elsewhere, "湖北"))
    path = reverse("sharing:responsibility-list")

    def seen(user: Any, **params: str) -> set[Any]:
        return {row.pk for row in client_of(user).get(path, params).context["object_list"]}

    assert seen(world.cataloguer) == {city.pk}
    assert seen(world.provider) == {province.pk}
    assert seen(world.authority) == {city.pk}
    head = make_user("province", world.province_authority_department, "authority_head")
    assert seen(head) == {city.pk, province.pk}
    assert seen(head, region="330100") == {city.pk}
    assert seen(head, department="民政") == {province.pk}
    assert seen(head, kind="entered") == set()
    assert seen(world.applicant) == set()


def test_branches_of_a_department_are_found_with_it(world: World) -> None:
    world.county_bureau.parent = world.province_bureau
    world.county_bureau.save()
    below = duty(make_dataset(world.county_bureau, "低保"))
    head = make_user("province", world.province_authority_department, "authority_head")
    params = {"department": world.province_bureau.credit_code, "branches": "1"}
    rows = client_of(head).get(reverse("sharing:responsibility-list"), params).context["object_list"]
    assert [row.pk for row in rows] == [below.pk]


def test_states_figures_and_export_agree(world: World) -> None:
    late = enter(world, title="迟", due_on=timezone.localdate() - DAY)
    done = enter(world, title="毕", dataset=make_dataset(world.city_bureau, "已发布", update_cycle="never"))
    due = enter(world, title="待")
    client = client_of(world.authority)
    path = reverse("sharing:responsibility-list")
    for state, row in (("late", late), ("done", done), ("due", due)):
        assert [one.pk for one in client.get(path, {"state": state}).context["object_list"]] == [row.pk]
    figures = client.get(path).context["figures"]
    assert (figures.due, figures.late, figures.done, figures.in_time) == (1, 1, 1, 50)
    body = b"".join(client.get(reverse("sharing:responsibility-export"), {"state": "late"}).streaming_content).decode()  # type: ignore[attr-defined]
    assert [line.split(",")[3] for line in body.splitlines()[1:]] == ["迟"]


def test_the_list_takes_as_many_queries_for_twenty_as_for_one(world: World) -> None:
    enter(world)
    client, path = client_of(world.authority), reverse("sharing:responsibility-list")
    queries_of(client, path)  # what is read once a process
    few = queries_of(client, path)
    for n in range(19):
        enter(world, title=f"第{n}项", dataset=make_dataset(world.city_bureau, f"资源{n}"))
    assert queries_of(client, path) == few <= 22


def test_keeping_a_thousand_records_takes_as_many_queries_as_keeping_one(world: World) -> None:
    ids = [make_dataset(world.city_bureau, f"资源{n}").pk for n in range(30)]

    def count(some: list[Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            keeping.datasets_changed(some)
        return len(captured)

    assert count(ids[:1]) == count(ids)
