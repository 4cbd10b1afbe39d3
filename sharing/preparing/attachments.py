"""Attachments of requests: kept under their own id, known by their hash, given back as files, never shown in place."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePath

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from portal.access import Actor
from portal.errors import InvalidInput, WrongState
from sharing import drafts
from sharing.models import RequestAttachment, SharingRequest

SIZE_LIMIT = 20 * 1024**2
COUNT_LIMIT = 20
STARTS = {
    ".pdf": b"%PDF-",
    ".png": b"\x89PNG",
    ".jpg": b"\xff\xd8\xff",
    ".jpeg": b"\xff\xd8\xff",
    ".docx": b"PK\x03\x04",
    ".xlsx": b"PK\x03\x04",
    ".ofd": b"PK\x03\x04",
    ".doc": b"\xd0\xcf\x11\xe0",
    ".xls": b"\xd0\xcf\x11\xe0",
    ".wps": b"\xd0\xcf\x11\xe0",
}
"""The kinds that are taken, with the bytes with which each begins."""


def path_of(attachment: RequestAttachment) -> Path:
    """Where its file lies."""
    return Path(settings.UPLOADS_ROOT) / "attachments" / f"{attachment.pk}"


def _wrong(message: str) -> InvalidInput:
    return InvalidInput(message, fields={"file": [message]})


def checked_name(upload: UploadedFile) -> str:
    """The name of a file that was sent, without folders.

    Raises:
        InvalidInput: too large, of a kind that is not taken, or not what its name says.
    """
    name = PurePath(upload.name or "").name[-200:]
    start = STARTS.get(PurePath(name).suffix.lower())
    if start is None:
        kinds = " ".join(sorted(STARTS))
        raise _wrong(_("Files of this kind are not taken. Use one of: %(kinds)s.") % {"kinds": kinds})
    if not upload.size or upload.size > SIZE_LIMIT:
        raise _wrong(_("A file may have at most %(limit)s MB.") % {"limit": SIZE_LIMIT // 1024**2})
    upload.seek(0)
    if not upload.read(8).startswith(start):
        raise _wrong(_("The content of the file is not what its name says."))
    upload.seek(0)
    return name


@transaction.atomic
def add(*, request: SharingRequest, actor: Actor, upload: UploadedFile) -> RequestAttachment:
    """Attach a file to a draft or a returned request.

    Raises:
        InvalidInput: too large, too many, of a kind that is not taken, or not what its name says.
    """
    request, actor = drafts.lock_editable(request, actor)
    name = checked_name(upload)
    if request.attachments.count() >= COUNT_LIMIT:
        raise _wrong(_("A request has at most %(limit)s attachments.") % {"limit": COUNT_LIMIT})
    attachment = RequestAttachment(request=request, name=name, size=upload.size or 0, added_by=actor.user)
    attachment.sha256 = store(upload, path_of(attachment))
    attachment.save()
    drafts.bump(request, "attachment.added", actor, name=name, sha256=attachment.sha256)
    return attachment


def store(upload: UploadedFile, path: Path) -> str:
    """Write a file that was sent to ``path``; returns its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("wb") as target:
        for chunk in upload.chunks():
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


@transaction.atomic
def remove(*, attachment: RequestAttachment, actor: Actor) -> None:
    """Take an attachment away again; its name and hash stay in the record."""
    request, actor = drafts.lock_editable(attachment.request, actor)
    if not RequestAttachment.objects.filter(pk=attachment.pk).exists():
        raise WrongState
    path = path_of(attachment)
    drafts.bump(request, "attachment.removed", actor, name=attachment.name, sha256=attachment.sha256)
    attachment.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True))
