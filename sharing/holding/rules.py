"""Who may decide on renewals; asking for one and confirming the use is for those who use the grant."""

from __future__ import annotations

from portal.access import Actor, Permission, rule
from portal.departments.models import Duty
from sharing.models import GrantRenewal


@rule(Permission.RENEWAL_DECIDE)
def may_decide_renewal(actor: Actor, renewal: GrantRenewal) -> bool:
    """The approvers of the provider, but nobody on what they asked for themselves."""
    if actor.user_id is None or renewal.asked_by_id in actor.people_ids:
        return False
    return actor.standing.holds(renewal.grant.dataset.provider_id, Duty.PROVIDER_APPROVER)
