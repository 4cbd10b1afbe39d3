"""The pages on which routes are read, built, tried and published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal import access
from portal.access import Permission
from portal.departments.models import Department, Duty
from portal.errors import PortalError
from portal.views import actor_of, posted_version, show_refusal
from sharing.facts import facts_from
from sharing.models import ApplicantKind, RequestItem, Route, RouteVersion, SharingRequest
from sharing.models.route import titled
from sharing.routes import Stage, copies, parse_any_of, parse_stages, resolve
from sharing.routing import acts
from sharing.routing.checking import problems
from sharing.routing.forms import ExampleForm, NewRouteForm, PublishForm, RouteForm, StageForm
from sharing.routing.words import LATE_LABELS, WHO_LABELS, alternatives
from sharing.way import lanes_of, last_day

VERSIONS_SHOWN = 50


def _route(request: HttpRequest, pk: str, permission: Permission = Permission.ROUTE_VIEW) -> Route:
    """The route, when the reader may see (or manage) it."""
    access.require(actor_of(request), Permission.ROUTE_VIEW)
    found = get_object_or_404(Route.objects.select_related("region"), pk=pk)
    access.require(actor_of(request), permission, found)
    return found


def shown_stage(stage: Stage, offices: dict[Any, Department] | None = None) -> dict[str, Any]:
    """What a stage says, in words."""
    named = (offices or {}).get(stage.department)
    return {
        "stage": stage,
        "title": titled(stage.title, stage.title_en),
        "who": named.name if named else WHO_LABELS[stage.who],
        "duty": dict(Duty.choices)[stage.duty],
        "late": LATE_LABELS[stage.late],
        "alternatives": alternatives(stage.any_of),
    }


def diagram(version: RouteVersion | None) -> dict[str, list[dict[str, Any]]]:
    """The stages of a version in the three parts of its picture: common, in each lane, and afterwards with copies."""
    stages = parse_stages(version.stages) if version else ()
    offices = Department.objects.in_bulk({s.department for s in stages if s.department})
    parts: dict[str, list[dict[str, Any]]] = {"common": [], "lane": [], "after": []}
    for stage in stages:
        part = "after" if stage.afterwards or stage.is_copy else "lane" if stage.per_provider else "common"
        parts[part].append(shown_stage(stage, offices))
    return parts


@login_required
def route_list(request: HttpRequest) -> HttpResponse:
    """All routes in the order in which they are tried, and which version holds."""
    actor = actor_of(request)
    access.require(actor, Permission.ROUTE_VIEW)
    holding = {version.route_id: version for version in RouteVersion.objects.in_force()}
    drafts = set(RouteVersion.objects.filter(published_at=None).values_list("route_id", flat=True))
    rows = [
        {
            "route": route,
            "version": holding.get(route.pk),
            "has_draft": route.pk in drafts,
            "alternatives": alternatives(parse_any_of(route.any_of, route.pk)),
        }
        for route in Route.objects.select_related("region")
    ]
    context = {"rows": rows, "may_create": access.can(actor, Permission.ROUTE_MANAGE)}
    return render(request, "sharing/routing/list.html", context)


@login_required
def route_create(request: HttpRequest) -> HttpResponse:
    """A new route, made of another."""
    actor = access.require(actor_of(request), Permission.ROUTE_MANAGE)
    form = NewRouteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        settings = form.settings()
        if settings:
            data = form.cleaned_data
            try:
                route = acts.create(key=data["key"], settings=settings, source=data["source"], actor=actor)
            except PortalError as error:
                show_refusal(form, error)
            else:
                return redirect("sharing:route-edit", route.pk)
    return render(request, "sharing/routing/settings.html", {"form": form}, status=422 if form.errors else 200)


@login_required
def route_detail(request: HttpRequest, pk: str) -> HttpResponse:
    """A route: for what it is, its picture, its versions."""
    route = _route(request, pk)
    used = Count("requests", filter=Q(requests__submitted_at__isnull=False))
    versions = list(route.versions.annotate(used=used).select_related("published_by").order_by("-number"))
    holding = acts.version_in_force(route)
    chosen = next((v for v in versions if str(v.number) == request.GET.get("version")), None)
    shown = chosen or holding or (versions[0] if versions else None)
    context = {
        "route": route,
        "versions": versions[:VERSIONS_SHOWN],
        "holding": holding,
        "shown": shown,
        "diagram": diagram(shown),
        "alternatives": alternatives(parse_any_of(route.any_of, route.pk)),
        "may_manage": access.can(actor_of(request), Permission.ROUTE_MANAGE, route),
        "may_reroute": access.can(actor_of(request), Permission.STEP_SUPERVISE),
        "today": timezone.localdate(),
    }
    return render(request, "sharing/routing/detail.html", context)


@login_required
def route_settings(request: HttpRequest, pk: str) -> HttpResponse:
    """Which requests a route is for."""
    route = _route(request, pk, Permission.ROUTE_MANAGE)
    form = RouteForm(request.POST or None, route=route)
    if request.method == "POST" and form.is_valid():
        settings = form.settings()
        if settings:
            try:
                acts.change_settings(route=route, settings=settings, actor=actor_of(request))
            except PortalError as error:
                show_refusal(form, error)
            else:
                messages.success(request, _("Saved."))
                return redirect(route)
    context = {"form": form, "route": route}
    return render(request, "sharing/routing/settings.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def route_draft(request: HttpRequest, pk: str) -> HttpResponse:
    """Begin the next version, or go on with it."""
    route = _route(request, pk, Permission.ROUTE_MANAGE)
    acts.start_draft(route=route, actor=actor_of(request))
    return redirect("sharing:route-edit", route.pk)


def _draft_or_none(route: Route) -> RouteVersion | None:
    return route.versions.filter(published_at=None).first()


def _edit_context(route: Route, draft: RouteVersion, form: PublishForm) -> dict[str, Any]:
    stages = parse_stages(draft.stages)
    return {
        "route": route,
        "draft": draft,
        "diagram": diagram(draft),
        "stages": [shown_stage(stage) for stage in stages],
        "problems": problems(stages, parse_any_of(route.any_of, route.pk)),
        "form": form,
    }


@login_required
def route_edit(request: HttpRequest, pk: str) -> HttpResponse:
    """The draft: its stages, what the checks say, and publishing."""
    route = _route(request, pk, Permission.ROUTE_MANAGE)
    draft = _draft_or_none(route)
    if draft is None:
        messages.warning(request, _("There is no draft. Begin the next version first."))
        return redirect(route)
    return render(request, "sharing/routing/edit.html", _edit_context(route, draft, PublishForm()))


@login_required
@require_POST
def route_order(request: HttpRequest, pk: str) -> HttpResponse:
    """Move or remove a stage of the draft."""
    route = _route(request, pk, Permission.ROUTE_MANAGE)
    key, act = request.POST.get("key", ""), request.POST.get("act", "")
    try:
        acts.order_stage(route=route, actor=actor_of(request), seen=posted_version(request, "seen"), key=key, act=act)
    except PortalError as error:
        messages.error(request, str(error))
    return redirect("sharing:route-edit", route.pk)


@login_required
def stage_edit(request: HttpRequest, pk: str, stage: str) -> HttpResponse:
    """One stage of the draft; ``new`` for one more."""
    route = _route(request, pk, Permission.ROUTE_MANAGE)
    draft = _draft_or_none(route)
    if draft is None:
        return redirect(route)
    kept: dict[str, Any] = next((row for row in draft.stages if row["key"] == stage), {})
    form = StageForm(request.POST or None, initial=kept, any_of=kept.get("any_of"))
    if request.method == "POST" and form.is_valid():
        typed = form.stage()
        if typed:
            key = stage if kept else ""
            try:
                acts.put_stage(
                    route=route, actor=actor_of(request), seen=posted_version(request, "seen"), stage=typed, key=key
                )
            except PortalError as error:
                show_refusal(form, error)
            else:
                return redirect("sharing:route-edit", route.pk)
    context = {"route": route, "draft": draft, "form": form, "is_new": not kept}
    return render(request, "sharing/routing/stage.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def route_publish(request: HttpRequest, pk: str) -> HttpResponse:
    """Publish the draft."""
    route = _route(request, pk, Permission.ROUTE_MANAGE)
    draft = _draft_or_none(route)
    if draft is None:
        return redirect(route)
    form = PublishForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            acts.publish(
                route=route,
                actor=actor_of(request),
                seen=posted_version(request, "seen"),
                effective_from=data["effective_from"],
                note=data["note"],
            )
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Published. Requests that run keep their route."))
            return redirect(route)
    return render(request, "sharing/routing/edit.html", _edit_context(route, draft, form), status=422)


@login_required
@require_POST
def route_discard(request: HttpRequest, pk: str) -> HttpResponse:
    """Throw the draft away."""
    route = _route(request, pk, Permission.ROUTE_MANAGE)
    try:
        acts.discard(route=route, actor=actor_of(request))
    except PortalError as error:
        messages.error(request, str(error))
    return redirect(route if Route.objects.filter(pk=pk).exists() else "sharing:route-list")


@login_required
def route_compare(request: HttpRequest, pk: str) -> HttpResponse:
    """Two versions beside each other, stage by stage."""
    route = _route(request, pk)
    versions = {str(version.number): version for version in route.versions.order_by("-number")}
    numbers = list(versions)
    new = versions.get(request.GET.get("new", ""), versions[numbers[0]] if numbers else None)
    old = versions.get(request.GET.get("old", ""), versions[numbers[min(1, len(numbers) - 1)]] if numbers else None)
    context = {"route": route, "versions": list(versions.values()), "old": old, "new": new, "rows": _changes(old, new)}
    return render(request, "sharing/routing/compare.html", context)


def _changes(old: RouteVersion | None, new: RouteVersion | None) -> list[dict[str, Any]]:
    sides = [{s.key: shown_stage(s) for s in parse_stages(v.stages)} if v else {} for v in (old, new)]
    keys = dict.fromkeys([*sides[1], *sides[0]])
    rows = []
    for key in keys:
        before, after = sides[0].get(key), sides[1].get(key)
        kind = "added" if before is None else "removed" if after is None else "changed"
        if before and after and before["stage"] == after["stage"]:
            kind = "same"
        rows.append({"before": before, "after": after, "kind": kind})
    return rows


@login_required
def route_preview(request: HttpRequest, pk: str) -> HttpResponse:
    """Try a version, or the draft, on an example: lanes, people and dates."""
    route = _route(request, pk)
    version = _draft_or_none(route) or acts.version_in_force(route)
    form = ExampleForm(request.GET if "applicant" in request.GET else None)
    context: dict[str, Any] = {"route": route, "version": version, "form": form}
    if form.is_bound and form.is_valid() and version:
        data = form.cleaned_data
        example = SharingRequest(
            department=data["applicant"],
            purpose=data["purpose"],
            is_cross_border=data["is_cross_border"],
            applicant_kind=data["applicant_kind"] or ApplicantKind.DEPARTMENT,
        )
        items = [
            RequestItem(request=example, dataset=dataset, columns=[i.column for i in dataset.items.all()])
            for dataset in data["datasets"]
        ]
        facts = replace(facts_from(example, items), is_restricted=data["is_restricted"])
        stages = parse_stages(version.stages)
        try:
            context["lanes"] = lanes_of(resolve(stages, facts))
        except PortalError as error:
            show_refusal(form, error)
        else:
            context["last_day"] = last_day(context["lanes"])
            context["copies"] = Department.objects.filter(pk__in=[pk for pk, _duty in copies(stages, facts)])
    return render(request, "sharing/routing/preview.html", context, status=422 if form.errors else 200)
