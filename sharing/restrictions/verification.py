"""Entries of the restriction list that are not what their events say."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from portal.audit import checks
from portal.audit.checks import Finding
from portal.audit.models import Event
from portal.audit.record import stream_of
from sharing.models import Restriction


def restrictions() -> Iterator[Finding]:
    """One finding for each entry that does not agree with its record."""
    names = ("number", "department", "person", "effect", "since", "until", "is_lifted", "is_stated")
    events = Event.objects.filter(stream__startswith="restriction:").order_by("stream", "seq")
    said = {e.stream: tuple(e.data[name] for name in names) for e in events.iterator(chunk_size=5_000)}
    for row in Restriction.objects.order_by("pk").iterator(chunk_size=5_000):
        term = (row.since.isoformat(), row.until.isoformat())
        ends = (row.lifted_at is not None, row.stated_at is not None)
        if said.get(stream_of(row)) != (row.number, str(row.department_id), row.person_id, row.effect, *term, *ends):
            yield Finding(stream_of(row), _("its state is not what its events say"))


checks.register("restrictions", restrictions)
