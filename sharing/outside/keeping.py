"""What the portal itself does with applications from outside: e-mails, and the deletion of how to reach people."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from portal.access import Actor
from portal.audit import record
from sharing import citizens
from sharing.models import Grant, OpenApplicant, RequestState, SharingRequest
from sharing.outside.tokens import follow_path

BATCH = 1_000


def mail_applicant(request_id: str) -> bool:
    """Send the present state and the follow-up link; False when there is no address any more."""
    related = SharingRequest.objects.from_outside().select_related("outside")
    request = related.filter(pk=UUID(request_id)).first()
    if request is None or not request.outside.sealed_email:
        return False
    with override(settings.LANGUAGE_CODE):
        state = request.get_state_display()
        subject = _("Your application %(number)s: %(state)s") % {"number": request.number, "state": state}
        lines = [
            _("There is news of your application for conditionally open data “%(title)s”. It is now: %(state)s.")
            % {"title": request.title, "state": state},
            _("Read it, and answer where an office asks you, here: %(url)s")
            % {"url": f"{settings.SITE_URL}{follow_path(request.pk)}"},
            _("Keep this link to yourself: whoever has it can act in your name and use what is granted to you."),
        ]
    return citizens.mail(request.outside.sealed_email, subject, lines)


def forget_contacts() -> int:
    """Delete person, telephone and address some days after an application and its last grant are over."""
    today = timezone.localdate()
    before = today - dt.timedelta(days=settings.OPEN_CONTACT_KEEP_DAYS)
    running = Grant.objects.filter(outside=OuterRef("pk"), valid_until__gte=before)
    running = running.filter(Q(ended_at__isnull=True) | Q(ended_at__date__gte=before))
    ended = OpenApplicant.objects.exclude(sealed_email="").filter(
        ~Exists(running),
        request__state__in=[RequestState.COMPLETED, RequestState.WITHDRAWN],
        request__modified__date__lt=before,
    )
    count = 0
    for pk in list(ended.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            applicant = OpenApplicant.objects.select_for_update(of=("self",)).select_related("request").get(pk=pk)
            if not applicant.sealed_email:
                continue
            applicant.contact = applicant.sealed_phone = applicant.sealed_email = ""
            applicant.save(update_fields=["contact", "sealed_phone", "sealed_email"])
            stream = record.stream_of(applicant.request)
            record.append(stream=stream, verb="applicant.forgotten", actor=Actor.system())
            count += 1
    return count
