"""The daily e-mail: everything unread since the one before, for people who want it so."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal.calendars.working_days import WorkingDays
from portal.notices import preferences
from portal.notices.models import Delivery, DeliveryChannel, DeliveryState, MailChoice, Notice
from portal.notices.send import queue


@transaction.atomic
def make(day: dt.date | None = None) -> int:
    """Queue one daily e-mail for each person with something unread, if ``day`` (today) works; returns how many."""
    day = day or timezone.localdate()
    if not WorkingDays(day, day).is_working(day):
        return 0
    covered = Delivery.objects.filter(
        channel=DeliveryChannel.DIGEST, user=OuterRef("user"), created_at__gte=OuterRef("created_at")
    )
    rows = Notice.objects.unread().filter(~Exists(covered), user__is_active=True).exclude(user__email="")
    pairs = set(rows.order_by().values_list("user_id", "kind").distinct())
    chosen = preferences.choices_of({user for user, _kind in pairs})
    people = {user for user, kind in pairs if preferences.choice_for(user, kind, chosen) == MailChoice.DIGEST}
    made = Delivery.objects.filter(channel=DeliveryChannel.DIGEST, day=day, user__in=people)
    people -= set(made.values_list("user_id", flat=True))
    queue([Delivery(channel=DeliveryChannel.DIGEST, user_id=user, day=day) for user in sorted(people)])
    return len(people)


def unread_of(delivery: Delivery) -> list[Notice]:
    """What the daily e-mail holds: unread, of the kinds wanted daily, since the last one that arrived."""
    before = Delivery.objects.filter(channel=DeliveryChannel.DIGEST, user=delivery.user, state=DeliveryState.SENT)
    last = before.filter(created_at__lt=delivery.created_at).order_by("-created_at").first()
    assert delivery.user_id is not None
    rows = Notice.objects.unread().filter(user=delivery.user_id, created_at__lte=delivery.created_at)
    if last:
        rows = rows.filter(created_at__gt=last.created_at)
    chosen = preferences.choices_of([delivery.user_id])
    return [
        notice
        for notice in rows.order_by("-created_at", "-id")[:500]
        if preferences.choice_for(notice.user_id, notice.kind, chosen) == MailChoice.DIGEST
    ]
