"""Renewing a grant before its end: at once where sharing is unconditional, else with the provider's consent.

A renewal changes the last day and nothing else: columns, rows, masks, modes and keys stay. Nothing is renewed by
silence. Every act locks the grant first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import SharingType
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.calendars.working_days import deadline
from portal.departments.duties import holders
from portal.departments.models import Duty
from portal.errors import InvalidInput, PortalError, WrongState
from portal.lists import listed
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing import grants
from sharing.holding import reviews
from sharing.holding.changes import changes_of
from sharing.models import Grant, GrantRenewal, RenewalState
from sharing.restrictions.queries import require_free

TEXT_LIMIT = 500
BULK_LIMIT = 200


def opens_on(grant: Grant) -> dt.date:
    """The first day on which ``grant`` can be renewed."""
    return grant.valid_until - dt.timedelta(days=settings.GRANT_RENEW_WINDOW_DAYS)


def longest(grant: Grant) -> dt.date:
    """The latest last day of a renewal: as long as the first term was, at most the longest term there is."""
    days = min(max(grant.basis.get("days", 1), 1), settings.GRANT_RENEW_LONGEST_DAYS)
    return grant.valid_until + dt.timedelta(days=days)


def is_time(grant: Grant) -> bool:
    """Whether today lies in the time in which ``grant`` can be renewed."""
    return opens_on(grant) <= timezone.localdate() <= grant.valid_until


@dataclass(frozen=True)
class Wish:
    """What the department states: until when (None: as long as possible), how it uses the data, its commitments."""

    statement: str
    has_commitment: bool
    until: dt.date | None = None

    def check(self) -> None:
        """Raise InvalidInput by field for what is missing."""
        faults: dict[str, list[str]] = {}
        if not self.statement.strip() or len(self.statement) > TEXT_LIMIT:
            faults["statement"] = [_("Say in at most %(limit)s characters.") % {"limit": TEXT_LIMIT}]
        if not self.has_commitment:
            faults["has_commitment"] = [_("Accept the security commitments to go on using the data.")]
        if faults:
            raise InvalidInput(fields=faults)


@transaction.atomic
def ask(*, grant: Grant, actor: Actor, wish: Wish) -> GrantRenewal:
    """Renew ``grant``, or ask its provider to, when nothing has changed since it was issued.

    Raises:
        NotPermitted: the actor may not use the grant. InvalidInput: by field, or blocked by the restriction list.
        WrongState: too early, too late, something has changed (named), or a renewal waits already.
    """
    grant = grants.lock(grant)
    actor = access.require(actor, Permission.GRANT_USE, grant)
    assert actor.user is not None
    wish.check()
    require_free((grant.department_id, grant.item.request.filed_by_department_id), (actor.user_id,))
    _check_time(grant)
    if changed := changes_of(grant):
        raise WrongState(" ".join(changed))
    if grant.renewals.pending().exists():
        raise WrongState(_("A renewal of this grant waits for the provider already."))
    until = _checked_until(grant, wish.until)
    renewal = GrantRenewal(
        grant=grant,
        former_until=grant.valid_until,
        until=until,
        statement=wish.statement.strip(),
        asked_by=actor.user,
    )
    if grant.dataset.sharing_type == SharingType.UNCONDITIONAL:
        renewal.state, renewal.decided_at = RenewalState.GRANTED, timezone.now()
        renewal.save(force_insert=True)
        _extend(renewal, grant, actor)
        return renewal
    renewal.set_term(deadline(timezone.localdate(), settings.GRANT_RENEW_DECIDE_DAYS))
    renewal.save(force_insert=True)
    _log(renewal, "grant.renewal_asked", actor, until=until.isoformat(), note=renewal.statement)
    tell_provider(renewal, NoticeKind.RENEWAL_TO_DECIDE)
    return renewal


def _check_time(grant: Grant) -> None:
    if timezone.localdate() > grant.valid_until:
        raise WrongState(_("The grant has ended. Apply anew; the former request can be copied."))
    if not is_time(grant):
        raise WrongState(_("This grant can be renewed from %(day)s on.") % {"day": opens_on(grant).isoformat()})


def _checked_until(grant: Grant, until: dt.date | None) -> dt.date:
    latest = longest(grant)
    if until is None:
        return latest
    if not grant.valid_until < until <= latest:
        words = {"first": (grant.valid_until + dt.timedelta(days=1)).isoformat(), "last": latest.isoformat()}
        message = _("Choose a day between %(first)s and %(last)s.") % words
        raise InvalidInput(message, fields={"until": [message]})
    return until


def _log(renewal: GrantRenewal, verb: str, actor: Actor, **data: Any) -> None:
    """In the record of the grant, with the state of the renewal."""
    data |= {"renewal": str(renewal.pk), "renewal_state": renewal.state}
    record.append(stream=record.stream_of(renewal.grant), verb=verb, actor=actor, data=data)


def _extend(renewal: GrantRenewal, grant: Grant, actor: Actor) -> None:
    """The new last day; the renewal's statement confirms the use, too."""
    grant.valid_until, grant.expiry_told = renewal.until, None
    grant.confirmed_on = timezone.localdate(renewal.created_at)
    grant.save(update_fields=["valid_until", "expiry_told", "confirmed_on"])
    day = renewal.until.isoformat()
    _log(renewal, "grant.renewed", actor, until=day, valid_until=day)
    reviews.close_by_renewal(grant=grant, renewal=renewal, actor=actor)


