"""What becomes of departments: made, edited, moved, merged, split and abolished, each as one recorded act.

Every act of the security administrator has the same three parts: ``moves`` says what would go where, ``preview`` counts
it, and the act itself takes the ``seen`` mark of that preview and is refused when something changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.audit import record
from portal.departments import moving
from portal.departments.codes import checked_credit_code
from portal.departments.models import AUTHORITY_DUTIES, ChangeKind, Department, DepartmentChange, Membership
from portal.departments.moving import Line, Move
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify

FIELDS = ("name", "short_name", "kind", "credit_code")


@dataclass(frozen=True)
class Part:
    """One part of a split: an existing department or the ``values`` of a new one, and the keys of what goes there."""

    department: Department | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    datasets: frozenset[UUID] = frozenset()
    requests: frozenset[UUID] = frozenset()
    memberships: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Preview:
    """What an act would move, what stands against it, and the mark by which the act knows that nothing changed."""

    lines: list[Line]
    blockers: list[str]
    seen: str


def preview(moves: Sequence[Move]) -> Preview:
    """What ``moves`` would do; a fixed number of queries for each department."""
    lines = moving.preview(list(moves))
    departments = {d.pk: d for move in moves for d in (move.source, move.target) if d}
    state = [[str(pk), d.name, d.kind, d.credit_code, str(d.parent_id), d.is_active] for pk, d in departments.items()]
    marks = [sorted(state), [[line.key, line.count, *map(str, line.names)] for line in lines]]
    seen = hashlib.sha256(json.dumps(marks).encode()).hexdigest()
    return Preview(lines, moving.blockers(list(moves)), seen)


def _lock(departments: Iterable[Department]) -> dict[UUID, Department]:
    """The departments, locked in the order of their keys so that two acts cannot wait for each other."""
    ids = sorted({department.pk for department in departments})
    rows = Department.objects.select_for_update(of=("self",)).select_related("region").filter(pk__in=ids).order_by("pk")
    found = {row.pk: row for row in rows}
    if len(found) < len(ids) or not all(row.is_active for row in found.values()):
        raise WrongState(_("One of the departments has been merged or abolished in the meantime."))
    return found


def _save(department: Department, *, is_new: bool = False) -> None:
    department.credit_code = checked_credit_code(department.credit_code)
    try:
        department.full_clean(exclude=["parent"])
    except ValidationError as error:
        raise InvalidInput(fields=error.message_dict) from error
    try:
        with transaction.atomic():
            department.save(force_insert=is_new)
    except IntegrityError as error:
        raise WrongState(_("Another department with this name or code was saved in the meantime.")) from error


def _record(
    kind: ChangeKind, source: Department, actor: Actor, basis: str, *, target: Department | None = None, **data: Any
) -> DepartmentChange:
    change = DepartmentChange.objects.create(
        kind=kind, source=source, target=target, by=actor.user, legal_basis=basis.strip(), old_name=data.get("old", ""),
        new_name=data.get("new", ""), moved=data.get("moved", {}),
    )  # fmt: skip
    event = {**data, "source": str(source.pk), "target": target and str(target.pk), "basis": basis.strip()}
    for department in sorted({source, *([target] if target else [])}, key=lambda d: d.pk):
        record.append(stream=record.stream_of(department), verb=f"department.{kind}", actor=actor, data=event)
    return change


def _people(department: Department) -> list[User]:
    return [row.user for row in Membership.objects.current().filter(department=department).select_related("user")]


def _tell(people: Iterable[User], department: Department, shown: Department, note: str) -> None:
    url = reverse("departments:department-detail", args=[shown.pk])
    notify(people, NoticeKind.DEPARTMENT_CHANGED, url=url, data={"department": department.name, "note": note})


@transaction.atomic
def create(*, actor: Actor, values: Mapping[str, Any], legal_basis: str = "") -> Department:
    """A new department; ``values`` are region, name, short_name, kind, credit_code and parent.

    Raises:
        InvalidInput: by field: a name or code taken, a code that is none, a second authority of a region.
    """
    actor = access.require(actor, Permission.DEPARTMENT_MANAGE)
    department = Department(**values)
    _save(department, is_new=True)
    moving.all_groups(department)
    _record(ChangeKind.CREATED, department, actor, legal_basis, new=department.name)
    if department.is_authority:
        moving.tell_authority_changed(department.region)
    return department


def record_created(departments: Sequence[Department], actor: Actor, basis: str) -> None:
    """History and first events of departments that a list brought, and their authorities' regions told."""
    DepartmentChange.objects.bulk_create(
        DepartmentChange(kind=ChangeKind.CREATED, source=d, by=actor.user, legal_basis=basis, new_name=d.name)
        for d in departments
    )
    entries = ((record.stream_of(d), {"new": d.name, "basis": basis}) for d in departments)
    record.append_first(entries, verb="department.created", actor=actor)
    for department in departments:
        if department.is_authority:
            moving.tell_authority_changed(department.region)


