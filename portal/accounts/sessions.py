"""Sign-ins and sign-outs in the record, each in the stream of the person."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver

from portal.access import Actor
from portal.accounts.models import User
from portal.audit import record


def _note(user: User, verb: str) -> None:
    with transaction.atomic():
        record.append(stream=record.stream_of(user), verb=verb, actor=Actor(user=user), data={})


@receiver(user_logged_in)
def signed_in(sender: Any, user: User, **kwargs: Any) -> None:
    _note(user, "session.started")


@receiver(user_logged_out)
def signed_out(sender: Any, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        _note(user, "session.ended")


@receiver(user_login_failed)
def failed(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Failures of names that exist; what was typed as the name of nobody may be a password, and is not kept."""
    user = User.objects.filter(username=str(credentials.get("username", ""))[:150].replace("\x00", "")).first()
    if user:
        _note(user, "session.refused")
