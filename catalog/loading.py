"""Uploads: a file is taken in, checked at once for what it is, and loaded by a job into the dataset's table."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import revisions, search
from catalog.documents import snapshot
from catalog.items import columns_of, merge_columns
from catalog.models import (
    Dataset,
    DatasetState,
    Distribution,
    IngestJob,
    JobState,
    LoadMode,
    PartialUpload,
    TableVersion,
)
from catalog.tables import archives, formats, ingest
from catalog.tables.errors import BadFile, Cancelled, StorageFull
from catalog.tables.ingest import IngestResult, Progress
from catalog.tables.schema import Column, ColumnType, columns_to_json
from catalog.tables.storage import default_storage
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.errors import PortalError, WrongState

logger = logging.getLogger(__name__)

STAGED_KEPT = dt.timedelta(days=7)
ALLOWED_STATES = (DatasetState.DRAFT, DatasetState.WITHDRAWN, DatasetState.PUBLISHED)


LoadedCallback = Callable[[TableVersion], None]
_on_loaded: list[LoadedCallback] = []


def on_loaded(callback: LoadedCallback) -> None:
    """Call ``callback(version)`` in the transaction that makes a new table version current; rooms queue their jobs."""
    _on_loaded.append(callback)


def upload_path(job_id: UUID) -> Path:
    """Where the uploaded file of a job waits; the name says nothing about its content."""
    return Path(settings.UPLOADS_ROOT) / str(job_id)


def reject_path(job: IngestJob) -> Path:
    return default_storage().reject_path(job.distribution_id, job.pk)


def start(
    *,
    dataset: Dataset,
    upload: UploadedFile[Any] | PartialUpload,
    actor: Actor,
    mode: LoadMode = LoadMode.REPLACE,
    sheet: str = "",
    is_staged: bool = False,
) -> IngestJob:
    """Take in an uploaded file and queue its loading; a new file becomes a new version of the dataset's table.

    ``mode`` says what becomes of the rows that are there, ``sheet`` which sheet of a workbook is meant (else all with
    the same head). A staged load waits until ``release`` says which types its columns have.

    Raises:
        BadFile: the file is not a table; nothing is kept. WrongState: another load is running, or the record is in
            review.
    """
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    check_state(dataset)
    if upload.size is None or upload.size > settings.UPLOAD_LIMIT_BYTES:
        raise BadFile(_("The file is larger than allowed."))
    name = Path(upload.name or "upload").name[:255]
    state = JobState.STAGED if is_staged else JobState.QUEUED
    job = IngestJob(
        file_name=name, file_size=upload.size, mode=mode, sheet=sheet[:100], state=state, created_by=actor.user
    )
    path = upload_path(job.pk)
    try:
        _store(upload, path)
        kind = archives.kind_of(path)
        if kind:
            archives.check(path)
        else:
            formats.sniff(path, name)
        queue(job, dataset, actor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return job


def check_state(dataset: Dataset) -> None:
    """Raise WrongState while the record's table may not change."""
    if dataset.state not in ALLOWED_STATES:
        raise WrongState(_("A record in review takes no new data. Wait for the review, or ask for its return."))


def lock(dataset_id: UUID) -> Dataset:
    """The record, locked until the transaction ends."""
    return Dataset.objects.select_for_update(of=("self",), no_key=True).get(pk=dataset_id)


def _store(upload: UploadedFile[Any] | PartialUpload, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(upload, PartialUpload):
        (path.parent / f"part-{upload.pk}").replace(path)
        upload.delete()
        return
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file or upload, file, length=1 << 20)


@transaction.atomic
def queue(job: IngestJob, dataset: Dataset, actor: Actor) -> None:
    """Let a worker run a new job; a staged one waits.

    Raises:
        WrongState: another load is running, or the record is in review.
    """
    from catalog.tasks import run_ingest

    dataset = lock(dataset.pk)
    check_state(dataset)
    distribution = dataset.distributions.first() or Distribution.objects.create(dataset=dataset, title=dataset.title)
    job.distribution = distribution
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError as error:
        raise WrongState(_("Another file of this dataset is being loaded. Wait until it is done.")) from error
    data = {"job": str(job.pk), "file": job.file_name, "bytes": job.file_size}
    verb = "table.pull" if job.is_pulled else "table.upload"
    record.append(stream=record.stream_of(dataset), verb=verb, actor=actor, data=data)
    _forget_waiting(distribution, job)
    if job.state == JobState.QUEUED:
        run_ingest.defer(job_id=str(job.pk))


