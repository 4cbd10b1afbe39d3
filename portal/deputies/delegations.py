"""Naming a deputy, and ending it before its time; a delegation that has run out has ended by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.audit import record
from portal.departments.models import Department, Duty, Membership
from portal.deputies.models import Delegation
from portal.errors import InvalidInput
from portal.notices.models import NoticeKind
from portal.notices.send import notify

LONGEST_DAYS = 180
"""A longer absence is a change of staff: give the duty to somebody else."""
NOT_DELEGABLE = frozenset({Duty.CLERK})
"""Managing people is not passed on: it would let a deputy give rights."""


def delegable(user: User) -> QuerySet[Membership]:
    """The memberships of ``user`` whose duties a deputy may take over."""
    rows = Membership.objects.current().filter(user=user).exclude(duty__in=NOT_DELEGABLE)
    return rows.select_related("department").order_by("department__name", "duty")


def colleagues(user: User, departments: Sequence[Department]) -> QuerySet[User]:
    """Who may stand in for ``user`` in these departments: whoever holds a duty there."""
    members = Membership.objects.current().filter(department__in=departments).exclude(user=user)
    return User.objects.filter(pk__in=members.values("user")).order_by("name", "username")


@transaction.atomic
def name_deputy(
    *,
    principal: User,
    deputy: User,
    department: Department,
    duties: Sequence[str],
    valid_from: dt.date,
    valid_until: dt.date,
    reason: str,
    actor: Actor,
) -> Delegation:
    """Let ``deputy`` act for ``principal`` in chosen duties of ``department``; both days are inclusive.

    Raises:
        NotPermitted: the actor is neither the principal nor a clerk of the department, or is the deputy.
        InvalidInput: the term is out of order, past or longer than 180 days; the principal does not hold the duties;
            the deputy holds no duty there; another deputy has one of the duties on a day of the term; or the two would
            stand in for each other, directly or round a circle.
    """
    _one_at_a_time()
    delegation = Delegation(
        principal=principal,
        deputy=deputy,
        department=department,
        duties=sorted(set(duties)),
        valid_from=valid_from,
        valid_until=valid_until,
        reason=reason.strip(),
    )
    actor = access.require(actor, Permission.DEPUTY_NAME, delegation)
    assert actor.user is not None
    delegation.created_by = actor.user
    _check_term(delegation)
    _check_people(delegation)
    _check_overlap(delegation)
    _check_circle(delegation)
    delegation.save(force_insert=True)
    data = {
        "principal": principal.username,
        "deputy": deputy.username,
        "duties": delegation.duties,
        "from": valid_from.isoformat(),
        "until": valid_until.isoformat(),
        "reason": delegation.reason,
    }
    record.append(stream=record.stream_of(department), verb="deputy.named", actor=actor, data=data)
    _tell(delegation, NoticeKind.DEPUTY_NAMED, actor)
    return delegation


def _one_at_a_time() -> None:
    """Hold everybody else who names a deputy until this transaction ends: overlaps and circles join many rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('portal.deputies'))")


def _refuse(field: str, message: str) -> InvalidInput:
    return InvalidInput(message, fields={field: [message]})


def _check_term(delegation: Delegation) -> None:
    start, end = delegation.valid_from, delegation.valid_until
    if end < start:
        raise _refuse("valid_until", _("The term ends before it begins."))
    if end < timezone.localdate():
        raise _refuse("valid_until", _("The term is over already."))
    if (end - start).days >= LONGEST_DAYS:
        message = _("A deputy stands in for %(days)s days at most. For longer, have the duty given to somebody else.")
        raise _refuse("valid_until", message % {"days": LONGEST_DAYS})
    if not delegation.reason:
        raise _refuse("reason", _("Say why, for example leave or a business trip."))


def _check_people(delegation: Delegation) -> None:
    if delegation.principal_id == delegation.deputy_id:
        raise _refuse("deputy", _("Nobody is their own deputy."))
    held = set(delegable(delegation.principal).filter(department=delegation.department).values_list("duty", flat=True))
    missing = [duty for duty in delegation.duties if duty not in held]
    if missing or not delegation.duties:
        raise _refuse("duties", _("Choose duties that the person holds in this department today."))
    if not colleagues(delegation.principal, [delegation.department]).filter(pk=delegation.deputy_id).exists():
        raise _refuse("deputy", _("A deputy holds a duty in the same department."))


def _check_overlap(delegation: Delegation) -> None:
    others = Delegation.objects.overlapping(delegation.valid_from, delegation.valid_until).filter(
        principal=delegation.principal, department=delegation.department, duties__overlap=delegation.duties
    )
    other = others.select_related("deputy").first()
    if other:
        message = _("%(who)s stands in from %(start)s until %(end)s already. End that first, or choose other days.")
        words = {"who": other.deputy, "start": other.valid_from, "end": other.valid_until}
        raise _refuse("valid_from", message % words)


def _check_circle(delegation: Delegation) -> None:
    """Follow who stands in for whom during the term, from the deputy on; it must not lead back."""
    given = Delegation.objects.overlapping(delegation.valid_from, delegation.valid_until)
    seen, frontier = {delegation.deputy_id}, {delegation.deputy_id}
    while frontier:
        onward = set(given.filter(principal__in=frontier).values_list("deputy", flat=True))
        if delegation.principal_id in onward:
            message = _("In this time the person stands in for somebody for whom this would be the deputy.")
            raise _refuse("deputy", message)
        frontier = onward - seen
        seen |= onward


@transaction.atomic
def end_delegation(*, delegation: Delegation, actor: Actor) -> None:
    """End a delegation at once: by either of the two, or by the department's clerk. Ending it again changes nothing."""
    delegation = Delegation.objects.select_for_update().get(pk=delegation.pk)
    if actor.user_id != delegation.deputy_id:
        actor = access.require(actor, Permission.DEPUTY_NAME, delegation)
    if delegation.is_over:
        return
    delegation.ended_at, delegation.ended_by = timezone.now(), actor.user
    delegation.save(update_fields=["ended_at", "ended_by"])
    data = {"principal": delegation.principal.username, "deputy": delegation.deputy.username}
    record.append(stream=record.stream_of(delegation.department), verb="deputy.ended", actor=actor, data=data)
    _tell(delegation, NoticeKind.DEPUTY_ENDED, actor)


def _tell(delegation: Delegation, kind: NoticeKind, actor: Actor) -> None:
    """Both people, except whoever did it."""
    people = [p for p in (delegation.principal, delegation.deputy) if p.pk != actor.user_id]
    data = {"department": delegation.department.name, "note": f"{delegation.valid_from} – {delegation.valid_until}"}
    notify(people, kind, url=reverse("deputies:deputy-list"), data=data, department=delegation.department)
