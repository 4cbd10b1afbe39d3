"""Making and changing the steps of a request: when it is submitted, and when its items, datasets or route change."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from django.contrib.auth.models import Group

from portal.departments.duties import duty_group
from portal.departments.models import Department
from sharing.facts import facts_of
from sharing.flow import Board
from sharing.models import ApprovalStep, RequestItem, SharingRequest, StepItem, StepState, Verdict, Vote
from sharing.routes import PlannedStep, Stage, parse_stages, resolve

DECISION = ("verdict", "reason", "note", "terms", "marks", "decided_by", "decided_for", "decided_at")
STAGE = ("title", "title_en", "order", "working_days", "quorum", "is_afterwards", "late")
OFFICE = ("department", "duty", "office", "claimed_by")
CLOCK = ("state", "opened_at", "due_at", "days_left", "version")


def _from_stage(plan: PlannedStep) -> dict[str, object]:
    stage = plan.stage
    values = (stage.title, stage.title_en, plan.order, stage.working_days, stage.quorum, stage.afterwards, stage.late)
    return dict(zip(STAGE, values, strict=True))


def make_steps(request: SharingRequest, planned: Sequence[PlannedStep]) -> list[ApprovalStep]:
    """Make the planned steps of ``request`` with their items, in the same order; a query for each new office beside."""
    departments = Department.objects.in_bulk({plan.department for plan in planned})
    offices: dict[tuple[UUID, str], Group] = {}
    steps = []
    for plan in planned:
        department, duty = departments[plan.department], plan.stage.duty
        office = offices.get((department.pk, duty)) or duty_group(department, duty)
        offices[department.pk, duty] = office
        step = ApprovalStep(request=request, stage=plan.stage.key, lane_id=plan.lane, **_from_stage(plan))
        step.department, step.duty, step.office = department, duty, office
        steps.append(step)
    ApprovalStep.objects.bulk_create(steps)
    StepItem.objects.bulk_create(
        StepItem(step=step, item_id=item_id)
        for step, plan in zip(steps, planned, strict=True)
        for item_id in plan.item_ids
    )
    return steps


def take_back(board: Board, *, returns: Collection[UUID] = (), verdicts: Collection[UUID] = ()) -> list[dict[str, str]]:
    """Take back what was decided on items before their grant: only the return of some, every verdict of others.

    Words in joint decisions go with the verdict. Returns what was taken back as (step, item), for the event.
    """
    reset: list[StepItem] = []
    for step in board.steps:
        for entry in board.entries[step.pk]:
            is_return = entry.verdict == Verdict.RETURN and entry.item_id in returns
            if entry.verdict and (is_return or entry.item_id in verdicts):
                entry.verdict, entry.reason, entry.note, entry.terms, entry.marks = "", "", "", {}, []
                entry.decided_by = entry.decided_for = entry.decided_at = None
                reset.append(entry)
    StepItem.objects.bulk_update(reset, DECISION)
    Vote.objects.filter(entry__in=reset).delete()
    Vote.objects.filter(entry__step__request=board.request, entry__item__in=verdicts).delete()
    return [{"step": str(entry.step_id), "item": str(entry.item_id)} for entry in reset]


def replan(board: Board, items: Collection[RequestItem], *, former: Sequence[Stage] = ()) -> Board:
    """Give ``items`` the steps that they need now, and release those that they do not need and have not passed.

    ``former`` are the stages of the route that the request had before, where it has another now: undecided steps whose
    stage is another now begin anew as the new one says. Returns the board as it stands, to be advanced.
    """
    request, ids = board.request, {item.pk for item in items}
    assert request.route_version is not None
    planned = resolve(parse_stages(request.route_version.stages), facts_of(request))
    existing = {(step.stage, step.lane_id): step for step in board.steps}
    parts = [replace(plan, item_ids=tuple(i for i in plan.item_ids if i in ids)) for plan in planned]
    parts = [plan for plan in parts if plan.item_ids]
    make_steps(request, [plan for plan in parts if (plan.stage.key, plan.lane) not in existing])
    wanted, added = set(), []
    for plan in parts:
        step = existing.get((plan.stage.key, plan.lane))
        if step is None:
            continue
        present = {entry.item_id for entry in board.entries[step.pk]}
        wanted |= {(step.pk, item_id) for item_id in plan.item_ids}
        added += [StepItem(step=step, item_id=item_id) for item_id in plan.item_ids if item_id not in present]
        before = next((stage for stage in former if stage.key == plan.stage.key), None)
        if former and before != plan.stage:
            _begin_anew(board, step, plan)
    StepItem.objects.bulk_create(added)
    entries = [entry for run in board.entries.values() for entry in run if entry.item_id in ids]
    for entry in entries:
        entry.is_needed = bool(entry.verdict) or (entry.step_id, entry.item_id) in wanted
    StepItem.objects.bulk_update(entries, ["is_needed"])
    again = Board.of(request)
    again.was_undecided = board.was_undecided
    return again


def _begin_anew(board: Board, step: ApprovalStep, plan: PlannedStep) -> None:
    """Make an undecided step what the plan says, its clock at the start; of a decided one only the place changes."""
    if any(entry.verdict for entry in board.entries[step.pk]) or step.state == StepState.DONE:
        step.order = plan.order
        step.save(update_fields=["order"])
        return
    Vote.objects.filter(entry__step=step).delete()
    for name, value in _from_stage(plan).items():
        setattr(step, name, value)
    if (step.department_id, step.duty) != (plan.department, plan.stage.duty):
        department = Department.objects.get(pk=plan.department)
        step.department, step.duty, step.claimed_by = department, plan.stage.duty, None
        step.office = duty_group(department, plan.stage.duty)
    step.state, step.opened_at, step.due_at, step.days_left = StepState.WAITING, None, None, None
    step.version += 1
    step.save(update_fields=[*STAGE, *OFFICE, *CLOCK])
