"""The secret in a citizen's follow-up link: made from the demand's key and the portal's secret, stored nowhere."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from sharing.models import Demand


def token_of(pk: UUID) -> str:
    """The token of a demand: 256 bits in hexadecimal."""
    secret = settings.FIELD_KEY or settings.SECRET_KEY
    return salted_hmac("shuqiao.demand.follow", str(pk), secret=secret, algorithm="sha256").hexdigest()


def is_valid(pk: UUID, token: str) -> bool:
    """Whether ``token`` is that of the demand, in a time that tells nothing."""
    return constant_time_compare(token_of(pk), token)


def follow_path(demand: Demand) -> str:
    """The address under which a citizen follows their demand."""
    return reverse("sharing:open-demand-follow", args=[demand.pk, token_of(demand.pk)])
