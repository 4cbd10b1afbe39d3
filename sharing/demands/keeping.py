"""What the portal itself does with demands: reminders, ends without an objection, e-mails, deletion of addresses."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from portal.access import Actor
from portal.audit import record
from portal.notices.models import NoticeKind
from sharing.citizens import mail
from sharing.demands import acts, telling
from sharing.demands.tokens import follow_path
from sharing.models import Demand, DemandState
from sharing.models.demand import OPEN_STATES

BATCH = 1_000


def remind_late() -> int:
    """One notice to the office for every deadline that has passed; returns how many."""
    now, count = timezone.now(), 0
    late = Demand.objects.late().filter(reminded_at__isnull=True)
    for pk in list(late.order_by("due_at").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            rows = late.select_for_update(skip_locked=True, of=("self",)).select_related("authority", "holder")
            demand = rows.filter(pk=pk).first()
            if demand is None:
                continue
            Demand.objects.filter(pk=pk).update(reminded_at=now)
            if demand.state == DemandState.SUBMITTED:
                telling.tell_authority(demand, NoticeKind.DEMAND_LATE)
            else:
                telling.tell_holder(demand, "", NoticeKind.DEMAND_LATE)
            count += 1
    return count


def fulfil_unopposed() -> int:
    """End the demands whose data are in the catalogue and whose askers did not object in time; returns how many."""
    waiting = Demand.objects.filter(state=DemandState.CATALOGUED, due_at__lt=timezone.now())
    count = 0
    for pk in list(waiting.order_by("due_at").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            demand = waiting.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
            if demand is None:  # the asker was faster, or has more time now
                continue
            acts.confirm(demand=demand, actor=Actor.system(), seen_version=demand.version)
            count += 1
    return count


def forget_addresses() -> int:
    """Delete citizens' addresses some days after the end of their demands; returns how many."""
    before = timezone.now() - dt.timedelta(days=settings.DEMAND_EMAIL_KEEP_DAYS)
    ended = Demand.objects.exclude(sealed_email="").filter(closed_at__lt=before)
    merged_open = Q(state=DemandState.MERGED) & Q(merged_into__state__in=OPEN_STATES)
    merged_lately = Q(state=DemandState.MERGED) & Q(merged_into__closed_at__gte=before)
    count = 0
    for pk in list(ended.exclude(merged_open | merged_lately).values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            demand = Demand.objects.select_for_update(of=("self",)).get(pk=pk)
            if not demand.sealed_email:
                continue
            Demand.objects.filter(pk=pk).update(sealed_email="")
            data = {"state": demand.state}
            stream = record.stream_of(demand)
            record.append(stream=stream, verb="demand.address_deleted", actor=Actor.system(), data=data)
            count += 1
    return count


def mail_citizen(demand_id: str) -> bool:
    """Send the present state and the follow-up link; False when there is no address any more."""
    demand = Demand.objects.select_related("merged_into").filter(pk=UUID(demand_id)).first()
    if demand is None or not demand.sealed_email:
        return False
    shown = demand.merged_into or demand
    with override(settings.LANGUAGE_CODE):
        subject = _("Your demand %(number)s: %(state)s") % {"number": demand.number, "state": shown.get_state_display()}
        lines = [
            _("Your demand for data “%(title)s” is now: %(state)s.")
            % {"title": demand.title, "state": shown.get_state_display()},
            _("Read the answer here: %(url)s") % {"url": f"{settings.SITE_URL}{follow_path(demand)}"},
            _("Keep this link to yourself: whoever has it can read and answer in your name."),
        ]
    return mail(demand.sealed_email, subject, lines)
