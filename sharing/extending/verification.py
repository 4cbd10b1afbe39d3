"""Extensions whose outcome is not what their events say."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from portal.audit import checks
from portal.audit.checks import Finding
from portal.audit.models import Event
from portal.audit.record import stream_of
from sharing.models import Extension


def extensions() -> Iterator[Finding]:
    """One finding for each extension that does not agree with the record of its request."""
    events = Event.objects.filter(stream__startswith="sharingrequest:", verb__startswith="extension.")
    said: dict[str, tuple[str, str]] = {}
    for event in events.order_by("stream", "seq").iterator(chunk_size=5_000):
        said[event.data["extension"]] = (event.verb.partition(".")[2], event.data["days"])
    for extension in Extension.objects.select_related("step__request").order_by("pk").iterator(chunk_size=500):
        if said.get(str(extension.pk)) != (extension.outcome, str(extension.days)):
            yield Finding(stream_of(extension.step.request), _("an extension is not what its events say"))


checks.register("extensions", extensions)
