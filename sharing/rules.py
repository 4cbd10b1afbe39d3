"""Who may do what with requests, steps and grants."""

from __future__ import annotations

from django.db.models import Q

from portal.access import Actor, Permission, rule
from portal.audit import record
from portal.audit.models import Event
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from sharing.models import ApprovalStep, Grant, SharingRequest, StepItem


@rule(Permission.REQUEST_CREATE)
def may_create(actor: Actor, department: Department | None) -> bool:
    """Whoever holds the duty to apply, in ``department`` or, when none is named, anywhere."""
    departments = actor.standing.departments_with(Duty.APPLICANT)
    return department.pk in departments if department else bool(departments)


@rule(Permission.REQUEST_VIEW)
def may_view_request(actor: Actor, request: SharingRequest) -> bool:
    return SharingRequest.objects.filter(pk=request.pk).readable_by(actor.standing).exists()


@rule(Permission.REQUEST_EDIT, Permission.REQUEST_SUBMIT, Permission.REQUEST_WITHDRAW)
def may_edit_request(actor: Actor, request: SharingRequest) -> bool:
    """Those who may apply for the department of the request; the state is the command's business."""
    return actor.standing.holds(request.department_id, Duty.APPLICANT)


AUTHORS = ("request.created", "request.updated", "item.changed", "request.submitted", "request.resubmitted")
"""Acts by which a request becomes one's own."""


def _have_part_in(people: frozenset[int], request: SharingRequest) -> bool:
    """Whether one of ``people`` made, changed or submitted a request: to submit a draft makes it one's own."""
    by_them = Q(actor__in=people) | Q(on_behalf_of__in=people)
    events = Event.objects.filter(by_them, stream=record.stream_of(request), verb__in=AUTHORS)
    return request.created_by_id in people or events.exists()


@rule(Permission.STEP_DECIDE)
def may_decide(actor: Actor, step: ApprovalStep) -> bool:
    """A holder of the step's duty or their deputy, unless the request is their own or they decided on it in another
    role: what binds the person binds the deputy, too."""
    if actor.user_id is None or step.office_id not in actor.standing.group_ids:
        return False
    people = actor.people_ids
    if _have_part_in(people, step.request):
        return False
    by_them = Q(decided_by__in=people) | Q(decided_for__in=people)
    elsewhere = StepItem.objects.filter(by_them, step__request=step.request_id)
    return not elsewhere.exclude(verdict="").exclude(step__stage=step.stage).exists()


@rule(Permission.GRANT_VIEW)
def may_view_grant(actor: Actor, grant: Grant) -> bool:
    """The department that holds it, the provider, and the authority in whose charge the provider is."""
    standing = actor.standing
    if standing.holds(grant.department_id) or standing.holds(grant.dataset.provider_id):
        return True
    authority = Department.objects.authority_for(grant.dataset.provider.region)
    return authority is not None and standing.holds(authority.pk, *AUTHORITY_DUTIES)


@rule(Permission.GRANT_USE)
def may_use_grant(actor: Actor, grant: Grant) -> bool:
    """Make keys and download: those who may apply for the department that holds the grant."""
    return actor.standing.holds(grant.department_id, Duty.APPLICANT)


@rule(Permission.GRANT_REVOKE)
def may_revoke_grant(actor: Actor, grant: Grant) -> bool:
    """The provider that gave it, its security officer, and the data authority of the provider's region."""
    standing = actor.standing
    if standing.holds(grant.dataset.provider_id, Duty.PROVIDER_APPROVER, Duty.SECURITY_OFFICER):
        return True
    authority = Department.objects.authority_for(grant.dataset.provider.region)
    return authority is not None and standing.holds(authority.pk, *AUTHORITY_DUTIES)
