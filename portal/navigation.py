"""The portal's own links in the main navigation."""

from django.utils.translation import gettext_lazy as _

from portal.access import Actor, Permission, can
from portal.context import Entry, register_nav


def _has_duty(actor: Actor) -> bool:
    return bool(actor.standing.duties)


def register() -> None:
    register_nav(
        Entry(0, _("Home"), "home", lambda actor: actor.user is not None),
        Entry(80, _("Departments"), "departments:department-list", _has_duty),
        Entry(90, _("People"), "accounts:person-list", lambda actor: can(actor, Permission.PEOPLE_VIEW)),
        Entry(91, _("Audit"), "audit:event-list", lambda actor: can(actor, Permission.AUDIT_READ)),
        Entry(92, _("System"), "system:status", lambda actor: can(actor, Permission.SYSTEM_VIEW)),
    )
