"""How well departments keep their records: exact figures, ranking, trends."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from catalog import completeness, lifecycle
from catalog.documents import snapshot
from catalog.health import figures, rows
from catalog.models import ConformanceReport, DataElement, Dataset, HealthSnapshot, RecordHealth
from tests.factories import World, actor, load, make_dataset
from tests.queries import queries_of

pytestmark = pytest.mark.django_db


def age(dataset: Dataset, days: int) -> None:
    """Let a record's last change be that many days ago."""
    Dataset.objects.filter(pk=dataset.pk).update(modified=timezone.now() - dt.timedelta(days=days))
    rows.renew([dataset.pk])


def test_a_row_says_what_the_record_page_says(world: World) -> None:
    DataElement.objects.create(code="DE1", name="代码")
    items = [{"name": "代码", "column": "code", "element": "DE1"}, {"name": "名称", "column": "name"}]
    dataset = make_dataset(
        world.city_bureau, "某资源", items=items, keywords=["甲"], contact="0571", update_cycle="monthly"
    )
    row = RecordHealth.objects.get(dataset=dataset)
    assert row.completeness == completeness.score(snapshot(dataset)).percent
    assert (row.items, row.linked, row.has_data, row.is_open) == (2, 1, False, False)
    assert (row.renewed_on, row.due_on) == (timezone.localdate(), _month_later(timezone.localdate()))
    load(dataset, "code,name\n1,甲\n".encode())
    row.refresh_from_db()
    assert row.has_data
    lifecycle.withdraw(dataset=dataset, actor=actor(world.provider2), reason="停用")
    assert not RecordHealth.objects.exists()


def _month_later(day: dt.date) -> dt.date:
    from catalog.cycles import next_due

    found = next_due(day, "monthly")
    assert found is not None
    return found


def test_the_row_takes_the_same_queries_for_many_records(world: World) -> None:
    from django.test.utils import CaptureQueriesContext

    ids = [make_dataset(world.city_bureau, f"资源{n}").pk for n in range(6)]
    counts = []
    for some in (ids[:1], ids):
        with CaptureQueriesContext(connection) as captured:
            rows.renew(some)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_figures_are_those_of_a_plain_count(world: World) -> None:
    late = make_dataset(world.city_bureau, "日更新", update_cycle="daily", open_type="open", licence="CC BY 4.0")
    age(late, 3)
    timely = make_dataset(world.city_bureau, "年更新", update_cycle="yearly")
    make_dataset(world.city_bureau, "不定期", update_cycle="irregular")
    make_dataset(world.province_bureau, "省厅资源")
    for dataset, score in ((late, 0.8), (timely, 1.0)):
        ConformanceReport.objects.create(dataset=dataset, score=score, linked=1, items=1)
    found = figures.now(world.city_bureau.pk)
    assert found is not None
    assert (found.records, found.late, found.timeliness) == (3, 1, 0.5)
    assert (found.conformance, found.open_share, found.data_share) == (pytest.approx(0.9), pytest.approx(1 / 3), 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT avg(completeness) / 100 FROM catalog_recordhealth WHERE provider_id = %s", [world.city_bureau.pk]
        )
        (mean,) = cursor.fetchone()
    assert found.completeness == pytest.approx(float(mean))
    assert found.score == pytest.approx((3 * float(mean) + 3 * 0.5 + 2 * 0.9) / 8)


def test_what_cannot_be_measured_leaves_the_score_to_the_rest(world: World) -> None:
    make_dataset(world.city_bureau, "不定期", update_cycle="irregular")
    found = figures.now(world.city_bureau.pk)
    assert found is not None
    assert (found.timeliness, found.conformance, found.linked_share) == (None, None, 0)
    assert found.score == pytest.approx(found.completeness)


def test_a_day_is_kept_once_and_old_ones_go(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "日更新", update_cycle="daily")
    today = timezone.localdate()
    HealthSnapshot.objects.create(department=world.city_bureau, day=today - dt.timedelta(days=2_000), records=1, late=0)
    assert (figures.keep(), figures.keep()) == (1, 1)
    assert HealthSnapshot.objects.get().late == 0
    age(dataset, 5)
    figures.keep()
    assert HealthSnapshot.objects.get().late == 1


def test_records_that_have_no_row_get_one(world: World) -> None:
    for n in range(3):
        make_dataset(world.city_bureau, f"资源{n}")
    RecordHealth.objects.all().delete()
    assert rows.renew_missing(batch=2) == 3
    assert RecordHealth.objects.count() == 3


def test_the_ranking_shows_ones_region_and_the_authority_all_below(world: World, client: Client) -> None:
    for department in (world.city_bureau, world.province_bureau, world.county_bureau):
        age(make_dataset(department, f"{department.short_name or department.name}的资源", update_cycle="daily"), 2)
    figures.keep()

    def seen(person: Any) -> list[bool]:
        client.force_login(person)
        page = client.get("/catalog/health/").content.decode()
        page = page.partition("<tbody>")[2]
        return [d.name in page for d in (world.city_bureau, world.province_bureau, world.county_bureau)]

    assert seen(world.authority) == [True, False, True]
    assert seen(world.cataloguer) == [True, False, False]
    assert seen(world.provider) == [False, True, False]
    client.force_login(world.authority)
    exported: Any = client.get("/catalog/health/export/?sort=-late")
    assert len(b"".join(exported.streaming_content).decode().splitlines()) == 1 + 2


def test_a_department_sees_what_is_late_and_what_is_incomplete(world: World, client: Client) -> None:
    late = make_dataset(world.city_bureau, "逾期资源", update_cycle="daily")
    age(late, 11)
    make_dataset(world.city_bureau, "按期资源", update_cycle="yearly")
    figures.keep(timezone.localdate() - dt.timedelta(days=1))
    figures.keep()
    client.force_login(world.cataloguer)
    url = f"/catalog/health/{world.city_bureau.pk}/"
    page = client.get(url).content.decode()
    assert ("逾期资源" in page, "按期资源" in page, '<span class="badge is-bad">10</span>' in page) == (
        True,
        False,
        True,
    )
    assert "按期资源" in client.get(f"{url}?list=incomplete").content.decode()
    chart = client.get(f"{url}chart/").json()
    assert [len(series["data"]) for series in chart["series"]] == [2] * 5
    exported: Any = client.get(f"{url}export/")
    lines = b"".join(exported.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[1].split(",")[1:3][0] == "逾期资源"


def test_the_pages_take_a_fixed_number_of_queries(world: World, client: Client) -> None:
    from tests.factories import make_department

    client.force_login(world.authority)
    make_dataset(world.city_bureau, "资源")
    figures.keep()
    paths = ("/catalog/health/", f"/catalog/health/{world.city_bureau.pk}/?list=incomplete")
    for path in paths:
        queries_of(client, path)
    before = [queries_of(client, path) for path in paths]
    for n in range(8):
        make_dataset(make_department(f"杭州市第{n}局", world.regions["city"]), f"资源{n}")
        make_dataset(world.city_bureau, f"又一资源{n}")
    figures.keep()
    assert [queries_of(client, path) for path in paths] == before
