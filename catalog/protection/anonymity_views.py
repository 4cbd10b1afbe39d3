"""The tab of anonymity: how well people are hidden in what is open, a proposal that hides more, and an answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog import revisions
from catalog.documents import preview
from catalog.forms import ReasonForm
from catalog.items import column_of
from catalog.models import Dataset, DisclosureReport
from catalog.panels import Panel, register
from catalog.protection import generalising, opening
from catalog.protection.anonymity import Roles, is_enough, report_on, roles_of
from catalog.tables.errors import QueryTimeout
from catalog.tables.masks import parse_mask
from catalog.views.records import visible_or_404
from portal import access
from portal.access import Actor, Permission
from portal.errors import PortalError
from portal.views import actor_of


def _roles(dataset: Dataset) -> tuple[Roles, dict[str, Any]]:
    """The roles in the record as it is being written, and its items by column."""
    document = revisions.document_of(dataset)
    _shown_dataset, items = preview(dataset, document)
    return roles_of(items), {item["column"]: item for item in document["items"]}


def _tab(dataset: Dataset) -> str:
    return f"{dataset.get_absolute_url()}?tab=anonymity"


@login_required
def anonymity_propose(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A proposal of masks; sent back, they are set on the items."""
    dataset = visible_or_404(request, pk)
    actor = access.require(actor_of(request), Permission.DATASET_EDIT, dataset)
    roles, items = _roles(dataset)
    version = opening.current_version(dataset)
    proposal, late = None, False
    if version is not None and roles.quasi:
        try:
            proposal = generalising.propose(version.ref, roles)
        except QueryTimeout:
            late = True
    if request.method == "POST" and proposal:
        try:
            opening.accept(dataset=dataset, actor=actor, masks=proposal.masks)
        except PortalError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The masks are set. They hold once the record is published."))
        return redirect(_tab(dataset))
    rows = []
    if proposal and version:
        for name in roles.quasi:
            mask = proposal.masks.get(name, "")
            label = parse_mask(mask, version.ref.column(name) or column_of(items[name])).method.label if mask else ""
            rows.append((items[name]["name"], label, mask.partition(":")[2]))
    before = report_on(version, roles) if version and roles.quasi and not late else None
    context = {"dataset": dataset, "rows": rows, "proposal": proposal, "before": before, "late": late}
    return render(request, "catalog/protection/proposal.html", context | {"k": settings.DISCLOSURE_K})


@login_required
def disclosure_overrule(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The security officer's reason why the figures are enough."""
    actor = actor_of(request)
    visible = Dataset.objects.readable_by(actor.standing.reader_groups)
    rows = DisclosureReport.objects.filter(version__distribution__dataset__in=visible)
    report = get_object_or_404(rows.select_related("version__distribution__dataset__provider__region"), pk=pk)
    dataset = report.version.distribution.dataset
    access.require(actor, Permission.DISCLOSURE_OVERRULE, dataset)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            opening.overrule(report=report, actor=actor, reason=form.cleaned_data["reason"])
        except PortalError as error:
            messages.error(request, str(error))
        return redirect(_tab(dataset))
    warning = _("The fewest rows that are alike are %(k)s; %(n)s rows are in smaller groups than %(limit)s.") % {
        "k": report.k,
        "n": report.at_risk,
        "limit": settings.DISCLOSURE_K,
    }
    title = _("Anonymous enough")
    context = {"dataset": dataset, "form": form, "title": title, "action": _("Answer"), "warning": warning}
    return render(request, "catalog/reason.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def disclosure_measure(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Measure now."""
    dataset = visible_or_404(request, pk)
    access.require(actor_of(request), Permission.DATASET_EDIT, dataset)
    roles, _items = _roles(dataset)
    version = opening.current_version(dataset)
    if version and roles.quasi:
        try:
            report_on(version, roles)
        except QueryTimeout as error:
            messages.error(request, str(error))
    return redirect(_tab(dataset))


def _shown(actor: Actor, dataset: Dataset) -> bool:
    return dataset.open_type != "not_open" and access.can(actor, Permission.DATASET_VERSIONS, dataset)


def _context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    roles, items = _roles(dataset)
    version = opening.current_version(dataset)
    report = DisclosureReport.objects.filter(version=version, mark=roles.mark).first() if version else None
    named = {name: items[name]["name"] for name in (*roles.quasi, *roles.sensitive) if name in items}
    return {
        "quasi": [named[name] for name in roles.quasi if name in named],
        "sensitive": [named[name] for name in roles.sensitive if name in named],
        "version": version,
        "report": report,
        "is_enough": report is not None and is_enough(report),
        "share": report.at_risk / report.rows if report and report.rows else 0,
        "limits": {"k": settings.DISCLOSURE_K, "l": settings.DISCLOSURE_L, "t": settings.DISCLOSURE_T},
        "may_edit": access.can(actor, Permission.DATASET_EDIT, dataset),
        "may_overrule": access.can(actor, Permission.DISCLOSURE_OVERRULE, dataset),
    }


def register_panel() -> None:
    """The tab of anonymity."""
    register(Panel("anonymity", 31, gettext_lazy("Anonymity"), "catalog/protection/_anonymity.html", _shown, _context))
