"""Departments and people from a workbook: kept, planned line by line, and loaded when confirmed."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.departments import sheets
from portal.departments.department_list import load_departments, plan_departments
from portal.departments.models import Department
from portal.departments.people_list import load_people, plan_people
from portal.departments.plans import Plan
from portal.errors import InvalidInput, WrongState

KEPT_SECONDS = 24 * 3600
KINDS = {"departments": sheets.DEPARTMENTS, "people": sheets.PEOPLE}


def _folder() -> Path:
    folder = Path(settings.UPLOADS_ROOT) / "departments"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _path(actor: Actor, token: UUID, suffix: str) -> Path:
    """A kept file; its name holds its owner, so that nobody reaches another's by its token."""
    return _folder() / f"{actor.user_id}-{token}{suffix}"


def keep(*, upload: UploadedFile, kind: str, actor: Actor) -> UUID:
    """Keep an uploaded workbook until it is confirmed; the person's earlier ones and all of yesterday's are removed."""
    actor = access.require(actor, _permission(kind))
    if (upload.size or 0) > settings.DEPARTMENT_IMPORT_BYTES:
        limit = settings.DEPARTMENT_IMPORT_BYTES // 1024**2
        message = _("A workbook may have at most %(limit)s MB.") % {"limit": limit}
        raise InvalidInput(message, fields={"file": [message]})
    for old in _folder().iterdir():
        if old.name.startswith(f"{actor.user_id}-") or old.stat().st_mtime < time.time() - KEPT_SECONDS:
            old.unlink(missing_ok=True)
    token = uuid4()
    with _path(actor, token, f".{kind}.xlsx").open("wb") as target:
        for chunk in upload.chunks():
            target.write(chunk)
    return token


def _permission(kind: str) -> Permission:
    return Permission.DEPARTMENT_MANAGE if kind == "departments" else Permission.PEOPLE_MANAGE


def plan(*, token: UUID, kind: str, actor: Actor) -> Plan:
    """Read a kept workbook and say what each line would do; nothing is changed.

    Raises:
        WrongState: it was confirmed already, or is another person's. InvalidInput: it cannot be read.
    """
    actor = access.require(actor, _permission(kind))
    path = _path(actor, token, f".{kind}.xlsx")
    if not path.exists():
        raise WrongState(_("This file was loaded already or is no longer kept. Upload it again."))
    rows = sheets.read(path, KINDS[kind], row_limit=settings.DEPARTMENT_IMPORT_ROWS)
    found = plan_departments(rows) if kind == "departments" else plan_people(rows)
    _path(actor, token, ".rejected.xlsx").write_bytes(sheets.rejected(KINDS[kind], found.bad))
    return found


def rejected_file(token: UUID, actor: Actor) -> bytes:
    """The bad lines with their reasons, as the last plan of this file found them."""
    path = _path(actor, token, ".rejected.xlsx")
    if not path.exists():
        raise WrongState(_("This file was loaded already or is no longer kept. Upload it again."))
    return path.read_bytes()


def run(*, token: UUID, kind: str, actor: Actor, seen: str, is_partial: bool) -> Plan:
    """Do what the plan says: with ``is_partial`` all good lines, else all or, when one line is bad, none.

    Raises:
        InvalidInput: a line is bad and ``is_partial`` is false; nothing was changed.
        WrongState: what the lines would do has changed since ``seen``.
    """
    with transaction.atomic():
        list(Department.objects.select_for_update().order_by("pk").values_list("pk"))
        found = plan(token=token, kind=kind, actor=actor)
        if found.seen != seen:
            raise WrongState(_("What the lines would do has changed since the preview. Look at it again."))
        if found.bad and not is_partial:
            raise InvalidInput(_("Some lines are wrong, so nothing was loaded."), fields={"file": []})
        try:
            if kind == "departments":
                load_departments(found, actor)
            else:
                load_people(found, actor)
        except IntegrityError as error:
            raise WrongState from error
    _path(actor, token, f".{kind}.xlsx").unlink(missing_ok=True)
    return found
