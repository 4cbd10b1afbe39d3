"""Sending notices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.accounts.models import User
from portal.departments.models import Department
from portal.notices import preferences
from portal.notices.models import Delivery, DeliveryChannel, DeliveryState, MailChoice, Notice, Webhook

REQUEUED = 1_000


@dataclass(frozen=True)
class Message:
    """A notice to be given to people: see ``notify`` for what each part means."""

    users: Sequence[User]
    kind: str
    url: str
    data: dict[str, Any]
    department: Department | None = None


def notify(
    users: Iterable[User], kind: str, *, url: str, data: dict[str, Any], department: Department | None = None
) -> int:
    """Give each of ``users`` (once) a notice in the caller's transaction; returns how many.

    ``department`` is the one whose business it is: its webhook is called, and no other's, wherever else the people
    hold duties. A notice that is a person's own has none.
    ``data`` holds the words that the notice's sentence needs: title, number, department, note. E-mails and webhook
    calls are queued in the same transaction, in a number of queries that does not grow with the people.
    """
    return notify_all([Message(list(users), kind, url, data, department)])


@transaction.atomic
def notify_all(messages: Sequence[Message]) -> int:
    """``notify`` for many messages, in the same few queries; returns how many notices were given."""
    people = {user.pk: user for message in messages for user in message.users if user.is_active}
    notices: list[Notice] = []
    firsts: list[tuple[Notice, Department | None]] = []
    for message in messages:
        given = [
            Notice(user=people[pk], kind=message.kind, url=message.url, data=message.data)
            for pk in dict.fromkeys(user.pk for user in message.users)
            if pk in people
        ]
        notices += given
        firsts += [(given[0], message.department)] if given else []
    if notices:
        Notice.objects.bulk_create(notices)
        queue([*_emails(notices, people), *_calls(firsts)])
    return len(notices)


def _emails(notices: Sequence[Notice], people: dict[int, User]) -> list[Delivery]:
    """An e-mail for each who has an address and wants this kind at once."""
    addressed = [notice for notice in notices if people[notice.user_id].email]
    if not addressed:
        return []
    chosen = preferences.choices_of({notice.user_id for notice in addressed})
    return [
        Delivery(channel=DeliveryChannel.EMAIL, notice=notice, user_id=notice.user_id)
        for notice in addressed
        if preferences.choice_for(notice.user_id, notice.kind, chosen) == MailChoice.IMMEDIATE
    ]


def _calls(firsts: Sequence[tuple[Notice, Department | None]]) -> list[Delivery]:
    """One call of the department's webhook a message, however many of its people get the notice."""
    concerned = {department.pk for _notice, department in firsts if department}
    if not concerned:
        return []
    hooks: dict[Any, Webhook] = {}
    for hook in Webhook.objects.filter(is_active=True, department__in=concerned):
        hooks.setdefault(hook.department_id, hook)
    return [
        Delivery(channel=DeliveryChannel.WEBHOOK, webhook=hooks[department.pk], notice=notice)
        for notice, department in firsts
        if department and department.pk in hooks
    ]


def queue(deliveries: Sequence[Delivery]) -> None:
    """Keep deliveries and the jobs that send them, in the caller's transaction: two queries."""
    if deliveries:
        Delivery.objects.bulk_create(deliveries)
        _defer(deliveries)


def _defer(deliveries: Sequence[Delivery]) -> None:
    from portal.notices.tasks import deliver

    deliver.batch_defer(*({"delivery_id": str(delivery.pk)} for delivery in deliveries))


def requeue_stalled(older_than: dt.timedelta = dt.timedelta(hours=1)) -> int:
    """Queue deliveries again that wait without a job, because the worker that had them died; returns how many."""
    limit = timezone.now() - older_than
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING, created_at__lt=limit)
    stalled = list(waiting.filter(Q(next_at__isnull=True) | Q(next_at__lt=limit))[:REQUEUED])
    if stalled:
        _defer(stalled)
    return len(stalled)


def remove_old() -> int:
    """Remove notices that were read and are older than NOTICE_KEEP_DAYS; returns how many."""
    before = timezone.now() - dt.timedelta(days=settings.NOTICE_KEEP_DAYS)
    _all, by_model = Notice.objects.filter(read_at__isnull=False, created_at__lt=before).delete()
    return by_model.get("portal.Notice", 0)
