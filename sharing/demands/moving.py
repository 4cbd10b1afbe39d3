"""What a department's merger, split or end means for the three lists."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.access import Actor
from portal.audit import record
from portal.departments.models import Department
from portal.departments.moving import Line, Move
from sharing.models import Demand, DemandSupporter, Responsibility


def _duties(move: Move) -> QuerySet[Responsibility]:
    """Entered and promised lines; those of a record's own duty follow the record when it is indexed anew."""
    rows = Responsibility.objects.filter(duty_of__isnull=True, department=move.source)
    return rows if move.datasets is None else rows.filter(dataset__in=move.datasets)


def _demands(move: Move) -> QuerySet[Demand]:
    """Demands asked or held by a department that ends; a part that is split off takes none along."""
    if not move.is_whole:
        return Demand.objects.none()
    source = move.source
    return Demand.objects.filter(Q(department=source) | Q(holder=source) | Q(authority=source))


class ListsMover:
    """Demands, who joined them, and lines of the responsibility list."""

    def preview(self, move: Move) -> list[Line]:
        return [
            Line("demands", _("Demands"), _demands(move).count()),
            Line("responsibilities", _("Lines of the responsibility list"), _duties(move).count()),
        ]

    def choices(self, department: Department) -> dict[str, list[tuple[str, str]]]:
        return {}

    def blockers(self, moves: list[Move]) -> list[str]:
        return []

    def apply(self, move: Move, actor: Actor) -> dict[str, int]:
        assert move.target is not None
        demands = list(_demands(move).select_for_update(of=("self",)).order_by("pk"))
        for demand in demands:
            for name in ("department_id", "holder_id", "authority_id"):
                if getattr(demand, name) == move.source.pk:
                    setattr(demand, name, move.target.pk)
            demand.version += 1
            demand.save()
            data = {"from": move.source.name, "to": move.target.name, "state": demand.state}
            record.append(stream=record.stream_of(demand), verb="demand.moved", actor=actor, data=data)
        if move.is_whole:
            self._move_supporters(move.source, move.target)
        count = self._move_duties(move, move.target)
        return {"demands": len(demands), "responsibilities": count}

    def _move_supporters(self, source: Department, target: Department) -> None:
        """Where the successor joined already, or asked itself, its predecessor's joining ends."""
        joined = DemandSupporter.objects.filter(department=target).values("demand")
        rows = DemandSupporter.objects.filter(department=source)
        rows.filter(Q(demand__in=joined) | Q(demand__department=target)).delete()
        rows.update(department=target)
        DemandSupporter.objects.filter(department=target, demand__department=target).delete()

    def _move_duties(self, move: Move, target: Department) -> int:
        """Lines that the successor has already, word for word, are not kept twice."""
        rows = list(_duties(move).select_for_update(of=("self",)).order_by("pk"))
        known = set(Responsibility.objects.filter(department=target, kind="entered").values_list("title", "due_on"))
        twice = [row.pk for row in rows if row.kind == "entered" and (row.title, row.due_on) in known]
        Responsibility.objects.filter(pk__in=twice).delete()
        Responsibility.objects.filter(pk__in=[row.pk for row in rows]).update(department=target)
        return len(rows)
