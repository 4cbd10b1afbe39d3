"""Giving and ending duties; keeps the auth groups that object rights hang on in step with the memberships."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.models import Department, Duty, DutyGroup, Membership
from portal.deputies.models import Delegation
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.notices.models import NoticeKind

if TYPE_CHECKING:
    from portal.accounts.models import User

ONLY_BY_ADMINISTRATOR = frozenset({Duty.CLERK, Duty.AUTHORITY_HEAD})
"""Duties that the security administrator alone gives and ends."""


def duty_group(department: Department, duty: str) -> Group:
    """The group of ``duty`` in ``department``, made when it is first asked for."""
    found = DutyGroup.objects.select_related("group").filter(department=department, duty=duty).first()
    if found:
        return found.group
    with transaction.atomic():
        group, _created = Group.objects.get_or_create(name=f"{department.credit_code}:{duty}")
        DutyGroup.objects.get_or_create(department=department, duty=duty, defaults={"group": group})
    return group


def duty_groups(departments: Iterable[Department]) -> list[int]:
    """Ids of the groups of every duty of ``departments``, those that nobody holds yet too.

    Reader lists keep these ids, so a duty that is given for the first time opens what its department may read.
    """
    known = {
        (d, duty): pk
        for d, duty, pk in DutyGroup.objects.filter(department__in=departments).values_list(
            "department_id", "duty", "group_id"
        )
    }
    return [
        known.get((department.pk, duty)) or duty_group(department, duty).pk
        for department in departments
        for duty in Duty.values
        if not duty.startswith("authority_") or department.is_authority
    ]


@transaction.atomic
def assign(
    *,
    user: User,
    department: Department,
    duty: str,
    actor: Actor,
    valid_from: dt.date | None = None,
    valid_until: dt.date | None = None,
) -> Membership:
    """Give ``user`` a duty in ``department``; a duty already held is returned unchanged.

    Raises:
        NotPermitted: the actor is neither the security administrator nor a clerk of the department.
        InvalidInput: the person is an administrator (administrators hold no duties), the department is no authority
            but the duty is an authority's, or the term ends before it begins.
    """
    actor = access.require(actor, Permission.DUTY_ASSIGN, department)
    _check_clerk(actor, user, duty)
    _check_own_person(actor, user, department)
    if not department.is_active:
        raise WrongState(_("This department has ended; give the duty in its successor."))
    user = type(user).objects.select_for_update().get(pk=user.pk)
    if user.admin_role:
        raise InvalidInput(_("An administrator of the portal cannot hold a duty in a department."), fields={"user": []})
    if not user.is_active:
        raise InvalidInput(_("This account is disabled. Enable it first."), fields={"user": []})
    if duty.startswith("authority_") and not department.is_authority:
        raise InvalidInput(_("Only a data authority has this duty."), fields={"duty": []})
    start = valid_from or timezone.localdate()
    if valid_until and valid_until < start:
        raise InvalidInput(_("The term ends before it begins."), fields={"valid_until": []})
    type(user).objects.select_for_update(no_key=True).get(pk=user.pk)  # two clicks at once make one membership
    existing = Membership.objects.current().filter(user=user, department=department, duty=duty).first()
    if existing:
        return existing
    membership = Membership.objects.create(
        user=user, department=department, duty=duty, valid_from=start, valid_until=valid_until, given_by=actor.user
    )
    user.groups.add(duty_group(department, duty))
    record.append(
        stream=record.stream_of(department),
        verb="duty.assigned",
        actor=actor,
        data={"user": user.username, "duty": str(Duty(duty)), "until": valid_until and valid_until.isoformat()},
    )
    _tell(NoticeKind.DUTY_GIVEN, membership, actor)
    return membership


def _check_clerk(actor: Actor, user: User, duty: str) -> None:
    """A clerk gives nothing to themselves, and neither the clerk's duty nor the authority head's to anybody."""
    if actor.is_system or actor.standing.admin_role == "security":
        return
    if actor.user_id == user.pk or duty in ONLY_BY_ADMINISTRATOR:
        raise NotPermitted(permission=Permission.DUTY_ASSIGN.value)


def _check_own_person(actor: Actor, user: User, department: Department) -> None:
    """A clerk manages people of the own department, and new people whom no other department has yet."""
    if actor.is_system or actor.standing.admin_role == "security":
        return
    known = Membership.objects.filter(user=user)
    if known.exists() and not known.filter(department=department).exists():
        message = _("This person belongs to another department; the security administrator can give the duty.")
        raise InvalidInput(message, fields={"username": [message]})


def _tell(kind: NoticeKind, membership: Membership, actor: Actor) -> None:
    """Tell the person; what the portal itself gives, at its first start, needs no notice."""
    if actor.is_system:
        return
    from portal.notices.send import notify  # needs the user model, which is loaded after this module

    data = {"department": membership.department.name, "duty": str(Duty(membership.duty).label)}
    notify([membership.user], kind, url=reverse("accounts:profile"), data=data)


@transaction.atomic
def end(*, membership: Membership, actor: Actor) -> None:
    """End a duty today; the person loses its rights at once. Ending it again changes nothing."""
    actor = access.require(actor, Permission.DUTY_ASSIGN, membership.department)
    membership = (
        Membership.objects.select_for_update(of=("self",)).select_related("user", "department").get(pk=membership.pk)
    )
    _check_clerk(actor, membership.user, membership.duty)
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    if membership.valid_until and membership.valid_until <= yesterday:
        return
    membership.valid_until = max(yesterday, membership.valid_from - dt.timedelta(days=1))
    membership.save(update_fields=["valid_until"])
    membership.user.groups.remove(duty_group(membership.department, membership.duty))
    record.append(
        stream=record.stream_of(membership.department),
        verb="duty.ended",
        actor=actor,
        data={"user": membership.user.username, "duty": membership.duty},
    )
    _tell(NoticeKind.DUTY_ENDED, membership, actor)


def holders(department: Department, duty: str) -> list[User]:
    """The people who hold ``duty`` in ``department`` today, and their deputies."""
    return holders_of([(department.pk, duty)])[department.pk, duty]


def holders_of(offices: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], list[User]]:
    """``holders`` of many offices (department, duty), those without anybody too; two queries."""
    found: dict[tuple[UUID, str], list[User]] = {office: [] for office in offices}
    departments, duties = {office[0] for office in found}, {office[1] for office in found}
    current = Membership.objects.current().filter(department__in=departments, duty__in=duties)
    for membership in current.select_related("user"):
        found.get((membership.department_id, membership.duty), []).append(membership.user)
    people = {user.pk for each in found.values() for user in each}
    given = Delegation.objects.in_force().filter(department__in=departments, principal__in=people)
    colleagues = Membership.objects.current().filter(department=OuterRef("department"), user=OuterRef("deputy"))
    deputising = given.filter(Exists(colleagues), deputy__is_active=True).select_related("deputy")
    for delegation in list(deputising) if people else []:
        for duty in delegation.duties:
            office = found.get((delegation.department_id, duty), [])
            if delegation.principal_id in {user.pk for user in office}:
                office.append(delegation.deputy)
    return {office: list(dict.fromkeys(each)) for office, each in found.items()}
