"""The pages of renewals: asking for one or many, and the provider's list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import ListView

from catalog.models import SharingType
from catalog.search import as_uuids
from portal import access
from portal.access import Actor, Permission
from portal.departments.models import Duty
from portal.errors import InvalidInput, PortalError
from portal.list_export import exported
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, show_refusal
from sharing.holding import queries, renewals
from sharing.holding.changes import changes_of_all
from sharing.holding.forms import NoWordsForm, RefuseForm, RenewForm
from sharing.models import Grant, GrantRenewal, RenewalState
from sharing.views.grants import grant_or_404

HEAD = (
    gettext_lazy("dataset"),
    gettext_lazy("provider"),
    gettext_lazy("user"),
    gettext_lazy("former last day"),
    gettext_lazy("new last day"),
    gettext_lazy("state"),
    gettext_lazy("asked"),
    gettext_lazy("deadline"),
    gettext_lazy("reason"),
)


@dataclass(frozen=True)
class Candidate:
    """A grant on the page of renewals, with what stands against renewing it."""

    grant: Grant
    changes: list[str]
    is_pending: bool

    @property
    def is_time(self) -> bool:
        return renewals.is_time(self.grant)

    @property
    def opens_on(self) -> Any:
        return renewals.opens_on(self.grant)

    @property
    def longest(self) -> Any:
        return renewals.longest(self.grant)

    @property
    def is_at_once(self) -> bool:
        """Whether nobody need agree."""
        return self.grant.dataset.sharing_type == SharingType.UNCONDITIONAL

    @property
    def can_be_renewed(self) -> bool:
        return self.is_time and not self.changes and not self.is_pending


def candidates(grants: Sequence[Grant]) -> list[Candidate]:
    """The grants with what stands against each; two queries."""
    changed = changes_of_all(grants)
    pending = set(GrantRenewal.objects.pending().filter(grant__in=grants).values_list("grant", flat=True))
    return [Candidate(grant, changed[grant.pk], grant.pk in pending) for grant in grants]


@login_required
def grant_renew(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Renew one grant in one step, or see what has changed and copy its request."""
    grant = grant_or_404(request, pk)
    access.require(actor_of(request), Permission.GRANT_USE, grant)
    return _renew(request, [grant])


@login_required
def grant_renew_many(request: HttpRequest) -> HttpResponse:
    """Renew the ticked grants together, with a line for each that says what became of it."""
    actor = actor_of(request)
    ids = as_uuids(request.GET.getlist("grant")[: renewals.BULK_LIMIT])
    departments = actor.standing.departments_with(Duty.APPLICANT)
    mine = Grant.objects.of_departments().filter(department__in=departments, pk__in=ids)
    found = list(mine.select_related("dataset__provider", "department", "item__request").order_by("valid_until", "id"))
    if not found:
        messages.warning(request, _("Tick the grants to be renewed."))
        return redirect("sharing:grant-list")
    return _renew(request, found)


def _renew(request: HttpRequest, found: list[Grant]) -> HttpResponse:
    form = RenewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            answer = _ask(request, found, form)
        except PortalError as error:
            show_refusal(form, error)
        else:
            return answer
    shown = candidates(found)
    context = {
        "candidates": shown,
        "form": form,
        "can_renew": any(one.can_be_renewed for one in shown),
        "only": shown[0] if len(shown) == 1 else None,
    }
    return render(request, "sharing/holding/renew.html", context, status=422 if form.errors else 200)


def _ask(request: HttpRequest, found: list[Grant], form: RenewForm) -> HttpResponse:
    actor, wish = actor_of(request), form.wish()
    if len(found) > 1:
        lines = renewals.ask_all(grants_=found, actor=actor, wish=wish)
        return render(request, "sharing/holding/renew_result.html", {"lines": lines})
    renewal = renewals.ask(grant=found[0], actor=actor, wish=wish)
    if renewal.state == RenewalState.GRANTED:
        messages.success(request, _("Renewed until %(day)s. Keys keep working.") % {"day": renewal.until.isoformat()})
    else:
        messages.success(request, _("The provider was asked and decides within its days. Keys keep working."))
    return redirect(found[0])


