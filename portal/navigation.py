"""The portal's own links in the main navigation."""

from django.utils.translation import gettext_lazy as _

from portal.access import Actor, Permission, can
from portal.context import Entry, register_nav
from portal.dashboards import cards
from portal.rights.views import cards as rights_cards


def _has_duty(actor: Actor) -> bool:
    return bool(actor.standing.duties)


def _sees_departments(actor: Actor) -> bool:
    return _has_duty(actor) or can(actor, Permission.DEPARTMENT_MANAGE)


def register() -> None:
    cards.register(rights_cards)
    register_nav(
        Entry(0, _("Home"), "home", lambda actor: actor.user is not None),
        Entry(80, _("Departments"), "departments:department-list", _sees_departments),
        Entry(90, _("People"), "accounts:person-list", lambda actor: can(actor, Permission.PEOPLE_VIEW)),
        Entry(91, _("Rights"), "rights:right-list", lambda actor: can(actor, Permission.RIGHTS_REVIEW)),
        Entry(92, _("Audit"), "audit:event-list", lambda actor: can(actor, Permission.AUDIT_READ)),
        Entry(93, _("System"), "system:status", lambda actor: can(actor, Permission.SYSTEM_VIEW)),
    )
