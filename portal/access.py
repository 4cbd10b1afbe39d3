"""The one vocabulary of permissions, who asks (``Actor``), and how it is asked (``can``, ``require``).

The names stand here; the answers stand in each room's ``rules.py`` and are registered with ``rule``. A permission
without a rule is denied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from django.db.models import OuterRef, Subquery

from portal.departments.models import AUTHORITY_DUTIES, Department, Duty, DutyGroup, Membership
from portal.deputies.models import Delegation
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
    DEPUTY_NAME = "deputy.name"
    RIGHTS_REVIEW = "rights.review"
    DEPARTMENT_MANAGE = "department.manage"
    DEPARTMENT_PEOPLE = "department.people"
    PEOPLE_VIEW = "people.view"
    PEOPLE_MANAGE = "people.manage"
    FACTOR_RESET_CONFIRM = "factor_reset.confirm"
    AUDIT_READ = "audit.read"
    SYSTEM_VIEW = "system.view"
    WEBHOOK_MANAGE = "webhook.manage"
    DELIVERY_MANAGE = "delivery.manage"

    DATASET_CREATE = "dataset.create"
    DATASET_VIEW = "dataset.view"
    DATASET_EDIT = "dataset.edit"
    DATASET_SUBMIT = "dataset.submit"
    DATASET_REVIEW = "dataset.review"
    DATASET_WITHDRAW = "dataset.withdraw"
    DATASET_VERSIONS = "dataset.versions"
    DATASET_PREVIEW = "dataset.preview"
    DATASET_EXCEPT = "dataset.except"
    DISCLOSURE_OVERRULE = "disclosure.overrule"
    DATASET_IMPORT = "dataset.import"
    RECORD_IMPORT = "record.import"
    DUPLICATE_SETTLE = "duplicate.settle"
    STANDARD_MANAGE = "standard.manage"
    CONNECTION_MANAGE = "connection.manage"

    REQUEST_CREATE = "request.create"
    REQUEST_VIEW = "request.view"
    REQUEST_EDIT = "request.edit"
    REQUEST_SUBMIT = "request.submit"
    REQUEST_WITHDRAW = "request.withdraw"
    REQUEST_REROUTE = "request.reroute"
    STEP_DECIDE = "step.decide"
    STEP_SUPERVISE = "step.supervise"
    STEP_ANSWER = "step.answer"
    EXTENSION_ANSWER = "extension.answer"
    CALENDAR_MANAGE = "calendar.manage"
    ROUTE_VIEW = "route.view"
    ROUTE_MANAGE = "route.manage"
    DISPUTE_SAY = "dispute.say"
    DISPUTE_MOVE_UP = "dispute.move_up"
    DISPUTE_GIVE_WAY = "dispute.give_way"
    DISPUTE_SETTLE = "dispute.settle"
    FORM_MANAGE = "form.manage"
    RESTRICTION_ENTER = "restriction.enter"
    RESTRICTION_STATE = "restriction.state"
    LETTER_CONFIRM = "letter.confirm"
    GRANT_VIEW = "grant.view"
    GRANT_USE = "grant.use"
    GRANT_REVOKE = "grant.revoke"

    RENEWAL_DECIDE = "renewal.decide"
    CORRECTION_FILE = "correction.file"
    CORRECTION_VIEW = "correction.view"
    CORRECTION_FOLLOW = "correction.follow"
    CORRECTION_ANSWER = "correction.answer"
    CORRECTION_SETTLE = "correction.settle"

    DEMAND_CREATE = "demand.create"
    DEMAND_VIEW = "demand.view"
    DEMAND_FOLLOW = "demand.follow"
    DEMAND_STEER = "demand.steer"
    DEMAND_ANSWER = "demand.answer"
    DEMAND_LINK = "demand.link"
    RESPONSIBILITY_MANAGE = "responsibility.manage"
    NOT_SHARING_REVIEW = "not_sharing.review"
    NOT_SHARING_ASK = "not_sharing.ask"


@dataclass(frozen=True)
class Standing:
    """What a person's memberships give today: duties by department, and the groups that stand for them."""

    duties: frozenset[tuple[UUID, str]] = frozenset()
    group_ids: frozenset[int] = frozenset()
    admin_role: str = ""
    office: str = field(default="", compare=False)
    """The name of the department of the first duty, for the head of pages."""

    def departments_with(self, *duties: str) -> set[UUID]:
        """Departments in which one of ``duties`` is held; any duty when none is named."""
        return {department for department, duty in self.duties if not duties or duty in duties}

    def holds(self, department_id: UUID, *duties: str) -> bool:
        """Whether one of ``duties`` (any, when none is named) is held in the department."""
        return department_id in self.departments_with(*duties)

    def __or__(self, other: Standing) -> Standing:
        """Both together; an administrator's part stays one's own."""
        return replace(self, duties=self.duties | other.duties, group_ids=self.group_ids | other.group_ids)

    @property
    def reader_groups(self) -> list[int]:
        """Group ids to match against ``reader_groups`` arrays, pseudo groups included."""
        return [EVERYONE, *([CIVIL_SERVANTS] if self.duties else []), *sorted(self.group_ids)]