class RenewalListView(WorkplaceMixin, ListView[GrantRenewal]):
    """Renewals that I may read."""

    template_name = "sharing/holding/renewal_list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[GrantRenewal]:
        return queries.renewals(self.actor.standing, self.request.GET)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        deciding = self.actor.standing.departments_with(Duty.PROVIDER_APPROVER)
        using = self.actor.standing.departments_with(Duty.APPLICANT)
        return context | {
            "deciding": deciding,
            "using": using,
            "people": self.actor.people_ids,
            "side": self.request.GET.get("side", ""),
            "states": RenewalState.choices,
        }


@login_required
def renewal_export(request: HttpRequest) -> HttpResponseBase:
    """The list under its filters, as CSV or XLSX."""
    rows = queries.renewals(actor_of(request).standing, request.GET)
    lines = (
        [
            r.grant.dataset.title,
            r.grant.dataset.provider.name,
            r.grant.department.name,
            r.former_until,
            r.until,
            r.get_state_display(),
            r.created_at.date(),
            r.due_at.date() if r.due_at else "",
            r.reason,
        ]
        for r in rows.iterator(chunk_size=1_000)
    )
    return exported(request.GET.get("format", ""), "renewals", _("Renewals"), HEAD, lines)


@dataclass(frozen=True)
class Act:
    """What can be done with a pending renewal: who may, which form, which function."""

    title: str | Promise
    done: str | Promise
    lead: str | Promise
    form: type[forms.Form]
    run: Callable[..., GrantRenewal]
    tone: str = "is-primary"


ACTS: dict[str, Act] = {
    "approve": Act(
        gettext_lazy("Agree to the renewal"),
        gettext_lazy("Renewed. The department was told; its keys keep working."),
        gettext_lazy("The grant goes on with the same items, rows, masks and modes."),
        NoWordsForm,
        renewals.approve,
    ),
    "refuse": Act(
        gettext_lazy("Refuse the renewal"),
        gettext_lazy("Refused. The department was told why."),
        gettext_lazy("The grant ends on its last day. The department may apply anew."),
        RefuseForm,
        renewals.refuse,
        "is-danger",
    ),
    "withdraw": Act(
        gettext_lazy("Withdraw the renewal"),
        gettext_lazy("Withdrawn. The grant ends on its last day."),
        gettext_lazy("The provider need not decide any more."),
        NoWordsForm,
        renewals.withdraw,
        "is-danger",
    ),
}


def _require(actor: Actor, act: str, renewal: GrantRenewal) -> Actor:
    if act == "withdraw":
        return access.require(actor, Permission.GRANT_USE, renewal.grant)
    return access.require(actor, Permission.RENEWAL_DECIDE, renewal)


@login_required
def renewal_act(request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
    """One of ``ACTS``: its form, and doing it."""
    if act not in ACTS:
        raise Http404
    actor, chosen = actor_of(request), ACTS[act]
    rows = GrantRenewal.objects.readable_by(actor.standing).select_related(*queries.RELATED)
    renewal = get_object_or_404(rows, pk=pk)
    _require(actor, act, renewal)
    form = chosen.form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            chosen.run(renewal=renewal, actor=actor, **form.cleaned_data)
        except InvalidInput as error:
            show_refusal(form, error)
        else:
            messages.success(request, str(chosen.done))
            return redirect(renewal)
    context = {
        "form": form,
        "title": chosen.title,
        "lead": chosen.lead,
        "tone": chosen.tone,
        "subject": str(renewal.grant),
        "back": renewal.grant.get_absolute_url(),
        "list_url": reverse("sharing:renewal-list"),
        "list_title": _("Renewals"),
    }
    return render(request, "layouts/act.html", context, status=422 if form.errors else 200)
