"""The yearly review: who uses data under a grant confirms it once a year, or the grant is suspended.

A confirmation that comes late resumes the grant at once, unless an office holds it for a reason of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.errors import InvalidInput, PortalError, WrongState
from sharing import grants
from sharing.models import Grant, GrantRenewal, GrantReview, GrantState, ReviewState, SuspendedFor
from sharing.models.holding import UNCONFIRMED

TEXT_LIMIT = 500
BULK_LIMIT = 500


def _log(review: GrantReview, verb: str, actor: Actor, **data: Any) -> None:
    """In the record of the grant, with the state of the review."""
    data |= {"review": str(review.pk), "review_state": review.state}
    record.append(stream=record.stream_of(review.grant), verb=verb, actor=actor, data=data)


def _lock(review: GrantReview) -> GrantReview:
    """The review and its grant, both locked."""
    grant = grants.lock(review.grant)
    found = GrantReview.objects.select_for_update(of=("self",)).get(pk=review.pk)
    found.grant = grant
    return found


def _close(review: GrantReview, state: ReviewState) -> None:
    review.state, review.closed_at = state, timezone.now()
    review.save()


@transaction.atomic
def open_review(*, grant: Grant) -> GrantReview | None:
    """Begin the review of a running grant; None when one waits already, or the grant does not run any more.

    An earlier one that was missed ends when the provider has resumed the grant since.
    """
    grant = grants.lock(grant)
    if not grant.is_in_force:
        return None
    waiting = grant.reviews.select_for_update().filter(state__in=UNCONFIRMED).first()
    if waiting is not None and waiting.state == ReviewState.OPEN:
        return None
    if waiting is not None:
        waiting.grant = grant
        _close(waiting, ReviewState.ENDED)
        _log(waiting, "grant.review_ended", Actor.system())
    today = timezone.localdate()
    review = GrantReview.objects.create(
        grant=grant,
        opened_on=today,
        due_on=today + dt.timedelta(days=settings.GRANT_REVIEW_DAYS),
        is_unused=not grant.usage.filter(at__gte=timezone.now() - dt.timedelta(days=365)).exists(),
    )
    _log(review, "grant.review_opened", Actor.system(), due=review.due_on.isoformat())
    return review


@transaction.atomic
def confirm(*, review: GrantReview, actor: Actor, statement: str = "") -> GrantReview:
    """The department still uses the data for the stated purpose; a grant suspended for this reason runs again.

    Raises:
        NotPermitted: the actor may not use the grant.
        WrongState: confirmed or ended already, or the grant has ended.
    """
    review = _lock(review)
    grant = review.grant
    actor = access.require(actor, Permission.GRANT_USE, grant)
    if review.state not in UNCONFIRMED:
        raise WrongState
    if grant.state == GrantState.REVOKED or grant.is_expired:
        raise WrongState(_("The grant has ended; there is nothing to confirm."))
    review.statement, review.confirmed_by = _checked(statement), actor.user
    _close(review, ReviewState.CONFIRMED)
    grant.confirmed_on = timezone.localdate()
    grant.save(update_fields=["confirmed_on"])
    _log(review, "grant.reviewed", actor, note=review.statement)
    grants.resume_confirmed(grant=grant, actor=actor)
    return review


def _checked(statement: str) -> str:
    statement = statement.strip()
    if len(statement) > TEXT_LIMIT:
        message = _("At most %(limit)s characters.") % {"limit": TEXT_LIMIT}
        raise InvalidInput(message, fields={"statement": [message]})
    return statement


def close_by_renewal(*, grant: Grant, renewal: GrantRenewal, actor: Actor) -> None:
    """A renewal states that the data are still used: the review that waits is confirmed by it. The grant is locked."""
    review = grant.reviews.select_for_update().filter(state=ReviewState.OPEN).first()
    if review is None:
        return
    review.grant = grant
    review.statement, review.confirmed_by = renewal.statement, renewal.asked_by
    _close(review, ReviewState.CONFIRMED)
    _log(review, "grant.reviewed", actor, note=review.statement)


@transaction.atomic
def miss(*, review: GrantReview) -> bool:
    """Suspend the grant of a review that nobody confirmed in time, after the warning; False when that is not due."""
    review = _lock(review)
    warned = review.warned_on
    today = timezone.localdate()
    earliest = warned + dt.timedelta(days=settings.GRANT_REVIEW_WARN_DAYS) if warned else None
    is_due = review.due_on < today and earliest is not None and earliest <= today
    if review.state != ReviewState.OPEN or review.grant.state != GrantState.ACTIVE or not is_due:
        return False
    _close(review, ReviewState.MISSED)
    _log(review, "grant.review_missed", Actor.system())
    reason = _("The use was not confirmed in the yearly review. Confirm it, and the grant runs again at once.")
    grants.suspend(grant=review.grant, actor=Actor.system(), reason=reason, cause=SuspendedFor.REVIEW)
    return True


@transaction.atomic
def end(*, review: GrantReview) -> None:
    """The grant was revoked or has run out: nothing is left to confirm."""
    review = _lock(review)
    if review.state in UNCONFIRMED:
        _close(review, ReviewState.ENDED)
        _log(review, "grant.review_ended", Actor.system())


@dataclass(frozen=True)
class Line:
    """What became of one review among many; ``error`` says why it was not confirmed."""

    review: GrantReview
    error: str = ""


def confirm_all(*, reviews: Sequence[GrantReview], actor: Actor, statement: str = "") -> list[Line]:
    """``confirm`` for each by itself: what cannot be confirmed says why, the rest stands."""
    statement = _checked(statement)
    if len(reviews) > BULK_LIMIT:
        raise InvalidInput(_("At most %(limit)s grants at once.") % {"limit": BULK_LIMIT})
    lines = []
    for review in reviews:
        try:
            lines.append(Line(confirm(review=review, actor=actor, statement=statement)))
        except PortalError as error:
            lines.append(Line(review, str(error)))
    return lines
