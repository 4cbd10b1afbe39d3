"""Writing the relations of a record; none of those that order records may lead back to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from catalog.models import ACYCLIC, Dataset, DatasetRelation, RelationKind
from portal.errors import InvalidInput
from portal.lists import listed

_LOCK = 7_201_901
_REACHED = """
    WITH RECURSIVE reached(id) AS (
        SELECT unnest(%s::uuid[])
        UNION
        SELECT r.target_id FROM catalog_datasetrelation r JOIN reached ON r.dataset_id = reached.id WHERE r.kind = %s
    )
    SELECT 1 FROM reached WHERE id = %s LIMIT 1
"""


def relate(dataset: Dataset, document: Mapping[str, Any]) -> None:
    """Bring a record's relations to what a document says; kinds that it does not name stay.

    Raises:
        InvalidInput: by kind; a record cannot come from, be part of or replace itself, not even by way of others.
    """
    wanted = _targets(document)
    now = {kind: set(dataset.relations.filter(kind=kind).values_list("target", flat=True)) for kind in wanted}
    if now == wanted:
        return
    _check(dataset, wanted)
    for kind, targets in wanted.items():
        dataset.relations.filter(kind=kind).exclude(target__in=targets).delete()
        new = [DatasetRelation(dataset=dataset, kind=kind, target_id=pk) for pk in sorted(targets - now[kind])]
        DatasetRelation.objects.bulk_create(new, ignore_conflicts=True)


def add(dataset: Dataset, kind: RelationKind, target: Dataset) -> bool:
    """Say one more thing of a record and of its open revision, in the caller's transaction; False where it would come
    back to itself."""
    if kind in ACYCLIC and _comes_back(dataset, kind, [target.pk]):
        return False
    DatasetRelation.objects.get_or_create(dataset=dataset, kind=kind, target=target)
    for draft in dataset.revisions.open().select_for_update():
        codes = draft.document.get(kind) or []
        if target.code not in codes:
            draft.document[kind] = sorted([*codes, target.code])
            draft.save(update_fields=["document"])
    return True


def check_relations(dataset: Dataset, document: Mapping[str, Any]) -> None:
    """Refuse what ``relate`` would refuse, for a document that is not the record's yet."""
    _check(dataset, _targets(document))


def _targets(document: Mapping[str, Any]) -> dict[str, set[UUID]]:
    """The records that a document names, by kind; one query, none when it names none."""
    named = {kind: set(document[kind] or []) for kind in RelationKind.values if kind in document}
    codes = set().union(*named.values()) if named else set()
    found = dict(Dataset.objects.filter(code__in=codes).values_list("code", "pk")) if codes else {}
    return {kind: {found[code] for code in codes if code in found} for kind, codes in named.items()}


def _check(dataset: Dataset, wanted: Mapping[str, Iterable[UUID]]) -> None:
    wrong: dict[str, list[Any]] = {}
    for kind, found in wanted.items():
        targets = list(found)
        if dataset.pk in targets:
            wrong[kind] = [_("A record cannot name itself here.")]
        elif targets and kind in ACYCLIC and _comes_back(dataset, kind, targets):
            titles = Dataset.objects.filter(pk__in=targets).values_list("title", flat=True)
            wrong[kind] = [_("By way of %(titles)s the record would come back to itself.") % {"titles": listed(titles)}]
    if wrong:
        raise InvalidInput(fields=wrong)


def _comes_back(dataset: Dataset, kind: str, targets: list[UUID]) -> bool:
    """Whether ``targets`` lead to the record; no other transaction adds relations until the end of this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(_REACHED, [targets, kind, dataset.pk])
        return cursor.fetchone() is not None
