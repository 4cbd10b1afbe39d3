"""Keeps the lines of the responsibility list that follow from demands and records, in the transaction of each change.

A published record that is shared must be renewed in its update cycle, counted from its newest data or, without data,
from its last change. One that is not shared must be reviewed on the day set in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from catalog.cycles import next_due
from catalog.models import Dataset, DatasetState, Distribution, SharingType
from portal.access import Actor
from portal.audit import record
from sharing.models import Demand, DemandState, Responsibility, ResponsibilityKind

DERIVED = ("kind", "department", "title", "basis", "due_on", "done_on")


def keep_promise(demand: Demand) -> None:
    """The line of an accepted demand: due on the promised day, done when the dataset is linked, gone otherwise."""
    is_done = demand.state in (DemandState.CATALOGUED, DemandState.FULFILLED)
    if demand.holder is None or demand.promised_on is None or not (is_done or demand.state == DemandState.ACCEPTED):
        Responsibility.objects.filter(demand=demand).delete()
        return
    values = {
        "kind": ResponsibilityKind.DEMAND,
        "department": demand.holder,
        "title": demand.title,
        "basis": demand.legal_basis,
        "due_on": demand.promised_on,
        "dataset": demand.dataset,
    }
    row, _made = Responsibility.objects.update_or_create(demand=demand, defaults=values)
    if is_done != bool(row.done_on):
        row.done_on = timezone.localdate() if is_done else None
        row.save(update_fields=["done_on"])


@transaction.atomic
def datasets_changed(ids: Sequence[UUID]) -> None:
    """Bring the lines of these records up to date: their own duty, and the entered ones that they meet.

    A fixed number of queries however many records, beside the few that entered lines wait for.
    """
    newest = Distribution.objects.filter(dataset=OuterRef("pk"), current__isnull=False)
    published = Dataset.objects.filter(pk__in=list(ids), state=DatasetState.PUBLISHED)
    rows = published.annotate(loaded_at=Max("distributions__current__created_at"), has_table=Exists(newest))
    lines = [line for line in map(duty_line, rows) if line is not None]
    kept = [line.duty_of_id for line in lines]
    Responsibility.objects.filter(duty_of__in=list(ids)).exclude(duty_of__in=kept).delete()
    Responsibility.objects.bulk_create(
        lines, update_conflicts=True, unique_fields=["duty_of"], update_fields=list(DERIVED), batch_size=1_000
    )
    _settle(ids)


def duty_line(dataset: Dataset) -> Responsibility | None:
    """What a published record owes by which day; ``dataset`` carries ``loaded_at``."""
    if dataset.sharing_type == SharingType.NOT_SHARED:
        kind, due_on = ResponsibilityKind.REVIEW, dataset.sharing_review_on
    else:
        loaded_at: dt.datetime = getattr(dataset, "loaded_at", None) or dataset.modified
        kind, due_on = ResponsibilityKind.UPDATE, next_due(timezone.localdate(loaded_at), dataset.update_cycle)
    if due_on is None:
        return None
    return Responsibility(
        kind=kind,
        duty_of=dataset,
        department_id=dataset.provider_id,
        title=dataset.title,
        basis=dataset.sharing_basis[:500],
        due_on=due_on,
    )


def _settle(ids: Sequence[UUID]) -> None:
    """Entered lines are done when their record is published (with data where asked), and open again when it is not."""
    rows = Responsibility.objects.filter(dataset__in=list(ids), kind=ResponsibilityKind.ENTERED)
    for row in rows.select_for_update(of=("self",)).select_related("dataset"):
        settle(row)


def settle(row: Responsibility) -> None:
    """Mark one entered line as done or open, as its record says; recorded when that changes."""
    is_met = is_met_by(row.dataset, row.needs_data)
    if is_met == bool(row.done_on):
        return
    row.done_on = timezone.localdate() if is_met else None
    row.save(update_fields=["done_on"])
    verb = "responsibility.met" if is_met else "responsibility.reopened"
    record.append(stream=record.stream_of(row), verb=verb, actor=Actor.system(), data={"title": row.title})


def is_met_by(dataset: Dataset | None, needs_data: bool) -> bool:
    """Whether a record meets an entered line."""
    if dataset is None or not dataset.is_published:
        return False
    return not needs_data or dataset.distributions.filter(current__isnull=False).exists()
