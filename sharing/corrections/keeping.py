"""What the portal itself does with reports: reminders, ends without an objection, e-mails, deletion of addresses."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from portal.access import Actor
from portal.audit import record
from portal.calendars.working_days import calendar_around
from portal.notices.models import NoticeKind
from sharing import citizens
from sharing.corrections import reports, telling
from sharing.corrections.tokens import follow_path
from sharing.corrections.turns import RELATED
from sharing.models import CorrectionReport, CorrectionState
from sharing.once import each_once

BATCH = 1_000


def remind_late() -> int:
    """Remind whose turn it is a working day before the deadline, and once when it has passed; returns how many."""
    now, today = timezone.now(), timezone.localdate()
    waiting = CorrectionReport.objects.waiting()
    soon = waiting.filter(due_at__gte=now, due_at__lte=calendar_around(today).add(today, 1).at, warned_at__isnull=True)
    late = CorrectionReport.objects.late().filter(reminded_at__isnull=True)
    warned = each_once(
        soon, "warned_at", lambda report: telling.tell_office(report, NoticeKind.CORRECTION_DUE), *RELATED
    )
    told = each_once(
        late, "reminded_at", lambda report: telling.tell_office(report, NoticeKind.CORRECTION_LATE), *RELATED
    )
    return warned + told


def close_unopposed() -> int:
    """Close the reports whose answer nobody objected to in time; returns how many."""
    waiting = CorrectionReport.objects.filter(state=CorrectionState.ANSWERED, due_at__lt=timezone.now())
    count = 0
    for pk in list(waiting.order_by("due_at").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            report = waiting.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
            if report is None:  # the reporter was faster, or has more time now
                continue
            reports.confirm(report=report, actor=Actor.system(), seen_version=report.version)
            count += 1
    return count


def forget_addresses() -> int:
    """Delete citizens' addresses some days after the end of their reports; returns how many."""
    before = timezone.now() - dt.timedelta(days=settings.CORRECTION_EMAIL_KEEP_DAYS)
    ended = CorrectionReport.objects.exclude(sealed_email="").filter(closed_at__lt=before)
    count = 0
    for pk in list(ended.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            report = CorrectionReport.objects.select_for_update(of=("self",)).get(pk=pk)
            if not report.sealed_email:
                continue
            CorrectionReport.objects.filter(pk=pk).update(sealed_email="")
            data = {"state": report.state, "outcome": report.outcome}
            stream = record.stream_of(report)
            record.append(stream=stream, verb="correction.address_deleted", actor=Actor.system(), data=data)
            count += 1
    return count


def mail_reporter(report_id: str) -> bool:
    """Send the present state and the follow-up link to a citizen; False when there is no address any more."""
    report = CorrectionReport.objects.select_related("dataset").filter(pk=UUID(report_id)).first()
    if report is None or not report.sealed_email:
        return False
    with override(settings.LANGUAGE_CODE):
        words = {"number": report.number, "state": report.get_state_display(), "title": report.dataset.title}
        lines = [
            _("Your report %(number)s on “%(title)s” is now: %(state)s.") % words,
            _("Read the answer here: %(url)s") % {"url": f"{settings.SITE_URL}{follow_path(report)}"},
            _("Keep this link to yourself: whoever has it can read and answer in your name."),
        ]
        subject = _("Your report %(number)s: %(state)s") % words
    return citizens.mail(report.sealed_email, subject, lines)
