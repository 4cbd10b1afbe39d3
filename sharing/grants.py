"""Grants: issued by the workflow, suspended, resumed and revoked by the provider; and their credentials."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.items import declared_columns
from catalog.tables.masks import parse_mask
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.duties import holders
from portal.departments.models import Duty
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing.errors import GrantNotInForce
from sharing.holding.changes import bases_of
from sharing.models import Credential, Grant, GrantState, RequestItem, SuspendedFor, UsageRecord
from sharing.outside import opening, telling
from sharing.terms import content_of

KEY_PREFIX = "sq_"
KEY_LIMIT = 20
"""Living keys a grant may have; more would be keys that nobody watches."""


def issue_all(items: Sequence[tuple[RequestItem, Actor]]) -> list[Grant]:
    """The grants of approved items, each with who gave the last consent, within the workflow's transaction.

    They run from today to the end of the term asked for. The items carry their requests.
    """
    bases = bases_of({item.dataset_id for item, _actor in items})
    made = [_of_item(item, bases[item.dataset_id]) for item, _actor in items]
    Grant.objects.bulk_create(made)
    record.append_all([_issued(grant, actor) for grant, (_item, actor) in zip(made, items, strict=True)])
    return made


def _of_item(item: RequestItem, basis: dict[str, Any]) -> Grant:
    content = content_of(item)
    first = min(timezone.localdate(), content.valid_until)
    return Grant(
        item=item,
        dataset_id=item.dataset_id,
        department_id=item.request.department_id,
        outside_id=item.request_id if item.request.is_outside else None,
        columns=content.columns,
        row_filter=content.row_filter,
        masks=content.masks,
        channels=item.request.channels,
        valid_from=first,
        valid_until=content.valid_until,
        basis=basis | {"days": (content.valid_until - first).days, "department": str(item.request.department_id)},
    )


def _issued(grant: Grant, actor: Actor) -> record.Entry:
    number = grant.item.request.number
    data: dict[str, Any] = {
        "state": grant.state,
        "request": number,
        "columns": grant.columns,
        "rows": grant.row_filter,
        "valid_until": grant.valid_until.isoformat(),
    }
    if grant.masks:
        data["masks"] = grant.masks
    return record.Entry(record.stream_of(grant), "grant.issued", actor, data)


def lock(grant: Grant) -> Grant:
    """The grant with its row locked, and what the rules ask of it."""
    locked = Grant.objects.select_for_update(of=("self",))
    return locked.select_related("dataset__provider__region", "department", "item__request__created_by").get(
        pk=grant.pk
    )


def _set_state(grant: Grant, state: GrantState, *, verb: str, actor: Actor, reason: str, cause: str = "") -> None:
    grant.state, grant.state_note, grant.suspended_for = state, reason, cause
    grant.ended_at = timezone.now() if state == GrantState.REVOKED else None
    grant.save(update_fields=["state", "state_note", "suspended_for", "ended_at"])
    data = {"state": state, "reason": reason, "for": cause}
    record.append(stream=record.stream_of(grant), verb=verb, actor=actor, data=data)


def _tell_users(grant: Grant, kind: NoticeKind, reason: str) -> None:
    if grant.outside_id is not None:
        telling.changed([grant.item.request])
        return
    people = holders(grant.department, Duty.APPLICANT)
    data = {"title": grant.dataset.title, "note": reason}
    notify(people, kind, url=grant.get_absolute_url(), data=data, department=grant.department)


@transaction.atomic
def revoke(*, grant: Grant, actor: Actor, reason: str) -> Grant:
    """End a grant for good; running deliveries stop within a second, the next call is refused.

    Raises:
        NotPermitted: neither the provider, its security officer nor the authority.
        InvalidInput: no reason. WrongState: revoked already.
    """
    grant = lock(grant)
    actor = access.require(actor, Permission.GRANT_REVOKE, grant)
    if not reason.strip():
        message = _("Say why the grant is revoked; the department that uses it will read this.")
        raise InvalidInput(message, fields={"reason": [message]})
    if grant.state == GrantState.REVOKED:
        raise WrongState
    _set_state(grant, GrantState.REVOKED, verb="grant.revoked", actor=actor, reason=reason.strip())
    grant.credentials.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
    _tell_users(grant, NoticeKind.GRANT_REVOKED, reason)
    return grant


@transaction.atomic
def revoke_reviewed(*, item: RequestItem, actor: Actor, reason: str) -> None:
    """End the grant of an item that a review afterwards refused (事后复核); what ended already stays as it is."""
    found = Grant.objects.filter(item=item).exclude(state=GrantState.REVOKED).first()
    if found is None:
        return
    grant = lock(found)
    _set_state(grant, GrantState.REVOKED, verb="grant.revoked", actor=actor, reason=reason)
    grant.credentials.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
    _tell_users(grant, NoticeKind.GRANT_REVOKED, reason)


@transaction.atomic
def suspend(*, grant: Grant, actor: Actor, reason: str, cause: str = "") -> Grant:
    """Stop deliveries until ``resume``; the portal does so when the dataset is withdrawn. Twice is harmless.

    With a ``cause`` (of SuspendedFor) the portal suspends until that is mended; an office that suspends such a grant
    takes the suspension over, and it stays until an office resumes it.
    """
    grant = lock(grant)
    if not actor.is_system:
        actor = access.require(actor, Permission.GRANT_REVOKE, grant)
    is_taken_over = grant.state == GrantState.SUSPENDED and bool(grant.suspended_for) and not cause
    if grant.state != GrantState.ACTIVE and not is_taken_over:
        return grant
    verb = "grant.held" if is_taken_over else "grant.suspended"
    _set_state(grant, GrantState.SUSPENDED, verb=verb, actor=actor, reason=reason, cause=cause)
    _tell_users(grant, NoticeKind.GRANT_SUSPENDED, reason)
    return grant


@transaction.atomic
def resume_confirmed(*, grant: Grant, actor: Actor) -> None:
    """Let a grant deliver again whose use was confirmed too late, unless an office holds it for reasons of its own.

    The caller has locked it and asked the rules.
    """
    if grant.state == GrantState.SUSPENDED and grant.suspended_for == SuspendedFor.REVIEW:
        _set_state(grant, GrantState.ACTIVE, verb="grant.resumed", actor=actor, reason="")


@transaction.atomic
def resume(*, grant: Grant, actor: Actor) -> Grant:
    """Let a suspended grant deliver again; its dataset must be published. Twice is harmless."""
    grant = lock(grant)
    actor = access.require(actor, Permission.GRANT_REVOKE, grant)
    if grant.is_in_force:
        return grant
    if grant.state != GrantState.SUSPENDED or not grant.dataset.is_published:
        raise WrongState
    _set_state(grant, GrantState.ACTIVE, verb="grant.resumed", actor=actor, reason="")
    return grant


@transaction.atomic
def set_masks(*, grant: Grant, actor: Actor, masks: Mapping[str, str], reason: str) -> Grant:
    """Mask some of the granted items for this grant alone, from the next delivery on; the department is told.

    Raises:
        InvalidInput: no reason, an item that is not granted, or a mask that does not suit it.
    """
    grant = lock(grant)
    actor = access.require(actor, Permission.GRANT_REVOKE, grant)
    if not reason.strip():
        message = _("Say why the data is masked; the department that uses it will read this.")
        raise InvalidInput(message, fields={"reason": [message]})
    columns = {column.name: column for column in declared_columns(grant.dataset)}
    for name, text in masks.items():
        if name not in grant.columns or name not in columns:
            raise InvalidInput(_("“%(name)s” is not granted.") % {"name": name[:60]})
        parse_mask(text, columns[name])
    if dict(masks) == grant.masks:
        return grant
    grant.masks = dict(masks)
    grant.save(update_fields=["masks"])
    data = {"masks": grant.masks, "reason": reason.strip()}
    record.append(stream=record.stream_of(grant), verb="grant.masked", actor=actor, data=data)
    _tell_users(grant, NoticeKind.GRANT_MASKED, reason.strip())
    return grant


def key_hash(key: str) -> str:
    """SHA-256 of a key; keys carry 256 random bits, so no salt or stretching is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


