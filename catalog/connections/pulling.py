"""Standing orders to read a record's table from a database, and carrying them out through the one road of loads."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import loading
from catalog.connections import databases
from catalog.connections.databases import Reading
from catalog.models import Cadence, DatabaseSource, Dataset, DatasetState, IngestJob, JobState, LoadMode, TablePull
from catalog.tables.errors import Cancelled
from catalog.tables.schema import Column, column_names
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.duties import holders
from portal.departments.models import Duty
from portal.errors import InvalidInput, PortalError, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify

logger = logging.getLogger(__name__)

EVERY = {
    Cadence.HOURLY: dt.timedelta(hours=1),
    Cadence.DAILY: dt.timedelta(days=1),
    Cadence.WEEKLY: dt.timedelta(days=7),
    Cadence.MONTHLY: dt.timedelta(days=30),
}
ASK_EVERY = 10


@dataclass(frozen=True)
class Order:
    """What is pulled and how: see TablePull."""

    source: DatabaseSource
    schema: str
    table: str
    columns: list[str]
    key: list[str] = field(default_factory=list)
    mode: LoadMode = LoadMode.REPLACE
    watermark: str = ""
    cadence: Cadence = Cadence.MANUAL


def next_after(moment: dt.datetime, cadence: str) -> dt.datetime | None:
    """When the next pull is due after one at ``moment``; None when only by hand."""
    every = EVERY.get(Cadence(cadence))
    return moment + every if every else None


def order(*, dataset: Dataset, actor: Actor, wanted: Order) -> TablePull:
    """Set the pull of a record, in place of the one it had; the first pull begins at once.

    Raises:
        InvalidInput: what is wanted does not fit the table. WrongState: a load is running, or the record is in review.
        SourceFailed: the database cannot be read.
    """
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    assert actor.user is not None
    source = wanted.source
    access.require(actor, Permission.CONNECTION_MANAGE, source.department)
    if source.department_id != dataset.provider_id:
        raise InvalidInput(fields={"source": [_("This is the database of another department.")]})
    known = {column.name: column for column in databases.columns(source, wanted.schema, wanted.table)}
    _check(wanted, known)
    titles = {name: known[name].comment for name in wanted.columns if known[name].comment}
    with transaction.atomic():
        dataset = loading.lock(dataset.pk)
        before = TablePull.objects.filter(dataset=dataset).first()
        same = before is not None and _continues(before, wanted)
        values = {
            "source": source,
            "schema": wanted.schema,
            "table": wanted.table,
            "columns": wanted.columns,
            "key": wanted.key,
            "mode": wanted.mode,
            "watermark": wanted.watermark,
            "cadence": wanted.cadence,
            "titles": titles,
            "reached": before.reached if before and same else "",
            "next_at": next_after(timezone.now(), wanted.cadence),
            "is_paused": False,
        }
        pull, _made = TablePull.objects.update_or_create(
            dataset=dataset, defaults=values, create_defaults={**values, "created_by": actor.user}
        )
        data = {"source": source.title, "table": pull.full_name, "mode": pull.mode, "cadence": pull.cadence}
        record.append(stream=record.stream_of(dataset), verb="pull.ordered", actor=actor, data=data)
        _begin(pull, actor)
    return pull


def _continues(before: TablePull, wanted: Order) -> bool:
    """Whether the mark that was reached holds for what is wanted now."""
    names = ("source", "schema", "table", "watermark", "mode", "columns", "key")
    return all(getattr(before, name) == getattr(wanted, name) for name in names)


def _check(wanted: Order, known: dict[str, databases.SourceColumn]) -> None:
    faults: dict[str, list[str]] = {}
    if not wanted.columns or any(name not in known for name in wanted.columns):
        faults["columns"] = [_("Choose the columns to pull.")]
    if wanted.mode == LoadMode.MERGE and not wanted.key:
        faults["key"] = [_("Choose the key by which rows are renewed.")]
    if any(name not in wanted.columns for name in wanted.key):
        faults["key"] = [_("The key must be among the columns.")]
    if (wanted.mode == LoadMode.REPLACE) == bool(wanted.watermark):
        faults["watermark"] = [_("Choose a growing column where rows are kept, and none where all are replaced.")]
    elif wanted.watermark and (wanted.watermark not in known or not known[wanted.watermark].grows):
        faults["watermark"] = [_("Choose a column of numbers, dates or times that only grows.")]
    elif wanted.mode == LoadMode.APPEND and not known[wanted.watermark].counts:
        # two rows may have one moment; the later of them would be missed
        faults["watermark"] = [_("Rows are added by a serial number. Where there is none, renew them by their key.")]
    if faults:
        raise InvalidInput(fields=faults)


@transaction.atomic
def pull_now(*, dataset: Dataset, actor: Actor) -> IngestJob:
    """Begin a pull at once.

    Raises:
        WrongState: nothing is ordered, a load is running, or the record is in review.
    """
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    loading.lock(dataset.pk)
    pull = TablePull.objects.filter(dataset=dataset).first()
    if pull is None:
        raise WrongState
    return _begin(pull, actor)


def _begin(pull: TablePull, actor: Actor) -> IngestJob:
    """Queue the job of a pull; the record is locked before the order, here as when a load ends."""
    name = pull.full_name[:255]
    job = IngestJob(file_name=name, file_size=0, mode=_mode(pull), is_pulled=True, created_by=actor.user)
    loading.queue(job, pull.dataset, actor)
    return job


def _mode(pull: TablePull) -> LoadMode:
    """How rows are loaded now: while nothing was reached, all are read and take the place of what is there."""
    return LoadMode(pull.mode) if pull.reached else LoadMode.REPLACE


@transaction.atomic
def pause(*, dataset: Dataset, actor: Actor, is_paused: bool) -> None:
    """Stop the clock of a pull, or let it run again from now."""
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    pull = TablePull.objects.select_for_update().get(dataset=dataset)
    if pull.is_paused == is_paused:
        return
    next_at = None if is_paused else next_after(timezone.now(), pull.cadence)
    TablePull.objects.filter(pk=pull.pk).update(is_paused=is_paused, next_at=next_at)
    verb = "pull.paused" if is_paused else "pull.resumed"
    record.append(stream=record.stream_of(dataset), verb=verb, actor=actor, data={"table": pull.full_name})


@transaction.atomic
def end(*, dataset: Dataset, actor: Actor) -> None:
    """Give a pull up; the rows that were loaded stay."""
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    pull = TablePull.objects.select_for_update().filter(dataset=dataset).first()
    if pull is not None:
        record.append(stream=record.stream_of(dataset), verb="pull.ended", actor=actor, data={"table": pull.full_name})
        pull.delete()


def begin_due() -> int:
    """Begin every pull whose time has come; one that cannot begin now is tried at the next round. Returns how many.

    Nothing is read for a record that was withdrawn.
    """
    begun = 0
    now = timezone.now()
    due = TablePull.objects.filter(is_paused=False, next_at__lte=now).exclude(dataset__state=DatasetState.WITHDRAWN)
    for pk in due.order_by("next_at").values_list("pk", flat=True):
        try:
            begun += _begin_one(pk, now)
        except WrongState:
            continue
        except PortalError as error:
            logger.warning("pull of %s did not begin: %s", pk, error.code)
    return begun


@transaction.atomic
def _begin_one(pk: UUID, now: dt.datetime) -> bool:
    loading.lock(pk)
    pull = TablePull.objects.select_related("dataset").filter(pk=pk, is_paused=False, next_at__lte=now).first()
    if pull is None or pull.dataset.state == DatasetState.WITHDRAWN:
        return False
    _begin(pull, Actor.system())
    TablePull.objects.filter(pk=pk).update(next_at=next_after(now, pull.cadence))
    return True


def read(job: IngestJob) -> bool:
    """Bring the rows of a job's pull to where its file is expected; False when there is nothing new.

    Raises:
        SourceFailed: the database cannot be read. Cancelled: somebody stopped it.
    """
    pull = TablePull.objects.select_related("source").filter(dataset=job.distribution.dataset_id).first()
    if pull is None:
        raise WrongState(_("This pull was given up."))

    def on_rows(rows: int) -> None:
        if rows % (databases.BATCH * ASK_EVERY):
            return
        IngestJob.objects.filter(pk=job.pk).update(phase="pulling", done=rows)
        if IngestJob.objects.filter(pk=job.pk, stop_requested=True).exists():
            raise Cancelled

    path = loading.upload_path(job.pk)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    job.mode = _mode(pull)  # the order may have changed since the job was made
    reading = Reading(
        pull.schema,
        pull.table,
        pull.columns,
        pull.watermark,
        pull.reached if job.mode != LoadMode.REPLACE else "",
        job.mode == LoadMode.MERGE,
    )
    fetched = databases.fetch(pull.source, reading, path, on_rows=on_rows)
    if not fetched.rows and not path.exists():
        return False
    names = _names(pull)
    job.reached, job.file_size = fetched.reached, path.stat().st_size
    job.key = [names[column] for column in pull.key]
    job.types = {names[column]: kind.value for column, kind in fetched.types.items()}
    job.save(update_fields=["mode", "reached", "file_size", "key", "types"])
    return True


def _names(pull: TablePull) -> dict[str, str]:
    """Columns of the database → the names they have in the portal's table."""
    return dict(zip(pull.columns, column_names(pull.columns), strict=True))


