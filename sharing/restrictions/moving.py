"""What a department's merger or end means for the restriction list: nobody gets rid of an entry by it."""

from __future__ import annotations

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.access import Actor
from portal.departments.models import Department
from portal.departments.moving import Line, Move
from sharing.models import Restriction
from sharing.models.restriction import RestrictionQuerySet
from sharing.restrictions import acts


def _entries(move: Move) -> RestrictionQuerySet:
    """Entries of a department that ends, in force or to come; a part that is split off takes none along.

    Where the successor is listed itself with the same effect on some of the days, the entry stays where it is.
    """
    rows = Restriction.objects.filter(lifted_at__isnull=True, until__gte=timezone.localdate())
    if not move.is_whole:
        return rows.none()
    theirs = Restriction.objects.filter(department=move.target, person=None, lifted_at=None, effect=OuterRef("effect"))
    same_days = theirs.filter(since__lte=OuterRef("until"), until__gte=OuterRef("since"))
    rows = rows.filter(department=move.source).alias(is_theirs=Exists(same_days))
    return rows.exclude(is_theirs=True, person=None)


class RestrictionsMover:
    """Entries on the department and on its people."""

    def preview(self, move: Move) -> list[Line]:
        return [Line("restrictions", _("Entries of the restriction list"), _entries(move).count())]

    def choices(self, department: Department) -> dict[str, list[tuple[str, str]]]:
        return {}

    def blockers(self, moves: list[Move]) -> list[str]:
        return []

    def apply(self, move: Move, actor: Actor) -> dict[str, int]:
        assert move.target is not None
        ids = list(_entries(move).values_list("pk", flat=True))
        for entry in Restriction.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",)):
            entry.department = move.target
            entry.save(update_fields=["department"])
            words = {"from": move.source.name, "to": move.target.name}
            acts.log(entry, "restriction.moved", actor, **words)
        return {"restrictions": len(ids)}
