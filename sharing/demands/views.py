"""The demand list for civil servants: list, export, asking, one demand with its acts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import ListView

from portal import access
from portal.access import Actor, Permission
from portal.audit.record import stream_of
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from portal.errors import InvalidInput, PortalError
from portal.list_export import exported
from portal.sealing import unseal
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, require_duty, show_refusal
from sharing import history
from sharing.demands import acts, queries
from sharing.demands.deeds import DEEDS, may_join, open_to
from sharing.demands.forms import DemandForm, JoinForm
from sharing.models import Demand, DemandState

HEAD = (
    gettext_lazy("number"),
    gettext_lazy("title"),
    gettext_lazy("asked by"),
    gettext_lazy("joined by"),
    gettext_lazy("holder"),
    gettext_lazy("state"),
    gettext_lazy("asked"),
    gettext_lazy("deadline"),
    gettext_lazy("promised for"),
)


def sides_for(actor: Actor) -> list[tuple[str, Any]]:
    """The tabs that make sense for this person."""
    sides = [("", _("All")), ("mine", _("Asked by us")), ("answer", _("For us to answer"))]
    if actor.standing.departments_with(*AUTHORITY_DUTIES):
        sides.append(("charge", _("In our charge")))
    return sides


class DemandListView(WorkplaceMixin, ListView[Demand]):
    """Demands that I may read, with filters in the address and figures on top."""

    permission = Permission.DEMAND_CREATE
    template_name = "sharing/demand_list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Demand]:
        rows = queries.side_of(self.actor.standing, self.request.GET.get("side", ""))
        return queries.matching(rows, self.request.GET)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        ids = [demand.pk for demand in context["page_obj"].object_list]
        found = queries.shown(Demand.objects.filter(pk__in=ids)).in_bulk()
        return context | {
            "demands": [found[pk] for pk in ids],
            "figures": queries.figures(queries.side_of(self.actor.standing, self.request.GET.get("side", ""))),
            "sides": sides_for(self.actor),
            "side": self.request.GET.get("side", ""),
            "states": DemandState.choices,
        }


@login_required
def demand_export(request: HttpRequest) -> HttpResponseBase:
    """The list under its filters, as CSV or XLSX."""
    actor = require_duty(request)
    rows = queries.matching(queries.side_of(actor.standing, request.GET.get("side", "")), request.GET)
    lines = (
        [
            d.number,
            d.title,
            d.department.name if d.department else _("A citizen"),
            d.joined,  # type: ignore[attr-defined]
            d.holder.name if d.holder else "",
            d.get_state_display(),
            d.created_at.date(),
            d.due_at.date() if d.due_at and d.has_deadline else "",
            d.promised_on,
        ]
        for d in queries.shown(rows).iterator(chunk_size=1_000)
    )
    return exported(request.GET.get("format", ""), "demands", _("Demand list"), HEAD, lines)


def _departments(actor: Actor) -> QuerySet[Department]:
    return Department.objects.active().filter(pk__in=actor.standing.departments_with())


@login_required
def demand_create(request: HttpRequest) -> HttpResponse:
    """Ask for data; what exists already is shown while the title is written."""
    actor = require_duty(request)
    initial = {"title": request.GET.get("q", "")[:200]}
    form = DemandForm(request.POST or None, departments=_departments(actor), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = acts.create(actor=actor, department=form.cleaned_data["department"], wanted=form.wanted())
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request, _("Submitted as %(number)s. The data authority names the holder.") % {"number": made.number}
            )
            return redirect(made)
    text = request.POST.get("title", initial["title"])
    context = {"form": form, "similar": queries.similar(text, actor.standing)}
    return render(request, "sharing/demand_form.html", context, status=422 if form.errors else 200)


@login_required
def demand_similar(request: HttpRequest) -> HttpResponse:
    """What exists for the title that is being written, as a fragment."""
    actor = require_duty(request)
    found = queries.similar(request.GET.get("title", ""), actor.standing)
    return render(request, "sharing/_demand_similar.html", {"similar": found})


def demand_or_404(request: HttpRequest, pk: UUID) -> Demand:
    """The demand, when the reader may see it."""
    rows = Demand.objects.readable_by(actor_of(request).standing)
    related = "department", "authority__region", "holder", "dataset", "merged_into", "suggested_holder", "created_by"
    return get_object_or_404(rows.select_related(*related), pk=pk)


def _address(actor: Actor, demand: Demand) -> str:
    """A citizen's e-mail address, for the office whose turn it is and nobody else."""
    if not demand.sealed_email:
        return ""
    turn = Permission.DEMAND_STEER if demand.state == DemandState.SUBMITTED else Permission.DEMAND_ANSWER
    if not demand.is_open or not access.can(actor, turn, demand):
        return ""
    return unseal(demand.sealed_email)


