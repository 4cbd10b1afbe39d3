"""Who may do what with demands."""

from __future__ import annotations

from catalog.rules import REVIEW_DUTIES
from portal.access import Actor, Permission, rule
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from sharing.models import Demand


@rule(Permission.DEMAND_CREATE)
def may_create(actor: Actor, department: Department | None) -> bool:
    """Whoever holds a duty, in ``department`` or, when none is named, anywhere."""
    departments = actor.standing.departments_with()
    return department.pk in departments if department else bool(departments)


@rule(Permission.DEMAND_VIEW)
def may_view(actor: Actor, demand: Demand) -> bool:
    return Demand.objects.filter(pk=demand.pk).readable_by(actor.standing).exists()


@rule(Permission.DEMAND_FOLLOW)
def may_follow(actor: Actor, demand: Demand) -> bool:
    """Colleagues of who asked; for a citizen the portal, once it has checked the token of their link."""
    if demand.department_id is None:
        return actor.is_system
    return actor.is_system or actor.standing.holds(demand.department_id)


@rule(Permission.DEMAND_STEER)
def may_steer(actor: Actor, demand: Demand) -> bool:
    """The data authority that was asked, but nobody on their own demand."""
    if actor.user_id is None or demand.created_by_id in actor.people_ids:
        return False
    return actor.standing.holds(demand.authority_id, *AUTHORITY_DUTIES)


@rule(Permission.DEMAND_ANSWER)
def may_answer(actor: Actor, demand: Demand) -> bool:
    """The approvers of the holder, but nobody on their own demand."""
    if demand.holder_id is None or demand.created_by_id in actor.people_ids:
        return False
    return actor.standing.holds(demand.holder_id, *REVIEW_DUTIES)


@rule(Permission.DEMAND_LINK)
def may_link(actor: Actor, demand: Demand) -> bool:
    """The approvers and cataloguers of the holder."""
    return demand.holder_id is not None and actor.standing.holds(demand.holder_id, *REVIEW_DUTIES, Duty.CATALOGUER)
