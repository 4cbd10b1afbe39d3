"""People and their duties from a list: what each line would do, and doing it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.access import Actor
from portal.accounts.models import User
from portal.audit import record
from portal.departments.duties import duty_group
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty, DutyGroup, Membership
from portal.departments.plans import Plan, Planned, choices, finished
from portal.departments.sheets import Row
from portal.notices.models import NoticeKind
from portal.notices.send import notify


def plan_people(rows: list[Row]) -> Plan:
    """What each line of a list of people would do, in a fixed number of queries."""
    kinds = choices(Duty)
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
    return finished("people", rows, planned)


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


def load_people(found: Plan, actor: Actor) -> None:
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