def tell_provider(renewal: GrantRenewal, kind: NoticeKind) -> None:
    """The provider's approvers have the turn; their list opens at the renewals."""
    dataset = renewal.grant.dataset
    data = {"title": dataset.title, "department": renewal.grant.department.name, "number": ""}
    people = holders(dataset.provider, Duty.PROVIDER_APPROVER)
    notify(people, kind, url=renewal.get_absolute_url(), data=data, department=dataset.provider)


def _tell_users(renewal: GrantRenewal, note: str) -> None:
    grant = renewal.grant
    people = [*holders(grant.department, Duty.APPLICANT), renewal.asked_by]
    data = {"title": grant.dataset.title, "note": note}
    notify(people, NoticeKind.RENEWAL_DECIDED, url=grant.get_absolute_url(), data=data, department=grant.department)


def _pending(renewal: GrantRenewal) -> GrantRenewal:
    """The renewal and its grant, both locked.

    Raises:
        WrongState: it was decided or withdrawn meanwhile.
    """
    grant = grants.lock(renewal.grant)
    found = GrantRenewal.objects.select_for_update(of=("self",)).select_related("asked_by").get(pk=renewal.pk)
    found.grant = grant
    if found.state != RenewalState.PENDING:
        raise WrongState
    return found


def _decide(renewal: GrantRenewal, state: RenewalState, actor: Actor, reason: str = "") -> None:
    renewal.state, renewal.reason = state, reason
    renewal.set_term(None)
    renewal.decided_by, renewal.decided_at = actor.user, timezone.now()
    renewal.save()


@transaction.atomic
def approve(*, renewal: GrantRenewal, actor: Actor) -> GrantRenewal:
    """The provider agrees; the grant goes on from its last day, even when that has passed meanwhile.

    Raises:
        WrongState: decided already, or something has changed since it was asked (named): refuse it then.
    """
    renewal = _pending(renewal)
    actor = access.require(actor, Permission.RENEWAL_DECIDE, renewal)
    require_free((renewal.grant.department_id,), ())
    if changed := changes_of(renewal.grant):
        raise WrongState(" ".join(changed))
    _decide(renewal, RenewalState.GRANTED, actor)
    _extend(renewal, renewal.grant, actor)
    _tell_users(renewal, _("renewed until %(day)s.") % {"day": renewal.until.isoformat()})
    return renewal


@transaction.atomic
def refuse(*, renewal: GrantRenewal, actor: Actor, reason: str) -> GrantRenewal:
    """The provider does not agree; the grant ends on its last day. The department reads the reason."""
    renewal = _pending(renewal)
    actor = access.require(actor, Permission.RENEWAL_DECIDE, renewal)
    reason = reason.strip()[:TEXT_LIMIT]
    if not reason:
        message = _("Say why; the department will read this.")
        raise InvalidInput(message, fields={"reason": [message]})
    _decide(renewal, RenewalState.REFUSED, actor, reason)
    _log(renewal, "grant.renewal_refused", actor, reason=reason)
    _tell_users(renewal, _("refused. %(reason)s") % {"reason": reason})
    return renewal


@transaction.atomic
def withdraw(*, renewal: GrantRenewal, actor: Actor) -> GrantRenewal:
    """The department does not need it any more."""
    renewal = _pending(renewal)
    actor = access.require(actor, Permission.GRANT_USE, renewal.grant)
    _decide(renewal, RenewalState.WITHDRAWN, actor)
    _log(renewal, "grant.renewal_withdrawn", actor)
    return renewal


@transaction.atomic
def lapse(*, renewal: GrantRenewal) -> None:
    """The grant was revoked while its renewal waited."""
    renewal = _pending(renewal)
    _decide(renewal, RenewalState.LAPSED, Actor.system())
    _log(renewal, "grant.renewal_lapsed", Actor.system())


@dataclass(frozen=True)
class Line:
    """What became of one grant among many: the renewal, or why there is none."""

    grant: Grant
    renewal: GrantRenewal | None
    error: str = ""


def ask_all(*, grants_: Sequence[Grant], actor: Actor, wish: Wish) -> list[Line]:
    """``ask`` for each grant by itself, as long as each can be: what cannot be renewed says why, the rest stands."""
    wish.check()
    if len(grants_) > BULK_LIMIT:
        raise InvalidInput(_("At most %(limit)s grants at once.") % {"limit": BULK_LIMIT})
    lines = []
    for grant in grants_:
        try:
            lines.append(Line(grant, ask(grant=grant, actor=actor, wish=wish)))
        except InvalidInput as error:
            faults = [str(message) for found in error.fields.values() for message in found]
            lines.append(Line(grant, None, listed(faults) or str(error)))
        except PortalError as error:
            lines.append(Line(grant, None, str(error)))
    return lines
