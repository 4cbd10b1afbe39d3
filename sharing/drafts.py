"""Baskets and drafts: putting a request together before it is submitted, and changing what was returned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.items import applicable_columns, declared_columns, shareable_columns
from catalog.models import Channel, Dataset, DatasetState, SharingType
from catalog.tables.errors import TableError
from catalog.tables.filters import parse_filters
from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.audit import record
from portal.departments.models import Department, Duty
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.lists import listed
from sharing.errors import UnknownColumns
from sharing.models import BasketItem, ItemState, RequestItem, RequestState, Restriction, SharingRequest
from sharing.questions.asked import Asked, asked_of
from sharing.restrictions.queries import blocked_words, on_request

ITEM_LIMIT = 500


@dataclass(frozen=True)
class RequestDetails:
    """What an application states beside its items (domain.md §5)."""

    title: str
    purpose: str
    legal_basis: str
    scenario: str
    valid_until: dt.date
    channels: Sequence[str] = (Channel.API, Channel.FILE)
    scope_of_use: str = ""
    frequency: str = "irregular"
    is_cross_border: bool = False
    has_commitment: bool = False
    expected_calls: int | None = None


def requestable(actor: Actor) -> Any:
    """Datasets that ``actor`` may apply for: visible, published, shared at all."""
    return (
        Dataset.objects.readable_by(actor.standing.reader_groups)
        .filter(state=DatasetState.PUBLISHED)
        .exclude(sharing_type=SharingType.NOT_SHARED)
    )


def add_to_basket(*, actor: Actor, dataset_ids: Iterable[UUID]) -> int:
    """Put datasets in ``actor``'s basket; those already there or not requestable are passed over. Returns how many."""
    if actor.user is None:
        raise NotPermitted
    have = set(BasketItem.objects.filter(user=actor.user).values_list("dataset_id", flat=True))
    room = max(0, ITEM_LIMIT - len(have))
    found = requestable(actor).filter(pk__in=list(dataset_ids)).exclude(pk__in=have).values_list("pk", flat=True)[:room]
    rows = [BasketItem(user=actor.user, dataset_id=pk) for pk in found]
    BasketItem.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def remove_from_basket(*, user: User, dataset_ids: Iterable[UUID]) -> None:
    BasketItem.objects.filter(user=user, dataset_id__in=list(dataset_ids)).delete()


@transaction.atomic
def create(
    *, actor: Actor, department: Department, details: RequestDetails, dataset_ids: Sequence[UUID]
) -> SharingRequest:
    """Make a draft for ``department`` with one item a dataset, all shareable columns and all rows.

    Raises:
        NotPermitted: no duty to apply for the department.
        InvalidInput: no dataset, too many, or one that cannot be applied for (named).
    """
    actor = access.require(actor, Permission.REQUEST_CREATE, department)
    assert actor.user is not None
    request = SharingRequest.objects.create(
        department=department,
        filed_by_department=filing_department(actor, department),
        created_by=actor.user,
        **{**asdict(details), "channels": list(details.channels)},
    )
    items = _new_items(request, actor, dataset_ids)
    event_items = {str(item.pk): ItemState.DRAFT for item in items}
    data = {"title": request.title, "department": str(department.pk), "state": request.state, "items": event_items}
    record.append(stream=record.stream_of(request), verb="request.created", actor=actor, data=data)
    remove_from_basket(user=actor.user, dataset_ids=dataset_ids)
    return request


def filing_department(actor: Actor, department: Department) -> Department | None:
    """The superior department for which ``actor`` files for ``department``; None where they apply there themselves."""
    mine = actor.standing.departments_with(Duty.APPLICANT)
    if department.pk in mine:
        return None
    above = department.parent
    while above is not None and above.pk not in mine:
        above = above.parent
    return above


def _take_basket(actor: Actor) -> list[UUID]:
    """What is in the actor's basket; who asks at the same time waits, and then finds what was left."""
    rows = BasketItem.objects.filter(user=actor.user).order_by("id").select_for_update(of=("self",))
    return list(rows.values_list("dataset_id", flat=True))


