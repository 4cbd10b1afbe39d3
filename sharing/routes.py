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
    """Which department has the turn. ``levels_between`` only gets copies (知会): it never votes."""

    APPLICANT = "applicant"
    AUTHORITY_OF_APPLICANT = "authority_of_applicant"
    NAMED = "named"
    PROVIDER = "provider"
    AUTHORITY_OF_PROVIDER = "authority_of_provider"
    COMMON_SUPERIOR = "common_superior"
    LEVELS_BETWEEN = "levels_between"


IN_LANES = (Who.PROVIDER, Who.AUTHORITY_OF_PROVIDER, Who.COMMON_SUPERIOR)


class Late(StrEnum):
    """What follows when a step is late: its office is reminded in each case, then others are told."""

    REMIND = "remind"
    ESCALATE = "escalate"
    AUTHORITY = "authority"


class RouteError(PortalError):
    """The route cannot be followed for this request, or its definition is not valid."""

    code = "route"


@dataclass(frozen=True)
class ItemFacts:
    """What the conditions may ask about one item.

    ``common_authority`` is the data authority of the nearest region that holds both sides; ``authorities_between`` are
    those of the levels that lie between applicant and provider.
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
    common_authority: UUID | None = None
    authorities_between: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class RequestFacts:
    """What the conditions may ask about the request, and where its common stages go.

    ``is_restricted``: the restriction list asks for a further review of this applicant.
    """

    applicant: UUID
    applicant_authority: UUID | None
    applicant_level: int
    applicant_region: str
    purpose: str
    is_cross_border: bool
    items: tuple[ItemFacts, ...]
    is_restricted: bool = False
    applicant_kind: str = "department"
    """``department``; or ``enterprise``, ``research``, ``other`` for an application from outside, whose ``applicant``
    is the data authority that receives it."""


FIELDS: dict[str, Callable[[RequestFacts, ItemFacts], Any]] = {
    "sharing_type": lambda request, item: item.sharing_type,
    "grade": lambda request, item: item.grade,
    "personal_data": lambda request, item: item.personal_data,
    "cross_level": lambda request, item: request.applicant_level != item.provider_level,
    "cross_region": lambda request, item: request.applicant_region != item.provider_region,
    "cross_border": lambda request, item: request.is_cross_border,
    "item_count": lambda request, item: len(request.items),
    "purpose": lambda request, item: request.purpose,
    "applicant_kind": lambda request, item: request.applicant_kind,
    "applicant_level": lambda request, item: request.applicant_level,
    "provider_level": lambda request, item: item.provider_level,
    "restricted": lambda request, item: request.is_restricted,
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


Groups = tuple[tuple[Condition, ...], ...]


def any_holds(any_of: Groups, request: RequestFacts, item: ItemFacts) -> bool:
    """Whether all conditions of one of the alternatives hold; without alternatives always."""
    return not any_of or any(all(condition.holds(request, item) for condition in group) for group in any_of)


@dataclass(frozen=True)
class Stage:
    """One stage (环节) of a route. ``any_of`` is a list of alternatives, each a list of conditions that must all hold.

    Without alternatives the stage covers every item. ``quorum`` is how many must agree (会签), 0 for every holder of
    the duty. An ``afterwards`` stage looks at what was granted already (事后复核). A copy goes to ``who`` for
    information and asks for no vote. ``department`` is the office of a ``named`` stage.
    """

    key: str
    title: str
    title_en: str
    who: Who
    duty: str
    working_days: int
    any_of: Groups = ()
    quorum: int = 1
    late: Late = Late.REMIND
    afterwards: bool = False
    is_copy: bool = False
    department: UUID | None = None

    @property
    def per_provider(self) -> bool:
        return self.who in IN_LANES

    def covers(self, request: RequestFacts, item: ItemFacts) -> bool:
        return any_holds(self.any_of, request, item)


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


def parse_any_of(data: Iterable[Iterable[dict[str, Any]]], stage: str) -> Groups:
    """Alternatives of conditions from their stored form; RouteError names ``stage`` and what is unknown."""
    return tuple(tuple(_parse_condition(condition, stage) for condition in group) for group in data)


def _parse_stage(row: dict[str, Any]) -> Stage:
    key = str(row.get("key"))
    if row.get("who") not in list(Who):
        raise RouteError(_("Stage “%(stage)s”: it is not said who decides.") % {"stage": key})
    stage = Stage(
        key=key,
        title=str(row["title"]),
        title_en=str(row.get("title_en", "")),
        who=Who(row["who"]),
        duty=str(row["duty"]),
        working_days=int(row["working_days"]),
        any_of=parse_any_of(row.get("any_of", []), key),
        quorum=int(row.get("quorum", 1)),
        late=Late(row.get("late", Late.REMIND)),
        afterwards=bool(row.get("afterwards", False)),
        is_copy=bool(row.get("is_copy", False)),
        department=UUID(row["department"]) if row.get("department") else None,
    )
    if stage.working_days < 1:
        raise RouteError(_("Stage “%(stage)s”: the term must be at least one working day.") % {"stage": key})
    if stage.who == Who.NAMED and stage.department is None:
        raise RouteError(_("Stage “%(stage)s”: name the department.") % {"stage": key})
    if stage.who == Who.LEVELS_BETWEEN and not stage.is_copy:
        raise RouteError(_("Stage “%(stage)s”: the levels between only get a copy.") % {"stage": key})
    return stage


def parse_stages(data: Iterable[dict[str, Any]]) -> tuple[Stage, ...]:
    """Stages from their stored form: a list of objects with the keys of ``Stage``.

    Raises:
        RouteError: an unknown field, operator or ``who``, a key used twice, a common stage after a provider's, a term
            that is not a positive number of working days, or a named office without its name.
    """
    stages: list[Stage] = []
    in_lanes = False
    for row in data:
        stage = _parse_stage(row)
        if stage.key in {each.key for each in stages}:
            raise RouteError(_("Stage “%(stage)s” stands in the route twice.") % {"stage": stage.key})
        if in_lanes and not (stage.per_provider or stage.afterwards or stage.is_copy):
            raise RouteError(
                _("Stage “%(stage)s” is common and must stand before the providers'.") % {"stage": stage.key}
            )
        in_lanes = in_lanes or (stage.per_provider and not stage.is_copy)
        stages.append(stage)
    return tuple(stages)


def _department(stage: Stage, facts: RequestFacts, item: ItemFacts) -> UUID:
    found = {
        Who.APPLICANT: facts.applicant,
        Who.AUTHORITY_OF_APPLICANT: facts.applicant_authority,
        Who.NAMED: stage.department,
        Who.AUTHORITY_OF_PROVIDER: item.provider_authority,
        Who.PROVIDER: item.provider,
        Who.COMMON_SUPERIOR: item.common_authority,
    }.get(stage.who)
    if found is None:
        raise RouteError(
            _("There is no data authority for the stage “%(stage)s”. Ask the administrator to name one.")
            % {"stage": stage.title}
        )
    return found


def resolve(stages: Sequence[Stage], facts: RequestFacts) -> list[PlannedStep]:
    """The steps of a request: the common ones in order, then each provider's lane in order.

    Lanes stand in the order in which their providers first appear among the items. A stage that covers no item makes
    no step, and a copy makes none ever. Every item is covered by at least one step that comes before its grant, or
    RouteError.
    """
    lanes: dict[UUID, list[ItemFacts]] = {}
    for item in facts.items:
        lanes.setdefault(item.provider, []).append(item)
    planned: list[PlannedStep] = []
    groups: list[tuple[UUID | None, list[ItemFacts]]] = [(None, list(facts.items)), *lanes.items()]
    for lane, items in groups:
        for order, stage in enumerate(stages):
            if stage.is_copy or stage.per_provider is (lane is None):
                continue
            covered = [item for item in items if stage.covers(facts, item)]
            if covered:
                department = _department(stage, facts, covered[0])
                planned.append(PlannedStep(stage, lane, order, department, tuple(item.id for item in covered)))
    decided = {item_id for step in planned if not step.stage.afterwards for item_id in step.item_ids}
    if {item.id for item in facts.items} - decided:
        raise RouteError(_("The route has no stage for some of the items; nobody would decide them."))
    return planned


def copies(stages: Sequence[Stage], facts: RequestFacts) -> list[tuple[UUID, str]]:
    """(department, duty) of the offices that get a copy of the request (知会), each once, in the route's order."""
    found: dict[tuple[UUID, str], None] = {}
    for stage in stages:
        for item in facts.items if stage.is_copy else ():
            if stage.covers(facts, item):
                between = stage.who == Who.LEVELS_BETWEEN
                offices = item.authorities_between if between else (_department(stage, facts, item),)
                found |= {(office, stage.duty): None for office in offices}
    return list(found)
