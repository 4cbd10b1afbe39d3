"""Who may do what with requests, steps and grants."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from portal.access import Actor, Permission, rule
from portal.audit import record
from portal.audit.models import Event
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from sharing.models import ApprovalStep, CoApplicant, Extension, Grant, Route, SharingRequest, StepItem, Vote

DECIDING_DUTIES = (Duty.OWN_APPROVER, Duty.PROVIDER_APPROVER, Duty.SECURITY_OFFICER, *AUTHORITY_DUTIES)


def decides_somewhere(actor: Actor) -> bool:
    """Whether the actor holds a duty that decides steps."""
    return bool(actor.standing.departments_with(*DECIDING_DUTIES))


@rule(Permission.REQUEST_CREATE)
def may_create(actor: Actor, department: Department | None) -> bool:
    """Whoever holds the duty to apply, in ``department`` or one above it or, when none is named, anywhere."""
    departments = actor.standing.departments_with(Duty.APPLICANT)
    if department is None:
        return bool(departments)
    above: Department | None = department
    while above is not None and above.pk not in departments:
        above = above.parent
    return above is not None


def subordinates(actor: Actor) -> set[UUID]:
    """Departments for which ``actor`` may apply: where they hold the duty, and all below these; a query a level."""
    level = found = actor.standing.departments_with(Duty.APPLICANT)
    while level:
        level = set(Department.objects.active().filter(parent__in=level).values_list("pk", flat=True)) - found
        found = found | level
    return found


@rule(Permission.REQUEST_VIEW)
def may_view_request(actor: Actor, request: SharingRequest) -> bool:
    return SharingRequest.objects.filter(pk=request.pk).readable_by(actor.standing).exists()


@rule(Permission.REQUEST_SUBMIT, Permission.REQUEST_WITHDRAW)
def applies(actor: Actor, request: SharingRequest) -> bool:
    """Those who apply for the department of the request, or for the one that files for it; the state is the command's
    business. An application from outside is its applicant's alone: the department that receives it applies for nothing.
    """
    if request.is_outside:
        return actor.outside == request.pk
    standing, filing = actor.standing, request.filed_by_department_id
    return standing.holds(request.department_id, Duty.APPLICANT) or (
        filing is not None and standing.holds(filing, Duty.APPLICANT)
    )


@rule(Permission.REQUEST_EDIT)
def may_edit_request(actor: Actor, request: SharingRequest) -> bool:
    """Those who apply, and colleagues of the department whom they invited."""
    if applies(actor, request):
        return True
    if request.is_outside:
        return False
    invited = actor.standing.holds(request.department_id) and actor.user_id is not None
    return invited and CoApplicant.objects.filter(request=request, user=actor.user_id).exists()


@rule(Permission.REQUEST_REROUTE)
def may_reroute(actor: Actor, request: SharingRequest) -> bool:
    """The authorities in charge of the applicant's region, not on requests of their own department."""
    authorities = actor.standing.departments_with(*AUTHORITY_DUTIES) - {request.department_id}
    codes = request.department.region.path_codes
    within = Department.objects.filter(pk__in=authorities, region__code__in=codes)
    return request.created_by_id not in actor.people_ids and within.exists()


AUTHORS = (
    "request.created",
    "request.updated",
    "item.changed",
    "request.submitted",
    "request.resubmitted",
    "enquiry.answered",
    "attachment.added",
    "request.answers_saved",
)
"""Acts by which a request becomes one's own."""


@dataclass
class Ties:
    """What binds people to requests: which they made, and in which stages they decided (利益回避).

    Read once for many requests, and kept up to date while one of them is decided in several roles.
    """

    own: set[tuple[int, UUID]]
    decided: dict[UUID, set[tuple[int, str]]]

    @classmethod
    def of(cls, people: Collection[int], requests: Collection[SharingRequest]) -> Ties:
        """The ties of ``people`` to ``requests``; three queries."""
        streams = {record.stream_of(request): request.pk for request in requests}
        by_them = Q(actor__in=people) | Q(on_behalf_of__in=people)
        events = Event.objects.filter(by_them, stream__in=streams, verb__in=AUTHORS)
        own = {(request.created_by_id, request.pk) for request in requests if request.created_by_id is not None}
        for stream, *authors in events.values_list("stream", "actor", "on_behalf_of"):
            own |= {(author, streams[stream]) for author in authors if author is not None}
        by_them = Q(decided_by__in=people) | Q(decided_for__in=people)
        entries = StepItem.objects.filter(by_them, step__request__in=streams.values()).exclude(verdict="")
        decided: dict[UUID, set[tuple[int, str]]] = {}
        for request, stage, *deciders in entries.values_list(
            "step__request", "step__stage", "decided_by", "decided_for"
        ):
            decided.setdefault(request, set()).update((d, stage) for d in deciders if d is not None)
        votes = Vote.objects.filter(
            Q(voter__in=people) | Q(cast_by__in=people), entry__step__request__in=streams.values()
        )
        for request, stage, *voters in votes.values_list(
            "entry__step__request", "entry__step__stage", "voter", "cast_by"
        ):
            decided.setdefault(request, set()).update((voter, stage) for voter in voters)
        return cls(own, decided)

    def add(self, actor: Actor, step: ApprovalStep) -> None:
        """Remember that ``actor`` has just decided in ``step``."""
        self.decided.setdefault(step.request_id, set()).update((person, step.stage) for person in actor.people_ids)

    def bind(self, people: Collection[int], step: ApprovalStep) -> bool:
        """Whether one of ``people`` made the request of ``step``, or decided on it in another stage."""
        if any((person, step.request_id) in self.own for person in people):
            return True
        decided = self.decided.get(step.request_id, set())
        return any(person in people and stage != step.stage for person, stage in decided)


