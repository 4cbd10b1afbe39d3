"""The life of a catalogue record: draft → department review → authority review → published → withdrawn.

Commands lock the record, ask the rules, change it, record one event and bring its search row up to date, in one
transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import search
from catalog.codes import code_prefix, format_code, next_serial
from catalog.documents import snapshot
from catalog.gate import check_submission
from catalog.items import set_items
from catalog.models import Dataset, DatasetState, DatasetVersion, IngestJob, Theme
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
_on_withdrawn: list[WithdrawalCallback] = []


def on_withdrawn(callback: WithdrawalCallback) -> None:
    """Call ``callback(dataset, actor)`` in the transaction of every withdrawal; an app above registers itself."""
    _on_withdrawn.append(callback)


def _lock(dataset: Dataset) -> Dataset:
    """The record, locked until the transaction ends; others may still refer to it, as a grant that is issued does."""
    locked = Dataset.objects.select_for_update(of=("self",), no_key=True).select_related("provider__region")
    return locked.get(pk=dataset.pk)


def _record(dataset: Dataset, verb: str, actor: Actor, **data: Any) -> None:
    data["state"] = dataset.state
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

    Raises:
        NotPermitted: the actor is no cataloguer of ``provider``. InvalidInput: by field.
    """
    actor = access.require(actor, Permission.DATASET_CREATE, provider)
    dataset = Dataset(provider=provider, created_by=actor.user, **values)
    _validated(dataset)
    prefix = code_prefix(dataset.resource_class, themes[0].code if themes else "99")
    dataset.code = format_code(prefix, next_serial(prefix))
    _save(dataset, force_insert=True)
    dataset.themes.set(themes)
    set_items(dataset, items)
    _record(dataset, "dataset.created", actor, title=dataset.title, code=dataset.code)
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
    """Change a draft or a withdrawn record; ``items``, when given, replace the items by column name.

    Raises:
        WrongState: somebody saved it since ``seen_revision``, or it is in review or published.
    """
    dataset = _lock(dataset)
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    if not dataset.is_editable:
        raise WrongState(_("A record in review or published cannot be edited. Withdraw it, or ask for its return."))
    if dataset.revision != seen_revision:
        raise WrongState(_("Somebody else saved this record while you were editing it. Your text is kept below."))
    changed = [name for name, value in values.items() if getattr(dataset, name) != value]
    for name in changed:
        setattr(dataset, name, values[name])
    _validated(dataset)
    dataset.revision += 1
    _save(dataset)
    if themes is not None:
        dataset.themes.set(themes)
    if items is not None:
        set_items(dataset, items)
    _record(dataset, "dataset.updated", actor, changed=changed, items=dataset.items.count())
    return dataset


@transaction.atomic
def submit(*, dataset: Dataset, actor: Actor) -> Dataset:
    """Send a draft to the department's own review; everything that is missing is told at once."""
    dataset = _lock(dataset)
    actor = access.require(actor, Permission.DATASET_SUBMIT, dataset)
    if not dataset.is_editable:
        raise WrongState
    if IngestJob.objects.filter(distribution__dataset=dataset).active().exists():
        raise WrongState(_("A file of this dataset is being loaded. Submit the record when it is done."))
    check_submission(dataset)
    dataset.state, dataset.submitted_by, dataset.reviewed_by = DatasetState.DEPARTMENT_REVIEW, actor.user, None
    dataset.state_note = ""
    dataset.save()
    _record(dataset, "dataset.submitted", actor)
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
    dataset = _lock(dataset)
    actor = _require_review(dataset, actor)
    if seen_revision is not None and dataset.revision != seen_revision:
        raise WrongState(_("The record was changed after you opened it. Read it again before you agree."))
    if dataset.state == DatasetState.DEPARTMENT_REVIEW:
        authority = reviewing_authority(dataset)
        if authority is None:
            raise WrongState(_("No data authority is responsible for this region; ask the administrator to name one."))
        dataset.state, dataset.reviewed_by = DatasetState.AUTHORITY_REVIEW, actor.user
        dataset.review_region = authority.region
        dataset.save()
        _record(dataset, "dataset.reviewed", actor)
        _tell(_people(authority, AUTHORITY_DUTIES), dataset, NoticeKind.DATASET_TO_REVIEW, authority)
        return dataset
    check_submission(dataset)
    _publish(dataset, actor)
    _tell([dataset.submitted_by], dataset, NoticeKind.DATASET_PUBLISHED, dataset.provider)
    return dataset


def _require_review(dataset: Dataset, actor: Actor) -> Actor:
    if dataset.state not in (DatasetState.DEPARTMENT_REVIEW, DatasetState.AUTHORITY_REVIEW):
        raise WrongState
    return access.require(actor, Permission.DATASET_REVIEW, dataset)


def _publish(dataset: Dataset, actor: Actor) -> None:
    dataset.state = DatasetState.PUBLISHED
    dataset.version += 1
    dataset.issued = timezone.now()
    dataset.save()
    DatasetVersion.objects.create(
        dataset=dataset, number=dataset.version, metadata=snapshot(dataset), published_by=actor.user
    )
    _record(dataset, "dataset.published", actor, version=dataset.version)


@transaction.atomic
def return_for_changes(*, dataset: Dataset, actor: Actor, note: str) -> Dataset:
    """Give a record in review back to its cataloguer, who reads ``note``."""
    dataset = _lock(dataset)
    actor = _require_review(dataset, actor)
    if not note.strip():
        message = _("Say what the cataloguer should change.")
        raise InvalidInput(message, fields={"note": [message]})
    submitter = dataset.submitted_by
    dataset.state, dataset.state_note, dataset.submitted_by = DatasetState.DRAFT, note.strip(), None
    dataset.reviewed_by = None
    dataset.save()
    _record(dataset, "dataset.returned", actor, note=note.strip())
    _tell([submitter], dataset, NoticeKind.DATASET_RETURNED, dataset.provider, note.strip())
    return dataset


@transaction.atomic
def withdraw(*, dataset: Dataset, actor: Actor, reason: str) -> Dataset:
    """Take a published record out of the catalogue; open requests for it are closed and its grants suspended."""
    dataset = _lock(dataset)
    actor = access.require(actor, Permission.DATASET_WITHDRAW, dataset)
    if not dataset.is_published:
        raise WrongState
    if not reason.strip():
        message = _("Say why the dataset is withdrawn; those who use it will read this.")
        raise InvalidInput(message, fields={"reason": [message]})
    dataset.state, dataset.state_note = DatasetState.WITHDRAWN, reason.strip()
    dataset.submitted_by = dataset.reviewed_by = None
    dataset.save()
    _record(dataset, "dataset.withdrawn", actor, reason=reason.strip())
    for callback in _on_withdrawn:
        callback(dataset, actor)
    return dataset
