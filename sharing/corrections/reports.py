"""What reporters do: report an error, confirm the answer, object once, withdraw; and what the authority settles.

The holder's answers stand in ``sharing.corrections.answers``. Every act locks the report, asks the rules, changes it,
records one event and tells those whom it concerns, in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.codes import next_serial
from catalog.models import Dataset
from portal import access
from portal.access import Actor, Permission
from portal.departments.models import Department
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.sealing import seal
from sharing.corrections import telling
from sharing.corrections.rows import checked_rows
from sharing.corrections.rules import Standpoint, attachable_columns, grants_of, public_columns
from sharing.corrections.turns import close, give_to_holder, give_turn, lock, note, term
from sharing.models import CorrectionReport, CorrectionState, ErrorKind

TEXT_LIMIT = 2_000
SHORT_LIMIT = 500


@dataclass(frozen=True)
class Reported:
    """What is wrong: ``columns`` are the data items concerned, ``rows`` ``{column: value}`` of the rows in question."""

    kind: str
    description: str
    columns: Sequence[str] = ()
    rows: Sequence[Mapping[str, object]] = ()
    expected: str = ""
    evidence: str = ""

    def check(self, known: Sequence[str]) -> None:
        """Raise InvalidInput by field; ``known`` are the items that can be named."""
        faults: dict[str, list[str]] = {}
        if self.kind not in ErrorKind.values:
            faults["kind"] = [_("Choose what is wrong.")]
        if not self.description.strip():
            faults["description"] = [_("This must not be empty.")]
        limits = {"description": TEXT_LIMIT, "evidence": TEXT_LIMIT, "expected": SHORT_LIMIT}
        for name, limit in limits.items():
            if len(getattr(self, name)) > limit:
                faults[name] = [_("At most %(limit)s characters.") % {"limit": limit}]
        if set(self.columns) - set(known):
            faults["columns"] = [_("Choose among the items of the dataset.")]
        if faults:
            raise InvalidInput(fields=faults)


def _report(dataset: Dataset, reported: Reported, allowed: Sequence[str]) -> CorrectionReport:
    return CorrectionReport(
        dataset=dataset,
        holder=dataset.provider,
        kind=reported.kind,
        columns=list(dict.fromkeys(reported.columns)),
        description=reported.description.strip(),
        rows=checked_rows(reported.rows, allowed),
        expected=reported.expected.strip(),
        evidence=reported.evidence.strip(),
    )


def _filed(report: CorrectionReport, actor: Actor) -> CorrectionReport:
    year = timezone.localdate().year
    report.number = f"JH{year}{next_serial(f'JH{year}'):06d}"
    give_to_holder(report)
    data = {"number": report.number, "dataset": report.dataset.code, "rows": len(report.rows)}
    note(report, "correction.filed", actor, **data)
    telling.tell_office(report, NoticeKind.CORRECTION_TO_ANSWER, report.description)
    return report


@transaction.atomic
def file(*, dataset: Dataset, actor: Actor, department: Department, reported: Reported) -> CorrectionReport:
    """Report an error in the name of ``department``; the provider answers within ten working days.

    Raises:
        NotPermitted: no duty there, the department provides the data itself, or may not see the record.
        InvalidInput: by field; values of columns that the reporter cannot read are refused.
    """
    standpoint = Standpoint(dataset, department)
    actor = access.require(actor, Permission.CORRECTION_FILE, standpoint)
    reported.check(list(dataset.items.values_list("column", flat=True)))
    report = _report(dataset, reported, attachable_columns(actor, standpoint))
    report.department, report.created_by = department, actor.user
    report.grant = next(iter(grants_of(standpoint)), None)
    return _filed(report, actor)


@transaction.atomic
def file_public(*, dataset: Dataset, reported: Reported, email: str = "") -> CorrectionReport:
    """A citizen reports an error in open data, without an account; ``email`` is kept encrypted and deleted afterwards.

    Raises:
        WrongState: the dataset is not open (any more). InvalidInput: by field.
    """
    if not dataset.is_open:
        raise WrongState
    known = public_columns(dataset)
    reported.check(known)
    report = _report(dataset, reported, known)
    report.sealed_email = seal(email.strip()) if email.strip() else ""
    return _filed(report, Actor.system())


def _follow(
    report: CorrectionReport, actor: Actor, seen_version: int | None, *states: str
) -> tuple[CorrectionReport, Actor]:
    """The locked report, and the actor as the one who reported it."""
    report = lock(report, seen_version)
    actor = access.require(actor, Permission.CORRECTION_FOLLOW, report)
    if report.state not in states:
        raise WrongState
    return report, actor


@transaction.atomic
def confirm(*, report: CorrectionReport, actor: Actor, seen_version: int | None = None) -> CorrectionReport:
    """The answer is good: the report is closed."""
    report, actor = _follow(report, actor, seen_version, CorrectionState.ANSWERED)
    close(report)
    note(report, "correction.confirmed", actor)
    return report


@transaction.atomic
def withdraw(*, report: CorrectionReport, actor: Actor, seen_version: int | None = None) -> CorrectionReport:
    """Take one's own report back before it is answered."""
    report, actor = _follow(report, actor, seen_version, CorrectionState.FILED, CorrectionState.OBJECTED)
    close(report, CorrectionState.WITHDRAWN)
    note(report, "correction.withdrawn", actor)
    return report