@rule(Permission.STEP_DECIDE)
def may_decide(actor: Actor, step: ApprovalStep) -> bool:
    """A holder of the step's duty or their deputy, unless the request is their own or they decided on it in another
    role: what binds the person binds the deputy, too."""
    if actor.user_id is None or step.office_id not in actor.standing.group_ids:
        return False
    people = actor.people_ids
    ties = step.ties or Ties.of(people, [step.request])
    return not ties.bind(people, step)


@rule(Permission.STEP_SUPERVISE)
def may_supervise(actor: Actor, step: ApprovalStep | None) -> bool:
    """The authority in whose region the office is, on others than itself."""
    authorities = actor.standing.departments_with(*AUTHORITY_DUTIES)
    if step is None or not authorities:
        return bool(authorities)
    region = step.department.region
    within = Department.objects.filter(pk__in=authorities, region__code__in=region.path_codes)
    return within.exclude(pk=step.department_id).exists()


@rule(Permission.EXTENSION_ANSWER)
def may_answer_extension(actor: Actor, extension: Extension) -> bool:
    """The data authority that was asked, but nobody on their own wish."""
    if actor.user_id is None or extension.asked_by_id in actor.people_ids:
        return False
    return actor.standing.holds(extension.authority_id, *AUTHORITY_DUTIES)


@rule(Permission.STEP_ANSWER)
def may_answer_supervision(actor: Actor, step: ApprovalStep) -> bool:
    """Whoever holds the duty of the step, even those who may not decide on this request."""
    return step.office_id in actor.standing.group_ids


@rule(Permission.ROUTE_VIEW)
def may_view_routes(actor: Actor, obj: object) -> bool:
    """Everybody with a duty: how one's request will be decided is no secret."""
    return bool(actor.standing.duties)


@rule(Permission.ROUTE_MANAGE)
def may_manage_route(actor: Actor, route: Route | None) -> bool:
    """The authority whose region holds the route's; a route for all regions is kept by the authorities of the highest
    level there is. Without a route: whoever keeps some."""
    mine = actor.standing.departments_with(*AUTHORITY_DUTIES)
    authorities = Department.objects.authorities().filter(pk__in=mine)
    if route is None:
        return authorities.exists()
    if route.region is None:
        return Department.objects.highest_authorities().filter(pk__in=mine).exists()
    return authorities.filter(region__code__in=route.region.path_codes).exists()


@rule(Permission.GRANT_VIEW)
def may_view_grant(actor: Actor, grant: Grant) -> bool:
    """Who holds it, the provider, and the authority in whose charge the provider is."""
    standing = actor.standing
    if grant.outside_id is None and standing.holds(grant.department_id):
        return True
    if standing.holds(grant.dataset.provider_id) or may_use_grant(actor, grant):
        return True
    authority = Department.objects.authority_for(grant.dataset.provider.region)
    return authority is not None and standing.holds(authority.pk, *AUTHORITY_DUTIES)


@rule(Permission.GRANT_USE)
def may_use_grant(actor: Actor, grant: Grant) -> bool:
    """Make keys and download: those who may apply for the department that holds the grant; where somebody outside
    holds it, nobody else."""
    if grant.outside_id is not None:
        return actor.outside == grant.outside_id
    return actor.standing.holds(grant.department_id, Duty.APPLICANT)


@rule(Permission.GRANT_REVOKE)
def may_revoke_grant(actor: Actor, grant: Grant) -> bool:
    """The provider that gave it, its security officer, and the data authority of the provider's region."""
    standing = actor.standing
    if standing.holds(grant.dataset.provider_id, Duty.PROVIDER_APPROVER, Duty.SECURITY_OFFICER):
        return True
    authority = Department.objects.authority_for(grant.dataset.provider.region)
    return authority is not None and standing.holds(authority.pk, *AUTHORITY_DUTIES)
