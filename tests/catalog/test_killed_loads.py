"""A worker that is killed in the middle of a load loses nothing and leaves no half version; nor does a full disk."""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connections

from catalog import loading
from catalog.models import Dataset, DatasetState, IngestJob, JobState, LoadMode, TableVersion
from catalog.tables.engine import Query, default_engine
from catalog.tables.errors import StorageFull
from catalog.tables.storage import TableStorage
from portal.access import Actor
from tests.factories import World, load, make_dataset

ROWS = 60_000
KILLS = 20


def content(first: int) -> bytes:
    lines = (f"{number:06d},{'名' * 20},{first + number},{number}.25" for number in range(ROWS))
    return ("code,name,n,x\n" + "\n".join(lines) + "\n").encode()


def start(dataset: Dataset, data: bytes, mode: LoadMode = LoadMode.REPLACE) -> IngestJob:
    return loading.start(dataset=dataset, upload=SimpleUploadedFile("a.csv", data), actor=Actor.system(), mode=mode)


def served(dataset: Dataset) -> tuple[int, int]:
    """Rows and the sum of ``n`` that readers get now."""
    distribution = dataset.distributions.get()
    assert distribution.current is not None
    ref = distribution.current.ref
    total = default_engine().group(ref, by="name", measure="n", function="sum")[0][1]
    return default_engine().count(ref), int(total)


def killed_after(seconds: float, job: IngestJob) -> bool:
    """Load in a process of its own that gets SIGKILL after so long; whether it was still at work then."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            loading.run(job.pk)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_killing_the_worker_at_random_points_loses_nothing_and_leaves_no_half_version(committed: None) -> None:
    dataset = make_dataset(World().city_bureau, "台账", items=[], state=DatasetState.DRAFT)
    load(dataset, content(0))
    sums = {number: sum(range(number, number + ROWS)) for number in (0, 1)}
    started = time.monotonic()
    loading.run(start(dataset, content(0)).pk)
    whole = time.monotonic() - started
    now, kills = 0, 0
    chance = random.Random(5)
    for _round in range(KILLS):
        job = start(dataset, content(1 - now))
        kills += killed_after(chance.uniform(0, whole * 1.1), job)
        job.refresh_from_db()
        is_done = job.state == JobState.DONE
        assert served(dataset) == (ROWS, sums[1 - now if is_done else now])
        assert loading.run(job.pk).state == JobState.DONE
        now = 1 - now
        assert served(dataset) == (ROWS, sums[now])
    assert kills >= KILLS // 2, "the kills came too late to mean anything"
    assert set(TableVersion.objects.values_list("row_count", flat=True)) == {ROWS}
    assert [path for path in Path(settings.UPLOADS_ROOT).iterdir() if path.is_file()] == []


@pytest.fixture
def dataset(world: World) -> Dataset:
    return load(make_dataset(world.city_bureau, "台账", items=[], state=DatasetState.DRAFT), b"code,n\n01,1\n")


def read(dataset: Dataset) -> list[Any]:
    current = dataset.distributions.get().current
    assert current is not None
    return default_engine().page(current.ref, Query()).rows


@pytest.mark.django_db
def test_a_full_disk_leaves_the_old_version_and_a_retry_that_succeeds(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: TableStorage, table_id: Any, parquet: Path) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    job = start(dataset, b"code,n\n01,2\n")
    with monkeypatch.context() as patch:
        patch.setattr(TableStorage, "commit", full)
        failed = loading.run(job.pk)
    assert (failed.state, failed.error_code, failed.error) == ("failed", "storage_full", str(StorageFull()))
    assert read(dataset) == [("01", 1)]
    loading.retry(job=job, actor=Actor.system())
    assert loading.run(job.pk).state == "done"
    assert read(dataset) == [("01", 2)]


@pytest.mark.django_db
@pytest.mark.parametrize(("lost", "state"), [(["_finish"], "failed"), (["_finish", "_note"], "queued")])
def test_a_database_that_goes_away_leaves_the_old_version_and_a_job_that_can_be_run(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, lost: list[str], state: str
) -> None:
    job = start(dataset, b"code,n\n01,2\n")

    def gone(*_args: Any, **_values: Any) -> None:
        raise OperationalError("the connection is lost")

    with monkeypatch.context() as patch:
        for name in lost:
            patch.setattr(loading, name, gone)
        with pytest.raises(OperationalError):
            loading.run(job.pk)
    job.refresh_from_db()
    assert job.state == state
    assert read(dataset) == [("01", 1)]
    if state == "failed":
        loading.retry(job=job, actor=Actor.system())
    assert loading.run(job.pk).state == "done"
    assert read(dataset) == [("01", 2)]
