"""Departments and people from a workbook: a plan that says what each line would do, and the act that does it."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.audit import record
from portal.departments import changes, sheets
from portal.departments.codes import checked_credit_code
from portal.departments.duties import duty_group
from portal.departments.models import AUTHORITY_DUTIES, Department, DepartmentKind, Duty, DutyGroup, Membership, Region
from portal.departments.sheets import Row
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify

KEPT_SECONDS = 24 * 3600
KINDS = {"departments": sheets.DEPARTMENTS, "people": sheets.PEOPLE}


@dataclass
class Planned:
    """What one good line does: ``new``, ``changed`` (field, old, new) or ``unchanged``; ``obj`` is what it touches."""

    row: Row
    state: str
    title: str
    changed: list[tuple[str, str, str]] = field(default_factory=list)
    obj: Any = None


@dataclass
class Plan:
    """What an import would do, with its bad lines; ``seen`` is the mark by which the act knows it is still the same."""

    kind: str
    lines: list[Planned]
    bad: list[Row]

    @property
    def seen(self) -> str:
        good = [[p.row.number, p.state, p.title, p.changed] for p in self.lines]
        return hashlib.sha256(json.dumps([good, [r.number for r in self.bad]]).encode()).hexdigest()

    def count(self, state: str) -> int:
        return sum(line.state == state for line in self.lines)

    @property
    def counts(self) -> dict[str, int]:
        return {name: self.count(name) for name in ("new", "changed", "unchanged")} | {"bad": len(self.bad)}


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
    found = _plan_departments(rows) if kind == "departments" else _plan_people(rows)
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
                _load_departments(found, actor)
            else:
                _load_people(found, actor)
        except IntegrityError as error:
            raise WrongState from error
    _path(actor, token, f".{kind}.xlsx").unlink(missing_ok=True)
    return found


def _choices(enum: Any) -> dict[str, str]:
    return {name: value for value, label in enum.choices for name in (*sheets.spellings(label), value)}


def _finished(kind: str, rows: list[Row], planned: dict[int, Planned]) -> Plan:
    bad = [row for row in rows if row.faults]
    return Plan(kind, [planned[row.number] for row in rows if not row.faults and row.number in planned], bad)


# --- departments


def _plan_departments(rows: list[Row]) -> Plan:
    kinds = _choices(DepartmentKind)
    codes = {row.values["credit_code"].upper() for row in rows} | {row.values["superior"].upper() for row in rows}
    names = {row.values["name"] for row in rows}
    known = {
        d.credit_code: d
        for d in Department.objects.filter(Q(credit_code__in=codes) | Q(name__in=names)).select_related("parent")
    }
    regions = Region.objects.in_bulk({row.values["region"] for row in rows})
    authorities = dict(Department.objects.authorities().filter(region__in=regions).values_list("region", "credit_code"))
    taken = {(d.region_id, d.name): d.credit_code for d in known.values()}
    first: dict[str, Row] = {}
    for row in rows:
        _check_department(row, kinds, regions, known, first)
        _check_taken(row, taken, authorities)
    _check_superiors(rows, known, first)
    return _finished("departments", rows, {row.number: _department_line(row, known) for row in rows if not row.faults})


def _check_department(
    row: Row, kinds: dict[str, str], regions: dict[str, Region], known: dict[str, Department], first: dict[str, Row]
) -> None:
    values = row.values
    if values["credit_code"] and not row.faults:
        try:
            values["credit_code"] = checked_credit_code(values["credit_code"])
        except InvalidInput as error:
            row.refuse("credit_code", str(error))
    earlier = first.setdefault(values["credit_code"], row)
    if earlier is not row:
        row.refuse("credit_code", _("Line %(n)s has the same code.") % {"n": earlier.number})
    values["superior"] = values["superior"].upper()
    if values["region"] and values["region"] not in regions:
        row.refuse("region", _("No region has this division code."))
    kind = kinds.get(values["kind"].lower())
    if values["kind"] and not kind:
        row.refuse("kind", _("This kind is not known."))
    values["kind"] = kind or values["kind"]
    for key, limit in (("name", 100), ("short_name", 40)):
        if len(values[key]) > limit:
            row.refuse(key, _("This is longer than %(limit)s characters.") % {"limit": limit})
    found = known.get(values["credit_code"])
    if found and not found.is_active:
        row.refuse("credit_code", _("This department has ended."))
    if found and found.region_id != values["region"]:
        row.refuse("region", _("The region of a department cannot be changed by a list."))
    if found and found.kind != values["kind"] and kind:
        row.refuse("kind", _("The kind of a department is changed on its page, not by a list."))


def _check_taken(row: Row, taken: dict[tuple[str, str], str], authorities: dict[str, str]) -> None:
    values = row.values
    if row.faults:
        return
    code = values["credit_code"]
    if taken.setdefault((values["region"], values["name"]), code) != code:
        row.refuse("name", _("Another department of this region has this name."))
    if values["kind"] == "data_authority" and authorities.setdefault(values["region"], code) != code:
        row.refuse("kind", _("This region already has a data authority."))


def _check_superiors(rows: list[Row], known: dict[str, Department], first: dict[str, Row]) -> None:
    """Superiors exist (in the portal or in a good line), and nobody stands under themselves."""
    parents = {d.pk: d.parent_id for d in Department.objects.only("pk", "parent_id")}
    codes = dict(Department.objects.values_list("pk", "credit_code"))
    above = {codes[pk]: codes.get(parent, "") if parent else "" for pk, parent in parents.items()}
    above |= {row.values["credit_code"]: row.values["superior"] for row in rows if not row.faults}
    is_changing = True
    while is_changing:
        is_changing = False
        for row in rows:
            superior = row.values["superior"]
            if row.faults or not superior:
                continue
            line = first.get(superior)
            department = known.get(superior)
            if (line.faults and not department) if line else not (department and department.is_active):
                row.refuse("superior", _("No department, and no good line of this list, has this code."))
                is_changing = True
            elif _is_circle(row.values["credit_code"], above):
                row.refuse("superior", _("The department would stand under itself."))
                above[row.values["credit_code"]] = ""
                is_changing = True


def _is_circle(code: str, above: dict[str, str]) -> bool:
    seen, at = {code}, above.get(code, "")
    while at:
        if at in seen:
            return at == code
        seen.add(at)
        at = above.get(at, "")
    return False


def _department_line(row: Row, known: dict[str, Department]) -> Planned:
    values = row.values
    found = known.get(values["credit_code"])
    if not found:
        return Planned(row, "new", values["name"])
    old = {
        "name": found.name,
        "short_name": found.short_name,
        "superior": found.parent.credit_code if found.parent else "",
    }
    changed = [(key, value, values[key]) for key, value in old.items() if value != values[key]]
    return Planned(row, "changed" if changed else "unchanged", found.name, changed, found)


def _load_departments(found: Plan, actor: Actor) -> None:
    """New ones level by level of their line at once; changes one by one, each with its own history."""
    basis = _("Import of a list")
    fresh = {p.row.values["credit_code"]: p.row.values for p in found.lines if p.state == "new"}
    made = dict(Department.objects.values_list("credit_code", "pk"))
    while fresh:
        ready = {c: v for c, v in fresh.items() if not v["superior"] or v["superior"] in made}
        if not ready:
            raise WrongState
        made |= _create_departments(list(ready.values()), made, actor, basis)
        fresh = {code: values for code, values in fresh.items() if code not in ready}
    for line in found.lines:
        if line.state == "changed":
            _change_department(line, actor, basis)


def _create_departments(rows: list[dict[str, Any]], made: dict[str, Any], actor: Actor, basis: str) -> dict[str, UUID]:
    departments = [
        Department(
            credit_code=v["credit_code"],
            name=v["name"],
            short_name=v["short_name"],
            region_id=v["region"],
            kind=v["kind"],
            parent_id=made.get(v["superior"]),
        )
        for v in rows
    ]
    Department.objects.bulk_create(departments)
    pairs = [(d, duty) for d in departments for duty in Duty.values if d.is_authority or duty not in AUTHORITY_DUTIES]
    groups = Group.objects.bulk_create(Group(name=f"{d.credit_code}:{duty}") for d, duty in pairs)
    DutyGroup.objects.bulk_create(
        DutyGroup(department=d, duty=duty, group=group) for (d, duty), group in zip(pairs, groups, strict=True)
    )
    changes.record_created(departments, actor, basis)
    return {d.credit_code: d.pk for d in departments}


def _change_department(line: Planned, actor: Actor, basis: str) -> None:
    department = Department.objects.get(pk=line.obj.pk)
    new = {key: value for key, _old, value in line.changed}
    names = {key: value for key, value in new.items() if key != "superior"}
    if names:
        seen = changes.mark_of(department)
        department = changes.edit(department=department, actor=actor, values=names, seen=seen, legal_basis=basis)
    if "superior" in new:
        superior = Department.objects.filter(credit_code=new["superior"]).first()
        seen = changes.mark_of(department)
        changes.move_under(department=department, superior=superior, actor=actor, seen=seen, legal_basis=basis)


# --- people


def _plan_people(rows: list[Row]) -> Plan:
    kinds = _choices(Duty)
    users = {u.username: u for u in User.objects.filter(username__in={row.values["username"] for row in rows})}
    codes = {row.values["department"].upper() for row in rows}
    departments = {d.credit_code: d for d in Department.objects.filter(credit_code__in=codes)}
    today = timezone.localdate()
    held = {
        (m.user_id, m.department_id, m.duty): m
        for m in Membership.objects.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gte=today), user__in=[u.pk for u in users.values()]
        )
    }
    persons: dict[str, Row] = {}
    given: dict[tuple[str, str, str], Row] = {}
    planned: dict[int, Planned] = {}
    for row in rows:
        user = users.get(row.values["username"])
        _check_person(row, user, persons)
        _check_duty(row, kinds, departments, given)
        if not row.faults:
            persons.setdefault(row.values["username"], row)
            key: Any = (user.pk if user else 0, getattr(row.values["department"], "pk", None), row.values["duty"])
            planned[row.number] = _person_line(row, user, held.get(key))
    return _finished("people", rows, planned)


def _check_person(row: Row, user: User | None, persons: dict[str, Row]) -> None:
    values = row.values
    name = values["username"]
    try:
        if name and not row.faults:
            User._meta.get_field("username").run_validators(name)
    except ValidationError:
        row.refuse("username", _("A user name has letters, digits and @ . + - _ only."))
    if user and user.admin_role:
        row.refuse("username", _("This is an administrator, who holds no duties."))
    if user and not user.is_active:
        row.refuse("username", _("This account is disabled."))
    for key in ("name", "title"):
        if len(values[key]) > 60:
            row.refuse(key, _("This is longer than %(limit)s characters.") % {"limit": 60})
    earlier = persons.get(name)
    if earlier and any(earlier.values[key] != values[key] for key in ("name", "title")):
        row.refuse("name", _("Line %(n)s names this person differently.") % {"n": earlier.number})


def _check_duty(
    row: Row,
    kinds: dict[str, str],
    departments: dict[str, Department],
    given: dict[tuple[str, str, str], Row],
) -> None:
    values = row.values
    code, duty = values["department"].upper(), kinds.get(values["duty"].lower(), "")
    if values["duty"] and not duty:
        row.refuse("duty", _("This duty is not known."))
    department = departments.get(code)
    if code and not (department and department.is_active):
        row.refuse("department", _("No active department has this credit code."))
    if bool(code) != bool(values["duty"]):
        row.refuse("duty" if code else "department", _("Give department and duty together, or neither."))
    if duty in AUTHORITY_DUTIES and department and not department.is_authority:
        row.refuse("duty", _("Only a data authority has this duty."))
    start, until = values["valid_from"], values["valid_until"]
    if until and until < max(start or timezone.localdate(), timezone.localdate()):
        row.refuse("valid_until", _("The term has ended or ends before it begins."))
    if not row.faults and code:
        earlier = given.setdefault((values["username"], code, duty), row)
        if earlier is not row:
            row.refuse("duty", _("Line %(n)s gives the same duty.") % {"n": earlier.number})
    values["department"], values["duty"] = (department, duty) if not row.faults else (code, values["duty"])


def _person_line(row: Row, user: User | None, membership: Membership | None) -> Planned:
    values = row.values
    title = f"{values['name']} ({values['username']})"
    duty = f"{values['department']} · {Duty(values['duty']).label}" if values["duty"] else ""
    if user is None:
        return Planned(row, "new", title, [("duty", "", duty)] if duty else [])
    changed = [(key, getattr(user, key), values[key]) for key in ("name", "title") if getattr(user, key) != values[key]]
    if duty and membership is None:
        changed.append(("duty", "", duty))
    elif membership:
        pairs = [("valid_until", membership.valid_until, values["valid_until"])]
        if values["valid_from"]:
            pairs.append(("valid_from", membership.valid_from, values["valid_from"]))
        changed += [(key, str(old or ""), str(new or "")) for key, old, new in pairs if old != new]
    return Planned(row, "changed" if changed else "unchanged", title, changed, (user, membership))


def _load_people(found: Plan, actor: Actor) -> None:
    """Accounts without a usable password, names, and duties, in statements over the whole list."""
    users = _load_accounts(found, actor)
    created: list[Membership] = []
    updated: list[Membership] = []
    for line in found.lines:
        values = line.row.values
        membership = line.obj[1] if line.obj else None
        if not values["duty"] or line.state == "unchanged":
            continue
        if membership is None:
            created.append(
                Membership(
                    user=users[values["username"]],
                    department=values["department"],
                    duty=values["duty"],
                    valid_from=values["valid_from"] or timezone.localdate(),
                    valid_until=values["valid_until"],
                    given_by=actor.user,
                )
            )
        else:
            membership.valid_until = values["valid_until"]
            membership.valid_from = values["valid_from"] or membership.valid_from
            updated.append(membership)
    Membership.objects.bulk_create(created)
    Membership.objects.bulk_update(updated, ["valid_from", "valid_until"])
    _join_groups(created)
    _record_duties([*created, *updated], actor)
    _tell(created)


def _load_accounts(found: Plan, actor: Actor) -> dict[str, User]:
    fresh: dict[str, User] = {}
    renamed: dict[int, User] = {}
    users: dict[str, User] = {}
    for line in found.lines:
        values = line.row.values
        if line.obj is None:
            # the seam for a one-time password: an account that nobody can sign in to until one is set
            user = User(username=values["username"], name=values["name"], title=values["title"])
            if values["username"] not in fresh:
                user.set_unusable_password()
                fresh[values["username"]] = user
            continue
        user = users.setdefault(values["username"], line.obj[0])
        if any(key in ("name", "title") for key, *_rest in line.changed):
            user.name, user.title = values["name"], values["title"]
            renamed[user.pk] = user
    User.objects.bulk_create(fresh.values())
    User.objects.bulk_update(renamed.values(), ["name", "title"])
    entries = ((record.stream_of(user), {"user": user.username}) for user in fresh.values())
    record.append_first(entries, verb="account.created", actor=actor)
    for user in renamed.values():
        record.append(stream=record.stream_of(user), verb="account.edited", actor=actor, data={"user": user.username})
    return users | fresh


def _join_groups(created: list[Membership]) -> None:
    offices = {(row.department_id, row.duty): row.department for row in created}
    known = {
        (office.department_id, office.duty): office.group_id
        for office in DutyGroup.objects.filter(department__in={pk for pk, _duty in offices})
    }
    for (pk, duty), department in offices.items():
        if (pk, duty) not in known:
            known[pk, duty] = duty_group(department, duty).pk
    through = User.groups.through
    through.objects.bulk_create(
        (through(user_id=row.user_id, group_id=known[row.department_id, row.duty]) for row in created),
        ignore_conflicts=True,
    )


def _record_duties(rows: list[Membership], actor: Actor) -> None:
    """One event in the stream of each department, with every duty that the list gave or changed there."""
    by_department: dict[UUID, list[Membership]] = defaultdict(list)
    for row in rows:
        by_department[row.department_id].append(row)
    for pk, found in sorted(by_department.items()):
        people = [
            {
                "user": row.user.username,
                "duty": str(row.duty),
                "from": row.valid_from.isoformat(),
                "until": row.valid_until and row.valid_until.isoformat(),
            }
            for row in found
        ]
        record.append(stream=f"department:{pk}", verb="duty.imported", actor=actor, data={"people": people})


def _tell(created: list[Membership]) -> None:
    offices: dict[tuple[str, str], list[User]] = defaultdict(list)
    for row in created:
        offices[row.department.name, str(Duty(row.duty).label)].append(row.user)
    for (department, duty), people in offices.items():
        data = {"department": department, "duty": duty}
        notify(people, NoticeKind.DUTY_GIVEN, url=reverse("accounts:profile"), data=data)
