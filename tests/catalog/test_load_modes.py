"""New rows beside those that are there: added, or renewed by their key; all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog import loading
from catalog.models import Dataset, IngestJob, LoadMode, TableVersion
from catalog.tables.engine import Query, default_engine
from tests.factories import World, actor, make_dataset

pytestmark = pytest.mark.django_db

ITEMS = [
    {"name": "编号", "column": "code", "is_key": True},
    {"name": "月份", "column": "month", "is_key": True},
    {"name": "数量", "column": "n", "data_type": "N"},
]


def put(
    world: World, dataset: Dataset, content: str, mode: LoadMode = LoadMode.REPLACE, name: str = "a.csv"
) -> IngestJob:
    upload = SimpleUploadedFile(name, content.encode())
    job = loading.start(dataset=dataset, upload=upload, actor=actor(world.cataloguer), mode=mode)
    return loading.run(job.pk)


def rows(dataset: Dataset) -> list[tuple[Any, ...]]:
    version = TableVersion.objects.get(current_of__dataset=dataset)
    return default_engine().page(version.ref, Query()).rows


@pytest.fixture
def dataset(world: World) -> Dataset:
    made = make_dataset(world.city_bureau, "月报", items=ITEMS)
    assert put(world, made, "code,month,n\nA,01,1\nB,01,2\n").state == "done"
    return made


def test_rows_are_added_after_those_there(world: World, dataset: Dataset) -> None:
    job = put(world, dataset, "code,month,n\nA,02,3\n", LoadMode.APPEND)
    assert (job.state, job.done) == ("done", 3)
    assert rows(dataset) == [("A", "01", 1), ("A", "02", 3), ("B", "01", 2)]
    assert [v.row_count for v in TableVersion.objects.order_by("number")] == [2, 3]


def test_rows_with_a_known_key_are_renewed_and_the_last_of_a_file_counts(world: World, dataset: Dataset) -> None:
    job = put(world, dataset, "code,month,n\nB,01,20\nC,01,5\nB,01,21\n", LoadMode.MERGE)
    assert job.state == "done"
    assert rows(dataset) == [("A", "01", 1), ("B", "01", 21), ("C", "01", 5)]


def test_fractions_widen_the_column_of_all_rows(world: World, dataset: Dataset) -> None:
    put(world, dataset, "code,month,n\nA,02,0.5\n", LoadMode.APPEND)
    assert [row[2] for row in rows(dataset)] == [1.0, 0.5, 2.0]


@pytest.mark.parametrize("content", ["code,month\nA,02\n", "code,month,n,more\nA,02,1,x\n", "a,b,c\n1,2,3\n"])
@pytest.mark.parametrize("mode", [LoadMode.APPEND, LoadMode.MERGE])
def test_a_file_with_other_columns_adds_nothing(world: World, dataset: Dataset, content: str, mode: LoadMode) -> None:
    job = put(world, dataset, content, mode)
    assert (job.state, bool(job.error)) == ("failed", True)
    assert rows(dataset) == [("A", "01", 1), ("B", "01", 2)]


def test_without_a_key_nothing_is_merged(world: World) -> None:
    made = make_dataset(world.city_bureau, "台账", items=[], state="draft")
    put(world, made, "x,y\n1,1\n1,1\n")
    job = put(world, made, "x,y\n1,2\n", LoadMode.MERGE)
    assert job.state == "failed"
    assert rows(made) == [(1, 1), (1, 1)]


def test_the_first_load_replaces_nothing_whatever_is_chosen(world: World) -> None:
    made = make_dataset(world.city_bureau, "台账", items=[], state="draft")
    assert put(world, made, "x,y\n1,1\n", LoadMode.APPEND).state == "done"
    assert rows(made) == [(1, 1)]


def test_the_mode_is_chosen_on_the_page_once_there_is_a_table(
    world: World, client: Client, dataset: Dataset, run_jobs: Callable[[], None]
) -> None:
    client.force_login(world.cataloguer)
    url = f"/catalog/{dataset.pk}/upload/"
    assert 'name="mode"' in client.get(url).content.decode()
    file = SimpleUploadedFile("b.csv", b"code,month,n\nC,01,9\n")
    assert client.post(url, {"file": file, "mode": "append"}).status_code == 302
    run_jobs()
    assert len(rows(dataset)) == 3
    empty = make_dataset(world.city_bureau, "空", items=[], state="draft")
    assert 'name="mode"' not in client.get(f"/catalog/{empty.pk}/upload/").content.decode()