def _forget_waiting(distribution: Distribution, job: IngestJob) -> None:
    """Files of failed loads wait to be tried again, staged ones for their types; a newer file takes their place."""
    waiting = distribution.jobs.filter(state__in=[JobState.FAILED, JobState.STAGED]).exclude(pk=job.pk)
    gone = list(waiting.values_list("pk", flat=True))
    waiting.filter(state=JobState.STAGED).update(state=JobState.CANCELLED, finished_at=timezone.now())
    transaction.on_commit(lambda: _unlink(gone))


@transaction.atomic
def release(*, job: IngestJob, actor: Actor, types: dict[str, str], key: list[str]) -> None:
    """Load a staged file with these types by column, and this key, where they are not to be found by the portal.

    Raises:
        WrongState: it does not wait any more, another load is running, or the record is in review.
    """
    from catalog.tasks import run_ingest

    actor = access.require(actor, Permission.DATASET_EDIT, job.distribution.dataset)
    check_state(lock(job.distribution.dataset_id))
    job = IngestJob.objects.select_for_update().get(pk=job.pk)
    if job.state != JobState.STAGED or not upload_path(job.pk).exists():
        raise WrongState(_("Upload the file again."))
    if job.distribution.jobs.active().exists():
        raise WrongState(_("Another file of this dataset is being loaded. Wait until it is done."))
    job.types, job.key, job.state = types, key, JobState.QUEUED
    job.save(update_fields=["types", "key", "state"])
    run_ingest.defer(job_id=str(job.pk))


def forget_staged() -> int:
    """Remove files whose types nobody checked for a week; returns how many."""
    old = IngestJob.objects.filter(state=JobState.STAGED, created_at__lt=timezone.now() - STAGED_KEPT)
    gone = list(old.values_list("pk", flat=True))
    old.update(state=JobState.CANCELLED, finished_at=timezone.now())
    _unlink(gone)
    return len(gone)


def _unlink(jobs: list[UUID]) -> None:
    for pk in jobs:
        upload_path(pk).unlink(missing_ok=True)


def run(job_id: UUID | str) -> IngestJob:
    """Load the file of a job; safe to run twice, and after a crash in the middle: the table changes at the end or not.

    Errors of the file end the job with a message for the person who uploaded it; they are not raised.
    """
    from catalog.connections import pulling

    job = IngestJob.objects.select_related("distribution__dataset__provider", "created_by").get(pk=job_id)
    if not job.is_active:
        return job
    _note(job, state=JobState.RUNNING, started_at=timezone.now(), done=0, total=job.file_size)
    try:
        if job.is_pulled and not pulling.read(job):
            _end(job, state=JobState.DONE)
        else:
            _finish(job, _load(job))
    except Cancelled as error:
        _end(job, state=JobState.CANCELLED, error=str(error))
        upload_path(job.pk).unlink(missing_ok=True)
    except PortalError as error:
        _end(job, state=JobState.FAILED, error_code=error.code, error=str(error))
    except Exception as error:
        if StorageFull.explains(error):
            logger.error("load %s stopped: the disk is full", job.pk)
            full = StorageFull()
            _end(job, state=JobState.FAILED, error_code=full.code, error=str(full))
            return job
        message = _("The loading failed. Try again; if it fails again, tell the system administrator.")
        _end(job, state=JobState.FAILED, error_code="internal", error=message)
        raise
    else:
        upload_path(job.pk).unlink(missing_ok=True)
    return job


def give_up(job_id: UUID | str) -> None:
    """End a load that no worker survived, with a message for the person who uploaded it; one that ended stays so."""
    job = IngestJob.objects.get(pk=job_id)
    if job.is_active:
        message = _(
            "This file could not be loaded in several attempts. Save it as CSV, in parts if it is large, and upload it."
        )
        _end(job, state=JobState.FAILED, error_code="given_up", error=message)
        upload_path(job.pk).unlink(missing_ok=True)


def _note(job: IngestJob, **values: Any) -> None:
    for name, value in values.items():
        setattr(job, name, value)
    IngestJob.objects.filter(pk=job.pk).update(**values)


@transaction.atomic
def _end(job: IngestJob, **values: Any) -> None:
    """Note how a job ended; a pull's order learns it in the same transaction."""
    from catalog.connections import pulling

    _note(job, **values, finished_at=timezone.now())
    if job.is_pulled:
        pulling.settle(job)


