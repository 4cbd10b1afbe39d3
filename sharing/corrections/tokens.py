"""The secret link under which a citizen follows their report."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse

from sharing import citizens
from sharing.models import CorrectionReport

KIND = "correction"


def token_of(pk: UUID) -> str:
    """The token of a report."""
    return citizens.follow_token(KIND, pk)


def is_valid(pk: UUID, token: str) -> bool:
    """Whether ``token`` is that of the report."""
    return citizens.is_follow_token(KIND, pk, token)


def follow_path(report: CorrectionReport) -> str:
    """The address under which a citizen follows their report."""
    return reverse("sharing:open-correction-follow", args=[report.pk, token_of(report.pk)])