@transaction.atomic
def create_from_basket(*, actor: Actor, department: Department, details: RequestDetails) -> SharingRequest:
    """``create`` with everything in the actor's basket, which is empty then: sent twice, it makes one draft."""
    access.require(actor, Permission.REQUEST_CREATE, department)
    ids = _take_basket(actor)
    if not ids:
        raise InvalidInput(_("The basket is empty. Put datasets in it first."))
    return create(actor=actor, department=department, details=details, dataset_ids=ids)


@transaction.atomic
def create_with_items(
    *, actor: Actor, department: Department, details: RequestDetails, items: Sequence[Mapping[str, Any]]
) -> SharingRequest:
    """``create``, then ``change_item`` for each entry of ``items`` that names ``columns`` or ``row_filter``."""
    chosen = {entry["dataset"]: entry for entry in items}
    request = create(actor=actor, department=department, details=details, dataset_ids=list(chosen))
    for item in request.items.select_related("dataset"):
        entry = chosen[item.dataset_id]
        if "columns" in entry or "row_filter" in entry:
            columns = entry.get("columns", item.columns)
            change_item(item=item, actor=actor, columns=columns, row_filter=entry.get("row_filter", []))
    return request


def _new_items(request: SharingRequest, actor: Actor, dataset_ids: Sequence[UUID]) -> list[RequestItem]:
    have = set(request.items.values_list("dataset_id", flat=True))
    dataset_ids = [pk for pk in dataset_ids if pk not in have]
    if len(dataset_ids) + len(have) > ITEM_LIMIT:
        raise InvalidInput(_("A request can hold at most %(limit)s datasets.") % {"limit": ITEM_LIMIT})
    found = {dataset.pk: dataset for dataset in requestable(actor).filter(pk__in=dataset_ids)}
    own = [dataset.title for dataset in found.values() if dataset.provider_id == request.department_id]
    if own:
        titles = listed(own[:3])
        raise InvalidInput(_("Your department holds this data itself: %(titles)s.") % {"titles": titles})
    if len(found) < len(set(dataset_ids)):
        raise InvalidInput(_("Some of the datasets cannot be applied for any more. Remove them from the basket."))
    items = [RequestItem(request=request, dataset=found[pk], columns=shareable_columns(found[pk])) for pk in found]
    return RequestItem.objects.bulk_create(items)


def lock_editable(
    request: SharingRequest, actor: Actor, seen_version: int | None = None
) -> tuple[SharingRequest, Actor]:
    """The request with its row locked, and the actor in the capacity in which they may change it."""
    locked = SharingRequest.objects.select_for_update(of=("self",)).select_related("department").get(pk=request.pk)
    actor = access.require(actor, Permission.REQUEST_EDIT, locked)
    if locked.state not in (RequestState.DRAFT, RequestState.RETURNED):
        raise WrongState(_("The request is with the offices; it can be changed when it is returned."))
    if seen_version is not None and locked.version != seen_version:
        raise WrongState
    return locked, actor


def bump(request: SharingRequest, verb: str, actor: Actor, **data: Any) -> None:
    """Save a locked draft as a new version, with the event of what was done."""
    request.version += 1
    request.save()
    data["state"] = request.state
    data["items"] = {str(pk): state for pk, state in request.items.values_list("pk", "state")}
    record.append(stream=record.stream_of(request), verb=verb, actor=actor, data=data)


@transaction.atomic
def update(
    *, request: SharingRequest, actor: Actor, details: RequestDetails, seen_version: int | None = None
) -> SharingRequest:
    """Change what the request states. While offices decide other items of it, only its items can be changed."""
    request, actor = lock_editable(request, actor, seen_version)
    states = set(request.items.values_list("state", flat=True))
    if request.state == RequestState.RETURNED and states & {ItemState.IN_REVIEW, ItemState.APPROVED}:
        raise WrongState(_("Other offices are deciding on this text; only the returned items can be changed now."))
    changed = []
    for name, value in {**asdict(details), "channels": list(details.channels)}.items():
        if getattr(request, name) != value:
            setattr(request, name, value)
            changed.append(name)
    if changed:
        bump(request, "request.updated", actor, changed=changed)
    return request


