"""Who may list departments and people, and who speaks for those that are listed."""

from __future__ import annotations

from portal.access import Actor, Permission, rule
from portal.departments.models import Department, Duty
from sharing.models import Restriction

SPEAKING_DUTIES = (Duty.APPLICANT, Duty.OWN_APPROVER)


@rule(Permission.RESTRICTION_ENTER)
def may_enter(actor: Actor, department: Department | None) -> bool:
    """Heads of the data authority in whose region the department lies, on others than themselves; without a
    department: heads of some authority. The same may lift an entry."""
    mine = actor.standing.departments_with(Duty.AUTHORITY_HEAD)
    authorities = Department.objects.authorities().filter(pk__in=mine)
    if department is None:
        return bool(mine) and authorities.exists()
    if department.pk in mine:
        return False
    return bool(mine) and authorities.filter(region__code__in=department.region.path_codes).exists()


@rule(Permission.RESTRICTION_STATE)
def may_state(actor: Actor, restriction: Restriction) -> bool:
    """The person who is listed; for a department, those who apply for it or sign for it."""
    if restriction.person_id is not None:
        return actor.user_id == restriction.person_id
    return actor.standing.holds(restriction.department_id, *SPEAKING_DUTIES)
