"""What the security administrator does with accounts, and people with their own."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.accounts import sessions
from portal.accounts.models import AdminRole, User
from portal.accounts.passwords import one_time_password
from portal.audit import record
from portal.departments import duties
from portal.departments.models import Department, Membership
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify

FIRST_ADMINISTRATORS = (
    ("sysadmin", AdminRole.SYSTEM),
    ("secadmin", AdminRole.SECURITY),
    ("auditadmin", AdminRole.AUDIT),
)


@dataclass(frozen=True)
class NewAccount:
    """A person whose password was made for one use; ``password`` is shown once and stored nowhere."""

    user: User
    password: str


@transaction.atomic
def create(
    *,
    actor: Actor,
    username: str,
    name: str,
    title: str = "",
    email: str = "",
    department: Department | None = None,
    duty: str = "",
    admin_role: str = "",
) -> NewAccount:
    """Make an account with a password for one use, and the first duty or the administrator's part with it.

    Raises:
        NotPermitted: the actor is not the security administrator.
        InvalidInput: the name is taken, or somebody would be administrator and hold a duty.
    """
    actor = access.require(actor, Permission.PEOPLE_MANAGE)
    if admin_role and duty:
        message = _("An administrator of the portal cannot hold a duty in a department.")
        raise InvalidInput(message, fields={"admin_role": []})
    if User.objects.filter(username__iexact=username).exists():
        raise InvalidInput(fields={"username": [_("This user name is taken.")]})
    made = _make(actor=actor, username=username, name=name, title=title, email=email, admin_role=admin_role)
    if department and duty:
        duties.assign(user=made.user, department=department, duty=duty, actor=actor)
    return made


def _make(*, actor: Actor, username: str, **values: str) -> NewAccount:
    password = one_time_password()
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, password=password, must_change_password=True, **values)
    except IntegrityError:
        raise InvalidInput(fields={"username": [_("This user name is taken.")]}) from None
    data = {"user": username, "admin_role": user.admin_role}
    record.append(stream=record.stream_of(user), verb="account.created", actor=actor, data=data)
    return NewAccount(user, password)


@transaction.atomic
def create_administrators() -> list[NewAccount]:
    """The three administrators of a new installation, once; the system itself makes them.

    Raises:
        WrongState: there is an administrator already, disabled or not.
    """
    list(User.objects.select_for_update().order_by("pk").values_list("pk", flat=True)[:1])
    if User.objects.exclude(admin_role="").exists():
        raise WrongState(_("There are administrators already. The security administrator makes further accounts."))
    return [
        _make(actor=Actor.system(), username=username, name=str(role.label), admin_role=str(role))
        for username, role in FIRST_ADMINISTRATORS
    ]


@transaction.atomic
def reset_password(*, user: User, actor: Actor) -> str:
    """Give ``user`` a password for one use and end their sessions; returns it, to be shown once."""
    actor = access.require(actor, Permission.PEOPLE_MANAGE, user)
    if user.pk == actor.user_id:
        raise WrongState(_("Change your own password on your own page."))
    user = User.objects.select_for_update().get(pk=user.pk)
    password = one_time_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "password_set_at", "must_change_password"])
    sessions.end_all(user)
    record.append(stream=record.stream_of(user), verb="password.reset", actor=actor, data={"user": user.username})
    notify([user], NoticeKind.PASSWORD_RESET, url=reverse("accounts:profile"), data={"name": str(actor.user)})
    return password


@transaction.atomic
def change_own_password(*, user: User, password: str, actor: Actor, keep_session: str | None = None) -> None:
    """Set one's own new password; every other session ends.

    Raises:
        InvalidInput: the password does not meet the policy.
    """
    user_row = User.objects.select_for_update().get(pk=user.pk)
    try:
        validate_password(password, user_row)
    except ValidationError as error:
        raise InvalidInput(fields={"new_password1": list(error.messages)}) from error
    user.set_password(password)
    user.must_change_password = False
    user.save(update_fields=["password", "password_set_at", "must_change_password"])
    sessions.end_all(user, but=keep_session)
    record.append(stream=record.stream_of(user), verb="password.changed", actor=actor)


@transaction.atomic
def set_active(*, user: User, actor: Actor, is_active: bool) -> None:
    """Let a person sign in or not; the sessions of a disabled account end at once.

    Raises:
        WrongState: it is one's own account, or the last security administrator's.
    """
    actor = access.require(actor, Permission.PEOPLE_MANAGE, user)
    if user.pk == actor.user_id:
        raise WrongState(_("You cannot disable your own account."))
    user = _lock_with_security_administrators(user)
    if user.is_active == is_active:
        return
    if not is_active:
        _require_another_security_administrator(user)
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    if not is_active:
        sessions.end_all(user)
    verb = "account.enabled" if is_active else "account.disabled"
    record.append(stream=record.stream_of(user), verb=verb, actor=actor, data={"user": user.username})


@transaction.atomic
def set_admin_role(*, user: User, actor: Actor, admin_role: str) -> None:
    """Make a person one of the three administrators, or none ("").

    Raises:
        WrongState: it is oneself, the person holds a duty, or was the last security administrator.
        InvalidInput: there is no such administrator.
    """
    actor = access.require(actor, Permission.PEOPLE_MANAGE, user)
    if admin_role and admin_role not in AdminRole.values:
        raise InvalidInput(fields={"admin_role": [_("There is no such administrator.")]})
    if user.pk == actor.user_id:
        raise WrongState(_("You cannot change what you are administrator of yourself."))
    user = _lock_with_security_administrators(user)
    if user.admin_role == admin_role:
        return
    if admin_role and Membership.objects.current().filter(user=user).exists():
        raise WrongState(_("This person holds a duty. End it first: an administrator holds none."))
    _require_another_security_administrator(user)
    before, user.admin_role = user.admin_role, admin_role
    user.save(update_fields=["admin_role"])
    sessions.end_all(user)
    data = {"user": user.username, "before": before, "after": admin_role}
    record.append(stream=record.stream_of(user), verb="account.admin_role_changed", actor=actor, data=data)


def _lock_with_security_administrators(user: User) -> User:
    """Lock ``user`` and every security administrator, in one order, so that two at once cannot remove each other."""
    rows = User.objects.filter(admin_role=AdminRole.SECURITY) | User.objects.filter(pk=user.pk)
    locked = {row.pk: row for row in rows.select_for_update().order_by("pk")}
    return locked[user.pk]


def _require_another_security_administrator(user: User) -> None:
    if user.admin_role != AdminRole.SECURITY or not user.is_active:
        return
    if not User.objects.filter(admin_role=AdminRole.SECURITY, is_active=True).exclude(pk=user.pk).exists():
        raise WrongState(_("This is the last security administrator. Make another one first."))
