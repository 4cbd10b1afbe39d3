"""Revisions of published records: begun, written, given up, restored from an older version; two writers are merged.

The commands that send a revision through its reviews are those of ``catalog.lifecycle``.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.documents import FIELDS, RELATIONS, Difference, Document, snapshot
from catalog.models import Dataset, DatasetRevision, DatasetVersion, RevisionState, SavedDocument
from portal import access
from portal.access import Actor, Permission
from portal.errors import WrongState

SAVES_KEPT = 50


class Clash(WrongState):
    """Somebody else changed the same fields: ``merged`` holds both sides' changes and mine where they clash."""

    code = "edit_clash"

    def __init__(self, merged: Document, clashes: Sequence[Difference]) -> None:
        super().__init__(
            _("Somebody else saved this record while you were editing it, and both of you changed the same entries.")
        )
        self.merged, self.clashes = merged, clashes


def document_of(dataset: Dataset) -> Document:
    """What is being written: the open revision, else the record itself."""
    return dataset.open_revision.document if dataset.open_revision else snapshot(dataset)


def document_if_open(dataset: Dataset) -> Document | None:
    """The document of the open revision; None when the record itself is written."""
    return dataset.open_revision.document if dataset.open_revision else None


def document_at(dataset: Dataset, revision: int, now: Document) -> Document:
    """The content that somebody saw who opened the form at save number ``revision``; ``now`` is the present one.

    Raises:
        WrongState: so much was saved since that it is not kept any more.
    """
    if dataset.work.revision == revision:
        return now
    saved = SavedDocument.objects.filter(dataset=dataset, draft=dataset.open_revision, revision=revision).first()
    if saved is None:
        raise WrongState(_("Somebody else saved this record while you were editing it. Your text is kept below."))
    return saved.document


def keep(dataset: Dataset, now: Document) -> None:
    """Keep the content that a save is about to replace; the oldest ones go."""
    draft, revision = dataset.open_revision, dataset.work.revision
    SavedDocument.objects.create(dataset=dataset, draft=draft, revision=revision, document=now)
    old = SavedDocument.objects.filter(dataset=dataset, draft=draft, revision__lt=revision - SAVES_KEPT)
    old.delete()


@transaction.atomic
def begin(*, dataset: Dataset, actor: Actor, version: int | None = None) -> DatasetRevision:
    """Open the next version of a published record, from what is public or from an older ``version`` (restore).

    Raises:
        WrongState: it is not published, or a revision is open already.
    """
    from catalog import lifecycle

    dataset = lifecycle.lock(dataset)
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    if not dataset.is_published:
        raise WrongState(_("Only a published record is revised; this one can be edited as it is."))
    if dataset.open_revision is not None:
        raise WrongState(_("A revision of this record is open already. Finish it or give it up first."))
    document = snapshot(dataset)
    if version is not None:
        document |= restorable(DatasetVersion.objects.get(dataset=dataset, number=version).metadata)
    document["version_notes"] = ""
    dataset.open_revision = DatasetRevision.objects.create(
        dataset=dataset, base_version=dataset.version, document=document, created_by=actor.user
    )
    lifecycle.note(dataset, "dataset.revision", actor, version=dataset.version, restored=version)
    return dataset.open_revision


def restorable(metadata: Document) -> Document:
    """What of an old version may come back: everything but who provides it and its code."""
    names = {*FIELDS, "themes", *RELATIONS, "items"} - {"provider"}
    return {name: value for name, value in metadata.items() if name in names}


@transaction.atomic
def discard(*, dataset: Dataset, actor: Actor) -> None:
    """Give up the open revision while it is a draft; the published version stays as it is."""
    from catalog import lifecycle

    dataset = lifecycle.lock(dataset)
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    if dataset.open_revision is None:
        raise WrongState(_("This record has no open revision."))
    if not dataset.open_revision.is_editable:
        raise WrongState(_("The revision is in review. Ask for its return first."))
    close(dataset, RevisionState.DISCARDED)
    lifecycle.note(dataset, "dataset.revision_discarded", actor)


def close(dataset: Dataset, state: RevisionState) -> None:
    """End the open revision, if there is one; its intermediate saves are not needed any more."""
    draft = dataset.open_revision
    if draft is not None:
        draft.state = state
        draft.save()
        SavedDocument.objects.filter(draft=draft).delete()
        dataset.open_revision = None