@transaction.atomic
def add_items(*, request: SharingRequest, actor: Actor, dataset_ids: Sequence[UUID]) -> list[RequestItem]:
    """Add datasets to a draft; those that it has already are passed over. Returns the new items."""
    request, actor = lock_editable(request, actor)
    if request.state != RequestState.DRAFT:
        raise WrongState(_("Datasets can only be added before the request is submitted."))
    items = _new_items(request, actor, dataset_ids)
    if not items:
        return []
    bump(request, "request.items_added", actor, added=[str(item.pk) for item in items])
    return items


@transaction.atomic
def add_from_basket(*, request: SharingRequest, actor: Actor) -> list[RequestItem]:
    """``add_items`` with everything in the actor's basket, which is empty then."""
    access.require(actor, Permission.REQUEST_EDIT, request)
    assert actor.user is not None
    ids = _take_basket(actor)
    items = add_items(request=request, actor=actor, dataset_ids=ids)
    remove_from_basket(user=actor.user, dataset_ids=ids)
    return items


@transaction.atomic
def remove_item(*, item: RequestItem, actor: Actor) -> None:
    """Take an item out of a draft."""
    request, actor = lock_editable(item.request, actor)
    if request.state != RequestState.DRAFT:
        raise WrongState(_("Datasets can only be removed before the request is submitted."))
    pk = str(item.pk)
    item.delete()
    bump(request, "request.item_removed", actor, removed=pk)


@transaction.atomic
def change_item(
    *, item: RequestItem, actor: Actor, columns: Sequence[str], row_filter: Sequence[dict[str, Any]]
) -> RequestItem:
    """Choose the columns and rows of an item of a draft, or of one that was returned.

    Raises:
        UnknownColumns: names the columns that the dataset does not have or does not share.
        InvalidInput: no column, or a row condition that cannot be read.
    """
    request, actor = lock_editable(item.request, actor)
    item = RequestItem.objects.select_related("dataset").get(pk=item.pk)
    if item.state not in (ItemState.DRAFT, ItemState.RETURNED):
        raise WrongState(_("This item is with the offices; it can be changed when it is returned."))
    item.columns, item.row_filter = check_content(item.dataset, columns, row_filter, columns_for(request, item.dataset))
    item.save(update_fields=["columns", "row_filter"])
    bump(request, "item.changed", actor, item=str(item.pk), columns=item.columns, row_filter=item.row_filter)
    return item


def may_be_asked(request: SharingRequest, dataset: Dataset) -> bool:
    """Whether ``dataset`` can be applied for by such an applicant: shared at all, or for somebody outside open
    conditionally."""
    if request.is_outside:
        return dataset.is_conditionally_open
    return dataset.is_published and dataset.sharing_type != SharingType.NOT_SHARED


def columns_for(request: SharingRequest, dataset: Dataset) -> list[str]:
    """The columns of ``dataset`` that such an applicant can be given."""
    return applicable_columns(dataset) if request.is_outside else shareable_columns(dataset)


