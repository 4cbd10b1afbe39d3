"""Who may do what in a dispute."""

from __future__ import annotations

from portal.access import Actor, Permission, rule
from portal.departments.models import AUTHORITY_DUTIES, Duty
from sharing.models import Dispute, StepItem
from sharing.rules import Ties


def is_applicant(actor: Actor, dispute: Dispute) -> bool:
    """Those who apply for the department of the request; from outside the applicant themselves."""
    request = dispute.item.request
    if request.is_outside:
        return actor.outside == request.pk
    return actor.standing.holds(request.department_id, Duty.APPLICANT)


def _answers(actor: Actor, dispute: Dispute) -> bool:
    return dispute.step.office_id in actor.standing.group_ids


def _is_authority(actor: Actor, dispute: Dispute) -> bool:
    authority = dispute.authority
    return authority is not None and actor.standing.holds(authority.pk, *AUTHORITY_DUTIES)


@rule(Permission.DISPUTE_SAY, Permission.DISPUTE_MOVE_UP)
def may_take_part(actor: Actor, dispute: Dispute) -> bool:
    """Both sides, and the authority that has it."""
    return is_applicant(actor, dispute) or _answers(actor, dispute) or _is_authority(actor, dispute)


@rule(Permission.DISPUTE_GIVE_WAY)
def may_give_way(actor: Actor, dispute: Dispute) -> bool:
    """The office that decided; not somebody whose own request it is."""
    return _answers(actor, dispute) and not _made_it(actor, dispute)


@rule(Permission.DISPUTE_SETTLE)
def may_settle(actor: Actor, dispute: Dispute) -> bool:
    """The authority whose turn it is, by somebody who neither made the request nor decided on it (利益回避)."""
    if not _is_authority(actor, dispute) or _made_it(actor, dispute):
        return False
    decided = StepItem.objects.filter(step__request=dispute.item.request_id, decided_by__in=actor.people_ids)
    return not decided.exists()


def _made_it(actor: Actor, dispute: Dispute) -> bool:
    request = dispute.item.request
    ties = Ties.of(actor.people_ids, [request])
    return any((person, request.pk) in ties.own for person in actor.people_ids)
