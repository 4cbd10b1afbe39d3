"""The links of sharing in the main navigation, and its cards on the home page."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.rules import REVIEW_DUTIES
from portal.access import Actor, Permission, can
from portal.context import Entry, register_nav
from portal.dashboards import cards
from portal.dashboards.cards import Card
from portal.departments.models import AUTHORITY_DUTIES, Duty
from sharing.corrections import queries as corrections
from sharing.holding import queries as holding
from sharing.models import (
    ApprovalStep,
    BasketItem,
    Demand,
    DemandState,
    Grant,
    GrantRenewal,
    RequestState,
    SharingRequest,
)
from sharing.rules import decides_somewhere


def _may_apply(actor: Actor) -> bool:
    return can(actor, Permission.REQUEST_CREATE)


def _basket(actor: Actor) -> list[QuerySet[Any]]:
    return [BasketItem.objects.filter(user=actor.user)]


def _open_steps(actor: Actor) -> list[QuerySet[Any]]:
    return [ApprovalStep.objects.of_offices(actor.standing).open()]


def _has_duty(actor: Actor) -> bool:
    return bool(actor.standing.duties)


def _is_authority(actor: Actor) -> bool:
    return bool(actor.standing.departments_with(*AUTHORITY_DUTIES))


HOLDING = ("/renewals/", "/grant-reviews/")
LISTS = ("/responsibilities/", "/negative/")


def _demands_waiting(actor: Actor) -> list[QuerySet[Any]]:
    """Demands on which one's departments have the turn."""
    standing = actor.standing
    to_answer = Q(state=DemandState.ASSIGNED, holder__in=standing.departments_with(*REVIEW_DUTIES))
    to_assign = Q(state=DemandState.SUBMITTED, authority__in=standing.departments_with(*AUTHORITY_DUTIES))
    return [Demand.objects.filter(to_answer | to_assign)]


def _corrections_waiting(actor: Actor) -> list[QuerySet[Any]]:
    return [corrections.waiting_for(actor.standing)]


def _grants_waiting(actor: Actor) -> list[QuerySet[Any]]:
    """Renewals to decide, and grants whose use is to be confirmed."""
    return holding.waiting_lists(actor.standing)


def _holding_cards(actor: Actor) -> list[Card]:
    """What waits in the two rooms of running grants, for those whom it can wait for."""
    standing, found = actor.standing, []
    if standing.departments_with(Duty.APPLICANT):
        count = holding.to_confirm(standing).count()
        found.append(Card(_("Grants to confirm this year"), count, reverse("sharing:review-list"), "warn"))
    if standing.departments_with(Duty.PROVIDER_APPROVER):
        count = GrantRenewal.objects.filter(holding.to_decide(standing)).count()
        found.append(Card(_("Renewals to decide"), count, f"{reverse('sharing:renewal-list')}?side=answer", "warn"))
    if standing.departments_with(Duty.PROVIDER_APPROVER, *AUTHORITY_DUTIES):
        url = f"{reverse('sharing:correction-list')}?side=answer"
        found.append(Card(_("Reported errors to answer"), corrections.waiting_for(standing).count(), url, "warn"))
    return found


def _cards(actor: Actor) -> list[Card]:
    found = []
    if _may_apply(actor):
        departments = actor.standing.departments_with(Duty.APPLICANT)
        counted = (
            SharingRequest.objects.from_departments()
            .filter(department__in=departments)
            .aggregate(
                draft=Count("id", filter=Q(state=RequestState.DRAFT)),
                review=Count("id", filter=Q(state=RequestState.IN_REVIEW)),
                returned=Count("id", filter=Q(state=RequestState.RETURNED)),
                offered=Count("id", filter=Q(state=RequestState.OFFERED)),
            )
        )
        url = reverse("sharing:request-list")
        found += [
            Card(_("Requests in review"), counted["review"], f"{url}?state=in_review"),
            Card(_("Returned to us for changes"), counted["returned"], f"{url}?state=returned", "warn"),
            Card(_("Conditions to accept"), counted["offered"], f"{url}?state=offered", "warn"),
            Card(_("Drafts of requests"), counted["draft"], f"{url}?state=draft"),
            Card(
                _("Grants in force"),
                Grant.objects.in_force().filter(department__in=departments, outside=None).count(),
                reverse("sharing:grant-list"),
            ),
        ]
    if decides_somewhere(actor):
        counted = (
            ApprovalStep.objects.of_offices(actor.standing)
            .open()
            .aggregate(n=Count("id"), late=Count("id", filter=Q(due_at__lt=timezone.now())))
        )
        url = reverse("sharing:queue")
        found += [
            Card(_("Requests to decide"), counted["n"], url, "warn"),
            Card(_("Past their deadline"), counted["late"], f"{url}?tab=late", "bad"),
        ]
    return found


def register() -> None:
    more = _("Lists and supervision")
    register_nav(
        Entry(30, _("Basket"), "sharing:basket", _may_apply, _basket),
        Entry(40, _("Requests"), "sharing:request-list", _has_duty),
        Entry(50, _("Queue"), "sharing:queue", decides_somewhere, _open_steps, covers="/steps/"),
        Entry(60, _("Grants"), "sharing:grant-list", _has_duty, _grants_waiting, covers=HOLDING),
        Entry(63, _("Reported errors"), "sharing:correction-list", _has_duty, _corrections_waiting, group=more),
        Entry(65, _("Three lists"), "sharing:demand-list", _has_duty, _demands_waiting, covers=LISTS, group=more),
        Entry(68, _("Approval routes"), "sharing:route-list", _is_authority, group=more),
        Entry(70, _("Supervision"), "sharing:supervision", _is_authority, group=more),
    )
    cards.register(_cards)
    cards.register(_holding_cards)