def check_content(
    dataset: Dataset,
    columns: Sequence[str],
    row_filter: Sequence[dict[str, Any]],
    offered_columns: Sequence[str] | None = None,
) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns in the order of the dataset's items, and the row filter in its stored form; or an error that names it.

    ``offered_columns`` are those to choose from, the shareable ones where they are not given.
    """
    shareable = shareable_columns(dataset) if offered_columns is None else list(offered_columns)
    unknown = [column for column in columns if column not in shareable]
    if unknown:
        names = listed(unknown)
        message = _("“%(title)s” has no item to share named: %(names)s.") % {"title": dataset.title, "names": names}
        raise UnknownColumns(message, fields={"columns": [message]}, columns=unknown)
    if not columns:
        message = _("Choose at least one data item of “%(title)s”.") % {"title": dataset.title}
        raise InvalidInput(message, fields={"columns": [message]})
    try:
        offered = [column for column in declared_columns(dataset) if column.name in shareable]
        filters = parse_filters(list(row_filter), offered)
    except TableError as error:
        raise InvalidInput(str(error), fields={"row_filter": [str(error)]}) from error
    return [c for c in shareable if c in set(columns)], [f.to_json() for f in filters]


def check_complete(request: SharingRequest, people: Collection[int] = ()) -> None:
    """Everything that keeps ``request`` from being submitted by ``people``, all at once (domain.md §5).

    Raises:
        InvalidInput: ``fields`` maps field names to what is wrong.
    """
    live = request.items.exclude(state__in=ItemState.answered()).select_related("dataset")
    wrong = missing(
        request, list(live.prefetch_related("dataset__items")), asked_of(request), on_request(request, people)
    )
    if wrong:
        raise InvalidInput(_("The request is not complete yet; everything that is missing is listed."), fields=wrong)


def missing(
    request: SharingRequest, items: Sequence[RequestItem], asked: Iterable[Asked], listed_as: Collection[Restriction]
) -> dict[str, list[str]]:
    """What is missing or wrong in a request with these unanswered items, by field; nothing when it can go."""
    wrong: dict[str, list[str]] = {}
    for name in ("title", "scenario") if request.is_outside else ("title", "legal_basis", "scenario"):
        if not getattr(request, name).strip():
            wrong.setdefault(name, []).append(_("Please fill this in."))
    if request.valid_until < timezone.localdate():
        wrong.setdefault("valid_until", []).append(_("The term lies in the past."))
    if not request.channels:
        wrong.setdefault("channels", []).append(_("Choose at least one sharing mode."))
    if not request.has_commitment:
        wrong.setdefault("has_commitment", []).append(_("Accept the security commitments to submit the request."))
    if not items:
        wrong.setdefault("items", []).append(_("The request has no dataset."))
    for item in items:
        if problem := item_problem(item):
            wrong.setdefault("items", []).append(problem)
    for each in asked:
        if names := [question.title for question in each.missing]:
            words = {"form": each.form, "names": listed(f"“{name}”" for name in names)}
            wrong.setdefault("answers", []).append(_("Questions “%(form)s”: please answer %(names)s.") % words)
    if words_ := blocked_words(listed_as):
        wrong["restrictions"] = [words_]
    return wrong


def item_problem(item: RequestItem) -> str:
    """Why ``item`` cannot be asked for as it is, or ""; no query where ``dataset__items`` is read ahead."""
    title = {"title": item.dataset.title}
    if not may_be_asked(item.request, item.dataset):
        return _("“%(title)s” cannot be applied for any more; remove it.") % title
    if not item.columns:
        return _("Choose at least one data item of “%(title)s”.") % title
    shared = set(columns_for(item.request, item.dataset))
    asked = dict.fromkeys([*item.columns, *(str(condition.get("column")) for condition in item.row_filter)])
    if gone := [column for column in asked if column not in shared]:
        names = {"names": listed(gone)}
        return _("“%(title)s” does not share %(names)s any more; choose its items and rows again.") % (title | names)
    return ""


def is_widened(item: RequestItem) -> bool:
    """Whether an item asks for a column or for rows that it did not ask for when it was last submitted."""
    more_columns = set(item.columns) - set(item.submitted_columns)
    dropped = [condition for condition in item.submitted_filter if condition not in item.row_filter]
    return bool(more_columns or dropped)


def bases_of(departments: Iterable[UUID]) -> list[str]:
    """The bases of duty that the last requests of these departments named, the newest first, to choose from."""
    rows = SharingRequest.objects.filter(department__in=list(departments)).exclude(legal_basis="")
    return list(dict.fromkeys(rows.order_by("-modified").values_list("legal_basis", flat=True)[:40]))[:6]
