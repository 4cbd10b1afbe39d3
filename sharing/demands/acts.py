"""What askers and the data authority do with a demand: ask, join, assign, reject, merge, release, confirm, object.

The holder's answers stand in ``sharing.demands.answers``. Every act locks the demand, asks the rules, changes it,
records one event and tells those whom it concerns, in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.codes import next_serial
from catalog.models import Dataset
from portal import access
from portal.access import Actor, Permission
from portal.departments.models import Department
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.sealing import seal
from sharing.demands import telling
from sharing.demands.turns import close, hand_over, in_working_days, lock, note
from sharing.models import Demand, DemandState, DemandSupporter, RejectReason

OBJECTIONS = 2
"""How often an asker may object to what becomes of one demand."""
TITLE_LIMIT, TEXT_LIMIT = 200, 2_000


@dataclass(frozen=True)
class Wanted:
    """What is asked for."""

    title: str
    purpose: str
    content: str = ""
    legal_basis: str = ""

    def check(self) -> None:
        """Raise InvalidInput for what is missing or too long."""
        faults: dict[str, list[str]] = {}
        for name, limit in (("title", TITLE_LIMIT), ("purpose", TEXT_LIMIT), ("content", TEXT_LIMIT)):
            text = getattr(self, name).strip()
            if not text and name != "content":
                faults[name] = [_("This must not be empty.")]
            elif len(text) > limit:
                faults[name] = [_("At most %(limit)s characters.") % {"limit": limit}]
        if len(self.legal_basis) > 500:
            faults["legal_basis"] = [_("At most %(limit)s characters.") % {"limit": 500}]
        if faults:
            raise InvalidInput(fields=faults)


def _number() -> str:
    year = timezone.localdate().year
    return f"XQ{year}{next_serial(f'XQ{year}'):06d}"


def _submitted(demand: Demand, actor: Actor) -> Demand:
    hand_over(demand, DemandState.SUBMITTED, in_working_days(settings.DEMAND_ASSIGN_DAYS))
    demand.number = _number()
    demand.save(force_insert=True)
    note(demand, "demand.submitted", actor, number=demand.number, is_new=True)
    telling.tell_authority(demand)
    return demand


@transaction.atomic
def create(*, actor: Actor, department: Department, wanted: Wanted) -> Demand:
    """Ask for data on behalf of ``department``; its data authority names the holder within 5 working days.

    Raises:
        NotPermitted: the actor holds no duty there. InvalidInput: by field. WrongState: no authority is responsible.
    """
    actor = access.require(actor, Permission.DEMAND_CREATE, department)
    wanted.check()
    authority = Department.objects.authority_for(department.region)
    if authority is None:
        raise WrongState(_("No data authority is responsible for this region; ask the administrator to name one."))
    demand = Demand(
        title=wanted.title.strip(),
        purpose=wanted.purpose.strip(),
        content=wanted.content.strip(),
        legal_basis=wanted.legal_basis.strip(),
        department=department,
        created_by=actor.user,
        authority=authority,
    )
    return _submitted(demand, actor)


@transaction.atomic
def create_public(*, authority: Department, wanted: Wanted, email: str = "") -> Demand:
    """A citizen asks ``authority``, without an account; ``email`` is kept encrypted and deleted after the end."""
    wanted.check()
    if not (authority.is_authority and authority.is_active):
        raise InvalidInput(fields={"authority": [_("Choose one of the data authorities.")]})
    demand = Demand(
        title=wanted.title.strip(),
        purpose=wanted.purpose.strip(),
        content=wanted.content.strip(),
        authority=authority,
        sealed_email=seal(email.strip()) if email.strip() else "",
    )
    return _submitted(demand, Actor.system())


@transaction.atomic
def join(*, demand: Demand, actor: Actor, department: Department, need: str) -> DemandSupporter:
    """``department`` needs the same data, too.

    Raises:
        WrongState: the demand is closed, or the department asked or joined already.
    """
    demand = lock(demand)
    access.require(actor, Permission.DEMAND_VIEW, demand)
    actor = access.require(actor, Permission.DEMAND_CREATE, department)
    if not demand.is_open or actor.user is None:
        raise WrongState
    if not need.strip() or len(need) > 500:
        raise InvalidInput(fields={"need": [_("Say in at most %(limit)s characters.") % {"limit": 500}]})
    if demand.department_id == department.pk:
        raise WrongState(_("Your department asked for this itself."))
    try:
        with transaction.atomic():
            joined = DemandSupporter.objects.create(
                demand=demand, department=department, user=actor.user, need=need.strip()
            )
    except IntegrityError as error:
        raise WrongState(_("Your department joined this demand already.")) from error
    note(demand, "demand.joined", actor, department=department.name)
    return joined


def _steer(demand: Demand, actor: Actor, seen_version: int | None, *states: str) -> tuple[Demand, Actor]:
    """The locked demand, and the actor as its authority."""
    demand = lock(demand, seen_version)
    actor = access.require(actor, Permission.DEMAND_STEER, demand)
    if demand.state not in states:
        raise WrongState
    return demand, actor


def _reason(text: str, message: str, field: str = "reason") -> str:
    if not text.strip():
        raise InvalidInput(message, fields={field: [message]})
    return text.strip()[:TEXT_LIMIT]


@transaction.atomic
def assign(
    *, demand: Demand, actor: Actor, holder: Department, comment: str = "", seen_version: int | None = None
) -> Demand:
    """Name the holder, or another one; they have 10 working days to answer."""
    states = (DemandState.SUBMITTED, DemandState.ASSIGNED, DemandState.ACCEPTED)
    demand, actor = _steer(demand, actor, seen_version, *states)
    if not holder.is_active:
        raise InvalidInput(fields={"holder": [_("This department has ended.")]})
    if demand.holder_id == holder.pk and demand.state != DemandState.SUBMITTED:
        raise WrongState(_("This department has the demand already. Remind it instead."))
    demand.holder, demand.suggested_holder, demand.promised_on = holder, None, None
    demand.answered_at = None
    hand_over(demand, DemandState.ASSIGNED, in_working_days(settings.DEMAND_ANSWER_DAYS))
    note(demand, "demand.assigned", actor, holder=holder.name, note=comment.strip())
    telling.tell_holder(demand, comment.strip())
    telling.tell_askers(demand, holder.name)
    return demand


@transaction.atomic
def reject(
    *,
    demand: Demand,
    actor: Actor,
    reason: str,
    answer: str,
    dataset: Dataset | None = None,
    seen_version: int | None = None,
) -> Demand:
    """Do not take it up: the data exist (``dataset`` says where), or it is unclear what is asked for."""
    demand, actor = _steer(demand, actor, seen_version, DemandState.SUBMITTED)
    if reason not in RejectReason.values:
        raise InvalidInput(fields={"reason": [_("Choose a reason.")]})
    answer = _reason(answer, _("Say what the asker should know; they will read this."), "answer")
    if reason == RejectReason.EXISTING and (dataset is None or not dataset.is_published):
        raise InvalidInput(fields={"dataset": [_("Name the published dataset that has the data.")]})
    demand.reason, demand.answer = reason, answer
    demand.dataset = dataset if reason == RejectReason.EXISTING else None
    demand.answered_at = timezone.now()
    close(demand, DemandState.REJECTED)
    note(demand, "demand.rejected", actor, reason=reason, note=answer)
    telling.tell_askers(demand, answer)
    return demand


@transaction.atomic
def merge(*, demand: Demand, actor: Actor, into: Demand, seen_version: int | None = None) -> Demand:
    """Go on with ``into`` alone: its department and all who joined join that one."""
    if demand.pk == into.pk:
        raise InvalidInput(fields={"into": [_("A demand cannot be merged with itself.")]})
    for one in sorted((demand, into), key=lambda one: one.pk):
        lock(one)
    demand, actor = _steer(demand, actor, seen_version, DemandState.SUBMITTED, DemandState.ASSIGNED)
    into = lock(into)
    access.require(actor, Permission.DEMAND_VIEW, into)
    if not into.is_open:
        raise InvalidInput(fields={"into": [_("This demand is closed. Choose one that is open.")]})
    joining = list(demand.supporters.all())
    if demand.department_id is not None and demand.created_by_id is not None:
        need = demand.purpose[:500]
        joining.append(DemandSupporter(department_id=demand.department_id, user_id=demand.created_by_id, need=need))
    DemandSupporter.objects.bulk_create(
        [
            DemandSupporter(demand=into, department_id=one.department_id, user_id=one.user_id, need=one.need)
            for one in joining
            if one.department_id != into.department_id
        ],
        ignore_conflicts=True,
    )
    Demand.objects.filter(merged_into=demand).update(merged_into=into)
    demand.merged_into = into
    close(demand, DemandState.MERGED)
    note(demand, "demand.merged", actor, into=into.number)
    note(into, "demand.joined", actor, department=demand.department.name if demand.department else demand.number)
    telling.tell_askers(demand, into.number)
    return demand


@transaction.atomic
def release(*, demand: Demand, actor: Actor, title: str, summary: str, seen_version: int | None = None) -> Demand:
    """Show the demand in the public list, in words that name nobody."""
    demand, actor = _steer(demand, actor, seen_version, *set(DemandState) - {DemandState.MERGED, DemandState.WITHDRAWN})
    demand.public_title = _reason(title, _("This must not be empty."), "public_title")[:TITLE_LIMIT]
    demand.public_summary = summary.strip()[:1_000]
    demand.is_public = True
    note(demand, "demand.released", actor, title=demand.public_title)
    return demand


@transaction.atomic
def unrelease(*, demand: Demand, actor: Actor, seen_version: int | None = None) -> Demand:
    """Take the demand out of the public list."""
    demand, actor = _steer(demand, actor, seen_version, *DemandState)
    if not demand.is_public:
        raise WrongState
    demand.is_public = False
    note(demand, "demand.unreleased", actor)
    return demand


@transaction.atomic
def remind(*, demand: Demand, actor: Actor) -> Demand:
    """Remind the holder, at most once a day."""
    demand, actor = _steer(demand, actor, None, DemandState.ASSIGNED, DemandState.ACCEPTED)
    if demand.reminded_at and timezone.localdate(demand.reminded_at) == timezone.localdate():
        raise WrongState(_("The holder was reminded today already."))
    demand.reminded_at = timezone.now()
    note(demand, "demand.reminded", actor, holder=demand.holder.name if demand.holder else "")
    telling.tell_holder(demand, "", NoticeKind.DEMAND_LATE)
    return demand


def _follow(demand: Demand, actor: Actor, seen_version: int | None, *states: str) -> tuple[Demand, Actor]:
    """The locked demand, and the actor as the one who asked."""
    demand = lock(demand, seen_version)
    actor = access.require(actor, Permission.DEMAND_FOLLOW, demand)
    if demand.state not in states:
        raise WrongState
    return demand, actor


@transaction.atomic
def withdraw(*, demand: Demand, actor: Actor, seen_version: int | None = None) -> Demand:
    """Take one's own demand back while it is open.

    Raises:
        WrongState: it is closed, or other departments joined it: they still need the data.
    """
    states = (DemandState.SUBMITTED, DemandState.ASSIGNED, DemandState.ACCEPTED)
    demand, actor = _follow(demand, actor, seen_version, *states)
    if demand.supporters.exists():
        raise WrongState(_("Other departments joined this demand and still need the data, so it goes on."))
    close(demand, DemandState.WITHDRAWN)
    demand.is_public = False
    note(demand, "demand.withdrawn", actor)
    telling.tell_office(demand, "")
    return demand


@transaction.atomic
def confirm(*, demand: Demand, actor: Actor, seen_version: int | None = None) -> Demand:
    """The dataset that was linked is what was asked for."""
    demand, actor = _follow(demand, actor, seen_version, DemandState.CATALOGUED)
    close(demand, DemandState.FULFILLED)
    note(demand, "demand.confirmed", actor)
    telling.tell_office(demand, "")
    return demand


@transaction.atomic
def object_to(*, demand: Demand, actor: Actor, reason: str, seen_version: int | None = None) -> Demand:
    """Not what was asked for: back to the holder from the catalogue, to the authority after a refusal."""
    states = (DemandState.CATALOGUED, DemandState.DECLINED, DemandState.REJECTED)
    demand, actor = _follow(demand, actor, seen_version, *states)
    if demand.objections >= OBJECTIONS:
        raise WrongState(_("You objected %(n)s times already. Please ask anew.") % {"n": OBJECTIONS})
    reason = _reason(reason, _("Say what is missing or wrong."))
    from_catalogue = demand.state == DemandState.CATALOGUED
    demand.objections += 1
    demand.dataset, demand.promised_on, demand.closed_at, demand.answered_at = None, None, None, None
    if from_catalogue:
        hand_over(demand, DemandState.ASSIGNED, in_working_days(settings.DEMAND_ANSWER_DAYS))
    else:
        hand_over(demand, DemandState.SUBMITTED, in_working_days(settings.DEMAND_ASSIGN_DAYS))
    note(demand, "demand.objected", actor, note=reason)
    if from_catalogue:
        telling.tell_holder(demand, reason)
    else:
        telling.tell_authority(demand)
    return demand