@transaction.atomic
def edit(
    *, department: Department, actor: Actor, values: Mapping[str, Any], seen: str, legal_basis: str = ""
) -> Department:
    """Change name, short name, kind or credit code; another name is a renaming and stays findable.

    Raises:
        WrongState: the department changed since ``seen``. InvalidInput: by field.
    """
    actor = access.require(actor, Permission.DEPARTMENT_MANAGE, department)
    department = _lock([department])[department.pk]
    if mark_of(department) != seen:
        raise WrongState
    old = {name: getattr(department, name) for name in FIELDS}
    for name in FIELDS:
        setattr(department, name, values.get(name, old[name]))
    _save(department)
    changed = [name for name in FIELDS if getattr(department, name) != old[name]]
    if not changed:
        return department
    if "kind" in changed:
        _kind_changed(department)
    is_renamed = "name" in changed
    names = {"old": old["name"], "new": department.name} if is_renamed else {}
    kind = ChangeKind.RENAMED if is_renamed else ChangeKind.EDITED
    _record(kind, department, actor, legal_basis, changed=changed, **names)
    if is_renamed:
        moving.tell_changed(department)
        note = _("renamed from %(old)s to %(new)s") % names
        _tell(_people(department), department, department, note)
    return department


def mark_of(department: Department) -> str:
    """What a form was filled from, so that two editors at once are noticed."""
    return preview_mark([str(getattr(department, name)) for name in (*FIELDS, "parent_id", "is_active")])


