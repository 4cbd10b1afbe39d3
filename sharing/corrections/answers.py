"""What the holder does with a report: answer it, take more time once, or hand it on to who really holds the data."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import Dataset, TableVersion
from catalog.rules import open_columns
from portal import access
from portal.access import Actor, Permission
from portal.calendars.working_days import calendar_around
from portal.departments.models import Department
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from sharing.corrections import telling
from sharing.corrections.reports import SHORT_LIMIT, written
from sharing.corrections.turns import close, give_to_holder, give_turn, lock, note, term
from sharing.models import CorrectionOutcome, CorrectionReport, CorrectionState
from sharing.models.correction import CORRECTING

HAND_ONS = 3
"""How often a report may wander before somebody must answer it."""


def _hold(report: CorrectionReport, actor: Actor, seen_version: int | None) -> tuple[CorrectionReport, Actor]:
    """The locked report, and the actor as its holder, whose turn it is."""
    report = lock(report, seen_version)
    actor = access.require(actor, Permission.CORRECTION_ANSWER, report)
    if report.state != CorrectionState.FILED:
        raise WrongState
    return report, actor


def versions_of(report: CorrectionReport) -> list[TableVersion]:
    """The table versions that an answer may name as the correcting one, newest first."""
    rows = TableVersion.objects.filter(distribution__dataset=report.source_id or report.dataset_id, removed_at=None)
    return list(rows.order_by("-created_at")[:20])


@transaction.atomic
def answer(
    *,
    report: CorrectionReport,
    actor: Actor,
    outcome: str,
    text: str,
    erratum: str = "",
    table_version: TableVersion | None = None,
    seen_version: int | None = None,
) -> CorrectionReport:
    """Corrected, partly corrected, or explained. What was corrected is told to everybody who uses the data.

    The reporter may then object once; after an objection the answer is final.

    Raises:
        InvalidInput: no text; no ``erratum`` where something was corrected; a version of another table.
    """
    report, actor = _hold(report, actor, seen_version)
    _check_answer(report, outcome, erratum, table_version)
    report.answer = written(text, _("Say what the reporter should know."), "text")
    report.outcome = outcome
    report.answered_at = timezone.now()
    if outcome in CORRECTING:
        report.erratum, report.table_version = erratum.strip(), table_version
        report.corrected_at = timezone.now()
        report.is_public = _is_public(report)
    if report.was_objected:
        close(report)
    else:
        give_turn(report, CorrectionState.ANSWERED, term(settings.CORRECTION_CONFIRM_DAYS))
    version = table_version.number if table_version else None
    note(report, "correction.answered", actor, note=report.answer[:SHORT_LIMIT], version=version)
    telling.tell_reporter(report, f"{report.get_outcome_display()} {report.answer}")
    if outcome in CORRECTING:
        telling.tell_users(report)
    return report


def _is_public(report: CorrectionReport) -> bool:
    """Whether the correction is one of what the public reads: open items alone, or reported by a citizen."""
    if not report.dataset.is_open:
        return False
    named = set(report.columns)
    return report.department_id is None or (bool(named) and named <= set(open_columns(report.dataset)))


def _check_answer(report: CorrectionReport, outcome: str, erratum: str, version: TableVersion | None) -> None:
    faults: dict[str, list[str]] = {}
    if outcome not in CorrectionOutcome.values:
        faults["outcome"] = [_("Choose an answer.")]
    if outcome in CORRECTING and not erratum.strip():
        faults["erratum"] = [_("Say what was corrected; everybody who uses the data reads it.")]
    elif len(erratum) > SHORT_LIMIT:
        faults["erratum"] = [_("At most %(limit)s characters.") % {"limit": SHORT_LIMIT}]
    if version is not None and version not in versions_of(report):
        faults["table_version"] = [_("Choose a version of this dataset's table.")]
    if faults:
        raise InvalidInput(fields=faults)


@transaction.atomic
def extend(*, report: CorrectionReport, actor: Actor, reason: str, seen_version: int | None = None) -> CorrectionReport:
    """Take as many working days more, once, with a reason that the reporter reads."""
    report, actor = _hold(report, actor, seen_version)
    if report.extension_reason or report.due_at is None:
        raise WrongState(_("The time was extended once already."))
    report.extension_reason = written(reason, _("Say why more time is needed."), limit=SHORT_LIMIT)
    received = report.term_from or timezone.localdate(report.due_at)
    days = (report.term_days or 0) + settings.CORRECTION_ANSWER_DAYS
    until = calendar_around(received).add(received, days)
    give_turn(report, CorrectionState.FILED, until)
    note(report, "correction.extended", actor, note=report.extension_reason)
    telling.tell_reporter(report, report.extension_reason)
    return report


@transaction.atomic
def hand_on(
    *,
    report: CorrectionReport,
    actor: Actor,
    reason: str,
    holder: Department | None = None,
    source: Dataset | None = None,
    passes_rows: bool = False,
    seen_version: int | None = None,
) -> CorrectionReport:
    """To the department that really holds the data, or to the dataset they come from; it has its days from today.

    The rows in question go along only with ``passes_rows``, and only by the provider whose data they are.

    Raises:
        InvalidInput: nobody named, oneself, one that has ended, or the reporter. WrongState: handed on too often.
    """
    report, actor = _hold(report, actor, seen_version)
    if report.hand_ons >= HAND_ONS:
        raise WrongState(_("This report was handed on %(n)s times already; answer it.") % {"n": HAND_ONS})
    target = source.provider if source is not None else holder
    if target is None or not target.is_active or target.pk in (report.holder_id, report.department_id):
        raise InvalidInput(fields={"holder": [_("Name another department, or the dataset that the data come from.")]})
    if source is not None and not source.is_published:
        raise InvalidInput(fields={"source": [_("This dataset is not published.")]})
    reason = written(reason, _("Say why it is theirs to answer."), limit=SHORT_LIMIT)
    was_provider = report.holder_id == report.dataset.provider_id
    report.passes_rows = passes_rows if was_provider else report.passes_rows
    report.holder, report.source, report.hand_ons = target, source, report.hand_ons + 1
    give_to_holder(report)
    note(report, "correction.handed_on", actor, holder=target.name, note=reason)
    telling.tell_office(report, NoticeKind.CORRECTION_TO_ANSWER, reason)
    telling.tell_reporter(report, target.name)
    return report
