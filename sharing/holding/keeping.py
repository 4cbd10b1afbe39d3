"""What the portal does every day with running grants: tell of ends, remind of renewals, begin and close reviews.

Everything is told once, however often this runs; after days without it, only what holds today is told.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from portal.calendars.working_days import calendar_around
from portal.departments.duties import holders
from portal.departments.models import Department, Duty
from portal.errors import WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing.holding import renewals, reviews
from sharing.models import Grant, GrantRenewal, GrantReview, GrantState, ReviewState
from sharing.once import each_once

BATCH = 1_000


def _tell(found: Sequence[tuple[Department, str]], kind: NoticeKind, url: str, **words: object) -> None:
    """One notice to the applicants of each department, which names its first grant and says how many there are."""
    titles: dict[UUID, list[str]] = defaultdict(list)
    departments = {department.pk: department for department, _title in found}
    for department, title in found:
        titles[department.pk].append(title)
    for pk, department in sorted(departments.items()):
        data = {"department": department.name, "title": titles[pk][0], "n": len(titles[pk])} | words
        notify(holders(department, Duty.APPLICANT), kind, url=url, data=data, department=department)


def _threshold(grant: Grant, today: dt.date) -> int | None:
    """The last threshold that ``grant`` has passed since it was issued, if it has not been told of it."""
    left = (grant.valid_until - today).days
    term = (grant.valid_until - grant.valid_from).days
    passed = [days for days in settings.GRANT_EXPIRY_NOTICE_DAYS if left <= days < term]
    if not passed or (grant.expiry_told is not None and grant.expiry_told <= min(passed)):
        return None
    return min(passed)


@transaction.atomic
def tell_ends() -> int:
    """Tell departments of grants that end in 60, 30 and 7 days; returns how many grants."""
    today = timezone.localdate()
    furthest = today + dt.timedelta(days=max(settings.GRANT_EXPIRY_NOTICE_DAYS, default=0))
    asked = GrantRenewal.objects.pending().filter(grant=OuterRef("pk"))
    ending = Grant.objects.in_force().of_departments().filter(~Exists(asked), valid_until__lte=furthest)
    rows = ending.select_related("dataset", "department")
    by_threshold: dict[int, list[Grant]] = defaultdict(list)
    locked = rows.select_for_update(skip_locked=True, of=("self",)).order_by("valid_until", "id")
    for grant in locked.iterator(chunk_size=BATCH):
        days = _threshold(grant, today)
        if days is not None:
            by_threshold[days].append(grant)
    for days, found in sorted(by_threshold.items()):
        Grant.objects.filter(pk__in=[grant.pk for grant in found]).update(expiry_told=days)
        pairs = [(grant.department, grant.dataset.title) for grant in found]
        url = f"{reverse('sharing:grant-list')}?ending={days}"
        _tell(pairs, NoticeKind.GRANT_ENDING, url, days=days)
    return sum(map(len, by_threshold.values()))


def remind_renewals() -> int:
    """Remind providers a working day before the deadline of a renewal, and once when it has passed."""
    now, today = timezone.now(), timezone.localdate()
    related = ("grant__dataset__provider", "grant__department")
    waiting = GrantRenewal.objects.pending().exclude(grant__state=GrantState.REVOKED)
    soon = waiting.filter(due_at__gte=now, due_at__lte=calendar_around(today).add(today, 1).at, warned_at__isnull=True)
    late = waiting.filter(due_at__lt=now, reminded_at__isnull=True)
    warned = each_once(soon, "warned_at", lambda one: renewals.tell_provider(one, NoticeKind.RENEWAL_DUE), *related)
    told = each_once(late, "reminded_at", lambda one: renewals.tell_provider(one, NoticeKind.RENEWAL_LATE), *related)
    return warned + told


def close_renewals() -> int:
    """Close the renewals of revoked grants; returns how many."""
    count = 0
    for renewal in list(GrantRenewal.objects.pending().filter(grant__state=GrantState.REVOKED)[:BATCH]):
        try:
            renewals.lapse(renewal=renewal)
        except WrongState:
            continue
        count += 1
    return count


def open_reviews() -> int:
    """Begin the review of each running grant that nobody confirmed for a year; returns how many."""
    before = timezone.localdate() - dt.timedelta(days=settings.GRANT_REVIEW_AFTER_DAYS)
    waiting = GrantReview.objects.filter(grant=OuterRef("pk"), state=ReviewState.OPEN)
    due = (
        Grant.objects.in_force()
        .of_departments()
        .annotate(since=Coalesce("confirmed_on", "valid_from"))
        .filter(since__lte=before)
    )
    opened = [reviews.open_review(grant=grant) for grant in due.exclude(Exists(waiting)).order_by("pk")[:BATCH]]
    return sum(review is not None for review in opened)


def close_reviews() -> int:
    """Suspend what was not confirmed in time, and end the reviews of grants that have ended; returns how many."""
    today = timezone.localdate()
    over = Q(grant__state=GrantState.REVOKED) | Q(grant__valid_until__lt=today)
    ended = list(GrantReview.objects.unconfirmed().filter(over).select_related("grant")[:BATCH])
    for review in ended:
        reviews.end(review=review)
    late = GrantReview.objects.filter(state=ReviewState.OPEN, due_on__lt=today, warned_on__isnull=False)
    missed = [reviews.miss(review=review) for review in list(late.select_related("grant")[:BATCH])]
    return len(ended) + sum(missed)


def tell_reviews() -> int:
    """Tell departments what is to be confirmed: at the start, as a reminder, and before the suspension.

    Returns how many reviews. Who was not told at the start is told by the first of these that is due.
    """
    today = timezone.localdate()
    remind = today + dt.timedelta(days=settings.GRANT_REVIEW_REMIND_DAYS)
    warn = today + dt.timedelta(days=settings.GRANT_REVIEW_WARN_DAYS)
    return (
        _tell_of(Q(due_on__lte=warn, warned_on__isnull=True), NoticeKind.REVIEW_WARNED)
        + _tell_of(Q(due_on__lte=remind, reminded_at__isnull=True), NoticeKind.REVIEW_REMINDED)
        + _tell_of(Q(told_at__isnull=True), NoticeKind.REVIEW_OPENED)
    )


@transaction.atomic
def _tell_of(due: Q, kind: NoticeKind) -> int:
    """Mark and tell the open reviews of running grants that meet ``due``, one notice for each day of suspension."""
    now, today = timezone.now(), timezone.localdate()
    rows = GrantReview.objects.filter(due, state=ReviewState.OPEN, grant__state=GrantState.ACTIVE)
    locked = rows.select_for_update(skip_locked=True, of=("self",)).select_related(
        "grant__dataset", "grant__department"
    )
    by_day: dict[dt.date, list[GrantReview]] = defaultdict(list)
    for review in locked.order_by("due_on", "id")[: 5 * BATCH]:
        earliest = max(review.due_on, today + dt.timedelta(days=settings.GRANT_REVIEW_WARN_DAYS - 1))
        by_day[earliest + dt.timedelta(days=1)].append(review)
    marks: dict[str, object] = {"told_at": now}
    if kind != NoticeKind.REVIEW_OPENED:
        marks["reminded_at"] = now
    if kind == NoticeKind.REVIEW_WARNED:
        marks["warned_on"] = today
    for day, found in sorted(by_day.items()):
        GrantReview.objects.filter(pk__in=[review.pk for review in found]).update(**marks)
        pairs = [(review.grant.department, review.grant.dataset.title) for review in found]
        _tell(pairs, kind, reverse("sharing:review-list"), day=day.isoformat())
    return sum(map(len, by_day.values()))


def keep() -> None:
    """All of it, in the order in which nothing is told that is over by then."""
    close_renewals()
    close_reviews()
    open_reviews()
    tell_reviews()
    tell_ends()
