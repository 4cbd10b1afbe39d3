"""The open section: what is open is all there, and nothing else is, in any form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from catalog.charts import chart_of
from catalog.models import Dataset
from catalog.opendata.tables import open_table
from tests.factories import World, load, make_dataset

pytestmark = pytest.mark.django_db
SECRET = "只有部门能看"


@pytest.fixture
def opened(world: World) -> Dataset:
    """A dataset with two open items and one that is not."""
    items = [
        {"name": "代码", "column": "code", "open_type": "open"},
        {"name": "名称", "column": "name", "open_type": "open"},
        {"name": "备注", "column": "note", "open_type": "not_open"},
    ]
    dataset = make_dataset(world.city_bureau, "公园", items=items, sharing_type="unconditional", open_type="open")
    return load(dataset, f"code,name,note\n01,西湖,{SECRET}\n02,=1+1,{SECRET}\n".encode())


def read(path: str) -> str:
    response: Any = Client().get(path)
    assert response.status_code == 200, path
    return (b"".join(response.streaming_content) if response.streaming else response.content).decode("utf-8", "replace")


def test_what_is_not_open_is_in_no_page_chart_file_or_interface(opened: Dataset) -> None:
    base = f"/open/datasets/{opened.pk}/"
    paths = [
        base,
        f"{base}rows/",
        f"{base}chart.json",
        f"/api/v1/open/{opened.pk}/rows",
        f"/api/v1/datasets/{opened.pk}/",
    ]
    paths += [f"{base}download/{kind}/" for kind in ("csv", "json", "parquet")]
    for path in [*paths, "/open/", "/open/datasets/?q=公园", "/open/feed.atom", f"/api/v1/open/{opened.pk}/export/csv"]:
        content = read(path)
        assert SECRET not in content
        assert "备注" not in content
        assert "note" not in content.replace('class="note', "")


def test_a_closed_column_can_be_asked_for_by_no_parameter(opened: Dataset) -> None:
    rows = f"/api/v1/open/{opened.pk}/rows"
    for params in ({"columns": "note"}, {"sort": "note"}, {"filter": '[{"column":"note","value":"x"}]'}):
        response = Client().get(rows, params)
        assert (response.status_code, response.json()["columns"]) == (400, ["note"])
    page = Client().get(f"/open/datasets/{opened.pk}/rows/", {"c": "note", "o": "eq", "v": "x"})
    assert page.status_code == 422


def test_downloads_are_exact_and_formulas_harmless(opened: Dataset) -> None:
    csv = read(f"/open/datasets/{opened.pk}/download/csv/")
    assert csv.splitlines() == ["\ufeff代码,名称", '"01","西湖"', '"02","\'=1+1"']
    rows = [{"code": "01", "name": "西湖"}, {"code": "02", "name": "=1+1"}]
    assert json.loads(read(f"/open/datasets/{opened.pk}/download/json/")) == rows
    assert json.loads(read(f"/api/v1/open/{opened.pk}/rows"))["rows"] == rows
    assert Client().get(f"/open/datasets/{opened.pk}/download/exe/").status_code == 404


def test_a_download_holds_the_rows_of_the_page_in_its_order(opened: Dataset) -> None:
    base = f"/open/datasets/{opened.pk}/"
    assert f'href="{base}download/csv/?sort=-code"' in read(f"{base}rows/?sort=-code&page=1")
    backwards = read(f"{base}download/csv/?sort=-code").splitlines()
    assert backwards == ["\ufeff代码,名称", '"02","\'=1+1"', '"01","西湖"']
    assert json.loads(read(f"{base}download/json/?c=code&o=eq&v=01")) == [{"code": "01", "name": "西湖"}]
    chosen = '?columns=name&filter=[{"column":"code","op":"ge","value":"02"}]'
    assert json.loads(read(f"/api/v1/open/{opened.pk}/export/json{chosen}")) == [{"name": "=1+1"}]


@pytest.mark.parametrize("kind", ["download", "export"])
def test_a_download_by_a_closed_column_is_refused(opened: Dataset, kind: str) -> None:
    open_page = kind == "download"
    path = f"/open/datasets/{opened.pk}/download/csv/" if open_page else f"/api/v1/open/{opened.pk}/export/csv"
    for params in ({"c": "note", "o": "eq", "v": "x"} if open_page else {"columns": "note"}, {"sort": "note"}):
        response: Any = Client().get(path, params)
        assert (response.status_code, response.streaming) == (400, False)


def test_what_is_not_open_is_404_for_the_public(world: World) -> None:
    for number, changes in enumerate(
        [{"open_type": "not_open"}, {"open_type": "conditional"}, {"open_type": "open", "state": "withdrawn"}]
    ):
        dataset = (
            load(make_dataset(world.city_bureau, f"不开放{number}", **changes), b"code,name\n1,a\n")
            if (number < 2)
            else make_dataset(world.city_bureau, f"不开放{number}", **changes)
        )
        base = f"/open/datasets/{dataset.pk}/"
        for path in (
            base,
            f"{base}rows/",
            f"{base}chart.json",
            f"{base}download/csv/",
            f"/api/v1/open/{dataset.pk}/rows",
        ):
            assert Client().get(path).status_code == 404, path
        assert Client().get(f"/api/v1/datasets/{dataset.pk}/").status_code == 404


def open_dataset(world: World, title: str, content: str, name: str = "a.csv") -> Dataset:
    header = content.splitlines()[0].split(",")
    items = [{"name": column, "column": column.lower(), "open_type": "open"} for column in header]
    types = {"year": "N", "value": "N"}
    items = [item | {"data_type": types.get(str(item["column"]), "C")} for item in items]
    dataset = make_dataset(world.city_bureau, title, items=items, sharing_type="unconditional", open_type="open")
    return load(dataset, content.encode(), name)


def test_a_table_with_years_is_drawn_as_lines(world: World) -> None:
    dataset = open_dataset(world, "产量", "Entity,Year,Value\nA,2000,1\nA,2001,2\nB,2001,5\n")
    chart = chart_of(open_table(dataset))
    assert chart is not None
    assert (chart.kind, chart.heads) == ("line", ["Year", "A", "B"])
    assert chart.rows == [[2000, 1.0, None], [2001, 2.0, 5.0]]


def test_a_table_of_groups_is_drawn_as_bars(world: World) -> None:
    chart = chart_of(open_table(open_dataset(world, "公园", "name,kind\na,大\nb,大\nc,小\n")))
    assert chart is not None
    assert (chart.kind, chart.rows) == ("bar", [["大", 2], ["小", 1]])


def test_a_geojson_is_drawn_as_a_map_and_comes_back_as_geojson(world: World) -> None:
    shape = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    features = [{"type": "Feature", "properties": {"name": "甲"}, "geometry": shape}]
    items = [{"name": c, "column": c, "open_type": "open"} for c in ("name", "geometry")]
    items[1]["data_type"] = "BLOB"
    dataset = make_dataset(world.city_bureau, "边界", items=items, sharing_type="unconditional", open_type="open")
    load(dataset, json.dumps({"type": "FeatureCollection", "features": features}).encode(), "a.geojson")
    drawn = json.loads(read(f"/open/datasets/{dataset.pk}/chart.json"))
    assert (drawn["kind"], drawn["geojson"]["features"]) == ("map", features)
    assert json.loads(read(f"/open/datasets/{dataset.pk}/download/geojson/"))["features"] == features


def test_rows_can_be_filtered_and_sorted_in_the_browser(opened: Dataset) -> None:
    page = read(f"/open/datasets/{opened.pk}/rows/?c=code&o=eq&v=02&sort=-name")
    assert ("=1+1" in page, "西湖" in page) == (True, False)


def test_one_address_cannot_download_without_end(opened: Dataset) -> None:
    path = f"/open/datasets/{opened.pk}/download/csv/"
    answers = [Client().get(path).status_code for _ in range(61)]
    assert answers[:30] == [200] * 30
    assert 429 in answers
    cache.clear()


def test_a_record_without_data_has_a_page_that_says_so(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "无数据", sharing_type="unconditional", open_type="open")
    assert Client().get(f"/open/datasets/{dataset.pk}/").status_code == 200
    assert Client().get(f"/api/v1/open/{dataset.pk}/rows").status_code == 404
    assert str(dataset.pk) in read("/sitemap.xml")
