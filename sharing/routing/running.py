"""The pages on which an authority moves running requests to the route that holds now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.search import as_uuids
from portal import access
from portal.access import Permission, Standing
from portal.departments.scope import regions_in_charge
from portal.errors import PortalError
from portal.views import CappedPaginator, actor_of, clean_text, posted_version, show_refusal
from sharing.facts import facts_of
from sharing.models import Route, RouteVersion, SharingRequest
from sharing.models.request import RequestState
from sharing.routes import parse_stages, resolve
from sharing.routing import rerouting
from sharing.way import lanes_of, last_day, way_of

OPEN = (RequestState.IN_REVIEW, RequestState.RETURNED, RequestState.OFFERED)
PAGE = 50


class ReasonForm(forms.Form):
    """Why requests take another route; the applicants read it."""

    reason = forms.CharField(
        label=gettext_lazy("Why another route"),
        help_text=gettext_lazy("The applicants read this, and it stands in the record."),
        max_length=rerouting.REASON_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def in_charge(standing: Standing) -> QuerySet[SharingRequest]:
    """Open requests of applicants in the regions of which one is the authority, and below."""
    within = Q(pk__in=[])
    for path in regions_in_charge(standing):
        within |= Q(department__region__path__startswith=path)
    return SharingRequest.objects.filter(within, state__in=OPEN).exclude(department__in=standing.departments_with())


@dataclass(frozen=True)
class Outcome:
    """What became of one request of many: ``error`` is None when it was moved."""

    request: SharingRequest
    error: PortalError | None


@login_required
def route_running(request: HttpRequest, pk: str) -> HttpResponse:
    """Running requests on versions of this route that do not hold any more; several can be moved at once."""
    actor = actor_of(request)
    access.require(actor, Permission.ROUTE_VIEW)
    route = get_object_or_404(Route, pk=pk)
    rows = in_charge(actor.standing).filter(route_version__route=route)
    rows = rows.exclude(route_version__in=RouteVersion.objects.in_force()).select_related("department", "route_version")
    if text := clean_text(request.GET.get("q", "")):
        named = Q(title__icontains=text) | Q(number__istartswith=text) | Q(department__name__icontains=text)
        rows = rows.filter(named)
    form = ReasonForm(request.POST or None)
    outcomes: list[Outcome] = []
    ids = as_uuids(request.POST.getlist("request")[:PAGE])
    if request.method == "POST":
        if not ids:
            form.add_error(None, _("Select at least one line first."))
        if form.is_valid():
            chosen = list(rows.filter(pk__in=ids).order_by("submitted_at", "id"))
            outcomes = [_move(request, each, form.cleaned_data["reason"]) for each in chosen]
            form = ReasonForm()
    page = CappedPaginator(rows.order_by("submitted_at", "id"), PAGE).get_page(request.GET.get("page"))
    context = {"route": route, "page_obj": page, "form": form, "outcomes": outcomes, "chosen": {str(i) for i in ids}}
    return render(request, "sharing/routing/running.html", context, status=422 if form.errors else 200)


def _move(request: HttpRequest, found: SharingRequest, reason: str) -> Outcome:
    seen = posted_version(request, f"version-{found.pk}")
    try:
        rerouting.reroute(request=found, actor=actor_of(request), seen_version=seen, reason=reason)
    except PortalError as error:
        return Outcome(found, error)
    return Outcome(found, None)


@login_required
def request_reroute(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One running request: the way that it has, the way that it would take now, and the reason."""
    actor = actor_of(request)
    rows = in_charge(actor.standing).select_related("department__region", "route_version__route", "created_by")
    found = get_object_or_404(rows, pk=pk)
    access.require(actor, Permission.REQUEST_REROUTE, found)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        outcome = _move(request, found, form.cleaned_data["reason"])
        if outcome.error is None:
            return redirect("sharing:request-reroute", found.pk)
        show_refusal(form, outcome.error)
    context: dict[str, Any] = {"sharing_request": found, "form": form, "lanes": way_of(found)}
    try:
        if version := rerouting.proposed(found):
            planned = lanes_of(resolve(parse_stages(version.stages), facts_of(found)))
            context |= {"version": version, "preview": planned, "last_day": last_day(planned)}
    except PortalError as error:
        context["preview_error"] = error
    return render(request, "sharing/routing/reroute.html", context, status=422 if form.errors else 200)
