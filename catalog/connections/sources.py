"""Keeping the databases that a department's data are pulled from."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.connections import databases
from catalog.connections.addresses import SourceFailed
from catalog.models import DatabaseSource, DataService
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.models import Department, Duty
from portal.errors import InvalidInput, WrongState
from portal.sealing import seal

FIELDS = ("title", "kind", "host", "port", "database", "account", "encryption")


@access.rule(Permission.CONNECTION_MANAGE)
def may_manage(actor: Actor, department: Department | None) -> bool:
    """The department's cataloguers; without a department: whoever catalogues somewhere."""
    departments = actor.standing.departments_with(Duty.CATALOGUER)
    return bool(departments) if department is None else department.pk in departments


def managed_by(actor: Actor) -> QuerySet[DatabaseSource]:
    """The databases of the departments in which somebody catalogues, with how many records are pulled from each."""
    rows = DatabaseSource.objects.filter(department__in=actor.standing.departments_with(Duty.CATALOGUER))
    return rows.select_related("department").annotate(uses=Count("pulls"))


def services_managed_by(actor: Actor) -> QuerySet[DataService]:
    """The interfaces of the departments in which somebody catalogues, with how many records they serve."""
    rows = DataService.objects.filter(department__in=actor.standing.departments_with(Duty.CATALOGUER))
    return rows.select_related("department").annotate(uses=Count("datasets")).defer("document")


def save(
    *, source: DatabaseSource, department: Department, values: dict[str, Any], password: str, actor: Actor
) -> DatabaseSource:
    """Make or change a database source; an empty ``password`` keeps the one that is there.

    A new address or account needs the password anew, so that nobody sends a kept one elsewhere.

    Raises:
        InvalidInput: the name is taken, or the password is missing.
    """
    actor = access.require(actor, Permission.CONNECTION_MANAGE, department)
    with transaction.atomic():
        is_new = source._state.adding
        if not is_new:
            source = DatabaseSource.objects.select_for_update().get(pk=source.pk)
            access.require(actor, Permission.CONNECTION_MANAGE, source.department)
        moved = [name for name in ("host", "port", "account", "encryption") if getattr(source, name) != values[name]]
        if source.password and moved and not password:
            raise InvalidInput(
                fields={"password": [_("Enter the password again when the address or account changes.")]}
            )
        for name in FIELDS:
            setattr(source, name, values[name])
        source.department = department
        if password:
            source.password = seal(password)
        source.tested_at, source.fault = None, ""
        if is_new:
            assert actor.user is not None
            source.created_by = actor.user
        try:
            with transaction.atomic():
                source.save()
        except IntegrityError as error:
            raise InvalidInput(fields={"title": [_("The department has a database of this name.")]}) from error
        data = {"title": source.title, "kind": source.kind, "host": source.host, "department": department.name}
        verb = "source.created" if is_new else "source.changed"
        record.append(stream=record.stream_of(source), verb=verb, actor=actor, data=data)
    return source


def test(*, source: DatabaseSource, actor: Actor) -> int:
    """Connect once and note how it went; returns how many tables the account sees.

    Raises:
        SourceFailed: it cannot be reached or refuses.
    """
    access.require(actor, Permission.CONNECTION_MANAGE, source.department)
    fault, count = "", 0
    try:
        count = len(databases.tables(source))
    except SourceFailed as error:
        fault = str(error)
        raise
    finally:
        DatabaseSource.objects.filter(pk=source.pk).update(tested_at=timezone.now(), fault=fault)
    return count


@transaction.atomic
def remove(*, source: DatabaseSource, actor: Actor) -> None:
    """Forget a database and its password.

    Raises:
        WrongState: records are still pulled from it.
    """
    actor = access.require(actor, Permission.CONNECTION_MANAGE, source.department)
    source = DatabaseSource.objects.select_for_update().get(pk=source.pk)
    if source.pulls.exists():
        raise WrongState(_("Records are still pulled from this database. End those pulls first."))
    data = {"title": source.title, "department": source.department.name}
    record.append(stream=record.stream_of(source), verb="source.removed", actor=actor, data=data)
    source.delete()
