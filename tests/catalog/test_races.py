"""What was looked at is what is agreed to, and data do not change under a review."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog import lifecycle, loading, tasks
from catalog.models import Dataset, DatasetState, IngestJob
from portal.errors import WrongState
from tests.factories import World, actor, dataset_values, load, make_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.UPLOADS_ROOT = tmp_path


def upload(content: bytes = b"code,name\n01,a\n") -> SimpleUploadedFile:
    return SimpleUploadedFile("a.csv", content)


def test_a_record_is_not_submitted_while_its_file_is_loading(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气", state=DatasetState.DRAFT)
    job = loading.start(dataset=dataset, upload=upload(), actor=actor(world.cataloguer))
    with pytest.raises(WrongState):
        lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    loading.run(job.pk)
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    assert Dataset.objects.get().state == DatasetState.DEPARTMENT_REVIEW


def test_a_failed_load_is_not_tried_again_under_a_review(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气", state=DatasetState.DRAFT)
    job = loading.start(dataset=dataset, upload=upload(b"code,name\n"), actor=actor(world.cataloguer))
    assert loading.run(job.pk).state == "failed"
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    with pytest.raises(WrongState):
        loading.retry(job=job, actor=actor(world.cataloguer))
    assert IngestJob.objects.get().state == "failed"


def test_a_failed_load_is_not_tried_again_beside_another(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气", state=DatasetState.DRAFT)
    failed = loading.start(dataset=dataset, upload=upload(b"code,name\n"), actor=actor(world.cataloguer))
    loading.run(failed.pk)
    path = loading.upload_path(failed.pk)
    assert path.exists()
    IngestJob.objects.filter(pk=failed.pk).update(state="queued")
    other = IngestJob.objects.get()
    IngestJob.objects.filter(pk=failed.pk).update(state="failed")
    IngestJob.objects.create(distribution=other.distribution, file_name="b.csv", file_size=1)
    with pytest.raises(WrongState):
        loading.retry(job=failed, actor=actor(world.cataloguer))


def test_the_file_of_a_failed_load_goes_when_another_takes_its_place(
    world: World, django_capture_on_commit_callbacks: object
) -> None:
    dataset = make_dataset(world.city_bureau, "空气", state=DatasetState.DRAFT)
    failed = loading.start(dataset=dataset, upload=upload(b"code,name\n"), actor=actor(world.cataloguer))
    loading.run(failed.pk)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        load(dataset, b"code,name\n01,a\n")
    assert not loading.upload_path(failed.pk).exists()


def test_nobody_agrees_to_a_record_that_changed_since_they_read_it(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气", state=DatasetState.DRAFT)
    cataloguer, reviewer = actor(world.cataloguer), actor(world.provider2)
    read = lifecycle.submit(dataset=dataset, actor=cataloguer).revision
    lifecycle.return_for_changes(dataset=dataset, actor=reviewer, reason="请补充")
    values = dataset_values("空气质量")
    lifecycle.update(dataset=dataset, actor=cataloguer, values=values, seen_revision=read)
    lifecycle.submit(dataset=dataset, actor=cataloguer)
    with pytest.raises(WrongState):
        lifecycle.approve(dataset=dataset, actor=reviewer, seen_revision=read)
    assert Dataset.objects.get().state == DatasetState.DEPARTMENT_REVIEW
    lifecycle.approve(dataset=dataset, actor=reviewer, seen_revision=read + 1)
    assert Dataset.objects.get().state == DatasetState.AUTHORITY_REVIEW


def test_a_load_that_ends_its_workers_is_given_up_and_frees_the_dataset(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气", state=DatasetState.DRAFT)
    job = loading.start(dataset=dataset, upload=upload(), actor=actor(world.cataloguer))
    IngestJob.objects.update(state="running")
    context = mock.Mock()
    context.job.attempts = 3
    tasks.run_ingest.func(context, job_id=str(job.pk))
    ended = IngestJob.objects.get()
    assert (ended.state, ended.error_code, loading.upload_path(job.pk).exists()) == ("failed", "given_up", False)
    load(dataset, b"code,name\n01,a\n")
    tasks.run_ingest.func(context, job_id=str(IngestJob.objects.latest("created_at").pk))
    assert IngestJob.objects.latest("created_at").state == "done"
