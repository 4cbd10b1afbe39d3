"""Sending notices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from portal.accounts.models import User
from portal.notices.models import Notice


def notify(users: Iterable[User], kind: str, *, url: str, data: dict[str, Any]) -> int:
    """Give each of ``users`` (once) a notice in the caller's transaction; returns how many.

    ``data`` holds the words that the notice's sentence needs: title, number, department, note.
    """
    people = {user.pk: user for user in users if user.is_active}
    Notice.objects.bulk_create(Notice(user=user, kind=kind, url=url, data=data) for user in people.values())
    return len(people)
