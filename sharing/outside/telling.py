"""Telling applicants from outside by e-mail: in each transaction that changes something for them, a job is queued."""

from __future__ import annotations

from collections.abc import Iterable

from sharing.models import SharingRequest
from sharing.outside.tasks import mail_applicant


def changed(requests: Iterable[SharingRequest]) -> None:
    """Queue an e-mail to those of the applicants who are outside; departments get notices."""
    for pk in dict.fromkeys(request.pk for request in requests if request.is_outside):
        mail_applicant.defer(request_id=str(pk))
