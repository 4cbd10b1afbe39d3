"""Sessions: what is recorded when they begin and end, their limits, and ending them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from axes.handlers.proxy import AxesProxyHandler
from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from portal.access import Actor
from portal.accounts import devices
from portal.accounts.models import User
from portal.addresses import address_of
from portal.audit import record
from portal.notices.models import NoticeKind
from portal.notices.send import notify

if TYPE_CHECKING:
    from collections.abc import Iterable

SEEN_EVERY_SECONDS = 60
"""How exactly it is known when each session was last used, at most: its idle time may be shorter by so much."""
_STARTED, _SEEN, FACTOR = "started_at", "seen_at", "has_second_factor"


def is_over(session: SessionBase) -> bool:
    """Whether ``SESSION_MAX_SECONDS`` have passed since the sign-in; a session that does not know when starts now."""
    started = session.setdefault(_STARTED, time.time())
    return bool(time.time() - started > settings.SESSION_MAX_SECONDS)


def keep(session: SessionBase) -> bool:
    """Begin the idle time of a session anew, once a minute, so that most pages write nothing; says whether it did."""
    every = min(SEEN_EVERY_SECONDS, settings.SESSION_COOKIE_AGE // 10)
    if session.is_empty() or time.time() - session.get(_SEEN, 0) < every:
        return False
    session[_SEEN] = time.time()
    return True


def track(request: HttpRequest) -> None:
    """Note that the session is in use, once a minute."""
    if not keep(request.session):
        return
    address, agent = address_of(request), request.META.get("HTTP_USER_AGENT", "")[:200]
    if address is None or request.session.session_key is None:
        return
    UserSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={"user": request.user, "ip": address, "user_agent": agent, "last_seen_at": timezone.now()},
    )


def end(rows: Iterable[UserSession]) -> int:
    """End these sessions at once, wherever they are open; returns how many."""
    count = 0
    for row in rows:
        row.end()
        count += 1
    return count


@transaction.atomic
def end_own(*, user: User, pks: Iterable[int], actor: Actor) -> int:
    """End some of one's own sessions; those of others and those that are gone are passed over."""
    count = end(UserSession.objects.filter(user=user, pk__in=list(pks)))
    if count:
        record.append(stream=record.stream_of(user), verb="session.ended_from_list", actor=actor, data={"count": count})
    return count


def end_all(user: User, *, but: str | None = None) -> int:
    """End every session of ``user``, except the one with the key ``but``."""
    return end(UserSession.objects.filter(user=user).exclude(session_key=but or ""))


def _note(user: User, verb: str, **data: Any) -> None:
    with transaction.atomic():
        record.append(stream=record.stream_of(user), verb=verb, actor=Actor(user=user), data=data)


def _named(credentials: dict[str, Any]) -> User | None:
    name = str(credentials.get("username") or "")[:150].replace("\x00", "")
    return User.objects.filter(username__iexact=name).first() if name else None


@receiver(user_logged_in)
def signed_in(sender: Any, user: User, request: HttpRequest, **kwargs: Any) -> None:
    """Record the sign-in, start the session's clock, and tell the person when the device is new."""
    request.session[_STARTED] = time.time()
    address = address_of(request)
    _note(user, "session.started", **({"address": address} if address else {}))
    if address is None:
        return
    track(request)  # does nothing where the stage before a second factor was seen within the minute
    if devices.is_new(user, request):
        words = {"device": devices.words_of(request.META.get("HTTP_USER_AGENT", "")), "address": address}
        _note(user, "session.on_new_device", **words)
        notify([user], NoticeKind.NEW_DEVICE, url=reverse("accounts:session-list"), data=words)


@receiver(user_logged_out)
def signed_out(sender: Any, user: User | None, request: HttpRequest, **kwargs: Any) -> None:
    if user is not None:
        _note(user, "session.ended")
        if request.session.session_key:
            UserSession.objects.filter(session_key=request.session.session_key).delete()


@receiver(user_login_failed)
def failed(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Failures of names that exist; what was typed as the name of nobody may be a password, and is not kept."""
    if user := _named(credentials):
        _note(user, "session.refused")


@receiver(user_locked_out)
def locked_out(sender: Any, request: HttpRequest, username: str, ip_address: str | None, **kwargs: Any) -> None:
    """Once for each lockout: attempts during it are not counted, and not recorded as further ones."""
    counted = getattr(request, "axes_failures_since_start", None) is not None
    user = _named({"username": username})
    if counted and user:
        _note(user, "account.locked", address=ip_address)


@receiver(mfa.authenticator_added)
def factor_added(sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _note(user, "second_factor.enrolled", type=authenticator.type)


@receiver(mfa.authenticator_reset)
def codes_renewed(sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _note(user, "second_factor.codes_renewed", type=authenticator.type)


@receiver(mfa.authenticator_removed)
def factor_removed(sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    request.session.pop(FACTOR, None)
    _note(user, "second_factor.removed", type=authenticator.type)


@receiver(mfa.authenticator_used)
def factor_used(sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _note(user, "second_factor.used", type=authenticator.type)


@receiver(mfa.authentication_failed)
def factor_failed(sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    """A wrong code counts as a failed sign-in of its person."""
    _note(user, "second_factor.refused", type=authenticator.type)
    if settings.AXES_ENABLED:
        AxesProxyHandler.user_login_failed(sender, credentials={"username": user.username}, request=request)
