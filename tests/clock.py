"""Another moment than the machine's."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from portal.departments.models import Membership


def at(monkeypatch: pytest.MonkeyPatch, *moment: int) -> dt.datetime:
    """Make it that moment (Asia/Shanghai), whatever the machine says."""
    now = timezone.make_aware(dt.datetime(*moment))  # type: ignore[arg-type]
    monkeypatch.setattr(timezone, "now", lambda: now)
    Membership.objects.filter(valid_from__gt=now.date()).update(valid_from=now.date())
    return now
