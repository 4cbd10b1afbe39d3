"""Who works on which step (认领), and how much each has in hand.

A claim tells colleagues; it locks nobody out: another of the office can take the step over, or decide it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.models import Department, Duty, Membership
from sharing.models import ApprovalStep, SharingRequest, StepItem
from sharing.rules import DECIDING_DUTIES, Ties

MONTH = dt.timedelta(days=30)


def _locked(actor: Actor, ids: Collection[UUID]) -> list[ApprovalStep]:
    """Open steps among ``ids`` that the actor may decide, with their rows locked."""
    rows = ApprovalStep.objects.of_offices(actor.standing).open().filter(pk__in=ids).order_by("pk")
    steps = list(rows.select_for_update(of=("self",)).select_related("request", "department"))
    requests = SharingRequest.objects.filter(pk__in={step.request_id for step in steps})
    people = frozenset().union(*(each.people_ids for each in actor.capacities or (actor,)))
    ties = Ties.of(people, list(requests))
    for step in steps:
        step.ties = ties
    return [step for step in steps if access.can(actor, Permission.STEP_DECIDE, step)]


@transaction.atomic
def claim(*, ids: Collection[UUID], actor: Actor) -> int:
    """Take these steps in hand, also from colleagues; those that are not open or not one's own are passed over."""
    steps = [step for step in _locked(actor, ids) if step.claimed_by_id != actor.user_id]
    return _hand(steps, actor, "step.claimed", actor.user_id)


@transaction.atomic
def release(*, ids: Collection[UUID], actor: Actor) -> int:
    """Give steps that one has in hand back to the office."""
    steps = [step for step in _locked(actor, ids) if step.claimed_by_id == actor.user_id]
    return _hand(steps, actor, "step.released", None)


def _hand(steps: list[ApprovalStep], actor: Actor, verb: str, user_id: int | None) -> int:
    ApprovalStep.objects.filter(pk__in=[step.pk for step in steps]).update(claimed_by=user_id)
    record.append_all([record.Entry(record.stream_of(step), verb, actor, {"stage": step.stage}) for step in steps])
    return len(steps)


@dataclass
class Load:
    """What one person of an office has in hand, and decided in the last thirty days."""

    name: str
    claimed: int = 0
    late: int = 0
    decided: int = 0


@dataclass
class OfficeLoad:
    """One office: its open steps, those late, those that nobody has in hand, and its people."""

    department: Department
    duty: str
    open: int = 0
    late: int = 0
    unclaimed: int = 0
    people: dict[int, Load] = field(default_factory=dict)

    @property
    def duty_label(self) -> str:
        return str(Duty(self.duty).label)


def workload(actor: Actor) -> list[OfficeLoad]:
    """The offices in which ``actor`` decides, with their people; four queries."""
    late = Q(due_at__lt=timezone.now())
    steps = ApprovalStep.objects.of_offices(actor.standing)
    counted = steps.open().values("department", "duty").order_by()
    totals = counted.annotate(n=Count("pk"), late=Count("pk", filter=late), free=Count("pk", filter=Q(claimed_by=None)))
    claimed = counted.exclude(claimed_by=None).values("department", "duty", "claimed_by")
    pairs = {pair for pair in actor.standing.duties if pair[1] in DECIDING_DUTIES}
    departments = Department.objects.in_bulk({department for department, _duty in pairs})
    offices = {pair: OfficeLoad(departments[pair[0]], pair[1]) for pair in sorted(pairs, key=str)}
    members = Membership.objects.current().filter(department__in=departments).select_related("user")
    for member in members.order_by("user__name", "user"):
        office = offices.get((member.department_id, member.duty))
        if office:
            office.people[member.user_id] = Load(str(member.user))
    for row in totals:
        if office := offices.get((row["department"], row["duty"])):
            office.open, office.late, office.unclaimed = row["n"], row["late"], row["free"]
    for hand in claimed.annotate(n=Count("pk"), late=Count("pk", filter=late)):
        if load := _load(offices, hand["department"], hand["duty"], hand["claimed_by"]):
            load.claimed, load.late = hand["n"], hand["late"]
    decided = StepItem.objects.filter(step__in=steps.values("pk"), decided_at__gte=timezone.now() - MONTH).order_by()
    done = decided.values_list("step__department", "step__duty", "decided_by")
    for department, duty, person, n in done.annotate(n=Count("step", distinct=True)):
        if load := _load(offices, department, duty, person):
            load.decided = n
    return list(offices.values())


def _load(offices: dict[tuple[UUID, str], OfficeLoad], department: UUID, duty: str, person: int | None) -> Load | None:
    office = offices.get((department, duty))
    return office.people.get(person) if office and person is not None else None
