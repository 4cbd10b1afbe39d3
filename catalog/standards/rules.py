"""Who keeps the standards."""

from __future__ import annotations

from django.conf import settings

from portal.access import Actor, Permission, rule
from portal.departments.models import AUTHORITY_DUTIES, Department


@rule(Permission.STANDARD_MANAGE)
def may_manage(actor: Actor, obj: object) -> bool:
    """Data authorities of the level that the installation names, or above; and the portal itself, which brings some."""
    if actor.is_system:
        return True
    offices = actor.standing.departments_with(*AUTHORITY_DUTIES)
    if not offices:
        return False
    return Department.objects.filter(pk__in=offices, region__level__lte=settings.STANDARDS_LEVEL).exists()