def titled(job: IngestJob, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns with the titles that the database has for them."""
    pull = TablePull.objects.filter(dataset=job.distribution.dataset_id).first()
    names = _names(pull) if pull else {}
    known = {names[column]: title for column, title in pull.titles.items() if column in names} if pull else {}
    return tuple(replace(column, title=known.get(column.name, column.title)) for column in columns)


def settle(job: IngestJob) -> None:
    """Note on the order how its job went, in the transaction that ends the job; the first failure is told."""
    if job.state == JobState.FAILED:
        loading.upload_path(job.pk).unlink(missing_ok=True)  # another try reads the database again
    pull = TablePull.objects.select_for_update().filter(dataset=job.distribution.dataset_id).first()
    if pull is None or job.state not in (JobState.DONE, JobState.FAILED):
        return
    has_failed = job.state == JobState.FAILED
    if has_failed and not pull.has_failed:
        dataset = job.distribution.dataset
        people = holders(dataset.provider, Duty.CATALOGUER)
        data = {"title": dataset.title, "table": pull.full_name}
        notify(
            people,
            NoticeKind.PULL_FAILED,
            url=f"{dataset.get_absolute_url()}#data",
            data=data,
            department=dataset.provider,
        )
    pull.has_failed = has_failed
    if job.reached and not has_failed:
        pull.reached = job.reached
    pull.save(update_fields=["has_failed", "reached"])
