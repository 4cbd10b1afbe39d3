"""What the holder answers to a demand: a day, a refusal with its basis, or the dataset."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import Dataset, SharingType
from portal import access
from portal.access import Actor, Permission
from portal.departments.models import Department
from portal.errors import InvalidInput, WrongState
from sharing.demands import telling
from sharing.demands.turns import at_close_of, close, hand_over, in_working_days, lock, note
from sharing.models import DeclineReason, Demand, DemandState

LONGEST_PROMISE = dt.timedelta(days=730)


@transaction.atomic
def accept(
    *, demand: Demand, actor: Actor, promised_on: dt.date, answer: str = "", seen_version: int | None = None
) -> Demand:
    """Promise the data for a day, which then stands in the responsibility list."""
    demand = lock(demand, seen_version)
    actor = access.require(actor, Permission.DEMAND_ANSWER, demand)
    if demand.state != DemandState.ASSIGNED:
        raise WrongState
    today = timezone.localdate()
    if not today <= promised_on <= today + LONGEST_PROMISE:
        message = _("Promise a day from today on, within two years.")
        raise InvalidInput(message, fields={"promised_on": [message]})
    demand.promised_on, demand.answer, demand.reason = promised_on, answer.strip(), ""
    demand.answered_at = timezone.now()
    hand_over(demand, DemandState.ACCEPTED, at_close_of(promised_on))
    note(demand, "demand.accepted", actor, day=promised_on.isoformat(), note=demand.answer)
    telling.tell_askers(demand, promised_on.isoformat())
    return demand


@transaction.atomic
def decline(
    *,
    demand: Demand,
    actor: Actor,
    reason: str,
    answer: str,
    suggested_holder: Department | None = None,
    seen_version: int | None = None,
) -> Demand:
    """Decline with a statutory reason and its text; what is not held goes back to the authority with who holds it."""
    demand = lock(demand, seen_version)
    actor = access.require(actor, Permission.DEMAND_ANSWER, demand)
    if demand.state != DemandState.ASSIGNED:
        raise WrongState
    _check_decline(demand, reason, answer, suggested_holder)
    demand.reason, demand.answer = reason, answer.strip()
    if reason == DeclineReason.NOT_HELD:
        demand.suggested_holder = suggested_holder
        hand_over(demand, DemandState.SUBMITTED, in_working_days(settings.DEMAND_ASSIGN_DAYS))
    else:
        demand.answered_at = timezone.now()
        close(demand, DemandState.DECLINED)
    note(demand, "demand.declined", actor, reason=reason, note=demand.answer)
    if reason == DeclineReason.NOT_HELD:
        telling.tell_authority(demand)
    else:
        telling.tell_askers(demand, demand.answer)
    return demand


def _check_decline(demand: Demand, reason: str, answer: str, suggested: Department | None) -> None:
    faults = {}
    if reason not in DeclineReason.values:
        faults["reason"] = [_("Choose a reason.")]
    if not answer.strip():
        faults["answer"] = [_("Name the provision and say why; the asker reads this.")]
    if suggested is not None and suggested.pk == demand.holder_id:
        faults["suggested_holder"] = [_("Name another department.")]
    if faults:
        raise InvalidInput(fields=faults)


@transaction.atomic
def link(*, demand: Demand, actor: Actor, dataset: Dataset, seen_version: int | None = None) -> Demand:
    """Point to the published dataset that has the data; the asker has 10 working days to object.

    Raises:
        InvalidInput: it is not published, not shared, or another department's.
    """
    demand = lock(demand, seen_version)
    actor = access.require(actor, Permission.DEMAND_LINK, demand)
    if demand.state not in (DemandState.ASSIGNED, DemandState.ACCEPTED):
        raise WrongState
    dataset = Dataset.objects.select_for_update(of=("self",), no_key=True).get(pk=dataset.pk)
    if dataset.provider_id != demand.holder_id or not dataset.is_published:
        raise InvalidInput(fields={"dataset": [_("Choose a published dataset of your department.")]})
    if dataset.sharing_type == SharingType.NOT_SHARED:
        raise InvalidInput(fields={"dataset": [_("This dataset is not shared, so it does not meet the demand.")]})
    demand.dataset, demand.reason = dataset, ""
    demand.promised_on = demand.promised_on or timezone.localdate()
    demand.answered_at = demand.answered_at or timezone.now()
    hand_over(demand, DemandState.CATALOGUED, in_working_days(settings.DEMAND_CONFIRM_DAYS))
    note(demand, "demand.linked", actor, dataset=str(dataset.pk), title=dataset.title)
    telling.tell_askers(demand, dataset.title)
    return demand
