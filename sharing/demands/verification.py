"""Compares the states of demands, and the lines kept for them, with what the events say."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from portal.audit import checks
from portal.audit.checks import Finding
from portal.audit.models import Event
from sharing.models import Demand


def states() -> Iterator[Finding]:
    """Demands whose state is not what the last event says, and events whose demand is gone."""
    last = Event.objects.filter(stream__startswith="demand:").order_by("stream", "-seq").distinct("stream")
    said = {stream.partition(":")[2]: state for stream, state in last.values_list("stream", "data__state")}
    for pk, state in Demand.objects.order_by("pk").values_list("pk", "state").iterator():
        if said.pop(str(pk), None) != state:
            yield Finding(f"demand:{pk}", _("its state is not what its events say"))
    for missing in said:
        yield Finding(f"demand:{missing}", _("its record is gone"))


checks.register("demands", states)
