"""Disputes whose stage or outcome is not what their events say."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from portal.audit import checks
from portal.audit.checks import Finding
from portal.audit.models import Event
from portal.audit.record import stream_of
from sharing.models import Dispute


def disputes() -> Iterator[Finding]:
    """One finding for each dispute that does not agree with its record."""
    events = Event.objects.filter(stream__startswith="dispute:").order_by("stream", "seq")
    said = {event.stream: (event.data["stage"], event.data["outcome"]) for event in events.iterator(chunk_size=5_000)}
    for dispute in Dispute.objects.order_by("pk").iterator():
        if said.get(stream_of(dispute)) != (dispute.stage, dispute.outcome):
            yield Finding(stream_of(dispute), _("its state is not what its events say"))


checks.register("disputes", disputes)
