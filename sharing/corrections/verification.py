"""Reports whose state or outcome is not what their events say."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from portal.audit import checks
from portal.audit.checks import Finding
from portal.audit.models import Event
from sharing.models import CorrectionReport

STREAM = CorrectionReport._meta.model_name


def states() -> Iterator[Finding]:
    """Reports that do not agree with their last event, and events whose report is gone."""
    last = Event.objects.filter(stream__startswith=f"{STREAM}:").order_by("stream", "-seq").distinct("stream")
    rows = last.values_list("stream", "data__state", "data__outcome")
    said = {stream.partition(":")[2]: (state, outcome) for stream, state, outcome in rows}
    for pk, *stands in CorrectionReport.objects.order_by("pk").values_list("pk", "state", "outcome").iterator():
        if said.pop(str(pk), None) != tuple(stands):
            yield Finding(f"{STREAM}:{pk}", _("its state is not what its events say"))
    for missing in said:
        yield Finding(f"{STREAM}:{missing}", _("its record is gone"))


checks.register("corrections", states)
