"""The secret in an applicant's follow-up link: made from its key and the portal's secret, kept nowhere."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac


def token_of(pk: UUID) -> str:
    """The token of an application: 256 bits in hexadecimal."""
    secret = settings.FIELD_KEY or settings.SECRET_KEY
    return salted_hmac("shuqiao.application.follow", str(pk), secret=secret, algorithm="sha256").hexdigest()


def is_valid(pk: UUID, token: str) -> bool:
    """Whether ``token`` is that of the application, in a time that tells nothing."""
    return constant_time_compare(token_of(pk), token)


def follow_path(pk: UUID) -> str:
    """The address under which an applicant follows the application and uses what was granted."""
    return reverse("sharing:application-follow", args=[pk, token_of(pk)])
