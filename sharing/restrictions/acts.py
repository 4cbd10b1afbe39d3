"""Listing a department or a person, their statement, and lifting an entry early."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.codes import next_serial
from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.audit import record
from portal.departments.duties import holders
from portal.departments.models import Department, Duty, Membership
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing.models import Effect, Grant, Restriction, SharingRequest

LONGEST = dt.timedelta(days=3 * 366)
TEXT_LIMIT = 2_000
STATEMENT_LIMIT = 4_000


@dataclass(frozen=True)
class Listing:
    """What an entry says: a department, or one ``person`` of it; ``until`` is the last day."""

    department: Department
    effect: str
    reason: str
    basis: str
    since: dt.date
    until: dt.date
    person: User | None = None
    grant: Grant | None = None
    request: SharingRequest | None = None


@transaction.atomic
def enter(*, listing: Listing, actor: Actor) -> Restriction:
    """Put a department or a person on the list; they are told, and can state their view once.

    Raises:
        NotPermitted: the department is not in the charge of the actor's authority, or is that authority.
        InvalidInput: by field; also when an entry of the same effect covers some of the days.
    """
    actor = access.require(actor, Permission.RESTRICTION_ENTER, listing.department)
    assert actor.user
    _check(listing)
    today = timezone.localdate()
    entry = Restriction(
        number=f"XZ{today:%Y}{next_serial(f'XZ{today:%Y}'):06d}",
        authority=_authority_of(actor, listing.department),
        entered_by=actor.user,
        reason=listing.reason.strip(),
        basis=listing.basis.strip(),
        **{name: getattr(listing, name) for name in ("department", "person", "effect", "since", "until")},
        grant=listing.grant,
        request=listing.request,
    )
    try:
        with transaction.atomic():
            entry.save()
    except IntegrityError as error:
        message = _("There is an entry of this effect for some of these days already.")
        raise InvalidInput(message, fields={"since": [message]}) from error
    log(entry, "restriction.entered", actor, note=entry.reason)
    _tell(entry, NoticeKind.RESTRICTED, entry.reason)
    return entry


def _authority_of(actor: Actor, department: Department) -> Department:
    """The lowest of the actor's authorities that is in charge of the department."""
    mine = actor.standing.departments_with(Duty.AUTHORITY_HEAD)
    rows = Department.objects.authorities().filter(pk__in=mine, region__code__in=department.region.path_codes)
    return rows.order_by("-region__level")[0]


def _check(listing: Listing) -> None:
    wrong: dict[str, list[Any]] = {}
    for name, limit in (("reason", TEXT_LIMIT), ("basis", 1_000)):
        if not 0 < len(getattr(listing, name).strip()) <= limit:
            wrong[name] = [_("Write a text of at most %(limit)s characters.") % {"limit": limit}]
    if listing.effect not in Effect.values:
        wrong["effect"] = [_("Choose an effect.")]
    if not timezone.localdate() <= listing.since <= listing.until or listing.until - listing.since > LONGEST:
        wrong["until"] = [_("The term begins today at the earliest and lasts three years at most.")]
    if listing.person and not _works_in(listing.person, listing.department):
        wrong["person"] = [_("Nobody of this department has this user name.")]
    owner = {each.department_id for each in (listing.grant, listing.request) if each}
    if owner - {listing.department.pk}:
        wrong["subject"] = [_("The request or grant named is not of this department.")]
    if wrong:
        raise InvalidInput(fields=wrong)


def _works_in(person: User, department: Department) -> bool:
    return Membership.objects.current().filter(user=person, department=department).exists()


def _lock(entry: Restriction) -> Restriction:
    locked = Restriction.objects.select_for_update(of=("self",))
    return locked.select_related("department__region", "person", "authority").get(pk=entry.pk)


def log(entry: Restriction, verb: str, actor: Actor, **words: str) -> None:
    """Record what was done, with all that ``verification`` recomputes."""
    data = {
        "number": entry.number,
        "department": str(entry.department_id),
        "person": entry.person_id,
        "effect": entry.effect,
        "since": entry.since.isoformat(),
        "until": entry.until.isoformat(),
        "is_lifted": entry.lifted_at is not None,
        "is_stated": entry.stated_at is not None,
    }
    record.append(stream=record.stream_of(entry), verb=verb, actor=actor, data=data | words)


def _tell(entry: Restriction, kind: NoticeKind, note: str) -> None:
    """The person who is listed and those who sign for the department; for a department also those who apply for it."""
    people = [entry.person] if entry.person else holders(entry.department, Duty.APPLICANT)
    people += holders(entry.department, Duty.OWN_APPROVER)
    data = {
        "number": entry.number,
        "title": entry.subject,
        "department": entry.authority.name,
        "note": note[:200],
    }
    notify(people, kind, url=entry.get_absolute_url(), data=data, department=entry.department)


@transaction.atomic
def state(*, entry: Restriction, actor: Actor, text: str) -> Restriction:
    """State the view of whoever is listed, once (陈述申辩); it stands beside the entry wherever that is shown.

    Raises:
        WrongState: it was stated already, or the entry is over.
    """
    entry = _lock(entry)
    actor = access.require(actor, Permission.RESTRICTION_STATE, entry)
    if entry.stated_at is not None:
        raise WrongState(_("The view of the listed side was stated already."))
    if entry.state not in ("in_force", "coming"):
        raise WrongState(_("This entry is over."))
    text = text.strip()
    if not text or len(text) > STATEMENT_LIMIT:
        message = _("Write a text of at most %(limit)s characters.") % {"limit": STATEMENT_LIMIT}
        raise InvalidInput(message, fields={"text": [message]})
    entry.statement, entry.stated_by, entry.stated_at = text, actor.user, timezone.now()
    entry.save(update_fields=["statement", "stated_by", "stated_at"])
    log(entry, "restriction.stated", actor, note=text)
    people = holders(entry.authority, Duty.AUTHORITY_HEAD)
    data = {"number": entry.number, "title": entry.subject, "note": text[:200]}
    url = entry.get_absolute_url()
    notify(people, NoticeKind.RESTRICTION_STATED, url=url, data=data, department=entry.authority)
    return entry


@transaction.atomic
def lift(*, entry: Restriction, actor: Actor, reason: str) -> Restriction:
    """End an entry before its last day; it stays in the history.

    Raises:
        WrongState: it is over or was lifted already. InvalidInput: no reason.
    """
    entry = _lock(entry)
    actor = access.require(actor, Permission.RESTRICTION_ENTER, entry.department)
    if entry.state not in ("in_force", "coming"):
        raise WrongState(_("This entry is over."))
    reason = reason.strip()
    if not reason or len(reason) > TEXT_LIMIT:
        message = _("Write a text of at most %(limit)s characters.") % {"limit": TEXT_LIMIT}
        raise InvalidInput(message, fields={"text": [message]})
    entry.lift_reason, entry.lifted_by, entry.lifted_at = reason, actor.user, timezone.now()
    entry.save(update_fields=["lift_reason", "lifted_by", "lifted_at"])
    log(entry, "restriction.lifted", actor, note=reason)
    _tell(entry, NoticeKind.RESTRICTION_LIFTED, reason)
    return entry