@login_required
def demand_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One demand: what is asked, who joined, what was answered, what happened, and what I may do."""
    demand = demand_or_404(request, pk)
    actor = actor_of(request)
    may_catalogue = actor.standing.holds(demand.holder_id, Duty.CATALOGUER) if demand.holder_id else False
    words = {"title": demand.title, "summary": f"{demand.title}：{demand.content or demand.purpose}"[:1000]}
    context = {
        "demand": demand,
        "deeds": open_to(actor, demand),
        "may_join": bool(may_join(actor, demand)),
        "supporters": list(demand.supporters.select_related("department")),
        "address": _address(actor, demand),
        "merged": list(demand.merged.order_by("number")[:50]),
        "record_url": f"{reverse('catalog:dataset-create')}?{urlencode(words)}"
        if may_catalogue and demand.state in (DemandState.ASSIGNED, DemandState.ACCEPTED)
        else "",
        "lines": history.lines(stream_of(demand)),
    }
    return render(request, "sharing/demand_detail.html", context)


@login_required
def demand_join(request: HttpRequest, pk: UUID) -> HttpResponse:
    """“We need it, too.”"""
    demand = demand_or_404(request, pk)
    actor = actor_of(request)
    departments = Department.objects.filter(pk__in=may_join(actor, demand))
    form = JoinForm(request.POST or None, departments=departments)
    if request.method == "POST" and form.is_valid():
        words = form.words()
        try:
            acts.join(demand=demand, actor=actor, department=words["department"], need=words["need"])
        except InvalidInput as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Your department joined the demand and is told of every step."))
            return redirect(demand)
    lead = _("One demand of several departments is answered before several of one each.")
    return _act_page(request, demand, form, _("We need it, too"), lead)


def _act_page(
    request: HttpRequest, demand: Demand, form: Any, title: Any, lead: Any = "", tone: str = "is-primary"
) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "lead": lead,
        "tone": tone or "is-primary",
        "subject": f"{demand.number} {demand.title}",
        "back": demand.get_absolute_url(),
        "list_url": reverse("sharing:demand-list"),
        "list_title": _("Demand list"),
    }
    return render(request, "layouts/act.html", context, status=422 if form.errors else 200)


def _initial(demand: Demand, act: str) -> dict[str, Any]:
    initial: dict[str, Any] = {"seen_version": demand.version}
    if act == "release":
        initial |= {"title": demand.title if demand.department_id else "", "summary": ""}
    if act == "assign" and demand.suggested_holder:
        initial["holder"] = demand.suggested_holder.credit_code
    return initial


@login_required
def demand_act(request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
    """One of ``DEEDS``: its form, and doing it."""
    if act not in DEEDS:
        raise Http404
    demand, actor, deed = demand_or_404(request, pk), actor_of(request), DEEDS[act]
    access.require(actor, deed.permission, demand)
    form = deed.form(request.POST or None, initial=_initial(demand, act))
    if request.method == "POST" and form.is_valid():
        seen = form.cleaned_data["seen_version"]
        try:
            deed.run(demand=demand, actor=actor, seen_version=seen, **form.words())
        except InvalidInput as error:
            show_refusal(form, error)
        else:
            messages.success(request, str(deed.done))
            return redirect(demand)
    return _act_page(request, demand, form, deed.title, deed.lead, deed.tone)
