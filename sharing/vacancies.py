"""People who left: steps whose office nobody holds, steps taken in hand by who is gone, requests without an applicant.

The portal looks after each change of the clock (``sharing.tasks``). Whoever can help is told once; as soon as somebody
holds the office again they are told what waits for them.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from portal.access import Actor
from portal.audit import record
from portal.departments.duties import holders, holders_of
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty, Membership
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing.flow import told_of
from sharing.models import ApplicantKind, ApprovalStep, RequestState, SharingRequest
from sharing.models.step import ApprovalStepQuerySet
from sharing.once import LOT, each_once

WITH_APPLICANT = (RequestState.RETURNED, RequestState.OFFERED)


def _held(department: str, duty: object) -> Exists:
    """Whether somebody holds ``duty`` in the department that the row's field ``department`` names."""
    return Exists(Membership.objects.current().filter(department=OuterRef(department), duty=duty))


def vacant(steps: ApprovalStepQuerySet) -> ApprovalStepQuerySet:
    """Open steps that nobody can decide, because nobody holds the duty."""
    return steps.open().filter(~_held("department", OuterRef("duty")))


def is_vacant(step: ApprovalStep) -> bool:
    """Whether nobody holds the duty of ``step``."""
    return not holders(step.department, step.duty)


def look() -> dict[str, int]:
    """Do all of it; returns how many steps were vacant, filled again and given back, and requests without applicant."""
    return {
        "vacant": _tell_of_vacancies(),
        "filled": _tell_successors(),
        "released": release_claims(),
        "orphaned": _tell_of_orphans(),
    }


def _tell_of_vacancies() -> int:
    rows = vacant(ApprovalStep.objects.all()).filter(vacant_at=None)
    return each_once(rows, "vacant_at", _tell_of_vacancy, "request__department", "department__region__parent")


def _tell_of_vacancy(step: ApprovalStep) -> None:
    """The clerk of the department, who can give the duty; the authority, who can hand the step over; the applicant."""
    request, department = step.request, step.department
    data = {"number": request.number, "title": request.title, "department": department.name}
    data["duty"] = str(Duty(step.duty).label)
    authority = Department.objects.authority_for(department.region)
    if authority == department and department.region.parent:
        authority = Department.objects.authority_for(department.region.parent)
    url = reverse("departments:people", args=[department.pk])
    notify(holders(department, Duty.CLERK), NoticeKind.STEP_VACANT, url=url, data=data, department=department)
    if authority is not None and authority != department:
        people = [user for duty in AUTHORITY_DUTIES for user in holders(authority, duty)]
        url = reverse("sharing:supervision-vacant")
        notify(people, NoticeKind.STEP_VACANT, url=url, data=data, department=authority)
    url = request.get_absolute_url()
    notify(told_of(request), NoticeKind.STEP_VACANT, url=url, data=data, department=request.department)


def _tell_successors() -> int:
    """Tell who holds an office again of the steps that waited there; returns how many."""
    filled = ApprovalStep.objects.filter(vacant_at__isnull=False).exclude(pk__in=vacant(ApprovalStep.objects.all()))
    count = 0
    for step in filled.select_related("request__department", "department")[:LOT]:
        with transaction.atomic():
            if not ApprovalStep.objects.filter(pk=step.pk, vacant_at__isnull=False).update(vacant_at=None):
                continue
            if step in ApprovalStep.objects.open().filter(pk=step.pk):
                request, people = step.request, holders(step.department, step.duty)
                data = {"number": request.number, "title": request.title, "department": request.department.name}
                url = step.get_absolute_url()
                notify(people, NoticeKind.STEP_OPENED, url=url, data=data, department=step.department)
            count += 1
    return count


@transaction.atomic
def release_claims() -> int:
    """Give back steps that somebody took in hand who does not hold the office any more; returns how many."""
    claimed = ApprovalStep.objects.open().filter(claimed_by__isnull=False)
    pairs = set(claimed.values_list("department", "duty", "claimed_by"))
    people = holders_of({(department, duty) for department, duty, _user in pairs})
    gone = [pair for pair in pairs if pair[2] not in {user.pk for user in people[pair[0], pair[1]]}]
    count = 0
    for department, duty, user in gone:
        rows = claimed.filter(department=department, duty=duty, claimed_by=user)
        steps = list(rows.select_for_update(of=("self",)).order_by("pk"))
        ApprovalStep.objects.filter(pk__in=[step.pk for step in steps]).update(claimed_by=None)
        system = Actor.system()
        record.append_all(
            [record.Entry(record.stream_of(s), "step.released", system, {"stage": s.stage}) for s in steps]
        )
        count += len(steps)
    return count


def _orphans() -> QuerySet[SharingRequest]:
    return SharingRequest.objects.filter(
        ~_held("department", Duty.APPLICANT),
        ~_held("filed_by_department", Duty.APPLICANT),
        state__in=WITH_APPLICANT,
        applicant_kind=ApplicantKind.DEPARTMENT,
    )


def _tell_of_orphans() -> int:
    """Tell the clerk of requests that wait for an applicant where nobody applies any more; returns how many."""
    SharingRequest.objects.filter(orphaned_at__isnull=False).exclude(pk__in=_orphans()).update(orphaned_at=None)
    return each_once(_orphans().filter(orphaned_at=None), "orphaned_at", _tell_clerk, "department")


def _tell_clerk(request: SharingRequest) -> None:
    data = {"number": request.number or "", "title": request.title}
    people, url = holders(request.department, Duty.CLERK), request.get_absolute_url()
    notify(people, NoticeKind.REQUEST_ORPHANED, url=url, data=data, department=request.department)
