"""Who keeps the questions of a department."""

from __future__ import annotations

from portal.access import Actor, Permission, rule
from portal.departments.models import Duty
from sharing.models import QuestionForm

KEEPING_DUTIES = (Duty.CATALOGUER, Duty.PROVIDER_APPROVER)


@rule(Permission.FORM_MANAGE)
def may_manage_form(actor: Actor, form: QuestionForm | None) -> bool:
    """Cataloguers and approvers of the department; without a form: whoever is one somewhere."""
    departments = actor.standing.departments_with(*KEEPING_DUTIES)
    return bool(departments) if form is None else form.department_id in departments
