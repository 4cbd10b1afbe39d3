"""Recomputes the states of catalogue records from events, and their search rows, and compares."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from django.db.models import F
from django.utils.translation import gettext as _

from catalog.models import Dataset, DatasetRevision, DatasetSearchRow
from catalog.search.rows import drifted
from portal.audit import checks
from portal.audit.checks import Finding
from portal.audit.models import Event
from portal.audit.record import stream_of

BATCH = 500


def states() -> Iterator[Finding]:
    """Records whose state is not what the last event says that carries one, and records without events."""
    last = (
        Event.objects.filter(stream__startswith="dataset:", data__has_key="state")
        .order_by("stream", "-seq")
        .distinct("stream")
    )
    said = {stream.partition(":")[2]: state for stream, state in last.values_list("stream", "data__state")}
    for pk, state in Dataset.objects.order_by("pk").values_list("pk", "state").iterator():
        expected = said.pop(str(pk), None)
        if expected != state:
            yield Finding(f"dataset:{pk}", _("its state is not what its events say"))
    for missing in said:
        yield Finding(f"dataset:{missing}", _("its record is gone"))


def revision_states() -> Iterator[Finding]:
    """Open revisions whose state is not what the last event of their record says."""
    for revision in DatasetRevision.objects.open().select_related("dataset").iterator():
        events = Event.objects.filter(stream=stream_of(revision.dataset), data__has_key="revision_state")
        said = events.order_by("-seq").values_list("data__revision_state", flat=True).first()
        if said != revision.state:
            yield Finding(f"dataset:{revision.dataset_id}", _("the state of its revision is not what its events say"))


def search_rows() -> Iterator[Finding]:
    """Records without a search row, or whose row says another state, type, words or readers than the record."""
    for pk in Dataset.objects.filter(search_row__isnull=True).values_list("pk", flat=True).iterator():
        yield Finding(f"dataset:{pk}", _("it has no search row"))
    ids = Dataset.objects.order_by("pk").values_list("pk", flat=True).iterator()
    while batch := list(islice(ids, BATCH)):
        for pk in drifted(batch):
            yield Finding(f"dataset:{pk}", _("the words or readers of its search row are out of date"))
    same = {name: F(f"dataset__{name}") for name in ("state", "sharing_type", "open_type", "title", "grade")}
    for pk in DatasetSearchRow.objects.exclude(**same).values_list("pk", flat=True).iterator():
        yield Finding(f"dataset:{pk}", _("its search row is out of date"))


checks.register("datasets", states)
checks.register("revisions", revision_states)
checks.register("search rows", search_rows)
