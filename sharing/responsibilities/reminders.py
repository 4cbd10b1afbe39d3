"""Tells departments once before a line of the responsibility list is due, and once when it is late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from catalog.models import UpdateCycle
from catalog.rules import REVIEW_DUTIES
from portal.calendars.working_days import deadline
from portal.departments.duties import holders
from portal.departments.models import Department, Duty
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing.models import Responsibility, ResponsibilityKind, SharingQuestion

BATCH = 5_000
FREQUENT = [UpdateCycle.REALTIME, UpdateCycle.DAILY, UpdateCycle.WEEKLY]
"""Cycles so short that only lateness is told."""


def remind() -> int:
    """Tell each department in one notice what is late, and in one what is soon due; returns how many notices' lines.

    A line is told once for each of its due days, whenever this runs again.
    """
    today = timezone.localdate()
    late = Responsibility.objects.pending().filter(due_on__lt=today)
    told = _tell(late, "reminded_for", NoticeKind.RESPONSIBILITY_LATE, "late")
    until = deadline(today, settings.RESPONSIBILITY_WARN_DAYS).day
    soon = Responsibility.objects.pending().filter(due_on__range=(today, until))
    soon = soon.exclude(kind=ResponsibilityKind.UPDATE, duty_of__update_cycle__in=FREQUENT)
    return told + _tell(soon, "warned_for", NoticeKind.RESPONSIBILITY_DUE, "due")


def _tell(rows: QuerySet[Responsibility], mark: str, kind: NoticeKind, state: str) -> int:
    untold = rows.filter(Q(**{f"{mark}__isnull": True}) | ~Q(**{mark: F("due_on")}))
    count = 0
    while True:
        with transaction.atomic():
            found = list(untold.select_for_update(skip_locked=True, of=("self",)).order_by("due_on", "id")[:BATCH])
            if not found:
                return count
            by_department: dict[UUID, list[Responsibility]] = defaultdict(list)
            for row in found:
                by_department[row.department_id].append(row)
                setattr(row, mark, row.due_on)
            Responsibility.objects.bulk_update(found, [mark], batch_size=1_000)
            for department in Department.objects.filter(pk__in=by_department):
                _notify(department, by_department[department.pk], kind, state)
            count += len(found)


def _notify(department: Department, rows: Sequence[Responsibility], kind: NoticeKind, state: str) -> None:
    people = [user for duty in (*REVIEW_DUTIES, Duty.CATALOGUER) for user in holders(department, duty)]
    data = {"department": department.name, "title": rows[0].title, "n": len(rows)}
    url = f"{reverse('sharing:responsibility-list')}?state={state}&department={department.credit_code}"
    notify(people, kind, url=url, data=data, department=department)


def remind_questions() -> int:
    """One notice for each question about not sharing whose deadline has passed; returns how many."""
    count = 0
    late = SharingQuestion.objects.filter(answered_at__isnull=True, due_at__lt=timezone.now(), reminded_at__isnull=True)
    for pk in list(late.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            rows = late.select_for_update(skip_locked=True, of=("self",)).select_related("dataset__provider")
            question = rows.filter(pk=pk).first()
            if question is None:
                continue
            SharingQuestion.objects.filter(pk=pk).update(reminded_at=timezone.now())
            provider = question.dataset.provider
            people = [user for duty in REVIEW_DUTIES for user in holders(provider, duty)]
            data = {"title": question.dataset.title, "note": question.text, "department": provider.name}
            url = reverse("sharing:negative-record", args=[question.dataset_id])
            notify(people, NoticeKind.NOT_SHARING_ASKED, url=url, data=data, department=provider)
            count += 1
    return count
