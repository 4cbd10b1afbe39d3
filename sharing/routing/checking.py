"""What is wrong with a route before it is published: conditions that never hold, stages that nobody could decide.

Errors keep a route from being published; warnings are shown beside it. A route is a list, so nothing in it can go in
circles but one thing: a stage that the same people would have to decide twice, which the rules forbid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from django.utils.translation import gettext as _

from catalog.models import Sensitivity, SharingType
from portal.departments.models import AUTHORITY_DUTIES, Department, Level, Membership
from sharing.models import ApplicantKind, Purpose
from sharing.models.route import titled
from sharing.routes import OPERATORS, Condition, Groups, Stage, Who
from sharing.routing.words import FIELD_LABELS

AUTHORITY_PLACES = (Who.AUTHORITY_OF_APPLICANT, Who.AUTHORITY_OF_PROVIDER, Who.COMMON_SUPERIOR, Who.LEVELS_BETWEEN)
VALUES: dict[str, Sequence[Any]] = {
    "sharing_type": [SharingType.UNCONDITIONAL, SharingType.CONDITIONAL],
    "grade": range(1, 7),
    "personal_data": Sensitivity.values,
    "cross_level": [True, False],
    "cross_region": [True, False],
    "cross_border": [True, False],
    "item_count": range(1, 501),
    "purpose": Purpose.values,
    "applicant_kind": ApplicantKind.values,
    "applicant_level": Level.values,
    "provider_level": Level.values,
    "restricted": [True, False],
}
"""What a fact can be at all; a condition is tried on each."""


@dataclass(frozen=True)
class Problem:
    """What is wrong in which stage ("" for the whole route); ``is_error`` keeps it from being published."""

    stage: str
    text: str
    is_error: bool = True


def holds_for(conditions: Iterable[Condition], field: str) -> set[Any]:
    """The values of ``field`` for which all these conditions on it hold."""
    return {
        value
        for value in VALUES[field]
        if all(OPERATORS[c.operator](value, c.value) for c in conditions if c.field == field)
    }


def never_holds(group: Sequence[Condition]) -> str:
    """The field whose conditions in one alternative contradict each other or ask for what does not exist; or ""."""
    for field in dict.fromkeys(condition.field for condition in group):
        try:
            if not holds_for(group, field):
                return field
        except TypeError:
            return field
    return ""


def _conditions(where: str, name: str, any_of: Groups) -> list[Problem]:
    fields = [field for group in any_of if (field := never_holds(group))]
    text = _("“%(name)s”: a condition on “%(field)s” never holds.")
    return [Problem(where, text % {"name": name, "field": FIELD_LABELS[field]}) for field in fields]


def _decidable(stage: Stage) -> list[Problem]:
    """A duty that its department cannot have, or that nobody holds."""
    name = {"name": titled(stage.title, stage.title_en)}
    is_authority = stage.who in AUTHORITY_PLACES
    if stage.department is not None:
        department = Department.objects.active().filter(pk=stage.department).first()
        if department is None:
            return [Problem(stage.key, _("“%(name)s”: the department does not exist any more.") % name)]
        is_authority = department.is_authority
        if not Membership.objects.current().filter(department=department, duty=stage.duty).exists():
            return [Problem(stage.key, _("“%(name)s”: nobody holds this duty in the department named.") % name)]
    if stage.duty in AUTHORITY_DUTIES and not is_authority:
        return [Problem(stage.key, _("“%(name)s”: only a data authority has this duty, nobody could decide.") % name)]
    if is_authority and stage.duty not in AUTHORITY_DUTIES and stage.who != Who.NAMED:
        return [Problem(stage.key, _("“%(name)s”: choose a duty of a data authority.") % name)]
    if not Membership.objects.current().filter(duty=stage.duty).exists():
        return [Problem(stage.key, _("“%(name)s”: nobody anywhere holds this duty.") % name)]
    return []


def _twice(stages: Sequence[Stage]) -> list[Problem]:
    """Two stages of one office: who decides in the first may not decide in the second."""
    found = []
    for one, two in combinations([s for s in stages if not s.is_copy], 2):
        if (one.who, one.duty, one.department) == (two.who, two.duty, two.department):
            names = {"one": titled(one.title, one.title_en), "two": titled(two.title, two.title_en)}
            text = _("“%(one)s” and “%(two)s” are the same office; who decides in one cannot decide in the other.")
            found.append(Problem(two.key, text % names))
    return found


def problems(stages: Sequence[Stage], any_of: Groups = ()) -> list[Problem]:
    """Everything that is wrong with a route of these stages and these conditions, in the order of the stages."""
    found = _conditions("", _("Route"), any_of)
    before_grant = [stage for stage in stages if not (stage.afterwards or stage.is_copy)]
    if not before_grant:
        found.append(Problem("", _("The route has no stage that decides before the grant.")))
    elif all(stage.any_of for stage in before_grant):
        text = _("Every stage has conditions: an item that meets none of them could not be submitted.")
        found.append(Problem("", text, is_error=False))
    for stage in stages:
        found += _conditions(stage.key, titled(stage.title, stage.title_en), stage.any_of)
        found += _decidable(stage)
    return found + _twice(stages)
