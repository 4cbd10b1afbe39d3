"""Who sees what of the talk about a request."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q

from portal.access import Actor, Permission, can
from portal.departments.models import Duty
from sharing.models import ApprovalStep, Enquiry, EnquiryKind, InternalNote, SharingRequest


@dataclass(frozen=True)
class Entry:
    """One line of the talk as one reader sees it."""

    at: dt.datetime
    enquiry: Enquiry | None = None
    note: InternalNote | None = None
    may_answer: bool = False
    may_take_back: bool = False


def is_insider(request: SharingRequest, actor: Actor) -> bool:
    """Whether somebody decides, or gives an opinion, from outside of the applicant's department."""
    standing = actor.standing
    groups = list(standing.group_ids)
    steps = ApprovalStep.objects.filter(request=request, office__in=groups)
    if not request.is_outside:
        if standing.holds(request.department_id, Duty.APPLICANT) or actor.user_id == request.created_by_id:
            return False
        steps = steps.exclude(department=request.department_id)
    return steps.exists() or Enquiry.objects.filter(request=request, office__in=groups).exists()


def talk_on(request: SharingRequest, actor: Actor) -> list[Entry]:
    """Questions for everybody who sees the request; opinions and notes for those inside, oldest first."""
    groups = list(actor.standing.group_ids)
    mine = Q(step__office__in=groups) & ~Q(step__request__created_by=actor.user_id)
    inside = is_insider(request, actor)
    enquiries = Enquiry.objects.filter(request=request)
    notes = InternalNote.objects.filter(step__request=request)
    if inside:
        notes = notes.filter(mine | Q(is_shared=True))
    else:
        enquiries = enquiries.filter(Q(kind=EnquiryKind.QUESTION) | mine)
        notes = notes.filter(mine)
    applies = can(actor, Permission.REQUEST_SUBMIT, request)
    found = [
        Entry(
            enquiry.asked_at,
            enquiry=enquiry,
            may_answer=enquiry.is_open
            and (applies if enquiry.kind == EnquiryKind.QUESTION else enquiry.office_id in actor.standing.group_ids),
            may_take_back=enquiry.is_open and enquiry.step.office_id in actor.standing.group_ids,
        )
        for enquiry in enquiries.select_related("step__department", "asked_by", "answered_by", "department")
    ]
    found += [Entry(note.at, note=note) for note in notes.select_related("step__department", "author")]
    return sorted(found, key=lambda entry: entry.at)


def waiting_questions(request: SharingRequest) -> int:
    """How many questions wait for the applicant."""
    return Enquiry.objects.filter(request=request, kind=EnquiryKind.QUESTION, closed_at=None).count()
