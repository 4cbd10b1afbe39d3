"""Who may report an error, follow a report, answer it and settle an objection; and which values may be attached."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.items import shareable_columns
from catalog.models import Dataset
from catalog.rules import open_columns, preview
from portal.access import Actor, Permission, rule
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from sharing.models import CorrectionReport, Grant


@dataclass(frozen=True)
class Standpoint:
    """From where an error is reported: a dataset, and the department in whose name."""

    dataset: Dataset
    department: Department


def grants_of(standpoint: Standpoint) -> list[Grant]:
    """The grants in force by which the department uses the dataset, newest first."""
    rows = (
        Grant.objects.in_force().of_departments().filter(dataset=standpoint.dataset, department=standpoint.department)
    )
    return list(rows.order_by("-created_at", "-id"))


@rule(Permission.CORRECTION_FILE)
def may_file(actor: Actor, standpoint: Standpoint) -> bool:
    """Whoever holds a duty in the department: on a published record, or where they use a grant in force. Nobody reports
    to their own department."""
    standing, department = actor.standing, standpoint.department
    if actor.user_id is None or department.pk == standpoint.dataset.provider_id or not standing.holds(department.pk):
        return False
    if standpoint.dataset.is_published:
        return True
    return standing.holds(department.pk, Duty.APPLICANT) and bool(grants_of(standpoint))


def attachable_columns(actor: Actor, standpoint: Standpoint) -> list[str]:
    """The columns whose values ``actor`` may attach: those read without a grant, and of the grants that they use."""
    found = dict.fromkeys(preview(actor, standpoint.dataset).columns)
    if actor.standing.holds(standpoint.department.pk, Duty.APPLICANT):
        shared = set(shareable_columns(standpoint.dataset))
        for grant in grants_of(standpoint):
            found |= dict.fromkeys(name for name in grant.columns if name in shared)
    return list(found)


def public_columns(dataset: Dataset) -> list[str]:
    """The columns whose values a citizen may attach."""
    return open_columns(dataset)


@rule(Permission.CORRECTION_VIEW)
def may_view(actor: Actor, report: CorrectionReport) -> bool:
    return CorrectionReport.objects.filter(pk=report.pk).readable_by(actor.standing).exists()


@rule(Permission.CORRECTION_FOLLOW)
def may_follow(actor: Actor, report: CorrectionReport) -> bool:
    """Colleagues of who reported it; for a citizen the portal, once it has checked the token of their link."""
    if report.department_id is None:
        return actor.is_system
    return actor.is_system or actor.standing.holds(report.department_id)


def _wrote_it(actor: Actor, report: CorrectionReport) -> bool:
    return report.created_by_id is not None and report.created_by_id in actor.people_ids


@rule(Permission.CORRECTION_ANSWER)
def may_answer(actor: Actor, report: CorrectionReport) -> bool:
    """The provider's approvers, but nobody what they reported themselves."""
    return actor.standing.holds(report.holder_id, Duty.PROVIDER_APPROVER) and not _wrote_it(actor, report)


@rule(Permission.CORRECTION_SETTLE)
def may_settle(actor: Actor, report: CorrectionReport) -> bool:
    """The data authority to which the objection went, but nobody what they reported themselves."""
    if report.authority_id is None or _wrote_it(actor, report):
        return False
    return actor.standing.holds(report.authority_id, *AUTHORITY_DUTIES)


def may_see_rows(actor: Actor, report: CorrectionReport) -> bool:
    """Who reported it, the provider of the data, the authority that settles it, and the holder that they went to.

    A holder to which the provider handed the report on reads them only when the provider passed them on.
    """
    standing = actor.standing
    if standing.holds(report.dataset.provider_id):
        return True
    if report.department_id is not None and standing.holds(report.department_id, Duty.APPLICANT):
        return True
    if report.created_by_id is not None and report.created_by_id == actor.user_id:
        return True
    if report.passes_rows and standing.holds(report.holder_id):
        return True
    return report.authority_id is not None and standing.holds(report.authority_id, *AUTHORITY_DUTIES)
