"""Old sign-ins and sessions move from the table to one Parquet file a month, and go on being verified.

Only streams of people (``user:…``) are archived: they are most of the record and nothing is computed from them. What
was decided about data, grants, rights and departments stays in the table for good (docs/decisions/010).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pgtrigger
import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.access import Actor
from portal.audit import checks, record
from portal.audit.checks import Finding
from portal.audit.models import ArchivedHead, ArchivedMonth, Event, SealedHead

ARCHIVED_PREFIX = "user:"
COLUMNS = ("id", "stream", "seq", "at", "actor_id", "on_behalf_of_id", "verb", "data", "algorithm", "prev_hash", "hash")


def months_due(today: dt.date | None = None) -> list[dt.date]:
    """First days of the months whose events are older than the retention and still in the table, oldest first."""
    today = today or timezone.localdate()
    months = today.year * 12 + today.month - 1 - settings.AUDIT_RETENTION_MONTHS
    limit = timezone.make_aware(dt.datetime(months // 12, months % 12 + 1, 1))
    old = Event.objects.filter(stream__startswith=ARCHIVED_PREFIX, at__lt=limit)
    return [moment.date() for moment in old.datetimes("at", "month", order="ASC")]


def _events_of(month: dt.date) -> list[Event]:
    start = timezone.make_aware(dt.datetime(month.year, month.month, 1))
    end = timezone.make_aware(dt.datetime(month.year + month.month // 12, month.month % 12 + 1, 1))
    rows = Event.objects.filter(stream__startswith=ARCHIVED_PREFIX, at__gte=start, at__lt=end)
    return list(rows.order_by("stream", "seq"))


def _values(event: Event) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in COLUMNS}
    values["data"] = json.dumps(event.data, ensure_ascii=False, sort_keys=True)
    return values


def archive_month(month: dt.date) -> ArchivedMonth | None:
    """Write a month's events to a file, read it back, and only then take them out of the table; None if not sealed yet.

    A crash in between leaves the table whole and at most a file that the next run replaces.
    """
    if ArchivedMonth.objects.filter(month=month).exists():
        return None
    events = _events_of(month)
    if not events or not _are_sealed(events):
        return None
    path = _path(month)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [_values(event) for event in events]
    with path.open("wb") as file:
        pq.write_table(pa.Table.from_pylist(rows), file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    if [_values(event) for event in read(path)] != rows:
        raise OSError(f"{path.name} does not read back as it was written")
    return _remove(month, events, path)


def _path(month: dt.date) -> Path:
    return Path(settings.AUDIT_ARCHIVE_ROOT) / f"events-{month:%Y-%m}.parquet"


def _are_sealed(events: list[Event]) -> bool:
    last = {event.stream: event.seq for event in events}
    rows = SealedHead.objects.filter(stream__in=list(last)).values_list("stream").annotate(n=Max("length"))
    sealed = dict(rows.values_list("stream", "n"))
    return all(sealed.get(stream, 0) >= seq for stream, seq in last.items())


@transaction.atomic
def _remove(month: dt.date, events: list[Event], path: Path) -> ArchivedMonth:
    heads = {event.stream: event for event in events}
    for stream, last in heads.items():
        ArchivedHead.objects.update_or_create(stream=stream, defaults={"length": last.seq, "head": last.hash})
    with pgtrigger.ignore("portal.Event:append_only"):
        Event.objects.filter(pk__in=[event.pk for event in events]).delete()
    digest = _digest_of(path)
    data = {"month": f"{month:%Y-%m}", "rows": len(events), "digest": digest}
    record.append(stream="archive:events", verb="audit.archived", actor=Actor.system(), data=data)
    return ArchivedMonth.objects.create(month=month, file=path.name, rows=len(events), digest=digest)


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path) -> list[Event]:
    """The events of an archived month, by stream and number."""
    rows = pq.read_table(path).to_pylist()
    return [Event(**(row | {"data": json.loads(row["data"])})) for row in rows]


def check_archive() -> Iterator[Finding]:
    """Archived months whose file is gone or changed, and archived events whose chain does not hold."""
    heads: dict[str, tuple[int, str]] = {}
    for month in ArchivedMonth.objects.all():
        path = Path(settings.AUDIT_ARCHIVE_ROOT) / month.file
        if not path.exists():
            yield Finding(month.file, _("the file is missing"))
        elif _digest_of(path) != month.digest:
            yield Finding(month.file, _("the file was changed after it was written"))
        else:
            yield from _walk(path, heads)
    for archived in ArchivedHead.objects.all():
        if heads.get(archived.stream) != (archived.length, archived.head):
            yield Finding(archived.stream, _("its archive does not lead to the events in the table"))


def _walk(path: Path, heads: dict[str, tuple[int, str]]) -> Iterator[Finding]:
    for event in read(path):
        length, head = heads.get(event.stream, (0, ""))
        if event.seq != length + 1 or event.prev_hash != head or record.digest(event) != event.hash:
            yield Finding(f"{event.stream}#{event.seq}", _("this event was changed after it was written"))
        heads[event.stream] = (event.seq, event.hash)


checks.register("archive", check_archive)
