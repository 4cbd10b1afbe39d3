"""Findings of personal data: looked for after each load, answered by the cataloguer, asked for before submission."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import lifecycle, revisions
from catalog.models import DataItem, Dataset, Finding, FindingState, Sensitivity, TableVersion
from catalog.protection.detectors import CHECKS, Detection, Kind, detect, masked, proposed
from catalog.tables.engine import Query, default_engine
from catalog.tables.schema import Column, ColumnType, TableRef
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.errors import InvalidInput, WrongState
from portal.lists import listed

LOOKED_AT = (ColumnType.TEXT, ColumnType.INTEGER, ColumnType.NUMBER)


def scan(version_id: int) -> int:
    """Look for personal data in a version's rows and keep what is found; returns how many columns hold some.

    What was answered stays answered while the column holds the same kind. Safe to run again.
    """
    rows = TableVersion.objects.select_related("distribution__dataset")
    version = rows.filter(pk=version_id).first()
    if version is None:
        return 0
    dataset = version.distribution.dataset
    titles = dict(dataset.items.values_list("column", "name"))
    found = {
        column.name: (one, next(v for v in values if CHECKS[one.kind](v.strip())))
        for column, values in _samples(version.ref)
        if (one := detect([titles.get(column.name, ""), column.title, column.name], values)) is not None
    }
    with transaction.atomic():
        known = {f.column: f for f in Finding.objects.select_for_update().filter(dataset=dataset)}
        Finding.objects.filter(dataset=dataset).exclude(column__in=found).delete()
        for name, (one, example) in found.items():
            _keep(known.get(name) or Finding(dataset=dataset, column=name), one, example)
    return len(found)


def _keep(finding: Finding, found: Detection, example: str) -> None:
    if finding.kind != found.kind:
        finding.state, finding.reason, finding.decided_by, finding.decided_at = FindingState.OPEN, "", None, None
    finding.kind, finding.share, finding.is_named = found.kind, found.share, found.is_named
    finding.sample = masked(example)
    finding.save()


def _samples(ref: TableRef) -> list[tuple[Column, list[str]]]:
    """Columns that can hold such data, each with the filled values of the first rows, as texts."""
    columns = [column for column in ref.columns if column.type in LOOKED_AT]
    if not columns:
        return []
    values: list[list[str]] = [[] for _column in columns]
    batches = default_engine().batches(ref, Query(columns=tuple(column.name for column in columns)))
    left = settings.DETECTION_ROWS
    try:
        for batch in batches:
            part = batch.slice(0, left)
            left -= part.num_rows
            for texts, array in zip(values, part.columns, strict=True):
                texts += [str(value) for value in array.to_pylist() if value not in (None, "")]
            if left <= 0:
                break
    finally:
        batches.close()  # type: ignore[attr-defined]
    return list(zip(columns, values, strict=True))


def open_findings(dataset: Dataset, items: Sequence[DataItem]) -> list[Finding]:
    """Findings that nobody answered and whose items are not marked as what they seem to hold."""
    plain = {item.column for item in items if item.sensitivity == Sensitivity.NONE}
    waiting = Finding.objects.filter(dataset=dataset, state=FindingState.OPEN, column__in=plain)
    return [one for one in waiting if proposed(one.kind) != Sensitivity.NONE]


def check(dataset: Dataset, items: Sequence[DataItem]) -> dict[str, list[str]]:
    """Before submission and publishing: what seems to be personal data is marked so, or answered."""
    names = {item.column: item.name for item in items}
    found = [f"{names[one.column]} ({Kind(one.kind).label})" for one in open_findings(dataset, items)]
    if not found:
        return {}
    message = _("These items seem to hold personal data: %(names)s. Confirm it or say why not, under Protection.")
    return {"items": [message % {"names": listed(found[:5])}]}


@transaction.atomic
def confirm(*, finding: Finding, actor: Actor) -> None:
    """Mark the item as what was found, in the draft or the open revision.

    Raises:
        WrongState: a published record has no open revision, or it is in review.
    """
    dataset = lifecycle.lock(finding.dataset)
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    document = revisions.document_of(dataset)
    sensitivity = proposed(finding.kind)
    items = [
        {**item, "sensitivity": sensitivity} if item["column"] == finding.column else item for item in document["items"]
    ]
    lifecycle.update(dataset=dataset, actor=actor, values={}, items=items, seen_revision=dataset.work.revision)
    _decide(finding, actor, FindingState.CONFIRMED, "")


@transaction.atomic
def overrule(*, finding: Finding, actor: Actor, reason: str) -> None:
    """Say that the column holds no such data, and why.

    Raises:
        InvalidInput: no reason is given.
    """
    actor = access.require(actor, Permission.DATASET_EDIT, finding.dataset)
    if not reason.strip():
        message = _("Say why this is no personal data; reviewers read it.")
        raise InvalidInput(message, fields={"reason": [message]})
    _decide(finding, actor, FindingState.OVERRULED, reason.strip())


def _decide(finding: Finding, actor: Actor, state: FindingState, reason: str) -> None:
    finding = Finding.objects.select_for_update().get(pk=finding.pk)
    if finding.state == state:
        raise WrongState
    finding.state, finding.reason = state, reason[:500]
    finding.decided_by, finding.decided_at = actor.user, timezone.now()
    finding.save()
    data = {"column": finding.column, "kind": finding.kind, "reason": reason}
    record.append(stream=record.stream_of(finding.dataset), verb=f"finding.{state}", actor=actor, data=data)
