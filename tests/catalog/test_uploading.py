"""Files in parts: they go on where they stopped, belong to one person, and load like any other; types may be chosen."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from catalog import loading, uploading
from catalog.models import Dataset, DatasetState, IngestJob, JobState, PartialUpload
from catalog.tables.engine import Query, default_engine
from tests.factories import World, make_dataset

pytestmark = pytest.mark.django_db
CONTENT = "编号,数量,说明\n0101,1,甲\n0102,2,乙\n".encode()
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def draft(world: World) -> Dataset:
    return make_dataset(world.city_bureau, "站点", items=[], state=DatasetState.DRAFT)


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.cataloguer)
    return client


def create(client: Client, dataset: Dataset, size: int, name: str = "站点.csv") -> Any:
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    headers = TUS | {"Upload-Length": str(size), "Upload-Metadata": metadata}
    return client.post(f"/catalog/{dataset.pk}/uploads/", headers=headers)


def part(client: Client, url: str, offset: int, content: bytes) -> Any:
    headers = TUS | {"Upload-Offset": str(offset)}
    return client.patch(url, content, content_type="application/offset+octet-stream", headers=headers)


def send(client: Client, dataset: Dataset, content: bytes = CONTENT) -> str:
    url: str = create(client, dataset, len(content)).headers["Location"]
    assert part(client, url, 0, content).status_code == 204
    return url.rstrip("/").rsplit("/", 1)[-1]


def rows(dataset: Dataset) -> list[Any]:
    current = dataset.distributions.get().current
    assert current is not None
    return default_engine().page(current.ref, Query()).rows


def test_a_file_in_parts_goes_on_where_it_stopped_and_loads(
    client: Client, draft: Dataset, run_jobs: Callable[[], None]
) -> None:
    answer = create(client, draft, len(CONTENT))
    assert (answer.status_code, answer.headers["Tus-Resumable"]) == (201, "1.0.0")
    url = answer.headers["Location"]
    assert part(client, url, 0, CONTENT[:10]).headers["Upload-Offset"] == "10"
    known = client.head(url)
    assert (known.headers["Upload-Offset"], known.headers["Upload-Length"]) == ("10", str(len(CONTENT)))
    assert part(client, url, 4, b"x").status_code == 409
    early = client.post(f"/catalog/{draft.pk}/upload/", {"upload": url.rstrip("/").rsplit("/", 1)[-1]})
    assert (early.status_code, IngestJob.objects.count()) == (422, 0)
    assert part(client, url, 10, CONTENT[10:]).headers["Upload-Offset"] == str(len(CONTENT))
    done = client.post(f"/catalog/{draft.pk}/upload/", {"upload": url.rstrip("/").rsplit("/", 1)[-1]})
    assert (done.status_code, PartialUpload.objects.count()) == (302, 0)
    run_jobs()
    assert rows(draft) == [("0101", 1, "甲"), ("0102", 2, "乙")]
    assert list(Path(settings.UPLOADS_ROOT).iterdir()) == []


class Broken:
    """A line that breaks in the middle of a part."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, size: int, /) -> bytes:
        if not self.content:
            raise OSError("connection reset")
        found, self.content = self.content[:3], self.content[3:]
        return found


def test_what_came_before_the_line_broke_is_kept(client: Client, draft: Dataset) -> None:
    upload = PartialUpload.objects.get(pk=create(client, draft, 10).headers["Location"].rstrip("/").rsplit("/", 1)[-1])
    assert uploading.append(upload=upload, offset=0, body=Broken(b"abcdef"), length=10) == 6
    assert uploading.path_of(upload).read_bytes() == b"abcdef"
    upload.refresh_from_db()
    assert uploading.append(upload=upload, offset=6, body=Broken(b"ghij"), length=4) == 10


def test_parts_that_cannot_be_are_refused(client: Client, draft: Dataset, world: World) -> None:
    assert create(client, draft, 0).status_code == 400
    assert create(client, draft, settings.UPLOAD_LIMIT_BYTES + 1).status_code == 400
    url = create(client, draft, 5).headers["Location"]
    assert part(client, url, 0, b"123456").status_code == 400
    assert client.patch(url, b"1", content_type="text/plain", headers=TUS | {"Upload-Offset": "0"}).status_code == 415
    stranger = Client()
    stranger.force_login(world.provider2)
    assert part(stranger, url, 0, b"12345").status_code == 404
    assert create(stranger, draft, 5).status_code in (403, 404)
    assert PartialUpload.objects.get().received == 0
    for _n in range(uploading.AT_ONCE - 1):
        create(client, draft, 5)
    assert create(client, draft, 5).status_code == 422


def test_a_file_is_dropped_on_request_and_when_nobody_goes_on(client: Client, draft: Dataset) -> None:
    first = create(client, draft, 5).headers["Location"]
    assert client.delete(first).status_code == 204
    create(client, draft, 5)
    assert uploading.forget_old() == 0
    assert uploading.forget_old(timezone.now() + uploading.KEPT * 1.1) == 1
    assert (PartialUpload.objects.count(), list(Path(settings.UPLOADS_ROOT).iterdir())) == (0, [])


def test_types_and_key_are_checked_before_loading(client: Client, draft: Dataset, run_jobs: Callable[[], None]) -> None:
    answer = client.post(f"/catalog/{draft.pk}/upload/", {"upload": send(client, draft), "check": "1"})
    job = IngestJob.objects.get()
    assert (answer.headers["Location"], job.state) == (f"/catalog/jobs/{job.pk}/types/", JobState.STAGED)
    run_jobs()
    assert draft.distributions.get().current is None
    page = client.get(f"/catalog/jobs/{job.pk}/types/").content.decode()
    assert "0101" in page and 'name="type-数量"' in page
    chosen = {"type-编号": "text", "type-数量": "text", "type-说明": "text", "key-编号": "on"}
    assert client.post(f"/catalog/jobs/{job.pk}/types/", chosen).status_code == 302
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.types, job.key) == ("done", {"数量": "text"}, ["编号"])
    assert rows(draft) == [("0101", "1", "甲"), ("0102", "2", "乙")]
    again = client.post(f"/catalog/jobs/{job.pk}/types/", chosen)
    assert (again.status_code, IngestJob.objects.get().state) == (302, "done")


def test_a_chosen_type_is_enforced_with_line_numbers(
    client: Client, draft: Dataset, run_jobs: Callable[[], None]
) -> None:
    content = b"code,n\nA,1\nB,x\nC,3\n"
    client.post(f"/catalog/{draft.pk}/upload/", {"upload": send(client, draft, content), "check": "1"})
    job = IngestJob.objects.get()
    client.post(f"/catalog/jobs/{job.pk}/types/", {"type-code": "text", "type-n": "integer", "key-code": "on"})
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.done, job.rejected_count) == ("done", 2, 1)
    assert loading.reject_path(job).read_text("utf-8-sig").splitlines()[1].startswith("3,n,")


def test_a_staged_file_gives_way_to_a_newer_one_and_is_forgotten(client: Client, draft: Dataset) -> None:
    client.post(f"/catalog/{draft.pk}/upload/", {"upload": send(client, draft), "check": "1"})
    client.post(f"/catalog/{draft.pk}/upload/", {"upload": send(client, draft), "check": "1"})
    assert list(IngestJob.objects.order_by("created_at").values_list("state", flat=True)) == ["cancelled", "staged"]
    IngestJob.objects.update(created_at=timezone.now() - loading.STAGED_KEPT * 2)
    assert loading.forget_staged() == 1
    assert not IngestJob.objects.filter(state="staged").exists()
