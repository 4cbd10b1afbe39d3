"""Demands in the public section: the released ones, asking without an account, and following by a secret link."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.access import Actor
from portal.addresses import address_of
from portal.errors import PortalError
from portal.views import clean_text, page_of, show_refusal
from sharing.demands import acts, queries
from sharing.demands.forms import ObjectForm, PublicDemandForm, SeenForm
from sharing.demands.tokens import follow_path, is_valid
from sharing.models import Demand, DemandState, Responsibility
from sharing.negative.queries import items, records

FIGURES_SECONDS = 300
FOLLOWERS = {"confirm": acts.confirm, "object": acts.object_to, "withdraw": acts.withdraw}


class TooManyDemands(PortalError):
    """An address asks for more than allowed."""

    code = "too_many_demands"
    status = 429  # type: ignore[assignment]


def count_demand(address: str) -> None:
    """Count one demand of an address.

    Raises:
        TooManyDemands: more than ``DEMANDS_AN_HOUR`` within the hour.
    """
    key = f"demands:{address}:{int(time.time() // 3600)}"
    cache.add(key, 0, 7_200)
    if cache.incr(key) > settings.DEMANDS_AN_HOUR:
        raise TooManyDemands(_("Too many demands from your address. Please try again in an hour."))


def figures() -> dict[str, int]:
    """How long the three lists are, counted at most every five minutes."""
    found: dict[str, int] | None = cache.get("open:three-lists")
    if found is None:
        found = {
            "demands": Demand.objects.open().count(),
            "fulfilled": Demand.objects.filter(state__in=[DemandState.CATALOGUED, DemandState.FULFILLED]).count(),
            "responsibilities": Responsibility.objects.count(),
            "not_shared": records().count() + items().count(),
        }
        cache.set("open:three-lists", found, FIGURES_SECONDS)
    return found


@require_GET
def open_list(request: HttpRequest) -> HttpResponse:
    """What was asked for and released to the public."""
    rows = Demand.objects.public()
    if text := clean_text(request.GET.get("q", ""))[:100]:
        rows = rows.filter(public_title__icontains=text)
    page = page_of(request, rows.select_related("authority", "dataset").order_by("-created_at", "-id"))
    context = {"section": "demands", "page_obj": page, "figures": figures()}
    return render(request, "open/demand_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def open_create(request: HttpRequest) -> HttpResponse:
    """Ask for data without an account."""
    initial = {"title": request.GET.get("q", "")[:200]}
    form = PublicDemandForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["website"]:
            return redirect("sharing:open-demand-list")
        data = form.cleaned_data
        try:
            count_demand(address_of(request) or "")
            made = acts.create_public(authority=data["authority"], wanted=form.wanted(), email=data["email"])
        except PortalError as error:
            show_refusal(form, error)
        else:
            return _private(redirect(f"{follow_path(made)}?new=1"))
    text = request.POST.get("title", initial["title"])
    context = {"section": "demands", "form": form, "similar": queries.similar(text, None)}
    return render(request, "open/demand_form.html", context, status=422 if form.errors else 200)


@require_GET
def open_similar(request: HttpRequest) -> HttpResponse:
    """What the public can have already for the title that is being written, as a fragment."""
    found = queries.similar(request.GET.get("title", ""), None)
    return render(request, "sharing/_demand_similar.html", {"similar": found, "is_public": True})


def _private(response: HttpResponse) -> HttpResponse:
    """A page behind a secret link is kept nowhere, and its address is told to nobody outside the portal.

    Without any referrer browsers would send ``Origin: null`` with its forms, which are refused then.
    """
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def open_follow(request: HttpRequest, pk: UUID, token: str) -> HttpResponse:
    """How a citizen's demand stands, for whoever has the link; they may confirm, object or withdraw."""
    if not is_valid(pk, token):
        raise Http404
    related = "authority", "holder", "dataset", "merged_into__dataset"
    demand = get_object_or_404(Demand.objects.select_related(*related), pk=pk, department__isnull=True)
    form: SeenForm = ObjectForm(initial={"seen_version": demand.version})
    status = 200
    if request.method == "POST":
        error = _do(request, demand)
        if error is None:
            return _private(redirect(follow_path(demand)))
        form, status = error
    shown = demand.merged_into or demand
    context: dict[str, Any] = {
        "section": "demands",
        "demand": demand,
        "shown": shown,
        "form": form,
        "is_new": "new" in request.GET,
        "link": request.build_absolute_uri(follow_path(demand)),
        "may_confirm": demand.state == DemandState.CATALOGUED,
        "may_object": demand.state in (DemandState.CATALOGUED, DemandState.DECLINED, DemandState.REJECTED)
        and demand.objections < acts.OBJECTIONS,
        "may_withdraw": demand.state in (DemandState.SUBMITTED, DemandState.ASSIGNED, DemandState.ACCEPTED),
    }
    return _private(render(request, "open/demand_follow.html", context, status=status))


def _do(request: HttpRequest, demand: Demand) -> tuple[SeenForm, int] | None:
    """Do what a citizen chose; None when it is done, else the form that says why not."""
    act = request.POST.get("act", "")
    if act not in FOLLOWERS:
        raise Http404
    form: SeenForm = ObjectForm(request.POST) if act == "object" else SeenForm(request.POST)
    if not form.is_valid():
        return form, 422
    seen = form.cleaned_data["seen_version"]
    try:
        FOLLOWERS[act](demand=demand, actor=Actor.system(), seen_version=seen, **form.words())  # type: ignore[operator]
    except PortalError as error:
        shown = ObjectForm(request.POST)
        show_refusal(shown, error)
        return shown, int(error.status)
    return None
