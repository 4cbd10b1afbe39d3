"""Sending notices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.departments.models import Membership
from portal.notices import preferences
from portal.notices.models import Delivery, DeliveryChannel, MailChoice, Notice, Webhook


@transaction.atomic
def notify(users: Iterable[User], kind: str, *, url: str, data: dict[str, Any]) -> int:
    """Give each of ``users`` (once) a notice in the caller's transaction; returns how many.

    ``data`` holds the words that the notice's sentence needs: title, number, department, note. E-mails and webhook
    calls are queued in the same transaction, in a number of queries that does not grow with the people.
    """
    people = {user.pk: user for user in users if user.is_active}
    if not people:
        return 0
    notices = Notice.objects.bulk_create(Notice(user=user, kind=kind, url=url, data=data) for user in people.values())
    queue([*_emails(notices, people), *_calls(notices)])
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


def _calls(notices: Sequence[Notice]) -> list[Delivery]:
    """One call for each department with a webhook, however many of its people get the notice."""
    hooks = dict(Webhook.objects.filter(is_active=True).values_list("department_id", "pk"))
    if not hooks:
        return []
    by_user = {notice.user_id: notice for notice in notices}
    rows = Membership.objects.current().filter(user__in=by_user, department__in=hooks)
    first: dict[int, Notice] = {}
    for department, user in rows.order_by("user_id").values_list("department_id", "user_id").distinct():
        first.setdefault(hooks[department], by_user[user])
    return [Delivery(channel=DeliveryChannel.WEBHOOK, webhook_id=hook, notice=notice) for hook, notice in first.items()]


def queue(deliveries: Sequence[Delivery]) -> None:
    """Keep deliveries and the jobs that send them, in the caller's transaction: two queries."""
    from portal.notices.tasks import deliver

    if deliveries:
        Delivery.objects.bulk_create(deliveries)
        deliver.batch_defer(*({"delivery_id": str(delivery.pk)} for delivery in deliveries))


def remove_old() -> int:
    """Remove notices that were read and are older than NOTICE_KEEP_DAYS; returns how many."""
    before = timezone.now() - dt.timedelta(days=settings.NOTICE_KEEP_DAYS)
    _all, by_model = Notice.objects.filter(read_at__isnull=False, created_at__lt=before).delete()
    return by_model.get("portal.Notice", 0)