@dataclass(frozen=True)
class Deputised:
    """What a person may do for ``principal`` today."""

    principal: User
    standing: Standing


def _membership_rows(users: Iterable[int]) -> list[tuple[int, UUID, str, int | None, str]]:
    """(user, department, duty, group, name of the department) of every membership in force, the first one first."""
    group = DutyGroup.objects.filter(department=OuterRef("department"), duty=OuterRef("duty")).values("group_id")
    rows = Membership.objects.current().filter(user__in=users).annotate(group_id=Subquery(group[:1]))
    named = rows.order_by("valid_from", "id")
    return list(named.values_list("user_id", "department_id", "duty", "group_id", "department__name"))


def _own_standing(user: User) -> Standing:
    rows = _membership_rows([user.pk])
    extra = user.groups.filter(duty_group__isnull=True).values_list("id", flat=True)
    return Standing(
        duties=frozenset((department, duty) for _user, department, duty, _group, _name in rows),
        group_ids=frozenset([*extra, *(group for *_rest, group, _name in rows if group)]),
        office=rows[0][-1] if rows else "",
        admin_role=user.admin_role,
    )


def _deputised(user: User, own: Standing) -> list[Deputised]:
    """What ``user`` may do for others: duties that they hold, in departments where ``user`` holds one."""
    given = Delegation.objects.in_force().filter(deputy=user, department__in=own.departments_with())
    delegations = list(given.select_related("principal").order_by("created_at", "id"))
    if not delegations:
        return []
    held = _membership_rows({delegation.principal_id for delegation in delegations})
    found: dict[int, Deputised] = {}
    for d in delegations:
        rows = [r for r in held if r[:2] == (d.principal_id, d.department_id) and r[2] in d.duties]
        part = Standing(
            duties=frozenset((department, duty) for _user, department, duty, _group, _name in rows),
            group_ids=frozenset(group for *_rest, group, _name in rows if group),
        )
        before = found.get(d.principal_id)
        found[d.principal_id] = Deputised(d.principal, before.standing | part if before else part)
    return list(found.values())


def standing_of(user: User | AnonymousUser) -> Standing:
    """Read ``user``'s standing, what they do for others included; nothing for the anonymous and the disabled.

    Three queries, one more for a deputy.
    """
    return Actor.of(user).standing


