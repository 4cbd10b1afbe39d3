"""What the security administrator does with accounts."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.audit import record
from portal.errors import WrongState


@transaction.atomic
def set_active(*, user: User, actor: Actor, is_active: bool) -> None:
    """Let a person sign in or not; running sessions of a disabled account end with its next request."""
    actor = access.require(actor, Permission.PEOPLE_MANAGE, user)
    if user.pk == actor.user_id:
        raise WrongState(_("You cannot disable your own account."))
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.is_active == is_active:
        return
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    verb = "account.enabled" if is_active else "account.disabled"
    record.append(stream=record.stream_of(user), verb=verb, actor=actor, data={"user": user.username})
