"""Whose turn a report is: locks, deadlines, and the event of every act."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.access import Actor
from portal.audit import record
from portal.calendars.working_days import Deadline, deadline
from portal.errors import WrongState
from sharing.models import CorrectionReport, CorrectionState

RELATED = ("dataset__provider__region", "source", "holder__region", "department", "authority", "created_by")


def lock(report: CorrectionReport, seen_version: int | None = None) -> CorrectionReport:
    """The report, locked until the transaction ends.

    Raises:
        WrongState: somebody acted on it since ``seen_version``.
    """
    locked = CorrectionReport.objects.select_for_update(of=("self",), no_key=True)
    found = locked.select_related(*RELATED).get(pk=report.pk)
    if seen_version is not None and found.version != seen_version:
        raise WrongState
    return found


def term(days: int) -> Deadline:
    """The deadline of working days that begin today."""
    return deadline(timezone.localdate(), days)


def give_turn(report: CorrectionReport, state: CorrectionState, until: Deadline) -> None:
    """Give somebody the turn; saved by ``note``."""
    report.state = state
    report.set_term(until)
    report.warned_at = report.reminded_at = None


def give_to_holder(report: CorrectionReport) -> None:
    """The holder has the turn, with its days and its one extension from the beginning; saved by ``note``."""
    give_turn(report, CorrectionState.FILED, term(settings.CORRECTION_ANSWER_DAYS))
    report.extension_reason = ""


def close(report: CorrectionReport, state: CorrectionState = CorrectionState.CLOSED) -> None:
    """End the report; saved by ``note``."""
    report.state, report.closed_at = state, timezone.now()
    report.set_term(None)


def note(report: CorrectionReport, verb: str, actor: Actor, **data: Any) -> None:
    """Save the report and record the event with its state and outcome; never a value of the data."""
    report.version += 1
    report.save()
    data |= {"state": report.state, "outcome": report.outcome}
    record.append(stream=record.stream_of(report), verb=verb, actor=actor, data=data)