@dataclass(frozen=True)
class Actor:
    """Who acts: a person, the portal itself (``Actor.system()``), or an applicant from outside who has no account.

    The last one holds the secret link of one object, ``outside``, and may do nothing but what a rule gives to it.

    ``standing`` is all that the person may do, for themselves and as a deputy. ``capacities`` are the same person as
    nobody's deputy and as each principal's: a rule is asked of one capacity at a time, so that an act carries the name
    of the person for whom it was done (``on_behalf_of``) when it could not be done in one's own.
    """

    user: User | None
    on_behalf_of: User | None = None
    standing: Standing = field(default_factory=Standing)
    is_system: bool = False
    outside: UUID | None = None
    capacities: tuple[Actor, ...] = ()

    @classmethod
    def of(cls, user: User | AnonymousUser) -> Actor:
        """The actor for a signed-in (or anonymous) user with today's standing."""
        if not user.is_authenticated:
            return cls(user=None)
        if not user.is_active:
            return cls(user=user)
        own = _own_standing(user)
        others = _deputised(user, own) if own.duties else []
        if not others:
            return cls(user=user, standing=own)
        total, capacities = own, [cls(user=user, standing=own)]
        for other in others:
            total |= other.standing
            capacities.append(cls(user=user, on_behalf_of=other.principal, standing=own | other.standing))
        return cls(user=user, standing=total, capacities=tuple(capacities))

    @classmethod
    def system(cls) -> Actor:
        """The portal itself: jobs, imports, expiry."""
        return cls(user=None, is_system=True)

    @classmethod
    def holder_of(cls, pk: UUID) -> Actor:
        """Whoever showed the secret link of the object ``pk``; the caller has checked it."""
        return cls(user=None, outside=pk)

    @property
    def user_id(self) -> int | None:
        return self.user.pk if self.user else None

    @property
    def on_behalf_of_id(self) -> int | None:
        return self.on_behalf_of.pk if self.on_behalf_of else None

    @property
    def people_ids(self) -> frozenset[int]:
        """The person who acts and the one for whom: neither may decide on what is their own."""
        return frozenset(pk for pk in (self.user_id, self.on_behalf_of_id) if pk is not None)

    @property
    def principals(self) -> list[User]:
        """The people for whom this person may act today."""
        return [each.on_behalf_of for each in self.capacities if each.on_behalf_of]


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


def capacity_for(actor: Actor, permission: Permission, obj: Any = None) -> Actor | None:
    """``actor`` in the capacity in which they may do ``permission`` on ``obj``, their own first; None when in none."""
    answer = _rules.get(permission)
    if answer is None:
        return None
    return next((each for each in actor.capacities or (actor,) if answer(each, obj)), None)


def can(actor: Actor, permission: Permission, obj: Any = None) -> bool:
    """Whether ``actor`` may do ``permission`` on ``obj``; unknown permissions are denied."""
    return capacity_for(actor, permission, obj) is not None


def require(actor: Actor, permission: Permission, obj: Any = None) -> Actor:
    """``actor`` in the capacity that permits it, to be recorded with what is done; NotPermitted when there is none."""
    found = capacity_for(actor, permission, obj)
    if found is None:
        raise NotPermitted(permission=permission.value)
    return found


def has_perm(user: User | AnonymousUser, permission: Permission, obj: Any = None) -> bool:
    """``can`` for a user, reading the standing anew."""
    return can(Actor.of(user), permission, obj)


@rule(Permission.DUTY_ASSIGN, Permission.WEBHOOK_MANAGE, Permission.DEPARTMENT_PEOPLE)
def _assigns_duties(actor: Actor, department: Any) -> bool:
    if actor.is_system or actor.standing.admin_role == "security":
        return True
    return department is not None and actor.standing.holds(department.pk, Duty.CLERK)


@rule(Permission.DEPUTY_NAME)
def _names_deputies(actor: Actor, delegation: Any) -> bool:
    """A person for their own duties, or the clerk of the department for somebody absent; nobody for themselves."""
    if actor.user_id is None or actor.user_id == delegation.deputy_id or actor.on_behalf_of:
        return False
    return actor.user_id == delegation.principal_id or actor.standing.holds(delegation.department_id, Duty.CLERK)


@rule(Permission.DEPARTMENT_MANAGE)
def _manages_departments(actor: Actor, department: Any) -> bool:
    return actor.is_system or actor.standing.admin_role == "security"


@rule(Permission.PEOPLE_VIEW, Permission.PEOPLE_MANAGE, Permission.RIGHTS_REVIEW)
def _is_security_administrator(actor: Actor, obj: Any) -> bool:
    return actor.standing.admin_role == "security"


@rule(Permission.AUDIT_READ)
def _is_audit_administrator(actor: Actor, obj: Any) -> bool:
    return actor.standing.admin_role == "audit"


@rule(Permission.SYSTEM_VIEW, Permission.DELIVERY_MANAGE)
def _is_system_administrator(actor: Actor, obj: Any) -> bool:
    return actor.standing.admin_role == "system"


@rule(Permission.CALENDAR_MANAGE)
def _keeps_the_calendar(actor: Actor, obj: Any) -> bool:
    """The data authorities of the highest level there is: the calendar is everyone's."""
    mine = actor.standing.departments_with(*AUTHORITY_DUTIES)
    return Department.objects.highest_authorities().filter(pk__in=mine).exists()
