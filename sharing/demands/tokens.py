"""The secret link under which a citizen follows their demand."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse

from sharing import citizens
from sharing.models import Demand

KIND = "demand"


def token_of(pk: UUID) -> str:
    """The token of a demand."""
    return citizens.follow_token(KIND, pk)


def is_valid(pk: UUID, token: str) -> bool:
    """Whether ``token`` is that of the demand."""
    return citizens.is_follow_token(KIND, pk, token)


def follow_path(demand: Demand) -> str:
    """The address under which a citizen follows their demand."""
    return reverse("sharing:open-demand-follow", args=[demand.pk, token_of(demand.pk)])
