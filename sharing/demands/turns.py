"""Whose turn a demand is: locks, deadlines, and the event of every act."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from portal.access import Actor
from portal.audit import record
from portal.calendars.working_days import Deadline, deadline
from portal.errors import WrongState
from sharing.models import Demand, DemandState
from sharing.responsibilities import keeping


def lock(demand: Demand, seen_version: int | None = None) -> Demand:
    """The demand, locked until the transaction ends.

    Raises:
        WrongState: somebody acted on it since ``seen_version``.
    """
    locked = Demand.objects.select_for_update(of=("self",), no_key=True)
    found = locked.select_related("authority__region", "holder", "department", "created_by").get(pk=demand.pk)
    if seen_version is not None and found.version != seen_version:
        raise WrongState
    return found


def in_working_days(days: int) -> Deadline:
    """The deadline of a term that begins today."""
    return deadline(timezone.localdate(), days)


def at_close_of(day: dt.date) -> Deadline:
    """The deadline at the end of a promised day."""
    return Deadline(day, is_provisional=False)


def hand_over(demand: Demand, state: DemandState, term: Deadline) -> None:
    """Give somebody the turn until ``term``; saved by ``note``."""
    demand.state, demand.reminded_at = state, None
    demand.set_term(term)


def close(demand: Demand, state: DemandState) -> None:
    """End the demand; saved by ``note``."""
    demand.state, demand.closed_at, demand.reminded_at = state, timezone.now(), None
    demand.set_term(None)


def note(demand: Demand, verb: str, actor: Actor, *, is_new: bool = False, **data: Any) -> None:
    """Save the demand, record the event with its state, and keep its line in the responsibility list."""
    demand.version += 1
    demand.save()
    record.append(stream=record.stream_of(demand), verb=verb, actor=actor, data=data | {"state": demand.state})
    if not is_new:
        keeping.keep_promise(demand)
