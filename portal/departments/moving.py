"""What goes along when a department becomes another; each app above registers a mover for what it keeps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.access import Actor
from portal.departments.duties import duty_group
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty, Membership, Region


@dataclass(frozen=True)
class Move:
    """What goes from ``source`` to ``target`` (None in the preview of a department that does not exist yet).

    ``datasets``, ``requests`` and ``memberships`` are keys; None means everything, when the source ends.
    """

    source: Department
    target: Department | None
    datasets: frozenset[UUID] | None = None
    requests: frozenset[UUID] | None = None
    memberships: frozenset[int] | None = None

    @property
    def is_whole(self) -> bool:
        return self.datasets is None


@dataclass(frozen=True)
class Line:
    """One line of a preview: what kind of thing moves (``key`` in the record), how many, and some names."""

    key: str
    title: str | Promise
    count: int
    names: tuple[str, ...] = ()


class Mover(Protocol):
    """How one app counts and moves what it keeps by department."""

    def preview(self, move: Move) -> list[Line]:
        """What would move, in a fixed number of queries; the keys and counts are those that ``apply`` returns."""

    def choices(self, department: Department) -> dict[str, list[tuple[str, str]]]:
        """What can be chosen one by one in a split: (key, label) by kind (``datasets``, ``requests``, …)."""

    def blockers(self, moves: list[Move]) -> list[str]:
        """Sentences that say why the moves cannot be made."""

    def apply(self, move: Move, actor: Actor) -> dict[str, int]:
        """Move it in the caller's transaction; returns how many of each kind."""


_movers: list[Mover] = []
_on_changed: list[Callable[[Department], None]] = []
_on_authority: list[Callable[[Region], None]] = []


def register(mover: Mover) -> None:
    """Add a mover; an app does so when it is ready."""
    _movers.append(mover)


def on_changed(callback: Callable[[Department], None]) -> None:
    """Call ``callback(department)`` in the transaction in which a department's name changes."""
    _on_changed.append(callback)


def on_authority_changed(callback: Callable[[Region], None]) -> None:
    """Call ``callback(region)`` in the transaction in which another authority becomes responsible for a region."""
    _on_authority.append(callback)


def tell_changed(department: Department) -> None:
    for callback in _on_changed:
        callback(department)


def tell_authority_changed(region: Region) -> None:
    for callback in _on_authority:
        callback(region)


def preview(moves: list[Move]) -> list[Line]:
    """What would move, kinds summed over the moves, kinds without anything left out."""
    found: dict[str, Line] = {}
    for line in [line for move in moves for mover in _movers for line in mover.preview(move)]:
        known = found.get(line.key)
        names = ((*known.names, *line.names) if known else line.names)[:20]
        found[line.key] = Line(line.key, line.title, line.count + (known.count if known else 0), names)
    return [line for line in found.values() if line.count]


def blockers(moves: list[Move]) -> list[str]:
    """Why the moves cannot be made; empty when they can."""
    return [sentence for mover in _movers for sentence in mover.blockers(moves)]


def choices(department: Department) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen one by one when the department is split."""
    return {kind: rows for mover in _movers for kind, rows in mover.choices(department).items()}


def apply(move: Move, actor: Actor) -> dict[str, int]:
    """Move everything; returns how many of each kind that there is."""
    moved: dict[str, int] = {}
    for mover in _movers:
        for key, count in mover.apply(move, actor).items():
            moved[key] = moved.get(key, 0) + count
    return {key: count for key, count in moved.items() if count}


class PeopleMover:
    """Memberships that are in force or still to come; ended ones stay where they were."""

    def _rows(self, move: Move) -> list[Membership]:
        today = timezone.localdate()
        rows = Membership.objects.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gte=today), department=move.source
        ).select_related("user")
        if move.memberships is not None:
            rows = rows.filter(pk__in=move.memberships)
        return list(rows.order_by("pk"))

    def preview(self, move: Move) -> list[Line]:
        rows = self._rows(move)
        people = {row.user_id: str(row.user) for row in rows}
        branches = list(move.source.branches.active()) if move.is_whole else []
        return [
            Line("people", _("People"), len(people), tuple(people.values())[:20]),
            Line("duties", _("Duties"), len(rows)),
            Line("branches", _("Branches"), len(branches), tuple(str(row) for row in branches[:20])),
        ]

    def choices(self, department: Department) -> dict[str, list[tuple[str, str]]]:
        rows = self._rows(Move(department, None))
        return {"memberships": [(str(row.pk), f"{row.user} · {row.get_duty_display()}") for row in rows]}

    def blockers(self, moves: list[Move]) -> list[str]:
        return []

    def apply(self, move: Move, actor: Actor) -> dict[str, int]:
        target = move.target
        assert target is not None
        rows = self._rows(move)
        self._hand_over(rows, move.source, target, actor)
        branches = self._rehang(move.source, target) if move.is_whole else 0
        return {"people": len({row.user_id for row in rows}), "duties": len(rows), "branches": branches}

    def _hand_over(self, rows: list[Membership], source: Department, target: Department, actor: Actor) -> None:
        today = timezone.localdate()
        yesterday = today - dt.timedelta(days=1)
        held = set(
            Membership.objects.filter(
                Q(valid_until__isnull=True) | Q(valid_until__gte=today), department=target
            ).values_list("user_id", "duty")
        )
        created = []
        for row in rows:
            if (row.user_id, row.duty) not in held and (target.is_authority or row.duty not in AUTHORITY_DUTIES):
                start = max(row.valid_from, today)
                created.append(
                    Membership(
                        user_id=row.user_id,
                        department=target,
                        duty=row.duty,
                        valid_from=start,
                        valid_until=row.valid_until,
                        given_by=actor.user,
                    )
                )
                held.add((row.user_id, row.duty))
            row.valid_until = max(yesterday, row.valid_from - dt.timedelta(days=1))
        Membership.objects.bulk_update(rows, ["valid_until"])
        Membership.objects.bulk_create(created)
        for duty in {row.duty for row in rows}:
            duty_group(source, duty).user_set.remove(*[row.user_id for row in rows if row.duty == duty])
        for duty in {row.duty for row in created}:
            duty_group(target, duty).user_set.add(*[row.user_id for row in created if row.duty == duty])

    def _rehang(self, source: Department, target: Department) -> int:
        count = source.branches.active().count()
        if target.pk in descendants_of(source.pk):
            Department.objects.filter(pk=target.pk).update(parent_id=source.parent_id)
        source.branches.exclude(pk=target.pk).update(parent=target)
        return count


def descendants_of(pk: UUID) -> set[UUID]:
    """The departments below one in its line, at any depth."""
    found: set[UUID] = set()
    level = {pk}
    while level:
        level = set(Department.objects.filter(parent_id__in=level).values_list("pk", flat=True)) - found
        found |= level
    return found


def all_groups(department: Department) -> None:
    """Make the groups of every duty, so that readers' arrays name them before the first person holds one."""
    for duty in Duty.values:
        if department.is_authority or duty not in AUTHORITY_DUTIES:
            duty_group(department, duty)


register(PeopleMover())
