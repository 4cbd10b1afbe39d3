"""Pages of databases and of the pulls from them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog.connections import databases, pulling, sources
from catalog.connections.addresses import SourceFailed
from catalog.connections.forms import PullForm, SourceForm
from catalog.models import DatabaseSource, Dataset, TablePull
from catalog.panels import Panel, register
from catalog.views.records import visible_or_404
from portal import access
from portal.access import Actor, Permission
from portal.errors import PortalError, WrongState
from portal.views import actor_of, clean_text, page_of, show_refusal

SORTS = {"title": ("title", "id"), "newest": ("-created_at", "id"), "uses": ("-uses", "title", "id")}


@login_required
def source_list(request: HttpRequest) -> HttpResponse:
    """The databases of my departments."""
    actor = actor_of(request)
    access.require(actor, Permission.CONNECTION_MANAGE)
    rows = sources.managed_by(actor)
    if text := clean_text(request.GET.get("q", ""))[:100]:
        rows = rows.filter(Q(title__icontains=text) | Q(host__icontains=text) | Q(database__icontains=text))
    rows = rows.order_by(*SORTS.get(request.GET.get("sort", ""), SORTS["title"]))
    return render(request, "catalog/connections/source_list.html", {"page": page_of(request, rows)})


def _source(request: HttpRequest, pk: UUID) -> DatabaseSource:
    return get_object_or_404(sources.managed_by(actor_of(request)), pk=pk)


@login_required
def source_create(request: HttpRequest) -> HttpResponse:
    """Register a database."""
    return _save(request, DatabaseSource(), _("New database"))


@login_required
def source_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change a database."""
    return _save(request, _source(request, pk), _("Change the database"))


def _save(request: HttpRequest, source: DatabaseSource, title: str) -> HttpResponse:
    actor = actor_of(request)
    access.require(actor, Permission.CONNECTION_MANAGE)
    form = SourceForm(request.POST or None, instance=source, actor=actor)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        target = DatabaseSource() if source._state.adding else DatabaseSource.objects.get(pk=source.pk)
        try:
            saved = sources.save(
                source=target,
                department=said["department"],
                values=said,
                password=said["new_password"],
                actor=actor,
            )
        except PortalError as error:
            show_refusal(form, error)
        else:
            _try(request, saved, actor)
            return redirect("catalog:connection-list")
    back = reverse("catalog:connection-list")
    context = {"form": form, "title": title, "tone": "is-primary", "list_url": back, "list_title": _("Connections")}
    return render(request, "layouts/act.html", context | {"back": back}, status=422 if form.errors else 200)


def _try(request: HttpRequest, source: DatabaseSource, actor: Actor) -> None:
    try:
        count = sources.test(source=source, actor=actor)
    except SourceFailed as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("The connection works: %(count)s tables.") % {"count": count})


@login_required
@require_POST
def source_test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Connect once, and say how it went."""
    _try(request, _source(request, pk), actor_of(request))
    return redirect("catalog:connection-list")


@login_required
@require_POST
def source_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget a database."""
    try:
        sources.remove(source=_source(request, pk), actor=actor_of(request))
    except WrongState as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Removed."))
    return redirect("catalog:connection-list")


@login_required
def pull_order(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Order a record's table to be read from a database: which one, which table, which columns, how often."""
    dataset = visible_or_404(request, pk)
    actor = actor_of(request)
    access.require(actor, Permission.DATASET_EDIT, dataset)
    found = list(DatabaseSource.objects.filter(department=dataset.provider))
    before = TablePull.objects.filter(dataset=dataset).first()
    wanted = request.GET.get("source") or (str(before.source_id) if before else "")
    source = next((each for each in found if str(each.pk) == wanted), found[0] if len(found) == 1 else None)
    context: dict[str, Any] = {"dataset": dataset, "sources": found, "source": source, "before": before}
    status = 200
    if source is not None:
        try:
            status = _choose(request, context, dataset, source)
        except SourceFailed as error:
            context["fault"] = str(error)
        if status == 0:
            messages.success(request, _("The pull is ordered and has begun."))
            return redirect(f"{dataset.get_absolute_url()}#data")
    return render(request, "catalog/connections/pull.html", context, status=status)


def _choose(request: HttpRequest, context: dict[str, Any], dataset: Dataset, source: DatabaseSource) -> int:
    """Fill the page as far as the choice has come; the status of the answer, 0 when the pull is ordered."""
    before: TablePull | None = context["before"] if context["before"] and context["before"].source == source else None
    tables = databases.tables(source)
    names = {f"{schema}.{name}" if schema else name: (schema, name) for schema, name in tables}
    asked = request.GET.get("table") or (before.full_name if before else "")
    chosen = names.get(asked)
    context |= {"tables": list(names), "asked": asked}
    if chosen is None:
        return 200
    known = databases.columns(source, *chosen)
    same = before if before and (before.schema, before.table) == chosen else None
    form = PullForm(request.POST or None, known=known, before=same)
    context |= {"form": form, "known": known, "chosen": set(form["columns"].value()), "keys": set(form["key"].value())}
    if request.method != "POST":
        return 200
    if form.is_valid():
        try:
            pulling.order(dataset=dataset, actor=actor_of(request), wanted=form.order(source, *chosen))
        except PortalError as error:
            show_refusal(form, error)
        else:
            return 0
    return 422


@login_required
@require_POST
def pull_act(request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
    """Begin, pause, take up again, or give up the pull of a record."""
    dataset = visible_or_404(request, pk)
    actor = actor_of(request)
    access.require(actor, Permission.DATASET_EDIT, dataset)
    get_object_or_404(TablePull, dataset=dataset)
    if act not in ("now", "pause", "resume", "end"):
        raise Http404
    try:
        if act == "now":
            pulling.pull_now(dataset=dataset, actor=actor)
            messages.success(request, _("The pull has begun."))
        elif act == "end":
            pulling.end(dataset=dataset, actor=actor)
            messages.success(request, _("The pull is given up. The rows that were loaded stay."))
        else:
            pulling.pause(dataset=dataset, actor=actor, is_paused=act == "pause")
    except PortalError as error:
        messages.error(request, str(error))
    return redirect(f"{dataset.get_absolute_url()}?tab=connections")


def _shown(actor: Actor, dataset: Dataset) -> bool:
    return access.can(actor, Permission.DATASET_EDIT, dataset) or dataset.services.exists()


def _context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    may_edit = access.can(actor, Permission.DATASET_EDIT, dataset)
    pull = TablePull.objects.select_related("source").filter(dataset=dataset).first() if may_edit else None
    jobs = dataset.distributions.first()
    return {
        "may_edit": may_edit,
        "pull": pull,
        "pulls": list(jobs.jobs.filter(is_pulled=True).select_related("version")[:10]) if jobs and may_edit else [],
        "services": list(dataset.services.select_related("department").defer("document")),
    }


def register_panel() -> None:
    """The tab of where a record's data come from, and of its interfaces."""
    title = gettext_lazy("Connections")
    register(Panel("connections", 26, title, "catalog/connections/_panel.html", _shown, _context))
