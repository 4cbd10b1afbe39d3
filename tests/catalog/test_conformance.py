"""Conformance: records whose values and items are compared with the data elements that they name."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog.models import CodeList, ConformanceReport, DataElement, Dataset
from catalog.standards import conformance, keeping
from tests.catalog.standards import SEX, code_list, element
from tests.factories import World, actor, load, make_dataset
from tests.queries import queries_of
from tests.words import zh

pytestmark = pytest.mark.django_db


def report(dataset: Dataset) -> ConformanceReport:
    found = conformance.compute(dataset.pk)
    assert found is not None
    return found


def people(world: World) -> Dataset:
    sex = code_list(world)
    element(world, "DE1", "公民身份号码", length=18, check_digit="ric")
    element(world, "DE2", "性别", code_list=sex, length=1)
    element(world, "DE3", "邮编", pattern="[0-9]{6}")
    items = [
        {"name": "身份证号", "column": "id", "element": "DE1", "sensitivity": "personal", "length": 15},
        {"name": "性别", "column": "sex", "element": "DE2"},
        {"name": "邮编", "column": "post", "element": "DE3"},
        {"name": "备注", "column": "note"},
    ]
    dataset = make_dataset(world.city_bureau, "人员", items=items)
    rows = "11010519491231002X,1,310000,x\n110105194912310021,2,31000,x\n,9,,x\n11010519491231002X,1,310001,x\n"
    return load(dataset, f"id,sex,post,note\n{rows}".encode())


def test_values_are_compared_with_length_pattern_list_and_check_digit(world: World) -> None:
    found = report(people(world))
    assert (found.linked, found.items, found.rows, found.broken) == (3, 4, 4, 3)
    assert found.score == pytest.approx(1 - 3 / 10)
    told = [(f["column"], f["kind"], f.get("count"), f.get("examples")) for f in found.findings]
    assert told == [
        ("id", "item_length", None, None),
        ("id", "check", 1, ["1********1"]),
        ("sex", "code", 1, ["9"]),
        ("post", "pattern", 1, ["31000"]),
    ]
    assert found.findings[1]["share"] == pytest.approx(1 / 3)


def test_a_new_version_of_the_list_and_a_changed_element_are_compared_again(world: World) -> None:
    dataset, boss = people(world), actor(world.authority)
    report(dataset)
    made = CodeList.objects.get()
    version = keeping.new_version(code_list=made, values=[*SEX, {"code": "9", "name": "未说明"}], note="", actor=boss)
    keeping.publish_version(version=version, valid_from=None, actor=boss)
    keeping.save_element(element=DataElement.objects.get(code="DE3"), values={"pattern": "[0-9]{5,6}"}, actor=boss)
    jobs = ProcrastinateJob.objects.filter(task_name="catalog.standard_changed").order_by("id")
    elements = [DataElement.objects.get(code=code) for code in ("DE2", "DE3")]
    assert [job.args["element_ids"] for job in jobs][-2:] == [[str(e.pk)] for e in elements]
    assert list(conformance.followers([elements[0].pk])) == [dataset.pk]
    assert [f["column"] for f in report(dataset).findings] == ["id", "id"]


def test_rows_looked_at_are_bounded(world: World, settings: Any) -> None:
    dataset = people(world)
    settings.CONFORMANCE_ROWS = 2
    found = report(dataset)
    assert found.rows == 2
    assert [f["kind"] for f in found.findings] == ["item_length", "check", "pattern"]


def test_without_rows_items_are_compared(world: World) -> None:
    element(world, "DE1", "金额", data_type="N", unit="元")
    items = [
        {"name": "甲", "column": "a", "element": "DE1", "data_type": "C"},
        {"name": "乙", "column": "b", "element": "DE1", "data_type": "N", "unit": "万元"},
        {"name": "丙", "column": "c", "element": "DE1", "data_type": "N"},
    ]
    found = report(make_dataset(world.city_bureau, "预算", items=items))
    assert [(f["column"], f["kind"]) for f in found.findings] == [("a", "data_type"), ("b", "unit")]
    assert found.score == pytest.approx(1 / 3)


def test_publishing_and_loading_have_the_record_compared(world: World) -> None:
    dataset = people(world)
    jobs = ProcrastinateJob.objects.filter(task_name="catalog.compute_conformance")
    assert {pk for job in jobs for pk in job.args["dataset_ids"]} == {str(dataset.pk)}
    before = jobs.count()
    make_dataset(world.city_bureau, "不引用数据元的资源")
    assert jobs.count() == before


def test_the_report_shows_ones_own_and_the_authority_its_region(world: World, client: Client) -> None:
    mine = people(world)
    report(mine)
    element(world, "DE9", "其他元")
    other = make_dataset(world.province_bureau, "省级资源", items=[{"name": "甲", "column": "a", "element": "DE9"}])
    report(other)
    for person, expected in (
        (world.cataloguer, (True, False)),
        (world.provider, (False, True)),
        (world.authority, (True, False)),
    ):
        client.force_login(person)
        page = client.get("/catalog/conformance/").content.decode()
        assert ("人员" in page, "省级资源" in page) == expected
    client.force_login(world.cataloguer)
    assert zh("check digits are wrong") in client.get(f"/catalog/{mine.pk}/?tab=conformance").content.decode()
    exported: Any = client.get("/catalog/conformance/export/?state=broken")
    lines = b"".join(exported.streaming_content).decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + 4
    assert "110105194912310021" not in "".join(lines)
    client.force_login(world.provider)
    assert "tab=conformance" not in client.get(f"/catalog/{mine.pk}/").content.decode()


def test_the_report_and_the_lists_take_a_fixed_number_of_queries(world: World, client: Client) -> None:
    report(people(world))
    client.force_login(world.cataloguer)
    pages = ("/catalog/conformance/?sort=title", "/catalog/elements/?sort=-uses", "/catalog/code-lists/")
    for page in pages:
        queries_of(client, page)
    before = [queries_of(client, page) for page in pages]
    for n in range(6):
        element(world, f"X{n}", f"元{n}")
        code_list(world, code=f"L{n}")
        items = [{"name": "甲", "column": "a", "element": f"X{n}"}]
        report(make_dataset(world.city_bureau, f"资源{n}", items=items))
    assert [queries_of(client, page) for page in pages] == before
