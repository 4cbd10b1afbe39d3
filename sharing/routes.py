"""Approval routes: a route's stages and the facts of a request in, the list of planned steps out. Pure, no I/O.

A stage without ``per_provider`` is common to the whole request; a stage with it stands once in the lane of each
provider. A step covers only the items that meet its stage's conditions, so an unconditionally shared dataset passes
the provider by (domain.md §5) while its neighbours in the same request do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from portal.errors import PortalError


class Who(StrEnum):
    """Which department has the turn."""

    APPLICANT = "applicant"
    AUTHORITY_OF_APPLICANT = "authority_of_applicant"
    AUTHORITY_OF_PROVIDER = "authority_of_provider"
    PROVIDER = "provider"


class RouteError(PortalError):
    """The route cannot be followed for this request, or its definition is not valid."""

    code = "route"


@dataclass(frozen=True)
class ItemFacts:
    """What the conditions may ask about one item.

    ``personal_data`` is the highest sensitivity among the requested columns and those that its row conditions name, for
    an answer to a condition tells of its column: ``none``, ``personal`` or ``sensitive``.
    """

    id: UUID
    provider: UUID
    provider_authority: UUID | None
    provider_level: int
    provider_region: str
    sharing_type: str
    grade: int
    personal_data: str


@dataclass(frozen=True)
class RequestFacts:
    """What the conditions may ask about the request, and where its common stages go."""

    applicant: UUID
    applicant_authority: UUID | None
    applicant_level: int
    applicant_region: str
    purpose: str
    is_cross_border: bool
    items: tuple[ItemFacts, ...]


FIELDS: dict[str, Callable[[RequestFacts, ItemFacts], Any]] = {
    "sharing_type": lambda request, item: item.sharing_type,
    "grade": lambda request, item: item.grade,
    "personal_data": lambda request, item: item.personal_data,
    "cross_level": lambda request, item: request.applicant_level != item.provider_level,
    "cross_region": lambda request, item: request.applicant_region != item.provider_region,
    "cross_border": lambda request, item: request.is_cross_border,
    "item_count": lambda request, item: len(request.items),
    "purpose": lambda request, item: request.purpose,
}

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: bool(left == right),
    "ne": lambda left, right: bool(left != right),
    "ge": lambda left, right: bool(left >= right),
    "le": lambda left, right: bool(left <= right),
    "in": lambda left, right: left in right,
}


@dataclass(frozen=True)
class Condition:
    """``field operator value`` over the facts of an item in its request."""

    field: str
    operator: str
    value: Any

    def holds(self, request: RequestFacts, item: ItemFacts) -> bool:
        return OPERATORS[self.operator](FIELDS[self.field](request, item), self.value)


@dataclass(frozen=True)
class Stage:
    """One stage (环节) of a route. ``any_of`` is a list of alternatives, each a list of conditions that must all hold.

    Without alternatives the stage covers every item.
    """

    key: str
    title: str
    title_en: str
    who: Who
    duty: str
    working_days: int
    any_of: tuple[tuple[Condition, ...], ...] = ()

    @property
    def per_provider(self) -> bool:
        return self.who in (Who.PROVIDER, Who.AUTHORITY_OF_PROVIDER)

    def covers(self, request: RequestFacts, item: ItemFacts) -> bool:
        if not self.any_of:
            return True
        return any(all(condition.holds(request, item) for condition in group) for group in self.any_of)


@dataclass(frozen=True)
class PlannedStep:
    """A step to be made: whose turn, in which lane (None for common), at which place of the route, on which items."""

    stage: Stage
    lane: UUID | None
    order: int
    department: UUID
    item_ids: tuple[UUID, ...]


def _parse_condition(data: dict[str, Any], stage: str) -> Condition:
    condition = Condition(str(data.get("field")), str(data.get("operator")), data.get("value"))
    if condition.field not in FIELDS:
        raise RouteError(
            _("Stage “%(stage)s”: unknown field “%(field)s”.") % {"stage": stage, "field": condition.field}
        )
    if condition.operator not in OPERATORS:
        raise RouteError(
            _("Stage “%(stage)s”: unknown operator “%(operator)s”.") % {"stage": stage, "operator": condition.operator}
        )
    return condition


def parse_stages(data: Iterable[dict[str, Any]]) -> tuple[Stage, ...]:
    """Stages from their stored form: a list of objects with the keys of ``Stage``.

    Raises:
        RouteError: an unknown field, operator or ``who``, a key used twice, a common stage after a provider's, or a
            term that is not a positive number of working days.
    """
    stages: list[Stage] = []
    for row in data:
        key = str(row.get("key"))
        if row.get("who") not in list(Who):
            raise RouteError(_("Stage “%(stage)s”: it is not said who decides.") % {"stage": key})
        if key in {stage.key for stage in stages}:
            raise RouteError(_("Stage “%(stage)s” stands in the route twice.") % {"stage": key})
        any_of = tuple(tuple(_parse_condition(c, key) for c in group) for group in row.get("any_of", []))
        stage = Stage(
            key=key,
            title=str(row["title"]),
            title_en=str(row.get("title_en", "")),
            who=Who(row["who"]),
            duty=str(row["duty"]),
            working_days=int(row["working_days"]),
            any_of=any_of,
        )
        if stage.working_days < 1:
            raise RouteError(_("Stage “%(stage)s”: the term must be at least one working day.") % {"stage": key})
        if stages and stages[-1].per_provider and not stage.per_provider:
            raise RouteError(_("Stage “%(stage)s” is common and must stand before the providers'.") % {"stage": key})
        stages.append(stage)
    return tuple(stages)


def _department(stage: Stage, facts: RequestFacts, item: ItemFacts) -> UUID:
    found = {
        Who.APPLICANT: facts.applicant,
        Who.AUTHORITY_OF_APPLICANT: facts.applicant_authority,
        Who.AUTHORITY_OF_PROVIDER: item.provider_authority,
        Who.PROVIDER: item.provider,
    }[stage.who]
    if found is None:
        raise RouteError(
            _("There is no data authority for the stage “%(stage)s”. Ask the administrator to name one.")
            % {"stage": stage.title}
        )
    return found


def resolve(stages: Sequence[Stage], facts: RequestFacts) -> list[PlannedStep]:
    """The steps of a request: the common ones in order, then each provider's lane in order.

    Lanes stand in the order in which their providers first appear among the items. A stage that covers no item makes
    no step. Every item is covered by at least one step, or RouteError.
    """
    lanes: dict[UUID, list[ItemFacts]] = {}
    for item in facts.items:
        lanes.setdefault(item.provider, []).append(item)
    planned: list[PlannedStep] = []
    groups: list[tuple[UUID | None, list[ItemFacts]]] = [(None, list(facts.items)), *lanes.items()]
    for lane, items in groups:
        for order, stage in enumerate(stages):
            if stage.per_provider is (lane is None):
                continue
            covered = [item for item in items if stage.covers(facts, item)]
            if covered:
                department = _department(stage, facts, covered[0])
                planned.append(PlannedStep(stage, lane, order, department, tuple(item.id for item in covered)))
    bare = {item.id for item in facts.items} - {item_id for step in planned for item_id in step.item_ids}
    if bare:
        raise RouteError(_("The route has no stage for some of the items; nobody would decide them."))
    return planned
