"""Published questions and frozen answers that are not what their events say."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from portal.audit import checks
from portal.audit.checks import Finding
from portal.audit.models import Event
from portal.audit.record import stream_of
from sharing.models import FormVersion, RequestAnswers, RequestState


def forms() -> Iterator[Finding]:
    """One finding for each published version whose questions are not those that were published."""
    events = Event.objects.filter(stream__startswith="questionform:", verb="form.published").order_by("stream", "seq")
    said = {(e.stream, e.data["number"]): e.data["questions"] for e in events.iterator(chunk_size=1_000)}
    for version in FormVersion.objects.published().select_related("form").order_by("pk").iterator(chunk_size=1_000):
        stream = stream_of(version.form)
        if said.get((stream, version.number)) != version.questions:
            yield Finding(f"{stream} v{version.number}", _("its questions are not those that were published"))


def answers() -> Iterator[Finding]:
    """One finding for each submitted request that answers other versions than those it was submitted with."""
    kept: dict[str, dict[str, str]] = {}
    rows = RequestAnswers.objects.filter(request__submitted_at__isnull=False).exclude(request__state=RequestState.DRAFT)
    for request, form, version in rows.values_list("request", "form", "version").iterator(chunk_size=5_000):
        kept.setdefault(f"sharingrequest:{request}", {})[str(form)] = str(version)
    events = Event.objects.filter(stream__startswith="sharingrequest:", verb="request.submitted", data__has_key="forms")
    said = dict(events.values_list("stream", "data__forms"))
    for stream in sorted({*kept, *said}):
        if kept.get(stream, {}) != (said.get(stream) or {}):
            yield Finding(stream, _("its answers are not to the questions with which it was submitted"))


checks.register("question forms", forms)
checks.register("answers", answers)
