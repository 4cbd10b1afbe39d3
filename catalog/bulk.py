"""One act on many records: submit, agree, or change chosen fields; each record by the same command as alone.

Every record is its own transaction, so that one that cannot be done says why and the rest stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from django.utils.translation import gettext as _

from catalog import gate, lifecycle, revisions
from catalog.documents import Difference, differences, overlaid
from catalog.models import Dataset, Theme
from portal import access
from portal.access import Actor, Permission
from portal.errors import InvalidInput, PortalError, WrongState

Act = Literal["submit", "approve", "edit"]
LIMIT = 1_000
PERMISSIONS = {
    "submit": Permission.DATASET_SUBMIT,
    "approve": Permission.DATASET_REVIEW,
    "edit": Permission.DATASET_EDIT,
}


@dataclass(frozen=True)
class Edit:
    """What a bulk edit sets: own fields; themes, where given, replace; keywords are added."""

    values: Mapping[str, Any] = field(default_factory=dict)
    themes: Sequence[Theme] | None = None
    keywords: Sequence[str] = ()

    def values_for(self, dataset: Dataset) -> dict[str, Any]:
        """The fields of one record, with its own keywords kept."""
        values = dict(self.values)
        if self.keywords:
            own = revisions.document_of(dataset)["keywords"]
            values["keywords"] = list(dict.fromkeys([*own, *self.keywords]))
        return values


@dataclass(frozen=True)
class Outcome:
    """What happens, or happened, to one record: ``error`` says why not; ``changes`` what an edit changes."""

    dataset: Dataset
    error: str = ""
    changes: tuple[Difference, ...] = ()


def chosen(ids: Iterable[UUID], actor: Actor) -> list[Dataset]:
    """The records of ``ids`` that the actor may see, at most 1,000, by title."""
    rows = Dataset.objects.readable_by(actor.standing.reader_groups).filter(pk__in=list(ids))
    return list(rows.select_related("provider__region").order_by("title", "pk")[:LIMIT])


def preview(*, act: Act, datasets: Sequence[Dataset], actor: Actor, edit: Edit | None = None) -> list[Outcome]:
    """What the act would do with each record; nothing is changed."""
    return [_preview(act, dataset, actor, edit) for dataset in datasets]


def _preview(act: Act, dataset: Dataset, actor: Actor, edit: Edit | None) -> Outcome:
    try:
        access.require(actor, PERMISSIONS[act], dataset)
    except PortalError as error:
        return Outcome(dataset, str(error))
    if act != "approve" and not (dataset.work.is_editable or (act == "edit" and dataset.is_published)):
        is_public = dataset.is_published and dataset.open_revision is None
        return Outcome(dataset, _("It is published; revise it first.") if is_public else _("The record is in review."))
    if act != "edit":
        missing = gate.missing(dataset, revisions.document_if_open(dataset))
        return Outcome(dataset, _joined(missing))
    before = revisions.document_of(dataset)
    after = overlaid(before, edit.values_for(dataset), edit.themes, None) if edit else before
    return Outcome(dataset, changes=tuple(differences(before, after)))


def _joined(fields: Mapping[str, Sequence[Any]]) -> str:
    return " ".join(str(message) for found in fields.values() for message in found)


def run(
    *, act: Act, datasets: Sequence[Dataset], actor: Actor, seen: Mapping[UUID, int], edit: Edit | None = None
) -> list[Outcome]:
    """Do it; ``seen`` is the save number of each record as it was previewed: one saved since is left alone."""
    return [_run(act, dataset, actor, seen.get(dataset.pk, -1), edit) for dataset in datasets]


def _run(act: Act, dataset: Dataset, actor: Actor, seen: int, edit: Edit | None) -> Outcome:
    try:
        if dataset.work.revision != seen:
            raise WrongState(_("The record was changed after you looked at it."))
        if act == "submit":
            lifecycle.submit(dataset=dataset, actor=actor)
        elif act == "approve":
            lifecycle.approve(dataset=dataset, actor=actor, seen_revision=seen)
        elif edit is not None:
            _edit(dataset, actor, edit)
    except InvalidInput as error:
        return Outcome(dataset, _joined(error.fields) or str(error))
    except PortalError as error:
        return Outcome(dataset, str(error))
    return Outcome(dataset)


def _edit(dataset: Dataset, actor: Actor, edit: Edit) -> None:
    """Change a draft, or a published record's revision, which is opened when there is none."""
    values = edit.values_for(dataset)
    if dataset.is_published and dataset.open_revision is None:
        revisions.begin(dataset=dataset, actor=actor)
        dataset = Dataset.objects.select_related("provider__region").get(pk=dataset.pk)
    lifecycle.update(
        dataset=dataset, actor=actor, values=values, themes=edit.themes, seen_revision=dataset.work.revision
    )