def preview_mark(values: list[str]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def _kind_changed(department: Department) -> None:
    if not department.is_authority:
        held = Membership.objects.current().filter(department=department, duty__in=AUTHORITY_DUTIES)
        if held.exists():
            message = _("End the duties of the data authority first; people still hold them here.")
            raise InvalidInput(message, fields={"kind": [message]})
    moving.all_groups(department)
    moving.tell_authority_changed(department.region)


@transaction.atomic
def move_under(
    *, department: Department, superior: Department | None, actor: Actor, seen: str, legal_basis: str = ""
) -> Department:
    """Put a department, with all below it, under another superior of its line (or under none)."""
    actor = access.require(actor, Permission.DEPARTMENT_MANAGE, department)
    locked = _lock([department, *([superior] if superior else [])])
    department = locked[department.pk]
    if mark_of(department) != seen:
        raise WrongState
    if superior and (superior.pk == department.pk or superior.pk in moving.descendants_of(department.pk)):
        message = _("A department cannot stand under itself or one of its own branches.")
        raise InvalidInput(message, fields={"superior": [message]})
    old = department.parent.name if department.parent else ""
    department.parent = superior
    department.save(update_fields=["parent"])
    _record(
        ChangeKind.MOVED, department, actor, legal_basis, target=superior, was_under=old,
        new=superior.name if superior else "",
    )  # fmt: skip
    note = _("its superior is now %(name)s") % {"name": superior or "—"}
    _tell(_people(department), department, department, note)
    return department


def moves_of_merger(sources: Iterable[Department], target: Department | None) -> list[Move]:
    """Everything of each source goes to ``target``; sources in the order of their keys."""
    return [Move(source, target) for source in sorted(sources, key=lambda d: d.pk)]


@transaction.atomic
def merge(
    *,
    sources: Sequence[Department],
    actor: Actor,
    seen: str,
    target: Department | None = None,
    values: Mapping[str, Any] | None = None,
    legal_basis: str = "",
) -> Department:
    """Merge ``sources`` into ``target``, or into a new department with ``values``; the sources end.

    Raises:
        WrongState: one of them ended already, or what they hold changed since the preview ``seen``.
        InvalidInput: a source is the target, or an authority would have no authority as successor.
    """
    actor = access.require(actor, Permission.DEPARTMENT_MANAGE)
    locked = _lock([*sources, *([target] if target else [])])
    sources = [locked[pk] for pk in sorted({source.pk for source in sources})]
    target = locked[target.pk] if target else None
    _check_successor(sources, target, values)
    _check_seen(moves_of_merger(sources, target), seen)
    return _end_all(sources, target, values, actor, legal_basis, ChangeKind.MERGED)


@transaction.atomic
def abolish(
    *, department: Department, successor: Department | None, actor: Actor, seen: str, legal_basis: str = ""
) -> Department:
    """End a department; what it holds goes to ``successor``, who may be left out when it holds nothing.

    Raises:
        WrongState: it ended already, or what it holds changed since ``seen``.
        InvalidInput: it holds something and nobody succeeds it, or it would succeed itself.
    """
    actor = access.require(actor, Permission.DEPARTMENT_MANAGE, department)
    locked = _lock([department, *([successor] if successor else [])])
    department = locked[department.pk]
    successor = locked[successor.pk] if successor else None
    moves = moves_of_merger([department], successor)
    if successor is None:
        if moving.preview(moves) or department.is_authority:
            message = _("It still has duties, datasets, requests, grants, steps or branches: name a successor.")
            raise InvalidInput(message, fields={"successor": [message]})
        _check_seen(moves, seen)
        department.is_active = False
        department.save(update_fields=["is_active"])
        _record(ChangeKind.ABOLISHED, department, actor, legal_basis)
        return department
    _check_successor([department], successor, None)
    _check_seen(moves, seen)
    _end_all([department], successor, None, actor, legal_basis, ChangeKind.ABOLISHED)
    department.is_active = False
    return department


def _check_successor(
    sources: Sequence[Department], target: Department | None, values: Mapping[str, Any] | None
) -> None:
    if not sources or (target is None and not values) or target in sources:
        message = _("Name at least one department and a successor that is another one.")
        raise InvalidInput(message, fields={"successor": [message]})
    kind = target.kind if target else (values or {}).get("kind")
    if any(source.is_authority for source in sources) and kind != "data_authority":
        message = _("Only a data authority can succeed a data authority.")
        raise InvalidInput(message, fields={"successor": [message]})


def _check_seen(moves: Sequence[Move], seen: str) -> None:
    now = preview(moves)
    if now.seen != seen:
        raise WrongState(_("What would move has changed since the preview. Look at it again."))
    if now.blockers:
        raise InvalidInput(now.blockers[0], fields={"successor": now.blockers})


def _end_all(
    sources: Sequence[Department],
    target: Department | None,
    values: Mapping[str, Any] | None,
    actor: Actor,
    basis: str,
    kind: ChangeKind,
) -> Department:
    """End the sources first, so that their successor may be the authority of their region, then move what they held."""
    people = {source.pk: _people(source) for source in sources}
    Department.objects.filter(pk__in=[source.pk for source in sources]).update(is_active=False)
    target = target or create(actor=actor, values=values or {}, legal_basis=basis)
    moving.all_groups(target)
    for source in sources:
        source.refresh_from_db(fields=["parent"])
        source.is_active = False
        moved = moving.apply(Move(source, target), actor)
        _record(kind, source, actor, basis, target=target, old=source.name, new=target.name, moved=moved)
        if source.is_authority:
            moving.tell_authority_changed(source.region)
        note = _("it has become part of %(name)s") % {"name": target.name}
        _tell([*people[source.pk], *_people(target)], source, target, note)
    return Department.objects.select_related("region").get(pk=target.pk)


def moves_of_split(source: Department, parts: Sequence[Part]) -> list[Move]:
    """What was chosen for each part goes there; the rest stays."""
    return [Move(source, part.department, part.datasets, part.requests, part.memberships) for part in parts]


@transaction.atomic
def split(
    *, source: Department, parts: Sequence[Part], actor: Actor, seen: str, legal_basis: str = ""
) -> list[Department]:
    """Split parts off ``source``, which goes on with what was not chosen for any; returns the parts' departments."""
    actor = access.require(actor, Permission.DEPARTMENT_MANAGE, source)
    locked = _lock([source, *(part.department for part in parts if part.department)])
    source = locked[source.pk]
    parts = [replace(part, department=locked[part.department.pk]) if part.department else part for part in parts]
    if not parts or any(part.department == source or not (part.department or part.values) for part in parts):
        message = _("Name at least one part that is another department.")
        raise InvalidInput(message, fields={"parts": [message]})
    _check_once(parts)
    _check_seen(moves_of_split(source, parts), seen)
    made, people = [], _people(source)
    for part in parts:
        target = part.department or create(actor=actor, values=part.values, legal_basis=legal_basis)
        moving.all_groups(target)
        moved = moving.apply(Move(source, target, part.datasets, part.requests, part.memberships), actor)
        _record(ChangeKind.SPLIT, source, actor, legal_basis, target=target, new=target.name, moved=moved)
        made.append(target)
    note = _("parts of it went to %(names)s") % {"names": ", ".join(d.name for d in made)}
    _tell(people, source, source, note)
    return made


def _check_once(parts: Sequence[Part]) -> None:
    for name in ("datasets", "requests", "memberships"):
        keys = [key for part in parts for key in getattr(part, name)]
        if len(keys) != len(set(keys)):
            message = _("Each thing can go to one part only.")
            raise InvalidInput(message, fields={"parts": [message]})
