"""What a department's merger, split or end means for its databases, interfaces and pulls."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from catalog.models import DatabaseSource, DataService, TablePull
from portal.access import Actor
from portal.audit import record
from portal.departments.models import Department
from portal.departments.moving import Line, Move

Owned = TypeVar("Owned", DatabaseSource, DataService)


def _left_behind(move: Move) -> QuerySet[TablePull]:
    """Running pulls of records that go while the database stays with the old department."""
    rows = TablePull.objects.filter(source__department=move.source, is_paused=False)
    return rows.none() if move.is_whole else rows.filter(dataset__in=move.datasets or [])


class ConnectionsMover:
    """Databases and interfaces go when the whole department goes; else pulls that they no longer permit pause."""

    def preview(self, move: Move) -> list[Line]:
        pulls = _left_behind(move).select_related("source").order_by("table", "pk")
        return [
            Line("databases", gettext_lazy("Databases"), self._of(DatabaseSource, move).count()),
            Line("interfaces", gettext_lazy("Interfaces"), self._of(DataService, move).count()),
            Line("pulls", gettext_lazy("Pulls that pause"), pulls.count(), tuple(str(pull) for pull in pulls[:20])),
        ]

    def choices(self, department: Department) -> dict[str, list[tuple[str, str]]]:
        return {}

    def blockers(self, moves: list[Move]) -> list[str]:
        return []

    def apply(self, move: Move, actor: Actor) -> dict[str, int]:
        assert move.target is not None
        counts = {"databases": self._hand_over(DatabaseSource, move), "interfaces": self._hand_over(DataService, move)}
        pulls = list(_left_behind(move).select_related("dataset"))
        for pull in pulls:
            stream = record.stream_of(pull.dataset)
            record.append(stream=stream, verb="pull.paused", actor=actor, data={"table": pull.full_name})
        TablePull.objects.filter(pk__in=[pull.pk for pull in pulls]).update(is_paused=True, next_at=None)
        return {**counts, "pulls": len(pulls)}

    def _of(self, model: type[Owned], move: Move) -> QuerySet[Owned]:
        rows = model._default_manager.filter(department=move.source)
        return rows if move.is_whole else rows.none()

    def _hand_over(self, model: type[Owned], move: Move) -> int:
        """Give them to the successor; a name that it has already gets the old department's behind it."""
        assert move.target is not None
        taken = set(model._default_manager.filter(department=move.target).values_list("title", flat=True))
        rows = list(self._of(model, move).select_for_update())
        for row in rows:
            if row.title in taken:
                row.title = f"{row.title}（{move.source.name}）"[: model._meta.get_field("title").max_length]
            row.department = move.target
            row.save(update_fields=["title", "department"])
        return len(rows)
