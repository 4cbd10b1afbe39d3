"""Imports of records: a file is kept, read and planned by a job, looked at, and loaded by another when confirmed.

Each batch is one transaction that marks its lines, so that a load goes on where a worker left it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import lifecycle, revisions
from catalog.codes import CODE
from catalog.documents import RELATIONS, elements_by_code, fill_values, plain_values
from catalog.exchange import reading
from catalog.exchange.planning import Planner
from catalog.importing import GroupCache, NewRecord, write_new
from catalog.models import Dataset, DatasetState, ImportLine, ImportState, LineState, RecordImport, Theme
from catalog.tables.errors import BadFile
from portal import access
from portal.access import Actor, Permission
from portal.departments.models import Department
from portal.errors import PortalError, WrongState

PLAN_BATCH, LOAD_BATCH = 500, 200


def path_of(pk: UUID) -> Path:
    """Where the file waits until it is planned."""
    return Path(settings.UPLOADS_ROOT) / f"records-{pk}"


def start(*, upload: UploadedFile[Any], actor: Actor, is_queued: bool = True) -> RecordImport:
    """Keep an uploaded file and queue its reading, unless the caller reads it at once.

    Raises:
        BadFile: it is too large.
    """
    from catalog.exchange.tasks import plan_import

    actor = access.require(actor, Permission.RECORD_IMPORT)
    if (upload.size or 0) > settings.RECORD_IMPORT_BYTES:
        raise BadFile(_("The file is larger than allowed."))
    made = RecordImport(file_name=Path(upload.name or "upload").name[:255], created_by=actor.user)
    path = path_of(made.pk)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        for chunk in upload.chunks():
            target.write(chunk)
    with transaction.atomic():
        made.save(force_insert=True)
        if is_queued:
            plan_import.defer(import_id=str(made.pk))
    return made


def _actor(made: RecordImport) -> Actor:
    assert made.created_by is not None
    return Actor.of(made.created_by)


def _note(made: RecordImport, **values: Any) -> None:
    for name, value in values.items():
        setattr(made, name, value)
    RecordImport.objects.filter(pk=made.pk).update(**values)


def _must_stop(made: RecordImport) -> bool:
    return RecordImport.objects.filter(pk=made.pk, stop_requested=True).exists()


def plan(import_id: UUID | str) -> RecordImport:
    """Read the file and write down what each line would do; safe to run again after a crash."""
    made = RecordImport.objects.select_related("created_by").get(pk=import_id)
    if made.state != ImportState.READING:
        return made
    made.lines.all().delete()
    try:
        source = reading.read(path_of(made.pk), made.file_name)
        _note(made, total=len(source.records), notes=source.notes, done=0)
        planner = Planner(_actor(made), made)
        for start in range(0, len(source.records), PLAN_BATCH):
            batch = source.records[start : start + PLAN_BATCH]
            if _must_stop(made):
                return _cancelled(made)
            ImportLine.objects.bulk_create(planner.plan(batch))
            _note(made, done=made.done + len(batch))
        ImportLine.objects.bulk_create(_strays(made, source))
    except BadFile as error:
        _note(made, state=ImportState.FAILED, error=str(error), finished_at=timezone.now())
    except Exception:
        message = _("The file could not be read. If it happens again, tell the system administrator.")
        _note(made, state=ImportState.FAILED, error=message, finished_at=timezone.now())
        raise
    else:
        _note(made, state=ImportState.PLANNED)
    path_of(made.pk).unlink(missing_ok=True)
    return made


def _strays(made: RecordImport, source: reading.Source) -> Iterator[ImportLine]:
    """Items of no record, as refused lines after the others."""
    start = max((line.number for line in source.records), default=0)
    for number, line in enumerate(source.strays[:10_000], start=start + 1):
        title = str(line.cells.get("name") or "")[:200]
        yield ImportLine(
            record_import=made, number=number, state=LineState.BAD, title=title, document={}, faults=line.faults
        )


def _cancelled(made: RecordImport) -> RecordImport:
    _note(made, state=ImportState.CANCELLED, finished_at=timezone.now())
    path_of(made.pk).unlink(missing_ok=True)
    return made


@transaction.atomic
def confirm(*, record_import: RecordImport, actor: Actor, is_partial: bool, is_queued: bool = True) -> RecordImport:
    """Load a planned file: with ``is_partial`` its good lines, else all of it or, when one line is refused, nothing.

    The loading is queued, unless the caller does it at once.

    Raises:
        WrongState: it is not planned, or a line is refused and ``is_partial`` is false.
    """
    from catalog.exchange.tasks import load_import

    made = _locked(record_import, actor)
    if made.state != ImportState.PLANNED:
        raise WrongState
    if not is_partial and made.lines.filter(state=LineState.BAD).exists():
        raise WrongState(_("Some lines are wrong, so nothing was loaded."))
    total = made.lines.filter(state__in=(LineState.NEW, LineState.CHANGED)).count()
    _note(made, state=ImportState.LOADING, is_partial=is_partial, done=0, total=total)
    if is_queued:
        load_import.defer(import_id=str(made.pk))
    return made


def _locked(record_import: RecordImport, actor: Actor) -> RecordImport:
    made = RecordImport.objects.select_for_update().get(pk=record_import.pk)
    access.require(actor, Permission.RECORD_IMPORT)
    if made.created_by_id not in actor.people_ids:
        raise WrongState
    return made


@transaction.atomic
def cancel(*, record_import: RecordImport, actor: Actor) -> None:
    """Ask a running job to stop, or throw a plan away; what is loaded already stays."""
    made = _locked(record_import, actor)
    if made.state == ImportState.PLANNED:
        _note(made, state=ImportState.CANCELLED, finished_at=timezone.now())
    elif made.is_active:
        _note(made, stop_requested=True)


def load(import_id: UUID | str) -> RecordImport:
    """Do what the lines say, a batch in a transaction, or all in one when it is all or nothing."""
    made = RecordImport.objects.select_related("created_by").get(pk=import_id)
    if made.state != ImportState.LOADING:
        return made
    actor = _actor(made)
    try:
        if made.is_partial:
            _load_batches(made, actor)
        else:
            with transaction.atomic():
                _load_batches(made, actor)
                if made.lines.filter(state=LineState.BAD).exists():
                    raise _Refused
    except _Refused:
        message = _("A line could not be loaded any more, so nothing was. Upload the file again to see why.")
        _note(made, state=ImportState.FAILED, error=message, finished_at=timezone.now())
    else:
        stopped = made.stop_requested or _must_stop(made)
        _note(made, state=ImportState.CANCELLED if stopped else ImportState.DONE, finished_at=timezone.now())
    return made


class _Refused(Exception):
    """All or nothing: a line failed."""


def _load_batches(made: RecordImport, actor: Actor) -> None:
    groups = GroupCache()
    waiting = made.lines.filter(is_loaded=False, state__in=(LineState.NEW, LineState.CHANGED))
    _note(made, done=made.total - waiting.count())
    while lines := list(waiting.order_by("number")[:LOAD_BATCH]):
        if _must_stop(made):
            _note(made, stop_requested=True)
            return
        with transaction.atomic():
            _make([line for line in lines if line.state == LineState.NEW], actor, groups)
            for line in lines:
                if line.state == LineState.CHANGED:
                    _change(line, actor)
            ImportLine.objects.bulk_update(lines, ["state", "faults", "dataset", "is_loaded"])
        _note(made, done=made.done + len(lines))


def _fail(line: ImportLine, reason: str) -> None:
    line.state, line.faults = LineState.BAD, [{"sheet": "", "cell": str(line.number), "value": "", "reason": reason}]


def _make(lines: Sequence[ImportLine], actor: Actor, groups: GroupCache) -> None:
    """New drafts; lines whose title or code was taken meanwhile are refused."""
    if not lines:
        return
    departments = Department.objects.select_related("region").in_bulk({line.document["provider"] for line in lines})
    departments = {str(pk): department for pk, department in departments.items()}
    good = []
    allowed = {pk: _allowed(actor, department) for pk, department in departments.items()}
    taken = set(
        Dataset.objects.filter(provider__in=departments, title__in=[line.title for line in lines]).values_list(
            "provider_id", "title"
        )
    )
    codes = [line.document["code"] for line in lines if line.document["code"]]
    taken_codes = set(Dataset.objects.filter(code__in=codes).values_list("code", flat=True))
    for line in lines:
        provider = departments.get(line.document["provider"])
        acting = allowed.get(line.document["provider"])
        if provider is None or acting is None:
            _fail(line, _("You may not make records of this department."))
        elif (provider.pk, line.title) in taken or line.document["code"] in taken_codes:
            _fail(line, _("Another record took this title or code in the meantime."))
        else:
            good.append((line, provider))
    _write(good, actor, groups)


def _allowed(actor: Actor, department: Department) -> Actor | None:
    try:
        return access.require(actor, Permission.DATASET_CREATE, department)
    except PortalError:
        return None


def _write(good: Sequence[tuple[ImportLine, Department]], actor: Actor, groups: GroupCache) -> None:
    themes = Theme.objects.in_bulk()
    items = [item for line, _provider in good for item in line.document["items"]]
    elements = elements_by_code(items)
    named = {code for line, _provider in good for kind in RELATIONS for code in line.document.get(kind, [])}
    others = {d.code: d for d in Dataset.objects.filter(code__in=named)} if named else {}
    batch = [
        NewRecord(
            provider=provider,
            values=plain_values(line.document),
            themes=[themes[code] for code in line.document["themes"] if code in themes],
            items=[fill_values(item, elements) for item in line.document["items"]],
            relations={kind: [others[c] for c in line.document.get(kind, []) if c in others] for kind in RELATIONS},
            code=line.document["code"] if CODE.fullmatch(line.document["code"]) else "",
        )
        for line, provider in good
    ]
    made = write_new(batch, actor=actor, state=DatasetState.DRAFT, groups=groups)
    for (line, _provider), dataset in zip(good, made, strict=True):
        line.dataset, line.is_loaded = dataset, True


def _change(line: ImportLine, actor: Actor) -> None:
    """Bring a draft, or the revision of a published record, to what the line says."""
    if line.dataset_id is None:
        return _fail(line, _("The record is gone."))
    try:
        with transaction.atomic():
            rows = Dataset.objects.select_related("provider__region").filter(pk=line.dataset_id)
            dataset = rows.get()
            if dataset.is_published and dataset.open_revision is None:
                revisions.begin(dataset=dataset, actor=actor)
                dataset = rows.get()
            lifecycle.replace(dataset=dataset, actor=actor, document=line.document, seen_revision=dataset.work.revision)
    except PortalError as error:
        return _fail(line, str(error))
    line.is_loaded = True
    return None


def forget_old() -> int:
    """Remove imports of more than 30 days ago, with their lines."""
    limit = timezone.now() - dt.timedelta(days=30)
    return RecordImport.objects.filter(created_at__lt=limit).delete()[0]