def _settling(report: CorrectionReport) -> Department | None:
    """The authority of the holder's region; its superior where it is a party itself."""
    region = report.holder.region
    while True:
        authority = Department.objects.authority_for(region)
        if authority is None:
            return None
        if authority.pk not in (report.holder_id, report.department_id):
            return authority
        if authority.region.parent is None:
            return None
        region = authority.region.parent


@transaction.atomic
def object_to(
    *, report: CorrectionReport, actor: Actor, reason: str, seen_version: int | None = None
) -> CorrectionReport:
    """The answer is not good: the holder's data authority settles it. Once for each report.

    Raises:
        WrongState: objected already, or no authority could settle it.
    """
    report, actor = _follow(report, actor, seen_version, CorrectionState.ANSWERED)
    if report.was_objected:
        raise WrongState(_("You have objected once already. The answer after that is final."))
    report.objection = written(reason, _("Say what is missing or wrong."))
    report.authority = _settling(report)
    if report.authority is None:
        raise WrongState(_("No data authority is responsible for this region; ask the administrator to name one."))
    give_turn(report, CorrectionState.OBJECTED, term(settings.CORRECTION_SETTLE_DAYS))
    note(report, "correction.objected", actor, note=report.objection[:SHORT_LIMIT])
    telling.tell_office(report, NoticeKind.CORRECTION_TO_ANSWER, report.objection)
    return report


@transaction.atomic
def settle(
    *, report: CorrectionReport, actor: Actor, is_upheld: bool, text: str, seen_version: int | None = None
) -> CorrectionReport:
    """The authority upholds the holder's answer, which closes the report, or sends it back to be answered anew."""
    report = lock(report, seen_version)
    actor = access.require(actor, Permission.CORRECTION_SETTLE, report)
    if report.state != CorrectionState.OBJECTED:
        raise WrongState
    report.ruling = written(text, _("Give the reasons of the ruling; both sides read them."), "text")
    if is_upheld:
        close(report)
        note(report, "correction.upheld", actor, note=report.ruling[:SHORT_LIMIT])
    else:
        give_to_holder(report)
        note(report, "correction.sent_back", actor, note=report.ruling[:SHORT_LIMIT])
        telling.tell_office(report, NoticeKind.CORRECTION_TO_ANSWER, report.ruling)
    telling.tell_reporter(report, report.ruling)
    return report


def written(text: str, message: str, field: str = "reason", limit: int = TEXT_LIMIT) -> str:
    """``text`` without its margins.

    Raises:
        InvalidInput: empty, or longer than ``limit``.
    """
    text = text.strip()
    if not text:
        raise InvalidInput(message, fields={field: [message]})
    if len(text) > limit:
        message = _("At most %(limit)s characters.") % {"limit": limit}
        raise InvalidInput(message, fields={field: [message]})
    return text
