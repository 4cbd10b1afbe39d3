"""Running requests whose route was found wrong: moved to the route that holds now, with what was decided."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing import grants, workflow
from sharing.errors import StaleStep
from sharing.facts import facts_of
from sharing.flow import Board, advance, log, told_of
from sharing.models import RouteVersion, SharingRequest
from sharing.outside import telling
from sharing.replanning import replan
from sharing.routes import parse_stages
from sharing.routing.choice import version_for

REASON_LIMIT = 1_000


def proposed(request: SharingRequest) -> RouteVersion | None:
    """The version that an open request would take if it were submitted today; None when it has that one.

    Raises:
        RouteError: no route fits it.
    """
    version = version_for(facts_of(request), request.department.region)
    return None if version.pk == request.route_version_id else version


@transaction.atomic
def reroute(*, request: SharingRequest, actor: Actor, seen_version: int, reason: str) -> SharingRequest:
    """Move an open request to the route that holds now (design.md §4: otherwise it keeps the version that it has).

    What was decided stands. Steps that the new route does not know fall away unless they were decided; undecided ones
    whose stage it changes begin anew; an item that has passed everything it needs is granted.

    Raises:
        StaleStep: the request changed since ``seen_version``. WrongState: it is not open, or has that route already.
        InvalidInput: no reason. RouteError: no route fits, or the one that does cannot be followed.
    """
    workflow.lock_datasets(request.pk)
    request = workflow.lock(request.pk)
    actor = access.require(actor, Permission.REQUEST_REROUTE, request)
    if not request.is_open or request.route_version is None:
        raise WrongState
    if request.version != seen_version:
        raise StaleStep
    reason = reason.strip()
    if not reason or len(reason) > REASON_LIMIT:
        message = _("Write a text of at most %(limit)s characters.") % {"limit": REASON_LIMIT}
        raise InvalidInput(message, fields={"reason": [message]})
    version = proposed(request)
    if version is None:
        raise WrongState(_("The request takes the route in force already."))
    before = request.route_version
    board = Board.of(request)
    request.route_version = version
    request.save(update_fields=["route_version"])
    waiting = [item for item in board.items.values() if not item.is_answered]
    board = advance(replan(board, waiting, former=parse_stages(before.stages)))
    log(board, "request.rerouted", actor, **{"from": before.label, "to": version.label, "reason": reason})
    grants.issue_all([(each, actor) for each in board.approved])
    telling.changed([request])
    data = {"number": request.number, "title": request.title, "note": reason}
    url = request.get_absolute_url()
    notify(told_of(request), NoticeKind.REQUEST_REROUTED, url=url, data=data, department=request.department)
    return board.request
