"""Renewals and yearly reviews whose state is not what the events of their grants say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from portal.audit import checks
from portal.audit.checks import Finding
from portal.audit.models import Event
from portal.audit.record import stream_of
from sharing.models import GrantRenewal, GrantReview


def _said(name: str) -> dict[str, str]:
    """Id → the state that the last event says, of renewals or reviews."""
    events = Event.objects.filter(stream__startswith="grant:", data__has_key=name).order_by("stream", "seq")
    rows = events.values_list(f"data__{name}", f"data__{name}_state").iterator(chunk_size=5_000)
    return dict(rows)


def _compare(name: str, rows: Any) -> Iterator[Finding]:
    said = _said(name)
    for row in rows.select_related("grant").order_by("pk").iterator():
        if said.pop(str(row.pk), None) != row.state:
            yield Finding(stream_of(row.grant), _("the state of its renewal or review is not what its events say"))
    for missing in said:
        yield Finding(f"{name}:{missing}", _("its record is gone"))


def renewals() -> Iterator[Finding]:
    """One finding for each renewal that does not agree with the record."""
    yield from _compare("renewal", GrantRenewal.objects)


def reviews() -> Iterator[Finding]:
    """One finding for each yearly review that does not agree with the record."""
    yield from _compare("review", GrantReview.objects)


checks.register("renewals", renewals)
checks.register("reviews", reviews)
