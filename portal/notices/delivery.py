"""Sending one delivery: e-mail or webhook call, repeated with growing waits, given up after the last."""

from __future__ import annotations

import datetime as dt
import logging
import smtplib
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.errors import WrongState
from portal.notices import calls, digest
from portal.notices.models import Delivery, DeliveryChannel, DeliveryState, Notice
from portal.notices.texts import outside_words

WAITS = tuple(dt.timedelta(minutes=n) for n in (1, 5, 30, 120, 720))
"""How long to wait after each failure; after the one that follows the last, the delivery has failed."""
log = logging.getLogger(__name__)


class SendingFailed(Exception):
    """It did not arrive; ``status`` is the HTTP status of a webhook's answer, if it gave one."""

    def __init__(self, answer: str, status: int | None = None) -> None:
        super().__init__(answer)
        self.answer, self.status = answer, status


@transaction.atomic
def attempt(delivery_id: UUID | str) -> Delivery | None:
    """Send a delivery that is waiting and due; nothing when it was sent, is not due or another worker has it.

    The row stays locked while it is sent, so that two workers never send the same.
    """
    rows = Delivery.objects.select_for_update(of=("self",), skip_locked=True)
    rows = rows.select_related("notice", "user", "webhook")
    delivery = rows.filter(pk=delivery_id, state=DeliveryState.WAITING).first()
    if delivery is None or (delivery.next_at and delivery.next_at > timezone.now()):
        return None
    delivery.attempts += 1
    delivery.next_at = None
    try:
        delivery.state = _send(delivery)
        delivery.done_at = timezone.now()
    except SendingFailed as failure:
        delivery.status, delivery.answer = failure.status, failure.answer[:200]
        _put_off(delivery)
    delivery.save()
    return delivery


def _put_off(delivery: Delivery) -> None:
    from portal.notices.tasks import deliver

    if delivery.attempts > len(WAITS):
        delivery.state, delivery.done_at = DeliveryState.FAILED, timezone.now()
        return
    delivery.next_at = timezone.now() + WAITS[delivery.attempts - 1]
    deliver.configure(schedule_at=delivery.next_at).defer(delivery_id=str(delivery.pk))


def _send(delivery: Delivery) -> DeliveryState:
    if delivery.webhook:
        if not delivery.webhook.is_active:
            return DeliveryState.SKIPPED
        try:
            delivery.status, delivery.answer = calls.post(delivery)
        except (calls.AddressRefused, OSError, InvalidToken) as error:
            raise SendingFailed(str(error) or type(error).__name__) from error
        if not 200 <= delivery.status < 300:
            raise SendingFailed(delivery.answer, delivery.status)
        return DeliveryState.SENT
    user = delivery.user
    assert user is not None
    if not user.is_active or not user.email:
        return DeliveryState.SKIPPED
    with translation.override(settings.LANGUAGE_CODE):
        message = _letter(delivery)
    if message is None:
        return DeliveryState.SKIPPED
    mail(user.email, *message)
    delivery.answer = ""
    return DeliveryState.SENT


def _letter(delivery: Delivery) -> tuple[str, list[str]] | None:
    """Subject and lines; nothing when everything of a daily e-mail was read meanwhile."""
    if delivery.channel == DeliveryChannel.EMAIL and delivery.notice:
        return outside_words(delivery.notice), _lines(delivery.notice)
    notices = digest.unread_of(delivery)
    if not notices:
        return None
    subject = _("%(count)s unread notices") % {"count": len(notices)}
    return subject, [line for notice in notices for line in _lines(notice)]


def _lines(notice: Notice) -> list[str]:
    return [outside_words(notice), settings.SITE_URL + reverse("notices:notice-open", args=[notice.pk]), ""]


def mail(address: str, subject: str, lines: list[str]) -> None:
    """Send one e-mail now.

    Raises:
        SendingFailed: the mail server did not take it.
    """
    foot = _("You can choose what reaches you by e-mail: %(link)s") % {
        "link": settings.SITE_URL + reverse("notices:notice-settings")
    }
    text = "\n".join([*lines, foot, ""])
    try:
        EmailMessage(subject=_("[Shuqiao] %(subject)s") % {"subject": subject}, body=text, to=[address]).send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        # the server's words may repeat the address: keep what kind of error it was and its code
        code = getattr(error, "smtp_code", None)
        raise SendingFailed(" ".join(filter(None, [type(error).__name__, str(code or "")]))) from error


@transaction.atomic
def retry(*, delivery: Delivery, actor: Actor) -> Delivery:
    """Try a failed delivery again from the start.

    Raises:
        NotPermitted: the actor is not the system administrator. WrongState: it has not failed.
    """
    from portal.notices.tasks import deliver

    delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
    actor = access.require(actor, Permission.DELIVERY_MANAGE, delivery)
    if delivery.state != DeliveryState.FAILED:
        raise WrongState
    delivery.state, delivery.attempts, delivery.next_at, delivery.done_at = DeliveryState.WAITING, 0, None, None
    delivery.save()
    record.append(stream=record.stream_of(delivery), verb="delivery.retried", actor=actor)
    deliver.defer(delivery_id=str(delivery.pk))
    return delivery
