"""Departments from a list: what each line would do, and doing it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.access import Actor
from portal.departments import changes
from portal.departments.codes import checked_credit_code
from portal.departments.models import AUTHORITY_DUTIES, Department, DepartmentKind, Duty, DutyGroup, Region
from portal.departments.plans import Plan, Planned, choices, finished
from portal.departments.sheets import Row
from portal.errors import InvalidInput, WrongState


def plan_departments(rows: list[Row]) -> Plan:
    """What each line of a list of departments would do, in a fixed number of queries."""
    kinds = choices(DepartmentKind)
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
    return finished("departments", rows, {row.number: _department_line(row, known) for row in rows if not row.faults})


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


def load_departments(found: Plan, actor: Actor) -> None:
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
