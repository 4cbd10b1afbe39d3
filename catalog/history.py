"""The events of a record in words."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import Dataset
from portal.audit.models import Event
from portal.audit.record import FROM_OUTSIDE, stream_of

LIMIT = 100

SENTENCES: dict[str, str | Promise] = {
    "dataset.created": gettext_lazy("created the record"),
    "dataset.updated": gettext_lazy("changed the record"),
    "dataset.submitted": gettext_lazy("submitted it for review"),
    "dataset.reviewed": gettext_lazy("agreed for the department"),
    "dataset.published": gettext_lazy("published version %(version)s"),
    "dataset.returned": gettext_lazy("returned it for changes: %(note)s"),
    "dataset.withdrawn": gettext_lazy("withdrew it: %(reason)s"),
    "duplicate.settled": gettext_lazy("settled that it holds the same as “%(other)s”: %(reason)s"),
    "duplicate.reopened": gettext_lazy("opened the question of “%(other)s” again"),
    "dataset.revision": gettext_lazy("began a revision of version %(version)s"),
    "dataset.revision_discarded": gettext_lazy("gave the revision up"),
    "dataset.moved": gettext_lazy("moved it from %(from)s to %(to)s"),
    "dataset.imported": gettext_lazy("imported the record"),
    "dataset.not_sharing_reviewed": gettext_lazy("reviewed: not shared until %(until)s, %(basis)s"),
    "dataset.not_sharing_asked": gettext_lazy("asked why it is not shared: %(note)s"),
    "dataset.not_sharing_answered": gettext_lazy("answered why it is not shared: %(note)s"),
    "finding.confirmed": gettext_lazy("confirmed that %(column)s holds personal data"),
    "finding.overruled": gettext_lazy("said that %(column)s holds no personal data: %(reason)s"),
    "exception.given": gettext_lazy("let %(department)s see it until %(until)s: %(reason)s"),
    "exception.ended": gettext_lazy("ended the exception for %(department)s"),
    "exception.expired": gettext_lazy("the exception for %(department)s ran out"),
    "table.upload": gettext_lazy("uploaded the file %(file)s"),
    "disclosure.accepted": gettext_lazy("took the proposed masks for anonymity"),
    "disclosure.overruled": gettext_lazy("said that the open data are anonymous enough: %(reason)s"),
    "table.restored": gettext_lazy("brought version %(of)s of the data back: %(rows)s rows"),
    "table.pull": gettext_lazy("began to pull %(file)s"),
    "pull.ordered": gettext_lazy("ordered the data to be pulled from %(table)s in %(source)s"),
    "pull.paused": gettext_lazy("paused the pull from %(table)s"),
    "pull.resumed": gettext_lazy("took the pull from %(table)s up again"),
    "pull.ended": gettext_lazy("gave the pull from %(table)s up"),
    "table.loaded": gettext_lazy("the data were loaded: %(rows)s rows, %(rejected)s rejected"),
}


@dataclass(frozen=True)
class Line:
    """One event as a reader sees it."""

    at: dt.datetime
    who: str
    sentence: str


def line_of(event: Event, sentences: dict[str, str | Promise]) -> Line:
    """An event in words, by the sentence of its verb."""
    who = str(event.actor) if event.actor else _("the applicant") if event.data.get(FROM_OUTSIDE) else _("the portal")
    if event.on_behalf_of:
        who = _("%(who)s on behalf of %(other)s") % {"who": who, "other": event.on_behalf_of}
    words = defaultdict(str, {name: value if value is not None else "" for name, value in event.data.items()})
    return Line(event.at, who, str(sentences.get(event.verb, event.verb)) % words)


def lines(dataset: Dataset) -> list[Line]:
    """The newest events of a record, newest first."""
    events = Event.objects.filter(stream=stream_of(dataset)).select_related("actor", "on_behalf_of")
    return [line_of(event, SENTENCES) for event in events.order_by("-seq")[:LIMIT]]
