"""The life of a catalogue record: draft → department review → authority review → published → withdrawn.

A published record is changed by a revision (``catalog.revisions``), which goes the same way while the published version
stays public: each command works on ``dataset.work``, the open revision if there is one. Commands lock the record, ask
the rules, change it, record one event and bring its search row up to date, in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import revisions, search
from catalog.codes import NO_THEME, code_prefix, format_code, next_serial
from catalog.documents import FIELDS, RELATIONS, Document, differences, merge, overlaid, preview, set_fields, snapshot
from catalog.gate import check_submission
from catalog.items import checked_items, set_items
from catalog.models import Dataset, DatasetState, DatasetVersion, IngestJob, RevisionState, Theme
from catalog.relations.keeping import check_relations, relate
from catalog.revisions import Clash
from catalog.rules import REVIEW_DUTIES, reviewing_authority
from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.audit import record
from portal.departments.duties import holders
from portal.departments.models import AUTHORITY_DUTIES, Department
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify

WithdrawalCallback = Callable[[Dataset, Actor], None]
RevisionCallback = Callable[[Dataset, Document, Actor], None]
_on_withdrawn: list[WithdrawalCallback] = []
_on_revised: list[RevisionCallback] = []


def on_withdrawn(callback: WithdrawalCallback) -> None:
    """Call ``callback(dataset, actor)`` in the transaction of every withdrawal; an app above registers itself."""
    _on_withdrawn.append(callback)


def on_revised(callback: RevisionCallback) -> None:
    """Call ``callback(dataset, before, actor)`` in the transaction that makes a revision public."""
    _on_revised.append(callback)


def lock(dataset: Dataset) -> Dataset:
    """The record, locked until the transaction ends; others may still refer to it, as a grant that is issued does.

    Its open revision is read under the same lock.
    """
    locked = Dataset.objects.select_for_update(of=("self",), no_key=True).select_related("provider__region")
    return locked.get(pk=dataset.pk)


def note(dataset: Dataset, verb: str, actor: Actor, **data: Any) -> None:
    """Record an event of the record, with its state and that of its revision, and bring its search row up to date."""
    data["state"] = dataset.state
    if dataset.open_revision is not None:
        data["revision_state"] = dataset.open_revision.state
    record.append(stream=record.stream_of(dataset), verb=verb, actor=actor, data=data)
    search.index([dataset.pk])


def _save(dataset: Dataset, *, force_insert: bool = False) -> None:
    """Save a record; one that a constraint refuses, because another was saved meanwhile, is told by field."""
    try:
        with transaction.atomic():
            dataset.save(force_insert=force_insert)
    except IntegrityError:
        _validated(dataset)
        raise


def _validated(dataset: Dataset) -> None:
    try:
        dataset.full_clean(exclude=["code"])
    except ValidationError as error:
        raise InvalidInput(fields=error.message_dict) from error


@transaction.atomic
def create(
    *,
    actor: Actor,
    provider: Department,
    values: Mapping[str, Any],
    themes: Sequence[Theme] = (),
    items: Sequence[Mapping[str, Any]] = (),
) -> Dataset:
    """A new draft of ``provider`` with its resource code; ``values`` are fields of Dataset, ``items`` of DataItem.

    The relations among the values hold resource codes.

    Raises:
        NotPermitted: the actor is no cataloguer of ``provider``. InvalidInput: by field.
    """
    actor = access.require(actor, Permission.DATASET_CREATE, provider)
    own = {name: value for name, value in values.items() if name not in RELATIONS}
    dataset = Dataset(provider=provider, created_by=actor.user, **own)
    _validated(dataset)
    prefix = code_prefix(dataset.resource_class, themes[0].code if themes else NO_THEME)
    dataset.code = format_code(prefix, next_serial(prefix))
    _save(dataset, force_insert=True)
    dataset.themes.set(themes)
    relate(dataset, values)
    set_items(dataset, items)
    note(dataset, "dataset.created", actor, title=dataset.title, code=dataset.code)
    return dataset


@transaction.atomic
def update(
    *,
    dataset: Dataset,
    actor: Actor,
    values: Mapping[str, Any],
    themes: Sequence[Theme] | None = None,
    items: Sequence[Mapping[str, Any]] | None = None,
    seen_revision: int,
) -> Dataset:
    """Change a draft, a withdrawn record, or the open revision of a published one; ``items`` replace by column name.

    What somebody else saved since ``seen_revision`` is kept where the two do not touch the same field.

    Raises:
        Clash: both changed the same fields; nothing is saved. WrongState: it is in review, or published without an
            open revision. InvalidInput: by field.
    """
    dataset = lock(dataset)
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    work = dataset.work
    if not work.is_editable:
        raise WrongState(_("A record in review cannot be edited; ask for its return. A published one is revised."))
    now = revisions.document_of(dataset)
    base = revisions.document_at(dataset, seen_revision, now)
    wanted = overlaid(base, values, themes, items)
    merged, clashes = merge(base, wanted, now)
    if clashes:
        raise Clash(merged, clashes)
    write(dataset, now, merged)
    changed = differences(now, merged)
    note(
        dataset,
        "dataset.updated",
        actor,
        changed=sorted({one.field for one in changed if not one.item}),
        items=len(merged["items"]),
    )
    return dataset


@transaction.atomic
def replace(*, dataset: Dataset, actor: Actor, document: Document, seen_revision: int) -> Dataset:
    """Bring a draft or open revision to a whole document, as an import has it; rules and errors as in ``update``."""
    values = {name: document[name] for name in (*FIELDS, *RELATIONS) if name in document and name != "provider"}
    themes = list(Theme.objects.filter(code__in=document["themes"]))
    return update(
        dataset=dataset, actor=actor, values=values, themes=themes, items=document["items"], seen_revision=seen_revision
    )


def write(dataset: Dataset, now: Document, document: Document) -> None:
    """Save ``document`` as the record's, or its open revision's, next content; ``now`` is what it replaces."""
    revisions.keep(dataset, now)
    draft = dataset.open_revision
    if draft is None:
        set_fields(dataset, document)
        _validated(dataset)
        dataset.revision += 1
        _save(dataset)
        _set_lists(dataset, document)
        return
    shown, _items = preview(dataset, document)
    _validated(shown)
    check_relations(dataset, document)
    checked_items(shown, document["items"])
    draft.document, draft.revision = document, draft.revision + 1
    draft.save()


def _set_lists(dataset: Dataset, document: Document) -> None:
    dataset.themes.set(Theme.objects.filter(code__in=document["themes"]))
    relate(dataset, document)
    set_items(dataset, document["items"])


@transaction.atomic
def submit(*, dataset: Dataset, actor: Actor) -> Dataset:
    """Send a draft to the department's own review; everything that is missing is told at once."""
    dataset = lock(dataset)
    actor = access.require(actor, Permission.DATASET_SUBMIT, dataset)
    work = dataset.work
    if not work.is_editable:
        raise WrongState
    if IngestJob.objects.filter(distribution__dataset=dataset).active().exists():
        raise WrongState(_("A file of this dataset is being loaded. Submit the record when it is done."))
    check_submission(dataset, revisions.document_if_open(dataset))
    work.state, work.submitted_by, work.reviewed_by = DatasetState.DEPARTMENT_REVIEW, actor.user, None
    work.state_note = ""
    work.save()
    note(dataset, "dataset.submitted", actor)
    _tell(_people(dataset.provider, REVIEW_DUTIES), dataset, NoticeKind.DATASET_TO_REVIEW, dataset.provider)
    return dataset


