"""Who may confirm a letter."""

from __future__ import annotations

from portal.access import Actor, Permission, rule
from portal.departments.models import Duty
from sharing.letters.acts import is_applicant
from sharing.models import Letter


@rule(Permission.LETTER_CONFIRM)
def may_confirm(actor: Actor, letter: Letter) -> bool:
    """Both sides: who applies or reviews in the applicant's department, and who decides for the provider."""
    if is_applicant(letter, actor):
        return True
    return letter.provider_id is not None and actor.standing.holds(letter.provider_id, Duty.PROVIDER_APPROVER)
