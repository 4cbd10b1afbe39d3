"""Drafts from former requests and from templates, and baskets from searches."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from catalog.items import shareable_columns
from catalog.search import SearchQuery, found_rows
from portal import access
from portal.access import Actor, Permission
from portal.departments.models import Department
from portal.errors import InvalidInput, NotPermitted
from sharing import drafts
from sharing.drafts import RequestDetails
from sharing.models import RequestItem, RequestTemplate, SharingRequest
from sharing.questions import answering

TERM = dt.timedelta(days=365)
TEMPLATE_LIMIT = 50


def details_of(request: SharingRequest) -> RequestDetails:
    """What ``request`` states, for the next one: a term as long from today on, the commitments not yet accepted."""
    found = {each.name: getattr(request, each.name) for each in fields(RequestDetails)}
    began = timezone.localdate(request.submitted_at or request.created_at)
    length = max(request.valid_until - began, dt.timedelta(days=30))
    return RequestDetails(**found | {"valid_until": timezone.localdate() + length, "has_commitment": False})


@dataclass(frozen=True)
class Copied:
    """A new draft, and the titles that cannot be asked for any more."""

    request: SharingRequest
    left_out: list[str]


def _require_own(actor: Actor, request: SharingRequest) -> None:
    """Refuse whoever does not apply for the department, and everybody on an application from outside."""
    access.require(actor, Permission.REQUEST_CREATE, request.department)
    if request.is_outside:
        raise NotPermitted


@transaction.atomic
def copy(*, request: SharingRequest, actor: Actor) -> Copied:
    """A new draft with what ``request`` states, its datasets, items and rows, as far as they can be asked for today.

    Raises:
        NotPermitted: no duty to apply for its department. InvalidInput: none of its datasets is left.
    """
    _require_own(actor, request)
    items = list(request.items.select_related("dataset").order_by("id"))
    can = set(drafts.requestable(actor).filter(pk__in=[i.dataset_id for i in items]).values_list("pk", flat=True))
    kept = [item for item in items if item.dataset_id in can and item.dataset.provider_id != request.department_id]
    if not kept:
        raise InvalidInput(_("None of the datasets can be applied for any more."))
    made = drafts.create(
        actor=actor,
        department=request.department,
        details=details_of(request),
        dataset_ids=[item.dataset_id for item in kept],
    )
    asked = {item.dataset_id: item for item in kept}
    for item in made.items.select_related("dataset"):
        _take_content(item, asked[item.dataset_id], actor)
    answering.copy(request, made, actor)
    return Copied(made, [item.dataset.title for item in items if item not in kept])


def _take_content(item: RequestItem, former: RequestItem, actor: Actor) -> None:
    """The former columns and conditions that the dataset still shares; all columns where none is left."""
    shared = set(shareable_columns(item.dataset))
    columns = [column for column in former.columns if column in shared] or item.columns
    rows = [condition for condition in former.row_filter if condition.get("column") in shared]
    if columns != item.columns or rows:
        drafts.change_item(item=item, actor=actor, columns=columns, row_filter=rows)


@transaction.atomic
def save_template(*, request: SharingRequest, actor: Actor, name: str) -> RequestTemplate:
    """Keep what ``request`` states as a template of its department; one of the same name is written anew."""
    _require_own(actor, request)
    assert actor.user
    name = name.strip()
    if not name or len(name) > 60:
        message = _("Give the template a name of at most 60 characters.")
        raise InvalidInput(message, fields={"name": [message]})
    theirs = RequestTemplate.objects.filter(department=request.department)
    if theirs.exclude(name=name).count() >= TEMPLATE_LIMIT:
        raise InvalidInput(_("The department has %(n)s templates already; remove one first.") % {"n": TEMPLATE_LIMIT})
    details = asdict(replace(details_of(request), title=request.title))
    values = {"details": details | {"channels": list(details["channels"])}, "created_by": actor.user}
    return RequestTemplate.objects.update_or_create(department=request.department, name=name, defaults=values)[0]


def remove_template(*, template: RequestTemplate, actor: Actor) -> None:
    """Forget a template."""
    access.require(actor, Permission.REQUEST_CREATE, template.department)
    template.delete()


def initial_of(template: RequestTemplate) -> dict[str, Any]:
    """A template as the first values of the form of a request; its term begins today."""
    found = {key: value for key, value in template.details.items() if key != "has_commitment"}
    until = parse_date(str(found.get("valid_until", "")))
    length = until - timezone.localdate(template.modified) if until else TERM
    return found | {"valid_until": timezone.localdate() + max(length, dt.timedelta(days=30))}


def templates_for(actor: Actor, departments: Any) -> list[RequestTemplate]:
    """The templates of departments for which ``actor`` applies."""
    rows = RequestTemplate.objects.filter(department__in=departments).select_related("department")
    return list(rows[:TEMPLATE_LIMIT])


def add_found(*, actor: Actor, query: SearchQuery) -> tuple[int, int]:
    """Put everything that a search finds in the basket; returns (added, found), at most as many as a request holds."""
    if actor.user is None:
        raise NotPermitted
    found = found_rows(query, actor.standing.reader_groups).values_list("dataset_id", flat=True)
    ids = list(found[: drafts.ITEM_LIMIT])
    return drafts.add_to_basket(actor=actor, dataset_ids=ids), len(ids)


def applies_for(actor: Actor) -> Any:
    """Departments for which ``actor`` applies: where they hold the duty, and those below these (代下级部门申请)."""
    from sharing.rules import subordinates

    return Department.objects.active().filter(pk__in=subordinates(actor))
