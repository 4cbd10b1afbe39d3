"""What the data authority enters in the responsibility list, by hand or from a workbook, and links to records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import Dataset
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.models import Department
from portal.departments.sheets import Column, Row, read
from portal.errors import InvalidInput, WrongState
from sharing.models import Responsibility, ResponsibilityKind
from sharing.responsibilities.keeping import is_met_by

COLUMNS = (
    Column("credit_code", gettext_lazy("Credit code"), is_needed=True),
    Column("title", gettext_lazy("What is to be shared"), is_needed=True),
    Column("basis", gettext_lazy("Basis")),
    Column("due_on", gettext_lazy("Due on"), is_day=True, is_needed=True),
    Column("needs_data", gettext_lazy("With data")),
    Column("dataset", gettext_lazy("Resource code of the record")),
)
"""The layout of a workbook of responsibilities."""


@dataclass(frozen=True)
class Entry:
    """What an entered line says."""

    department: Department
    title: str
    due_on: dt.date
    basis: str = ""
    needs_data: bool = False
    dataset: Dataset | None = None

    def check(self) -> None:
        """Raise InvalidInput for what is missing or does not fit together."""
        faults: dict[str, list[str]] = {}
        if not self.title.strip():
            faults["title"] = [_("This must not be empty.")]
        for name, limit in (("title", 200), ("basis", 500)):
            if len(getattr(self, name)) > limit:
                faults[name] = [_("At most %(limit)s characters.") % {"limit": limit}]
        if not self.department.is_active:
            faults["department"] = [_("This department has ended.")]
        if self.dataset is not None and self.dataset.provider_id != self.department.pk:
            faults["dataset"] = [_("This record is another department's.")]
        if faults:
            raise InvalidInput(fields=faults)


def lock(row: Responsibility, seen_version: int | None = None) -> Responsibility:
    """An entered line, locked until the transaction ends."""
    rows = Responsibility.objects.select_for_update(of=("self",)).select_related("department__region", "dataset")
    found = rows.filter(pk=row.pk, kind=ResponsibilityKind.ENTERED).first()
    if found is None or (seen_version is not None and found.version != seen_version):
        raise WrongState
    return found


def _fill(row: Responsibility, entry: Entry) -> None:
    row.department, row.title, row.basis = entry.department, entry.title.strip(), entry.basis.strip()
    row.due_on, row.needs_data, row.dataset = entry.due_on, entry.needs_data, entry.dataset
    is_met = is_met_by(entry.dataset, entry.needs_data)
    row.done_on = (row.done_on or timezone.localdate()) if is_met else None


def _save(row: Responsibility, *, is_new: bool) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=is_new)
    except IntegrityError as error:
        raise InvalidInput(fields={"title": [_("This entry stands in the list already.")]}) from error


def _note(row: Responsibility, verb: str, actor: Actor) -> None:
    data = {"department": row.department.name, "title": row.title, "due_on": row.due_on.isoformat()}
    record.append(stream=record.stream_of(row), verb=verb, actor=actor, data=data)


@transaction.atomic
def enter(*, actor: Actor, entry: Entry) -> Responsibility:
    """Put a line in the list of a department of one's region or below.

    Raises:
        NotPermitted: the actor is no authority there. InvalidInput: by field.
    """
    actor = access.require(actor, Permission.RESPONSIBILITY_MANAGE, entry.department)
    entry.check()
    row = Responsibility(kind=ResponsibilityKind.ENTERED, created_by=actor.user)
    _fill(row, entry)
    _save(row, is_new=True)
    _note(row, "responsibility.entered", actor)
    return row


@transaction.atomic
def change(*, row: Responsibility, actor: Actor, entry: Entry, seen_version: int | None = None) -> Responsibility:
    """Change an entered line, or link it to a record."""
    row = lock(row, seen_version)
    access.require(actor, Permission.RESPONSIBILITY_MANAGE, row.department)
    actor = access.require(actor, Permission.RESPONSIBILITY_MANAGE, entry.department)
    entry.check()
    _fill(row, entry)
    row.version += 1
    _save(row, is_new=False)
    _note(row, "responsibility.changed", actor)
    return row


@transaction.atomic
def remove(*, row: Responsibility, actor: Actor, seen_version: int | None = None) -> None:
    """Take an entered line out of the list; the record of events keeps what it said."""
    row = lock(row, seen_version)
    actor = access.require(actor, Permission.RESPONSIBILITY_MANAGE, row.department)
    _note(row, "responsibility.removed", actor)
    row.delete()


def load_workbook(*, path: Path, actor: Actor) -> list[Row]:
    """Enter every line of a workbook, or none: returns the bad lines with their cells, empty when all were entered.

    Raises:
        InvalidInput: it cannot be read, or has too many lines. NotPermitted: the actor is no authority.
    """
    access.require(actor, Permission.RESPONSIBILITY_MANAGE)
    rows = read(path, COLUMNS, row_limit=settings.RESPONSIBILITY_IMPORT_ROWS)
    if not rows:
        raise InvalidInput(_("The first sheet is empty."), fields={"file": []})
    entries = _entries(rows)
    with transaction.atomic():
        for row, entry in zip(rows, entries, strict=True):
            _enter_line(row, entry, actor)
        bad = [row for row in rows if row.faults]
        if bad:
            transaction.set_rollback(True)
    return bad


def _entries(rows: Sequence[Row]) -> list[Entry | None]:
    """What the lines say, with departments and records read at once; None where a line has faults."""
    codes = {row.values["credit_code"].upper() for row in rows}
    active = Department.objects.active().filter(credit_code__in=codes).select_related("region")
    departments = {department.credit_code: department for department in active}
    named = Dataset.objects.filter(code__in={row.values["dataset"] for row in rows if row.values["dataset"]})
    records = {dataset.code: dataset for dataset in named}
    found: list[Entry | None] = []
    for row in rows:
        department = departments.get(row.values["credit_code"].upper())
        if department is None:
            row.refuse("credit_code", _("No active department has this credit code."))
        if row.values["dataset"] and row.values["dataset"] not in records:
            row.refuse("dataset", _("No record has this resource code."))
        due_on = row.values["due_on"]
        if row.faults or department is None or due_on is None:
            found.append(None)
            continue
        needs_data = row.values["needs_data"].lower() in ("1", "y", "yes", "true", "是")
        dataset = records.get(row.values["dataset"])
        found.append(Entry(department, row.values["title"], due_on, row.values["basis"], needs_data, dataset))
    return found


def _enter_line(row: Row, entry: Entry | None, actor: Actor) -> None:
    if entry is None:
        return
    if not access.can(actor, Permission.RESPONSIBILITY_MANAGE, entry.department):
        row.refuse("credit_code", _("This department is not in your region."))
        return
    try:
        enter(actor=actor, entry=entry)
    except InvalidInput as error:
        for name, messages in error.fields.items():
            for message in messages:
                row.refuse("credit_code" if name == "department" else name, str(message))
