"""Second factors: who must have one, and the reset of a lost one by two persons."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission, rule
from portal.accounts import sessions
from portal.accounts.models import AdminRole, SecondFactorReset, User
from portal.audit import record
from portal.departments.models import Duty, Membership
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify

STRONG = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What counts as a second factor; recovery codes only stand in for one."""


def is_required(actor: Actor) -> bool:
    """Whether one of the actor's duties, or being an administrator, needs a second factor."""
    needing = set(settings.SECOND_FACTOR_DUTIES)
    held = {duty for _department, duty in actor.standing.duties} | {actor.standing.admin_role}
    return bool(needing & held)


def has_one(user: User) -> bool:
    """Whether ``user`` has an authenticator app or a passkey."""
    return Authenticator.objects.filter(user=user, type__in=STRONG).exists()


@rule(Permission.FACTOR_RESET_CONFIRM)
def _may_confirm(actor: Actor, person: User | None) -> bool:
    """Another security administrator, or a clerk of a department in which the person holds a duty."""
    if actor.user is None or (person is not None and person.pk == actor.user_id):
        return False
    if actor.standing.admin_role == AdminRole.SECURITY:
        return True
    offices = actor.standing.departments_with(Duty.CLERK)
    if person is None or not offices:
        return bool(offices)
    return Membership.objects.current().filter(user=person, department__in=offices).exists()


def confirmers(person: User, asked_by: User) -> QuerySet[User]:
    """Who may be the second person for the reset of ``person``'s factor."""
    offices = Membership.objects.current().filter(user=person).values("department")
    clerks = Membership.objects.current().filter(department__in=offices, duty=Duty.CLERK).values("user")
    others = User.objects.filter(is_active=True).exclude(pk__in=[person.pk, asked_by.pk])
    return (others.filter(admin_role=AdminRole.SECURITY) | others.filter(pk__in=clerks)).distinct()


@transaction.atomic
def ask_reset(*, user: User, actor: Actor, reason: str) -> SecondFactorReset:
    """Ask for the removal of ``user``'s lost second factor; a second person confirms within 24 hours.

    Raises:
        NotPermitted: the actor is not the security administrator.
        WrongState: there is no second factor, a reset waits already, it is the actor's own, or nobody could confirm.
        InvalidInput: no reason was given.
    """
    actor = access.require(actor, Permission.PEOPLE_MANAGE, user)
    assert actor.user is not None
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.pk == actor.user_id:
        raise WrongState(_("Your own second factor is reset by two others."))
    if not reason.strip():
        raise InvalidInput(fields={"reason": [_("Say how you made sure that it is this person who asks.")]})
    if not has_one(user):
        raise WrongState(_("This person has no second factor."))
    if SecondFactorReset.objects.waiting().filter(user=user).exists():
        raise WrongState(_("A reset already waits for its second person."))
    second = list(confirmers(user, actor.user))
    if not second:
        raise WrongState(_("There is nobody who could confirm: a second security administrator or a department clerk."))
    reset = SecondFactorReset.objects.create(user=user, asked_by=actor.user, reason=reason.strip()[:200])
    _append(reset, "second_factor.reset_asked", actor)
    notify(second, NoticeKind.FACTOR_RESET_ASKED, url=reverse("accounts:factor-reset-list"), data={"name": str(user)})
    return reset


@transaction.atomic
def confirm_reset(*, reset: SecondFactorReset, actor: Actor) -> None:
    """As the second person, remove every second factor of the person and end their sessions.

    Raises:
        NotPermitted: the actor is the person, or neither a security administrator nor a clerk of the department.
        WrongState: the actor asked for it, or it was confirmed, cancelled or 24 hours have passed.
    """
    actor = access.require(actor, Permission.FACTOR_RESET_CONFIRM, reset.user)
    reset = _lock_waiting(reset)
    if reset.asked_by_id == actor.user_id:
        raise WrongState(_("Another person than the one who asked must confirm."))
    reset.confirmed_by, reset.confirmed_at = actor.user, timezone.now()
    reset.save(update_fields=["confirmed_by", "confirmed_at"])
    Authenticator.objects.filter(user=reset.user).delete()
    sessions.end_all(reset.user)
    _append(reset, "second_factor.reset", actor)
    words = {"first": str(reset.asked_by), "second": str(actor.user)}
    notify([reset.user], NoticeKind.FACTOR_RESET, url=reverse("accounts:profile"), data=words)


@transaction.atomic
def cancel_reset(*, reset: SecondFactorReset, actor: Actor) -> None:
    """Take a reset back; either of the two persons, or the one whose factor it is, may."""
    if reset.user_id != actor.user_id:
        access.require(actor, Permission.FACTOR_RESET_CONFIRM, reset.user)
    reset = _lock_waiting(reset)
    reset.cancelled_at = timezone.now()
    reset.save(update_fields=["cancelled_at"])
    _append(reset, "second_factor.reset_cancelled", actor)


def waiting_for(actor: Actor) -> list[SecondFactorReset]:
    """Resets that wait, of people for whom the actor may be a second person."""
    rows = SecondFactorReset.objects.waiting().select_related("user", "asked_by").order_by("-asked_at")
    if actor.standing.admin_role == AdminRole.SECURITY:
        return list(rows.exclude(user=actor.user))
    offices = actor.standing.departments_with(Duty.CLERK)
    people = Membership.objects.current().filter(department__in=offices).values("user")
    return list(rows.filter(user__in=people).exclude(user=actor.user)) if offices else []


def _lock_waiting(reset: SecondFactorReset) -> SecondFactorReset:
    found = SecondFactorReset.objects.waiting().select_for_update(of=("self",)).select_related("user", "asked_by")
    locked = found.filter(pk=reset.pk).first()
    if locked is None:
        raise WrongState(_("This reset was confirmed or taken back, or its 24 hours have passed."))
    return locked


def _append(reset: SecondFactorReset, verb: str, actor: Actor) -> None:
    data = {"user": reset.user.username, "reset": reset.pk, "reason": reset.reason}
    record.append(stream=record.stream_of(reset.user), verb=verb, actor=actor, data=data)
