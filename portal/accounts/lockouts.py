"""Names locked out after too many failed sign-ins: counting, showing, lifting.

A name is locked at one address after a few failures, so that one person's mistakes do not lock out the office behind
the same address; failures from all addresses together lock the name everywhere, at a higher limit.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.db.models import Max, Sum
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils import timezone

from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.audit import record


def name_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The name that failures are counted under: names differ not by case, so neither do their failures."""
    source: Any = credentials or request.POST
    return str(source.get("username") or "").strip().lower().replace("\x00", "")[:150]


class Handler(AxesDatabaseHandler):
    """Counts failures by name and address, and by name alone."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Failures that count against ``AXES_FAILURE_LIMIT``; all of it when the name is locked everywhere."""
        here = int(super().get_failures(request, credentials))
        everywhere = _recent().filter(username=name_of(request, credentials)).aggregate(n=Sum("failures_since_start"))
        locked_everywhere = (everywhere["n"] or 0) >= settings.SIGN_IN_FAILURES_OF_NAME
        return max(here, settings.AXES_FAILURE_LIMIT) if locked_everywhere else here


def _cool_off() -> dt.timedelta:
    return get_cool_off() or dt.timedelta(0)


def _recent() -> Any:
    return AccessAttempt.objects.filter(attempt_time__gte=timezone.now() - _cool_off())


@dataclass(frozen=True)
class Lockout:
    """A locked name; ``address`` is empty when it is locked everywhere."""

    user: User | None
    address: str
    failures: int
    until: dt.datetime


def current() -> list[Lockout]:
    """Who is locked out now, latest first. Names that no account has may be mistyped passwords and are not shown."""
    rows = list(
        _recent()
        .exclude(username=None)
        .values("username", "ip_address")
        .annotate(failures=Sum("failures_since_start"), last=Max("attempt_time"))
    )
    names = {row["username"] for row in rows}
    people = {u.username.lower(): u for u in User.objects.annotate(low=Lower("username")).filter(low__in=names)}
    found = []
    for name in names:
        own = [row for row in rows if row["username"] == name]
        total = sum(row["failures"] for row in own)
        places = [(row["ip_address"] or "", row["failures"], row["last"]) for row in own]
        if total >= settings.SIGN_IN_FAILURES_OF_NAME:
            places = [("", total, max(row["last"] for row in own))]
        else:
            places = [place for place in places if place[1] >= settings.AXES_FAILURE_LIMIT]
        found += [Lockout(people.get(name), where, count, last + _cool_off()) for where, count, last in places]
    return sorted(found, key=lambda lockout: lockout.until, reverse=True)


@transaction.atomic
def lift(*, user: User, actor: Actor) -> int:
    """Forget the failed sign-ins of ``user`` from everywhere; returns how many addresses were counted."""
    actor = access.require(actor, Permission.PEOPLE_MANAGE, user)
    count, _by_model = AccessAttempt.objects.filter(username=user.username.lower()).delete()
    if count:
        record.append(stream=record.stream_of(user), verb="account.unlocked", actor=actor, data={"addresses": count})
    return count
