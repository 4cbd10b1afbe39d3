"""What becomes of deputies when a department becomes another."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.access import Actor
from portal.departments.models import Department
from portal.departments.moving import Line, Move
from portal.deputies.models import Delegation


class DelegationMover:
    """Delegations that count or will count go with the whole department; in a split they end with the duties."""

    def _rows(self, move: Move) -> QuerySet[Delegation]:
        rows = Delegation.objects.standing().filter(department=move.source, valid_until__gte=timezone.localdate())
        return rows if move.is_whole else rows.none()

    def preview(self, move: Move) -> list[Line]:
        return [Line("delegations", _("Delegations"), self._rows(move).count())]

    def choices(self, department: Department) -> dict[str, list[tuple[str, str]]]:
        return {}

    def blockers(self, moves: list[Move]) -> list[str]:
        return []

    def apply(self, move: Move, actor: Actor) -> dict[str, int]:
        return {"delegations": self._rows(move).update(department=move.target)}
