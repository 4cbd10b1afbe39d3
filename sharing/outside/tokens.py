"""The secret link under which an applicant follows an application and uses what was granted."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse

from sharing import citizens

KIND = "application"


def token_of(pk: UUID) -> str:
    """The token of an application."""
    return citizens.follow_token(KIND, pk)


def is_valid(pk: UUID, token: str) -> bool:
    """Whether ``token`` is that of the application."""
    return citizens.is_follow_token(KIND, pk, token)


def follow_path(pk: UUID) -> str:
    """The address behind the secret link of an application."""
    return reverse("sharing:application-follow", args=[pk, token_of(pk)])
