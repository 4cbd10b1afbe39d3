"""The acts on a demand as pages offer them: which form, which words, which function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal import access
from portal.access import Actor, Permission
from sharing.demands import acts, answers, forms
from sharing.models import Demand, DemandState
from sharing.models.demand import OPEN_STATES

S = DemandState


@dataclass(frozen=True)
class Deed:
    """One act: in which ``states``, with which permission, and what its page says."""

    title: str | Promise
    done: str | Promise
    form: type[forms.SeenForm]
    run: Callable[..., Demand]
    permission: Permission
    states: tuple[str, ...]
    lead: str | Promise = ""
    tone: str = ""


DEEDS: dict[str, Deed] = {
    "assign": Deed(
        _("Name the holder"),
        _("The holder was told and has 10 working days to answer."),
        forms.AssignForm,
        acts.assign,
        Permission.DEMAND_STEER,
        (S.SUBMITTED, S.ASSIGNED, S.ACCEPTED),
        _("The department that holds the data, or whose duty it is to collect them, at any level."),
        "is-primary",
    ),
    "merge": Deed(
        _("Merge with another demand"),
        _("Merged. The other demand goes on for all."),
        forms.MergeForm,
        acts.merge,
        Permission.DEMAND_STEER,
        (S.SUBMITTED, S.ASSIGNED),
        _("Who asked here joins the other demand and is told what becomes of it. This one is closed."),
    ),
    "reject": Deed(
        _("Do not take it up"),
        _("Closed. The asker was told why."),
        forms.RejectForm,
        acts.reject,
        Permission.DEMAND_STEER,
        (S.SUBMITTED,),
        _("The demand is closed; the asker reads your answer and may object."),
    ),
    "remind": Deed(
        _("Remind the holder"),
        _("The holder was reminded."),
        forms.SeenForm,
        lambda *, seen_version, **words: acts.remind(**words),
        Permission.DEMAND_STEER,
        (S.ASSIGNED, S.ACCEPTED),
        _("The approvers of the holder get a notice at once."),
    ),
    "release": Deed(
        _("Show to the public"),
        _("It stands in the public list now."),
        forms.ReleaseForm,
        acts.release,
        Permission.DEMAND_STEER,
        tuple(state for state in S if state not in (S.MERGED, S.WITHDRAWN)),
        _("Write title and summary so that they name no person. Everybody can read them."),
    ),
    "unrelease": Deed(
        _("Take out of the public list"),
        _("The public does not see it any more."),
        forms.SeenForm,
        acts.unrelease,
        Permission.DEMAND_STEER,
        tuple(S),
        _("The demand goes on; only the public list does not show it any more."),
    ),
    "accept": Deed(
        _("Promise the data"),
        _("Promised. The day stands in the responsibility list."),
        forms.AcceptForm,
        answers.accept,
        Permission.DEMAND_ANSWER,
        (S.ASSIGNED,),
        _("The day stands in the responsibility list of your department."),
        "is-primary",
    ),
    "decline": Deed(
        _("Decline"),
        _("The answer was sent."),
        forms.DeclineForm,
        answers.decline,
        Permission.DEMAND_ANSWER,
        (S.ASSIGNED,),
        _("What your department does not hold goes back to the authority; every other refusal closes the demand."),
    ),
    "link": Deed(
        _("Link the published dataset"),
        _("Linked. The asker was told and may object within 10 working days."),
        forms.LinkForm,
        answers.link,
        Permission.DEMAND_LINK,
        (S.ASSIGNED, S.ACCEPTED),
        _("A published, shared dataset of your department that has what was asked for."),
    ),
    "confirm": Deed(
        _("This is what we asked for"),
        _("The demand is fulfilled."),
        forms.SeenForm,
        acts.confirm,
        Permission.DEMAND_FOLLOW,
        (S.CATALOGUED,),
        _("The demand is closed as fulfilled."),
        "is-primary",
    ),
    "object": Deed(
        _("Object"),
        _("Your objection was sent."),
        forms.ObjectForm,
        acts.object_to,
        Permission.DEMAND_FOLLOW,
        (S.CATALOGUED, S.DECLINED, S.REJECTED),
        _("The demand goes back to the office that answered, with what you write here."),
    ),
    "withdraw": Deed(
        _("Withdraw the demand"),
        _("The demand is withdrawn."),
        forms.SeenForm,
        acts.withdraw,
        Permission.DEMAND_FOLLOW,
        (S.SUBMITTED, S.ASSIGNED, S.ACCEPTED),
        _("Nobody works on it any more. This cannot be undone."),
        "is-danger",
    ),
}


def open_to(actor: Actor, demand: Demand) -> list[tuple[str, Deed]]:
    """The acts that ``actor`` may do on this demand now, in order."""
    permissions = {deed.permission for deed in DEEDS.values()}
    may = {permission for permission in permissions if access.can(actor, permission, demand)}
    found = [(key, deed) for key, deed in DEEDS.items() if deed.permission in may and demand.state in deed.states]
    hidden = {"release" if demand.is_public else "unrelease"}
    if demand.objections >= acts.OBJECTIONS:
        hidden.add("object")
    return [(key, deed) for key, deed in found if key not in hidden]


def may_join(actor: Actor, demand: Demand) -> set[Any]:
    """The departments of ``actor`` that neither asked nor joined yet."""
    if demand.state not in OPEN_STATES:
        return set()
    joined = set(demand.supporters.values_list("department_id", flat=True))
    return actor.standing.departments_with() - joined - {demand.department_id}
