"""Setting, removing and testing a department's webhook."""

from __future__ import annotations

import secrets

from django.db import transaction

from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.models import Department
from portal.errors import InvalidInput
from portal.notices import calls
from portal.notices.models import Delivery, DeliveryChannel, Webhook
from portal.notices.send import queue
from portal.sealing import seal


@transaction.atomic
def configure(*, department: Department, actor: Actor, url: str, is_active: bool, new_secret: bool = False) -> str:
    """Set the webhook of ``department``; returns the new secret, which is shown this once, or ``""``.

    A new address always gets a new secret, so that the one before cannot be used to forge calls to it.

    Raises:
        NotPermitted: neither a clerk of the department nor the security administrator.
        InvalidInput: the address may not be called.
    """
    department = Department.objects.select_for_update(of=("self",)).get(pk=department.pk)
    actor = access.require(actor, Permission.WEBHOOK_MANAGE, department)
    try:
        calls.resolved(url)
    except calls.AddressRefused as error:
        raise InvalidInput(fields={"url": [str(error)]}) from error
    hook = Webhook.objects.filter(department=department).first() or Webhook(department=department)
    secret = secrets.token_urlsafe(32) if new_secret or hook.url != url else ""
    hook.url, hook.is_active = url, is_active
    if secret:
        hook.sealed_secret = seal(secret)
    hook.save()
    data = {"url": url, "is_active": is_active, "new_secret": bool(secret)}
    record.append(stream=record.stream_of(department), verb="webhook.configured", actor=actor, data=data)
    return secret


@transaction.atomic
def remove(*, department: Department, actor: Actor) -> None:
    """Remove the webhook of ``department`` with its secret and its results."""
    department = Department.objects.select_for_update(of=("self",)).get(pk=department.pk)
    actor = access.require(actor, Permission.WEBHOOK_MANAGE, department)
    Webhook.objects.filter(department=department).delete()
    record.append(stream=record.stream_of(department), verb="webhook.removed", actor=actor)


@transaction.atomic
def test(*, department: Department, actor: Actor) -> None:
    """Queue a call that says it is a test."""
    actor = access.require(actor, Permission.WEBHOOK_MANAGE, department)
    hook = Webhook.objects.get(department=department)
    queue([Delivery(channel=DeliveryChannel.WEBHOOK, webhook=hook)])
