"""Uploads over HTTP: what loads, what is refused, what is kept aside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog import loading
from catalog.models import Dataset, DatasetState, IngestJob, TableVersion
from portal.audit import checks
from portal.audit.models import Event
from tests.factories import World, load, make_dataset
from tests.words import zh

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(world: World) -> Dataset:
    return make_dataset(world.city_bureau, "站点", items=[], state=DatasetState.DRAFT)


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.cataloguer)
    return client


def upload(client: Client, dataset: Dataset, content: bytes, name: str = "站点.csv") -> Any:
    return client.post(f"/catalog/{dataset.pk}/upload/", {"file": SimpleUploadedFile(name, content)})


def stored_files() -> list[Path]:
    return [path for path in Path(settings.UPLOADS_ROOT).iterdir() if path.is_file()]


def test_a_gb18030_file_with_leading_zeros_becomes_items_and_rows(
    client: Client, draft: Dataset, run_jobs: Callable[[], None]
) -> None:
    content = "代码,名称,数量\r\n0101,卧龙桥,3\r\n0102,西溪,4\r\n".encode("gb18030")
    assert upload(client, draft, content).headers["Location"] == f"/catalog/{draft.pk}/#data"
    run_jobs()
    job = IngestJob.objects.get()
    assert (job.state, job.done, job.rejected_count) == ("done", 2, 0)
    assert list(draft.items.values_list("name", "data_type", "is_key")) == [
        ("代码", "C", True),
        ("名称", "C", False),
        ("数量", "N", False),
    ]
    assert "0101" in client.get(f"/catalog/{draft.pk}/").content.decode()
    assert stored_files() == []
    assert [found for _name, rows in checks.run() for found in rows] == []


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"PK\x03\x04" + b"x" * 50, "a.csv"), (b"%PDF-1.7", "a.csv"), (b"<html></html>", "a.csv"), (b"", "a.csv")],
)
def test_a_file_that_is_not_what_it_claims_leaves_nothing(
    client: Client, draft: Dataset, content: bytes, name: str
) -> None:
    response = upload(client, draft, content, name)
    assert (response.status_code, IngestJob.objects.count()) == (422, 0)
    assert 'class="errors"' in response.content.decode()
    assert stored_files() == []
    assert draft.distributions.count() == 0


def test_broken_rows_go_to_a_file_with_their_lines_and_the_others_load(
    client: Client, draft: Dataset, run_jobs: Callable[[], None]
) -> None:
    upload(client, draft, b'code,n\n01,1\n02\n03,"a\nb"\n\n04,1,2\n')
    run_jobs()
    job = IngestJob.objects.get()
    assert (job.state, job.done, job.rejected_count) == ("done", 2, 2)
    answer = client.get(f"/catalog/jobs/{job.pk}/rejects/")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["3", "7"]


def test_running_a_job_twice_changes_nothing(client: Client, draft: Dataset, run_jobs: Callable[[], None]) -> None:
    upload(client, draft, b"code,n\n01,1\n")
    run_jobs()
    loading.run(IngestJob.objects.get().pk)
    assert TableVersion.objects.count() == 1


def test_a_second_file_is_a_new_version_and_readers_see_it_whole(world: World, draft: Dataset) -> None:
    load(draft, b"code,n\n01,1\n")
    load(draft, b"code,n\n01,1\n02,2\n")
    distribution = draft.distributions.get()
    assert distribution.current is not None
    assert [(v.number, v.row_count) for v in distribution.versions.all()] == [(1, 2), (0, 1)]
    assert distribution.current.number == 1


def test_two_loads_of_a_dataset_do_not_run_at_once(client: Client, draft: Dataset) -> None:
    upload(client, draft, b"code,n\n01,1\n")
    response = upload(client, draft, b"code,n\n01,1\n")
    assert response.status_code == 422
    assert zh("Another file of this dataset is being loaded. Wait until it is done.") in response.content.decode()
    assert (IngestJob.objects.count(), len(stored_files())) == (1, 1)
    loading.upload_path(IngestJob.objects.get().pk).unlink()


def test_a_waiting_job_can_be_cancelled(client: Client, draft: Dataset) -> None:
    upload(client, draft, b"code,n\n01,1\n")
    job = IngestJob.objects.get()
    client.post(f"/catalog/jobs/{job.pk}/cancel/")
    assert (loading.run(job.pk).state, stored_files()) == ("cancelled", [])


def test_a_running_job_that_is_stopped_writes_nothing_and_keeps_no_file(client: Client, draft: Dataset) -> None:
    upload(client, draft, b"code,n\n01,1\n")
    job = IngestJob.objects.get()
    IngestJob.objects.update(stop_requested=True)
    assert loading.run(job.pk).state == "cancelled"
    assert (TableVersion.objects.count(), stored_files()) == (0, [])


@pytest.mark.parametrize(
    ("content", "named"), [(b"code,name,more\n01,a,b\n", "more"), (b"code\n01\n", "名称"), (b"code,name\n", "0")]
)
def test_a_published_dataset_takes_only_files_with_its_columns(
    world: World, client: Client, content: bytes, named: str, run_jobs: Callable[[], None]
) -> None:
    dataset = make_dataset(world.city_bureau, "已发布")
    upload(client, dataset, content)
    run_jobs()
    job = IngestJob.objects.get()
    assert (job.state, job.error_code, named in job.error) == ("failed", "bad_file", True)
    assert TableVersion.objects.count() == 0
    loading.upload_path(job.pk).unlink()


def test_a_record_in_review_takes_no_data_and_strangers_cannot_upload(world: World, client: Client) -> None:
    dataset = make_dataset(world.city_bureau, "审核中", state=DatasetState.DEPARTMENT_REVIEW)
    assert upload(client, dataset, b"code,n\n01,1\n").status_code == 422
    client.force_login(world.provider)
    assert upload(client, make_dataset(world.city_bureau, "别人的"), b"a\n1\n").status_code == 403
    assert IngestJob.objects.count() == 0


def test_the_job_page_refreshes_while_it_runs(client: Client, draft: Dataset) -> None:
    upload(client, draft, b"code,n\n01,1\n")
    job = IngestJob.objects.get()
    assert 'hx-trigger="every 1s"' in client.get(f"/catalog/jobs/{job.pk}/").content.decode()
    loading.run(job.pk)
    assert "hx-trigger" not in client.get(f"/catalog/jobs/{job.pk}/").content.decode()


def test_a_download_from_the_catalogue_is_recorded_without_its_values(
    client: Client, draft: Dataset, world: World
) -> None:
    load(draft, "code,name\n01,卧龙桥\n02,乙\n".encode())
    body = b"".join(client.get(f"/catalog/{draft.pk}/export/csv/").streaming_content)
    event = Event.objects.get(verb="data.exported")
    assert "卧龙桥" in body.decode("utf-8-sig")
    assert event.data == {"dataset": draft.code, "format": "csv", "rows": 2, "columns": 2}
    assert (event.actor, event.stream) == (world.cataloguer, f"user:{world.cataloguer.pk}")
