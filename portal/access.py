"""The one vocabulary of permissions, who asks (``Actor``), and how it is asked (``can``, ``require``).

The names stand here; the answers stand in each room's ``rules.py`` and are registered with ``rule``. A permission
without a rule is denied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from django.db.models import OuterRef, Subquery

from portal.departments.models import Duty, DutyGroup, Membership
from portal.errors import NotPermitted

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models import User

EVERYONE = 0
"""The pseudo group id of the public, for ``reader_groups`` arrays."""
CIVIL_SERVANTS = -1
"""The pseudo group id of everyone who holds a duty in some department."""


class Permission(StrEnum):
    """Every permission of the portal, ``thing.verb``."""

    DUTY_ASSIGN = "duty.assign"
    PEOPLE_VIEW = "people.view"
    PEOPLE_MANAGE = "people.manage"
    AUDIT_READ = "audit.read"
    SYSTEM_VIEW = "system.view"

    DATASET_CREATE = "dataset.create"
    DATASET_VIEW = "dataset.view"
    DATASET_EDIT = "dataset.edit"
    DATASET_SUBMIT = "dataset.submit"
    DATASET_REVIEW = "dataset.review"
    DATASET_WITHDRAW = "dataset.withdraw"
    DATASET_PREVIEW = "dataset.preview"
    DATASET_IMPORT = "dataset.import"

    REQUEST_CREATE = "request.create"
    REQUEST_VIEW = "request.view"
    REQUEST_EDIT = "request.edit"
    REQUEST_SUBMIT = "request.submit"
    REQUEST_WITHDRAW = "request.withdraw"
    STEP_DECIDE = "step.decide"
    GRANT_VIEW = "grant.view"
    GRANT_USE = "grant.use"
    GRANT_REVOKE = "grant.revoke"


@dataclass(frozen=True)
class Standing:
    """What a person's memberships give today: duties by department, and the groups that stand for them."""

    duties: frozenset[tuple[UUID, str]] = frozenset()
    group_ids: frozenset[int] = frozenset()
    admin_role: str = ""

    def departments_with(self, *duties: str) -> set[UUID]:
        """Departments in which one of ``duties`` is held; any duty when none is named."""
        return {department for department, duty in self.duties if not duties or duty in duties}

    def holds(self, department_id: UUID, *duties: str) -> bool:
        """Whether one of ``duties`` (any, when none is named) is held in the department."""
        return department_id in self.departments_with(*duties)

    @property
    def reader_groups(self) -> list[int]:
        """Group ids to match against ``reader_groups`` arrays, pseudo groups included."""
        return [EVERYONE, *([CIVIL_SERVANTS] if self.duties else []), *sorted(self.group_ids)]


def standing_of(user: User | AnonymousUser) -> Standing:
    """Read ``user``'s standing: two queries; nothing for the anonymous and the disabled."""
    if not user.is_authenticated or not user.is_active:
        return Standing()
    group = DutyGroup.objects.filter(department=OuterRef("department"), duty=OuterRef("duty")).values("group_id")
    rows = list(
        Membership.objects.current()
        .filter(user=user)
        .annotate(group_id=Subquery(group[:1]))
        .values_list("department_id", "duty", "group_id")
    )
    extra = user.groups.filter(duty_group__isnull=True).values_list("id", flat=True)
    return Standing(
        duties=frozenset((department, duty) for department, duty, _group in rows),
        group_ids=frozenset([*extra, *(group_id for *_rest, group_id in rows if group_id)]),
        admin_role=user.admin_role,
    )


@dataclass(frozen=True)
class Actor:
    """Who acts: a person, with the person they stand in for, or the portal itself (``Actor.system()``)."""

    user: User | None
    on_behalf_of: User | None = None
    standing: Standing = field(default_factory=Standing)
    is_system: bool = False

    @classmethod
    def of(cls, user: User | AnonymousUser) -> Actor:
        """The actor for a signed-in (or anonymous) user with today's standing."""
        return cls(user=user if user.is_authenticated else None, standing=standing_of(user))

    @classmethod
    def system(cls) -> Actor:
        """The portal itself: jobs, imports, expiry."""
        return cls(user=None, is_system=True)

    @property
    def user_id(self) -> int | None:
        return self.user.pk if self.user else None

    @property
    def on_behalf_of_id(self) -> int | None:
        return self.on_behalf_of.pk if self.on_behalf_of else None


Rule = Callable[[Actor, Any], bool]
RuleT = TypeVar("RuleT", bound=Rule)
_rules: dict[Permission, Rule] = {}


def rule(*permissions: Permission) -> Callable[[RuleT], RuleT]:
    """Register the answer to ``permissions``: a function of (actor, object) that says yes or no."""

    def register(function: RuleT) -> RuleT:
        for permission in permissions:
            assert permission not in _rules, f"{permission} has a rule already"
            _rules[permission] = function
        return function

    return register


def can(actor: Actor, permission: Permission, obj: Any = None) -> bool:
    """Whether ``actor`` may do ``permission`` on ``obj``; unknown permissions are denied."""
    answer = _rules.get(permission)
    return bool(answer and answer(actor, obj))


def require(actor: Actor, permission: Permission, obj: Any = None) -> None:
    """Raise NotPermitted unless ``can``."""
    if not can(actor, permission, obj):
        raise NotPermitted(permission=permission.value)


def has_perm(user: User | AnonymousUser, permission: Permission, obj: Any = None) -> bool:
    """``can`` for a user, reading the standing anew."""
    return can(Actor.of(user), permission, obj)


@rule(Permission.DUTY_ASSIGN)
def _assigns_duties(actor: Actor, department: Any) -> bool:
    if actor.is_system or actor.standing.admin_role == "security":
        return True
    return department is not None and actor.standing.holds(department.pk, Duty.CLERK)


@rule(Permission.PEOPLE_VIEW, Permission.PEOPLE_MANAGE)
def _is_security_administrator(actor: Actor, obj: Any) -> bool:
    return actor.standing.admin_role == "security"


@rule(Permission.AUDIT_READ)
def _is_audit_administrator(actor: Actor, obj: Any) -> bool:
    return actor.standing.admin_role == "audit"


@rule(Permission.SYSTEM_VIEW)
def _is_system_administrator(actor: Actor, obj: Any) -> bool:
    return actor.standing.admin_role == "system"
