"""Files taken in part by part, by the open protocol for resumable uploads (tus 1.0): begin, go on, give up."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.loading import check_state
from catalog.models import Dataset, PartialUpload
from catalog.tables.errors import BadFile
from portal import access
from portal.access import Actor, Permission
from portal.errors import InvalidInput, WrongState

PART_LIMIT = 64 * 1024**2
BLOCK = 1 << 20
KEPT = dt.timedelta(days=2)
AT_ONCE = 5
"""Unfinished files that one person may have."""


class Body(Protocol):
    """Where the bytes of a part come from."""

    def read(self, size: int, /) -> bytes: ...


class WrongOffset(WrongState):
    """A part that does not begin where the last one ended; ask where that is, and go on there."""

    code = "wrong_offset"


def path_of(upload: PartialUpload) -> Path:
    """Where the bytes are that came so far."""
    return Path(settings.UPLOADS_ROOT) / f"part-{upload.pk}"


def begin(*, dataset: Dataset, actor: Actor, name: str, size: int) -> PartialUpload:
    """Announce a file of ``size`` bytes.

    Raises:
        BadFile: it is empty or larger than allowed. WrongState: the record takes no data now.
        InvalidInput: this person has too many unfinished files.
    """
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    assert actor.user is not None
    check_state(dataset)
    if not 0 < size <= settings.UPLOAD_LIMIT_BYTES:
        raise BadFile(_("The file is empty, or larger than allowed."))
    mine = PartialUpload.objects.filter(created_by=actor.user).order_by("modified")
    if mine.count() >= AT_ONCE:
        oldest = mine[0]
        if timezone.now() - oldest.modified < dt.timedelta(hours=1):
            raise InvalidInput(_("You have several files on their way already. Wait until one is here."))
        drop(oldest)
    clean = Path(name.replace("\x00", "")).name[:255] or "upload"
    upload = PartialUpload.objects.create(dataset=dataset, name=clean, size=size, created_by=actor.user)
    path_of(upload).parent.mkdir(parents=True, exist_ok=True)
    path_of(upload).touch()
    return upload


def append(*, upload: PartialUpload, offset: int, body: Body, length: int) -> int:
    """Take the next part; returns how many bytes of the file are here now.

    What came before a line broke is kept: the next part begins behind it.

    Raises:
        WrongOffset: the part begins elsewhere, or another one is being taken. BadFile: it is too long.
    """
    with transaction.atomic():
        try:
            upload = PartialUpload.objects.select_for_update(nowait=True).get(pk=upload.pk)
        except OperationalError as error:
            raise WrongOffset from error
        if offset != upload.received:
            raise WrongOffset
        if length > PART_LIMIT or offset + length > upload.size:
            raise BadFile(_("The part is longer than what is missing of the file."))
        left = length
        try:
            with path_of(upload).open("r+b") as file:
                file.seek(offset)
                while left and (block := body.read(min(BLOCK, left))):
                    file.write(block)
                    left -= len(block)
        except OSError:
            pass  # the line broke; django's UnreadablePostError is one of these
        upload.received = offset + length - left
        upload.save(update_fields=["received", "modified"])
    return upload.received


def drop(upload: PartialUpload) -> None:
    """Forget a file, finished or not."""
    path_of(upload).unlink(missing_ok=True)
    upload.delete()


def forget_old(now: dt.datetime | None = None) -> int:
    """Remove files that nobody went on with for two days; returns how many."""
    old = PartialUpload.objects.filter(modified__lt=(now or timezone.now()) - KEPT)
    count = 0
    for upload in old:
        drop(upload)
        count += 1
    return count