def _people(department: Department, duties: Sequence[str] | frozenset[str]) -> list[User]:
    return [user for duty in duties for user in holders(department, duty)]


def _tell(
    users: Sequence[User | None], dataset: Dataset, kind: NoticeKind, department: Department, note: str = ""
) -> None:
    data = {"title": dataset.title, "department": dataset.provider.name, "note": note}
    people = [user for user in users if user]
    notify(people, kind, url=dataset.get_absolute_url(), data=data, department=department)


@transaction.atomic
def approve(*, dataset: Dataset, actor: Actor, seen_revision: int | None = None) -> Dataset:
    """Agree in the current review: the department's sends it to the authority, the authority's publishes it.

    Raises:
        WrongState: it is not in review, or it was changed and submitted again since ``seen_revision``.
    """
    dataset = lock(dataset)
    actor = _require_review(dataset, actor)
    work = dataset.work
    if seen_revision is not None and work.revision != seen_revision:
        raise WrongState(_("The record was changed after you opened it. Read it again before you agree."))
    if work.state == DatasetState.DEPARTMENT_REVIEW:
        authority = reviewing_authority(dataset)
        if authority is None:
            raise WrongState(_("No data authority is responsible for this region; ask the administrator to name one."))
        work.state, work.reviewed_by = DatasetState.AUTHORITY_REVIEW, actor.user
        work.review_region = authority.region
        work.save()
        note(dataset, "dataset.reviewed", actor)
        _tell(_people(authority, AUTHORITY_DUTIES), dataset, NoticeKind.DATASET_TO_REVIEW, authority)
        return dataset
    check_submission(dataset, revisions.document_if_open(dataset))
    submitter = work.submitted_by
    _publish(dataset, actor)
    _tell([submitter], dataset, NoticeKind.DATASET_PUBLISHED, dataset.provider)
    return dataset