def _load(job: IngestJob) -> IngestResult:
    dataset = job.distribution.dataset
    items = list(dataset.items.all())
    current = job.distribution.current
    declared = columns_of(items, current.schema if current else ())
    base = current.ref if current and job.mode != LoadMode.REPLACE else None

    def on_progress(progress: Progress) -> None:
        _note(job, phase=progress.phase, done=progress.done, total=progress.total)

    def should_stop() -> bool:
        return IngestJob.objects.filter(pk=job.pk, stop_requested=True).exists()

    return ingest.load(
        path=upload_path(job.pk),
        filename=job.file_name,
        table_id=job.distribution_id,
        reject_path=reject_path(job),
        declared=base.columns if base else declared,
        allow_extra=base is None and dataset.state != DatasetState.PUBLISHED,
        wished=tuple(Column(name, "", ColumnType(kind)) for name, kind in job.types.items()),
        key=job.key or [item.column for item in items if item.is_key],
        sheet=job.sheet or None,
        base=base,
        is_merge=job.mode == LoadMode.MERGE,
        on_progress=on_progress,
        should_stop=should_stop,
    )


@transaction.atomic
def _finish(job: IngestJob, result: IngestResult) -> None:
    from catalog.connections import pulling

    dataset = lock(job.distribution.dataset_id)
    if job.is_pulled:
        result = replace(result, columns=pulling.titled(job, result.columns))
    version = TableVersion.objects.create(
        distribution=job.distribution,
        number=result.version,
        columns=columns_to_json(result.columns),
        key=list(result.key),
        row_count=result.rows,
        rejected_count=result.rejected,
        size_bytes=result.size_bytes,
    )
    Distribution.objects.filter(pk=job.distribution_id).update(media_type=result.kind)
    before = snapshot(dataset)
    if merge_columns(dataset, result.columns, result.key):
        revisions.keep(dataset, before)
        dataset.revision += 1
        Dataset.objects.filter(pk=dataset.pk).update(revision=dataset.revision)
    rows = result.rows
    _end(job, state=JobState.DONE, version=version, rejected_count=result.rejected, done=rows, total=rows)
    data = {"job": str(job.pk), "version": result.version, "rows": result.rows, "rejected": result.rejected}
    actor = Actor.of(job.created_by) if job.created_by else Actor.system()
    make_current(version, dataset=dataset, verb="table.loaded", actor=actor, data=data)


def make_current(version: TableVersion, *, dataset: Dataset, verb: str, actor: Actor, data: dict[str, Any]) -> None:
    """Let readers have this version from now on; within a transaction that holds the record's lock."""
    now = timezone.now()
    Distribution.objects.filter(pk=version.distribution_id).update(current=version, modified=now)
    Dataset.objects.filter(pk=dataset.pk).update(modified=now)
    record.append(stream=record.stream_of(dataset), verb=verb, actor=actor, data=data)
    search.index([dataset.pk])
    for callback in _on_loaded:
        callback(version)


@transaction.atomic
def cancel(*, job: IngestJob, actor: Actor) -> None:
    """Ask a running load to stop; one that waits is ended at once. A finished one stays as it is."""
    actor = access.require(actor, Permission.DATASET_EDIT, job.distribution.dataset)
    job = IngestJob.objects.select_for_update().get(pk=job.pk)
    if job.state in (JobState.QUEUED, JobState.STAGED):
        _note(job, state=JobState.CANCELLED, finished_at=timezone.now())
        upload_path(job.pk).unlink(missing_ok=True)
    elif job.state == JobState.RUNNING:
        _note(job, stop_requested=True)


@transaction.atomic
def retry(*, job: IngestJob, actor: Actor) -> None:
    """Queue a failed load again, while its file is still there and the record takes data.

    Raises:
        WrongState: the file is gone, another load of the dataset is running, or the record is in review.
    """
    from catalog.tasks import run_ingest

    actor = access.require(actor, Permission.DATASET_EDIT, job.distribution.dataset)
    check_state(lock(job.distribution.dataset_id))
    job = IngestJob.objects.select_for_update().get(pk=job.pk)
    if job.state != JobState.FAILED or not (job.is_pulled or upload_path(job.pk).exists()):
        raise WrongState(_("Upload the file again."))
    if job.distribution.jobs.active().exists():
        raise WrongState(_("Another file of this dataset is being loaded. Wait until it is done."))
    _note(job, state=JobState.QUEUED, error="", error_code="", stop_requested=False, finished_at=None)
    run_ingest.defer(job_id=str(job.pk))
