"""What a department's merger, split or end means for reports of errors."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.access import Actor
from portal.audit import record
from portal.departments.models import Department
from portal.departments.moving import Line, Move
from sharing.models import CorrectionReport
from sharing.models.correction import CorrectionState

ENDED = (CorrectionState.CLOSED, CorrectionState.WITHDRAWN)


def _reports(move: Move) -> QuerySet[CorrectionReport]:
    """All of a department that ends; of a part that is split off, the open reports on the datasets that go."""
    rows = CorrectionReport.objects.all()
    if move.is_whole:
        return rows.filter(Q(department=move.source) | Q(holder=move.source) | Q(authority=move.source))
    if not move.datasets:
        return rows.none()
    going = Q(source__in=move.datasets) | Q(source__isnull=True, dataset__in=move.datasets)
    return rows.filter(going, holder=move.source).exclude(state__in=ENDED)


class CorrectionsMover:
    """Reports keep their state; whoever follows a department answers them, or hears the answer."""

    def preview(self, move: Move) -> list[Line]:
        return [Line("corrections", _("Reported errors"), _reports(move).count())]

    def choices(self, department: Department) -> dict[str, list[tuple[str, str]]]:
        return {}

    def blockers(self, moves: list[Move]) -> list[str]:
        return []

    def apply(self, move: Move, actor: Actor) -> dict[str, int]:
        assert move.target is not None
        reports = list(_reports(move).select_for_update(of=("self",)).order_by("pk"))
        names = ("department_id", "holder_id", "authority_id") if move.is_whole else ("holder_id",)
        for report in reports:
            for name in names:
                if getattr(report, name) == move.source.pk:
                    setattr(report, name, move.target.pk)
            report.version += 1
            report.save()
            data = {"from": move.source.name, "to": move.target.name, "state": report.state, "outcome": report.outcome}
            record.append(stream=record.stream_of(report), verb="correction.moved", actor=actor, data=data)
        return {"corrections": len(reports)}