def _require_review(dataset: Dataset, actor: Actor) -> Actor:
    if dataset.work.state not in (DatasetState.DEPARTMENT_REVIEW, DatasetState.AUTHORITY_REVIEW):
        raise WrongState
    return access.require(actor, Permission.DATASET_REVIEW, dataset)


def _publish(dataset: Dataset, actor: Actor) -> None:
    draft = dataset.open_revision
    if draft is not None:
        before = snapshot(dataset)
        set_fields(dataset, draft.document)
        dataset.submitted_by, dataset.reviewed_by = draft.submitted_by, draft.reviewed_by
        dataset.revision += 1
        revisions.close(dataset, RevisionState.PUBLISHED)
    dataset.state = DatasetState.PUBLISHED
    dataset.version += 1
    dataset.issued = timezone.now()
    _save(dataset)
    if draft is not None:
        _set_lists(dataset, draft.document)
    DatasetVersion.objects.create(
        dataset=dataset, number=dataset.version, metadata=snapshot(dataset), published_by=actor.user
    )
    note(dataset, "dataset.published", actor, version=dataset.version)
    if draft is not None:
        for callback in _on_revised:
            callback(dataset, before, actor)


@transaction.atomic
def return_for_changes(*, dataset: Dataset, actor: Actor, reason: str) -> Dataset:
    """Give a record in review back to its cataloguer, who reads ``reason``."""
    dataset = lock(dataset)
    actor = _require_review(dataset, actor)
    if not reason.strip():
        message = _("Say what the cataloguer should change.")
        raise InvalidInput(message, fields={"reason": [message]})
    work = dataset.work
    submitter = work.submitted_by
    work.state, work.state_note, work.submitted_by = DatasetState.DRAFT, reason.strip(), None
    work.reviewed_by = None
    work.save()
    note(dataset, "dataset.returned", actor, note=reason.strip())
    _tell([submitter], dataset, NoticeKind.DATASET_RETURNED, dataset.provider, reason.strip())
    return dataset


@transaction.atomic
def withdraw(*, dataset: Dataset, actor: Actor, reason: str) -> Dataset:
    """Take a published record out of the catalogue; open requests for it are closed and its grants suspended."""
    dataset = lock(dataset)
    actor = access.require(actor, Permission.DATASET_WITHDRAW, dataset)
    if not dataset.is_published:
        raise WrongState
    if not reason.strip():
        message = _("Say why the dataset is withdrawn; those who use it will read this.")
        raise InvalidInput(message, fields={"reason": [message]})
    revisions.close(dataset, RevisionState.DISCARDED)
    dataset.state, dataset.state_note = DatasetState.WITHDRAWN, reason.strip()
    dataset.submitted_by = dataset.reviewed_by = None
    dataset.save()
    note(dataset, "dataset.withdrawn", actor, reason=reason.strip())
    for callback in _on_withdrawn:
        callback(dataset, actor)
    return dataset