@transaction.atomic
def create_credential(*, grant: Grant, actor: Actor) -> tuple[Credential, str]:
    """A new key of the grant: the record and the key itself, which is not kept and cannot be shown again."""
    grant = lock(grant)
    actor = access.require(actor, Permission.GRANT_USE, grant)
    opening.require_agreement(grant)
    if not grant.is_in_force:
        raise GrantNotInForce
    if grant.credentials.filter(revoked_at__isnull=True).count() >= KEY_LIMIT:
        raise InvalidInput(_("This grant has %(limit)s keys already; withdraw one first.") % {"limit": KEY_LIMIT})
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    credential = Credential.objects.create(grant=grant, prefix=key[:10], key_hash=key_hash(key), created_by=actor.user)
    data = {"credential": str(credential.pk), "prefix": credential.prefix}
    record.append(stream=record.stream_of(grant), verb="credential.created", actor=actor, data=data)
    return credential, key


@transaction.atomic
def withdraw_credential(*, credential: Credential, actor: Actor) -> None:
    """End one key at once; the others of the grant go on. Ending it again changes nothing."""
    grant = lock(credential.grant)
    user = access.capacity_for(actor, Permission.GRANT_USE, grant)
    actor = user or access.require(actor, Permission.GRANT_REVOKE, grant)
    if not Credential.objects.filter(pk=credential.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()):
        return
    data = {"credential": str(credential.pk), "prefix": credential.prefix}
    record.append(stream=record.stream_of(grant), verb="credential.withdrawn", actor=actor, data=data)


def uses(ids: Sequence[UUID], since: dt.date) -> dict[UUID, int]:
    """Dataset → deliveries under its grants since a day, for the order of the search; one query."""
    start = timezone.make_aware(dt.datetime.combine(since, dt.time()))
    rows = UsageRecord.objects.filter(grant__dataset__in=ids, at__gte=start).order_by()
    return dict(rows.values_list("grant__dataset").annotate(n=Count("pk")))
