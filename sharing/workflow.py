"""The commands on a sharing request: submit, resubmit, answer conditions, withdraw, close an item.

Decisions stand in ``deciding``, reminders in ``reminders``.

Each locks the request, asks the rules, records one event in the same transaction, and lets ``flow.advance`` draw the
consequences. Views, API, jobs and the demo call these functions and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.codes import next_serial
from catalog.models import Dataset
from portal import access
from portal.access import Actor, Permission
from portal.departments.duties import duty_group, holders_of
from portal.departments.models import Department
from portal.errors import WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import Message, notify, notify_all
from sharing import drafts, grants
from sharing.disputes.settling import lapse
from sharing.facts import facts_of
from sharing.flow import Board, advance, log, told_of
from sharing.models import (
    DisputeStage,
    ItemState,
    RequestCopy,
    RequestItem,
    RequestState,
    SharingRequest,
)
from sharing.questions import answering
from sharing.replanning import make_steps, replan, take_back
from sharing.routes import copies, parse_stages, resolve
from sharing.routing.choice import version_for


def lock_datasets(request_id: UUID) -> None:
    """Keep the datasets of a request as they are until the transaction ends; taken before the request's own lock.

    A withdrawal locks its dataset and then the requests for it, so both come in the same order.
    """
    rows = Dataset.objects.filter(request_items__request=request_id).order_by("pk")
    list(rows.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def lock(request_id: UUID) -> SharingRequest:
    """The request with its row locked until the transaction ends."""
    locked = SharingRequest.objects.select_for_update(of=("self",))
    return locked.select_related("department__region", "created_by", "route_version").get(pk=request_id)


def _give_copies(request: SharingRequest, offices: Sequence[tuple[UUID, str]]) -> None:
    """Give offices the request for information (知会) and tell them."""
    departments = Department.objects.in_bulk({department for department, _duty in offices})
    given = [
        RequestCopy(request=request, department=departments[pk], duty=duty, office=duty_group(departments[pk], duty))
        for pk, duty in offices
    ]
    RequestCopy.objects.bulk_create(given, ignore_conflicts=True)
    people = holders_of(offices)
    data = {"number": request.number, "title": request.title, "department": request.applicant_name}
    url = request.get_absolute_url()
    notify_all(
        [
            Message(people[copy.department_id, copy.duty], NoticeKind.REQUEST_COPIED, url, data, copy.department)
            for copy in given
        ]
    )


@transaction.atomic
def submit(*, request: SharingRequest, actor: Actor) -> SharingRequest:
    """Submit a draft: check it completely, number it, and turn the route in force into steps.

    Raises:
        InvalidInput: everything that is missing or wrong, at once (domain.md §5).
        WrongState: it was submitted already.
    """
    lock_datasets(request.pk)
    request = lock(request.pk)
    actor = access.require(actor, Permission.REQUEST_SUBMIT, request)
    if request.state != RequestState.DRAFT:
        raise WrongState(_("This request has been submitted already."))
    drafts.check_complete(request, actor.people_ids)
    now = timezone.localtime()
    forms = answering.freeze(request)
    start = f"{'KF' if request.is_outside else 'GX'}{now:%Y}"
    request.number = f"{start}{next_serial(start):06d}"
    request.submitted_at = now
    facts = facts_of(request)
    request.route_version = version_for(facts, request.department.region)
    request.state = RequestState.IN_REVIEW
    request.save()
    request.items.update(state=ItemState.IN_REVIEW, submitted_columns=F("columns"), submitted_filter=F("row_filter"))
    stages = parse_stages(request.route_version.stages)
    planned = resolve(stages, facts)
    steps = make_steps(request, planned)
    board = advance(Board.of(request))
    _give_copies(request, copies(stages, facts))
    plan = [
        {"step": str(s.pk), "stage": s.stage, "items": [str(i) for i in p.item_ids]}
        for s, p in zip(steps, planned, strict=True)
    ]
    data = {"number": request.number, "route": str(request.route_version_id), "plan": plan, "forms": forms}
    log(board, "request.submitted", actor, **data)
    return board.request


@transaction.atomic
def resubmit(*, request: SharingRequest, actor: Actor) -> SharingRequest:
    """Give the returned items back to the offices after the applicant changed them.

    An item that asks for no more than before goes on where it was returned, with the rest of that step's term. One
    that asks for more (a column or rows that the earlier offices did not see) starts again at the first step. Steps
    that its new content needs are added.
    """
    lock_datasets(request.pk)
    request = lock(request.pk)
    actor = access.require(actor, Permission.REQUEST_SUBMIT, request)
    if request.state != RequestState.RETURNED:
        raise WrongState(_("Nothing in this request waits for your changes."))
    drafts.check_complete(request, actor.people_ids)
    board = Board.of(request)
    returned = [item for item in board.items.values() if item.state == ItemState.RETURNED]
    widened = {item.pk for item in returned if drafts.is_widened(item)}
    reset = take_back(board, returns={item.pk for item in returned}, verdicts=widened)
    for item in returned:
        item.state = ItemState.IN_REVIEW
        item.submitted_columns, item.submitted_filter = item.columns, item.row_filter
    RequestItem.objects.bulk_update(returned, ["state", "submitted_columns", "submitted_filter"])
    board = advance(replan(board, returned))
    log(board, "request.resubmitted", actor, reset=reset, widened=[str(item_id) for item_id in widened])
    return board.request


@transaction.atomic
def answer_terms(*, item: RequestItem, actor: Actor, is_accepted: bool) -> SharingRequest:
    """Accept the conditions under which an item was approved, which issues its grant, or give the item up.

    Raises:
        WrongState: nothing was offered, or the offer was changed or answered in the meantime.
    """
    request = lock(item.request_id)
    actor = access.require(actor, Permission.REQUEST_SUBMIT, request)
    board = Board.of(request)
    found = board.items[item.pk]
    if found.state != ItemState.OFFERED or found.terms != item.terms:
        raise WrongState
    if found.disputes.exclude(stage=DisputeStage.SETTLED).exists():
        raise WrongState(_("The conditions are being contested. Give the dispute up first."))
    if is_accepted:
        found.terms_accepted_at = timezone.now()
    else:
        found.state, found.answered_at = ItemState.WITHDRAWN, timezone.now()
    advance(board)
    verb = "terms.accepted" if is_accepted else "terms.declined"
    log(board, verb, actor, item=str(item.pk), title=found.dataset.title)
    grants.issue_all([(each, actor) for each in board.approved])
    return board.request


@transaction.atomic
def withdraw(*, request: SharingRequest, actor: Actor, reason: str = "") -> SharingRequest:
    """Take a request back: items without an answer are withdrawn; grants that were issued stay."""
    request = lock(request.pk)
    actor = access.require(actor, Permission.REQUEST_WITHDRAW, request)
    if not (request.is_open or request.state == RequestState.DRAFT):
        raise WrongState
    board = Board.of(request)
    for item in board.items.values():
        if not item.is_answered:
            lapse(item, actor=actor, note=_("The applicant withdrew the request."))
            item.state = ItemState.WITHDRAWN
            item.answered_at = timezone.now()
    request.state = RequestState.WITHDRAWN
    advance(board)
    log(board, "request.withdrawn", actor, reason=reason)
    return board.request


@transaction.atomic
def close_item(*, item: RequestItem, actor: Actor, reason: str) -> None:
    """End an item that cannot be granted any more, because of what became of its dataset; the others go on."""
    board = Board.of(lock(item.request_id))
    found = board.items[item.pk]
    if found.is_answered:
        return
    lapse(found, actor=actor, note=reason)
    found.state, found.answer, found.answered_at = ItemState.CLOSED, reason, timezone.now()
    advance(board)
    log(board, "item.closed", actor, item=str(item.pk), reason=reason)
    data = {"number": board.request.number or "", "title": found.dataset.title, "note": reason}
    request = board.request
    url = request.get_absolute_url()
    notify(told_of(request), NoticeKind.ITEM_CLOSED, url=url, data=data, department=request.department)
