"""Large tables as files on the disk, so that a download goes on after a broken line and costs no engine time.

The first download of a whole large table is streamed as ever and has the file prepared for the next ones. Files are
made by jobs through the same engine and the same formats, and found by a digest of everything their content depends on.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pyarrow as pa
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog.models import PreparedFile, PreparedState, TableVersion
from catalog.tables.engine import Query, default_engine
from catalog.tables.export import STREAMS
from catalog.tables.schema import Column, TableRef

NOTE_ROWS = 200_000


@dataclass(frozen=True)
class Whole:
    """A whole table as one reader may have it: for whom, the view, and the columns as they are headed."""

    purpose: str
    owner: UUID
    ref: TableRef
    columns: tuple[Column, ...]

    def mark(self, format: str) -> str:
        """The digest of all that the file's content depends on."""
        content = f"{self.purpose} {self.owner} {format} {self.ref!r} {self.columns!r}"
        return hashlib.sha256(content.encode()).hexdigest()


Finder = Callable[[UUID], Whole | None]
_finders: dict[str, Finder] = {}


def register(purpose: str, finder: Finder) -> None:
    """Say how the whole of an owner is found; ``finder`` gives None when the owner may not have it any more."""
    _finders[purpose] = finder


def path_of(file: PreparedFile) -> Path:
    """Where its bytes are."""
    return Path(settings.PREPARED_ROOT) / f"{file.pk}"


def find(whole: Whole, format: str) -> PreparedFile | None:
    """The file that is ready, if there is one."""
    file = PreparedFile.objects.filter(mark=whole.mark(format), state=PreparedState.READY).first()
    if file is None or not path_of(file).exists():
        return None
    PreparedFile.objects.filter(pk=file.pk).update(used_at=timezone.now())
    return file


def ask(whole: Whole, format: str) -> None:
    """Have the file prepared, when the table is large enough to be worth it and nobody has asked before."""
    from catalog.tasks import prepare_file

    version = TableVersion.objects.filter(distribution=whole.ref.table_id, number=whole.ref.version).first()
    if version is None or version.row_count < settings.PREPARED_ROWS:
        return
    values = {"version": version, "purpose": whole.purpose, "owner": whole.owner, "format": format}
    with transaction.atomic():
        file, is_new = PreparedFile.objects.get_or_create(mark=whole.mark(format), defaults=values)
        if is_new or (file.state == PreparedState.READY and not path_of(file).exists()):
            PreparedFile.objects.filter(pk=file.pk).update(state=PreparedState.WAITING, done=0)
            prepare_file.defer(file_id=str(file.pk))


def prepare(file_id: UUID | str) -> PreparedFile | None:
    """Write a file that was asked for; None when it is not wanted any more. Safe to run twice and after a crash."""
    file = PreparedFile.objects.filter(pk=file_id).first()
    if file is None or file.state == PreparedState.READY:
        return file
    whole = _finders[file.purpose](file.owner)
    if whole is None or whole.mark(file.format) != file.mark:
        file.delete()
        return None
    path = path_of(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{uuid4().hex}")
    digest = hashlib.sha256()
    try:
        with part.open("wb") as out:
            batches = _counted(file, default_engine().batches(whole.ref, Query(_names(whole))))
            for chunk in STREAMS[file.format](batches, whole.columns):
                digest.update(chunk)
                out.write(chunk)
        size = part.stat().st_size
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        file.delete()
        raise
    values = {"state": PreparedState.READY, "size_bytes": size, "sha256": digest.hexdigest()}
    if not PreparedFile.objects.filter(pk=file.pk).update(**values, done=file.done):
        path.unlink(missing_ok=True)  # it was given up meanwhile
        return None
    file.refresh_from_db()
    return file


def _names(whole: Whole) -> tuple[str, ...]:
    """The columns to be read: those of the view, without the ones that the export itself adds."""
    return tuple(column.name for column in whole.columns if whole.ref.column(column.name))


def _counted(file: PreparedFile, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches, counted on ``file`` and now and then in the database."""
    noted = file.done = 0
    for batch in batches:
        yield batch
        file.done += batch.num_rows
        if file.done - noted >= NOTE_ROWS:
            PreparedFile.objects.filter(pk=file.pk).update(done=file.done)
            noted = file.done


def _is_wanted(file: PreparedFile) -> bool:
    """Whether its owner may still have just this."""
    whole = _finders[file.purpose](file.owner)
    return whole is not None and whole.mark(file.format) == file.mark


def files_for(whole: Whole) -> list[PreparedFile]:
    """What of an owner's whole is ready or being prepared."""
    rows = PreparedFile.objects.filter(purpose=whole.purpose, owner=whole.owner).select_related("version")
    return [file for file in rows.order_by("format") if file.mark == whole.mark(file.format)]


def clean(now: dt.datetime | None = None) -> int:
    """Remove files of older versions, those nobody asked for lately, and those that nobody may have any more.

    Returns how many. Safe to run again.
    """
    now = now or timezone.now()
    old = now - dt.timedelta(days=settings.PREPARED_DAYS)
    wanted = PreparedFile.objects.filter(version__current_of__isnull=False, used_at__gte=old)
    kept = {file.pk for file in wanted if _is_wanted(file)}
    gone, _by_model = PreparedFile.objects.exclude(pk__in=kept).delete()
    names = {str(pk) for pk in kept}
    for path in Path(settings.PREPARED_ROOT).glob("*"):
        if path.stem not in names and dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC) < now - dt.timedelta(1):
            path.unlink(missing_ok=True)
    return gone
