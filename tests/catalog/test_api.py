"""The open API of the catalogue: exact bodies, stable codes, and an answer to any parameter."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from catalog import search
from catalog.models import Dataset
from tests.factories import World, load, make_dataset

pytestmark = pytest.mark.django_db
ROWS = b"code,n,x,day,at,yes\n" + b"".join(
    b"%02d,%d,%d.5,2026-01-%02d,2026-01-01 10:00:00,true\n" % (n, n, n, n) for n in range(1, 31)
)


@pytest.fixture
def opened(world: World) -> Dataset:
    kinds = {"code": "C", "n": "N", "x": "N", "day": "D", "at": "DT", "yes": "BOOL"}
    items = [{"name": name, "column": name, "open_type": "open"} for name in kinds]
    dataset = make_dataset(world.city_bureau, "公园", items=items, sharing_type="unconditional", open_type="open")
    dataset.items.all().delete()
    load(Dataset.objects.get(pk=_as_draft(dataset)), ROWS)
    dataset.items.update(open_type="open")
    Dataset.objects.update(state="published")
    search.index([dataset.pk])
    return dataset


def _as_draft(dataset: Dataset) -> Any:
    """Its columns become items with the types that the load finds."""
    Dataset.objects.filter(pk=dataset.pk).update(state="draft")
    return dataset.pk


def ask(dataset: Dataset, **params: str) -> Any:
    return Client().get(f"/api/v1/open/{dataset.pk}/rows", params)


def test_a_page_of_rows_is_exact(opened: Dataset) -> None:
    body = ask(opened, columns="code,day,at,yes,x", limit="1").json()
    assert isinstance(body.pop("next_after"), str)
    assert body == {
        "columns": [
            {"name": "code", "title": "code", "type": "text"},
            {"name": "day", "title": "day", "type": "date"},
            {"name": "at", "title": "at", "type": "datetime"},
            {"name": "yes", "title": "yes", "type": "boolean"},
            {"name": "x", "title": "x", "type": "number"},
        ],
        "rows": [{"code": "01", "day": "2026-01-01", "at": "2026-01-01T10:00:00", "yes": True, "x": 1.5}],
        "has_more": True,
    }


@pytest.mark.parametrize("more", [{}, {"sort": "yes,-day"}])
def test_following_next_after_from_the_first_token_visits_every_row_once(opened: Dataset, more: dict[str, str]) -> None:
    seen: list[str] = []
    params = {"limit": "1", "columns": "code", **more}
    while True:
        body = ask(opened, **params).json()
        seen += [row["code"] for row in body["rows"]]
        if body["next_after"] is None or len(seen) > 40:
            break
        params["after"] = str(body["next_after"])
    assert (sorted(seen) if more else seen) == [f"{n:02d}" for n in range(1, 31)]


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"filter": '[{"column": [], "value": 1}]'}, 400, "unknown_column"),
        ({"filter": '[{"column": "\\ud800"}]'}, 400, "unknown_column"),
        ({"filter": '[{"column": "n", "op": {}}]'}, 400, "bad_filter"),
        ({"filter": '[{"column": "n", "op": "\\ud800"}]'}, 400, "bad_filter"),
        ({"filter": '[{"column": "code", "value": "\\ud800"}]'}, 400, "bad_filter"),
        ({"filter": '[{"column": "code", "value": "a\\u0000b"}]'}, 400, "bad_filter"),
        ({"filter": "[" * 5_000}, 400, "bad_filter"),
        ({"filter": "null"}, 400, "bad_filter"),
        ({"columns": 'code", (SELECT 1) AS "x'}, 400, "unknown_column"),
        ({"sort": "code; DROP TABLE data"}, 400, "unknown_column"),
        ({"limit": "ten"}, 422, "invalid"),
        ({"limit": "-1"}, 422, "invalid"),
        ({"after": "x"}, 400, "bad_filter"),
        ({"after": "9" * 4_000}, 400, "bad_filter"),
        ({"after": "1", "sort": "n"}, 400, "bad_filter"),
        ({"sort": "n,n,n,n,n,n"}, 422, "invalid"),
    ],
)
def test_a_call_that_cannot_be_understood_is_answered_with_a_stable_code(
    opened: Dataset, params: dict[str, str], status: int, code: str
) -> None:
    response = ask(opened, **params)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "999999999"}, {"columns": ",,"}])
def test_numbers_out_of_range_are_taken_as_the_nearest(opened: Dataset, params: dict[str, str]) -> None:
    assert len(ask(opened, **params).json()["rows"]) == 30


def test_rows_come_in_the_order_of_several_columns(opened: Dataset) -> None:
    body = ask(opened, sort="yes,-n", columns="code", limit="2").json()
    assert [row["code"] for row in body["rows"]] == ["30", "29"]


def test_a_summary_is_exact_and_needs_no_key(opened: Dataset) -> None:
    asked = {"by": "yes", "measure": "count,sum:n,p50:x", "filter": '[{"column": "n", "op": "le", "value": 3}]'}
    response = Client().get(f"/api/v1/open/{opened.pk}/summary", asked)
    assert response.json() == {
        "by": ["yes"],
        "measures": ["count", "sum:n", "p50:x"],
        "groups": [{"key": {"yes": True}, "values": {"count": 3, "sum:n": 6, "p50:x": 2.5}}],
        "has_more": False,
    }


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"by": "secret"}, "unknown_column"),
        ({"measure": "sum:code"}, "bad_filter"),
        ({"filter": "["}, "bad_filter"),
        ({"limit": "x"}, "bad_filter"),
    ],
)
def test_a_summary_that_cannot_be_read_is_a_problem_document(
    opened: Dataset, params: dict[str, str], code: str
) -> None:
    response = Client().get(f"/api/v1/open/{opened.pk}/summary", params)
    assert (response.status_code, response.json()["code"]) == (400, code)


def test_a_summary_of_items_that_are_not_open_is_refused(opened: Dataset) -> None:
    opened.items.filter(column="n").update(open_type="not_open")
    for params in ({"by": "n"}, {"measure": "sum:n"}, {"filter": '[{"column": "n", "value": 1}]'}):
        response = Client().get(f"/api/v1/open/{opened.pk}/summary", params)
        assert (response.status_code, response.json()["columns"]) == (400, ["n"])


def test_a_filter_cannot_reach_a_file_or_another_table(opened: Dataset) -> None:
    for value in ("/etc/passwd", "read_csv('/etc/passwd')", "') UNION SELECT content FROM read_text('/etc/passwd') --"):
        body = ask(opened, filter=f'[{{"column": "code", "op": "contains", "value": "{value}"}}]').json()
        assert body["rows"] == []


def test_an_unknown_dataset_is_a_404_problem() -> None:
    response = Client().get(f"/api/v1/open/{uuid4()}/rows")
    assert (response.status_code, response.json()["code"], response.json()["status"]) == (404, "not_found", 404)


def test_the_list_of_the_anonymous_holds_what_is_open(world: World, opened: Dataset) -> None:
    make_dataset(world.city_bureau, "内部")
    body = Client().get("/api/v1/datasets/").json()
    assert (body["count"], [row["title"] for row in body["results"]]) == (1, ["公园"])


def test_a_column_of_binary_data_breaks_no_page(world: World) -> None:
    items = [
        {"name": "name", "column": "name", "open_type": "open"},
        {"name": "photo", "column": "photo", "open_type": "open", "data_type": "BLOB"},
    ]
    dataset = make_dataset(world.city_bureau, "照片", items=items, sharing_type="unconditional", open_type="open")
    load(dataset, b"name,photo\na,photo.jpg\nb,\n")
    assert Client().get(f"/open/datasets/{dataset.pk}/").status_code == 200
    drawn = Client().get(f"/open/datasets/{dataset.pk}/chart.json").json()
    assert drawn["geojson"]["features"] == []


def test_a_row_is_found_by_its_key(opened: Dataset) -> None:
    answer = Client().get(f"/api/v1/open/{opened.pk}/row", {"code": "02", "other": "1"})
    assert (answer.status_code, answer.json()["row"]["code"]) == (200, "02")
    assert Client().get(f"/api/v1/open/{opened.pk}/row", {"code": "nobody"}).status_code == 404
    wrong = Client().get(f"/api/v1/open/{opened.pk}/row", {"n": "2"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_filter")


def test_a_page_tells_on_request_how_many_rows_there_are(opened: Dataset) -> None:
    body = ask(opened, limit="2", count="1", filter='[{"column": "code", "op": "le", "value": "10"}]').json()
    assert (len(body["rows"]), body["count"]) == (2, 10)
    assert "count" not in ask(opened, limit="2").json()
