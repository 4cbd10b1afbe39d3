"""Sending notices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
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


@transaction.atomic
def notify(
    users: Iterable[User], kind: str, *, url: str, data: dict[str, Any], department: Department | None = None
) -> int:
    """Give each of ``users`` (once) a notice in the caller's transaction; returns how many.

    ``department`` is the one whose business it is: its webhook is called, and no other's, wherever else the people
    hold duties. A notice that is a person's own has none.
    ``data`` holds the words that the notice's sentence needs: title, number, department, note. E-mails and webhook
    calls are queued in the same transaction, in a number of queries that does not grow with the people.
    """
    people = {user.pk: user for user in users if user.is_active}
    if not people:
        return 0
    notices = Notice.objects.bulk_create(Notice(user=user, kind=kind, url=url, data=data) for user in people.values())
    queue([*_emails(notices, people), *_calls(notices, department)])
    return len(people)


def _emails(notices: Sequence[Notice], people: dict[int, User]) -> list[Delivery]:
    """An e-mail for each who has an address and wants this kind at once."""
    addressed = [notice for notice in notices if people[notice.user_id].email]
    if not addressed:
        return []
    chosen = preferences.choices_of(notice.user_id for notice in addressed)
    return [
        Delivery(channel=DeliveryChannel.EMAIL, notice=notice, user_id=notice.user_id)
        for notice in addressed
        if preferences.choice_for(notice.user_id, notice.kind, chosen) == MailChoice.IMMEDIATE
    ]


def _calls(notices: Sequence[Notice], department: Department | None) -> list[Delivery]:
    """One call of the department's webhook, however many of its people get the notice."""
    hook = Webhook.objects.filter(is_active=True, department=department).first() if department else None
    return [Delivery(channel=DeliveryChannel.WEBHOOK, webhook=hook, notice=notices[0])] if hook else []


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
