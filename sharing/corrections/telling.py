"""Who is told of a report, and of a correction: notices to people with an account, e-mails to citizens."""

from __future__ import annotations

from portal.accounts.models import User
from portal.departments.duties import holders
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from portal.notices.models import NoticeKind
from portal.notices.send import Message, notify, notify_all
from sharing.models import CorrectionReport, CorrectionState, Grant
from sharing.outside import telling


def _send(people: list[User], report: CorrectionReport, kind: NoticeKind, office: Department | None, text: str) -> None:
    data = {"number": report.number, "title": report.dataset.title, "note": text[:200]}
    notify(people, kind, url=report.get_absolute_url(), data=data, department=office)


def tell_office(report: CorrectionReport, kind: NoticeKind, text: str = "") -> None:
    """Whose turn it is: the approvers of the holder, or the data authority."""
    if report.state == CorrectionState.OBJECTED and report.authority is not None:
        people = [user for duty in AUTHORITY_DUTIES for user in holders(report.authority, duty)]
        _send(people, report, kind, report.authority, text)
    else:
        _send(holders(report.holder, Duty.PROVIDER_APPROVER), report, kind, report.holder, text)


def tell_reporter(report: CorrectionReport, text: str) -> None:
    """Who reported it hears what became of it."""
    if report.created_by is not None:
        _send([report.created_by], report, NoticeKind.CORRECTION_CHANGED, report.department, text)
    elif report.sealed_email:
        from sharing.corrections.tasks import mail_reporter

        mail_reporter.defer(report_id=str(report.pk))


def tell_users(report: CorrectionReport) -> int:
    """Every holder of a grant in force on the data hears what was corrected; returns how many notices.

    Applicants from outside get an e-mail to their page, which shows it. Who reported it is told anyway.
    """
    datasets = [pk for pk in (report.dataset_id, report.source_id) if pk is not None]
    rows = (
        Grant.objects.in_force().filter(dataset__in=datasets).select_related("dataset", "department", "item__request")
    )
    telling.changed(grant.item.request for grant in rows.filter(outside__isnull=False))
    first: dict[object, Grant] = {}
    for grant in rows.of_departments().order_by("created_at", "id"):
        first.setdefault((grant.department_id, grant.dataset_id), grant)
    messages = []
    for grant in first.values():
        people = [user for user in holders(grant.department, Duty.APPLICANT) if user != report.created_by]
        words = {"title": grant.dataset.title, "note": report.erratum, "number": report.number}
        messages.append(Message(people, NoticeKind.DATA_CORRECTED, grant.get_absolute_url(), words, grant.department))
    return notify_all(messages)
