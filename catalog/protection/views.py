"""The tab of protection, and the cataloguer's answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog import lifecycle, revisions
from catalog.forms import ReasonForm
from catalog.items import column_of
from catalog.models import Dataset, Finding, Sensitivity
from catalog.panels import Panel, register
from catalog.protection import keeping
from catalog.protection.detectors import Kind, proposed
from catalog.protection.forms import MasksForm
from catalog.tables.masks import EXPLAINED, LABELS, BadMask, Method, parse_mask
from catalog.views.records import visible_or_404
from portal import access
from portal.access import Actor, Permission
from portal.errors import PortalError
from portal.views import actor_of


def _finding_or_404(request: HttpRequest, pk: UUID) -> Finding:
    actor = actor_of(request)
    visible = Dataset.objects.readable_by(actor.standing.reader_groups)
    rows = Finding.objects.filter(dataset__in=visible).select_related("dataset__provider__region")
    finding = get_object_or_404(rows, pk=pk)
    access.require(actor, Permission.DATASET_EDIT, finding.dataset)
    return finding


def _tab(finding: Finding) -> str:
    return f"{finding.dataset.get_absolute_url()}?tab=protection"


@login_required
@require_POST
def finding_confirm(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Mark the item as personal."""
    finding = _finding_or_404(request, pk)
    try:
        keeping.confirm(finding=finding, actor=actor_of(request))
    except PortalError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The item is marked."))
    return redirect(_tab(finding))


@login_required
def finding_overrule(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say why a column holds no personal data."""
    finding = _finding_or_404(request, pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        keeping.overrule(finding=finding, actor=actor_of(request), reason=form.cleaned_data["reason"])
        messages.success(request, _("Answered. Reviewers see your reason."))
        return redirect(_tab(finding))
    title = _("No personal data")
    warning = _("The column “%(column)s” seems to hold: %(kind)s.") % {
        "column": finding.column,
        "kind": Kind(finding.kind).label,
    }
    context = {"dataset": finding.dataset, "form": form, "title": title, "action": _("Answer"), "warning": warning}
    return render(request, "catalog/reason.html", context, status=422 if form.errors else 200)


def masks_context(form: MasksForm) -> dict[str, Any]:
    """What the table of masks shows."""
    explained = [(LABELS[method], EXPLAINED[method]) for method in Method]
    return {"form": form, "heads": list(form.kinds.values()), "explained": explained}


@login_required
def masks_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The masks of a record's items, in its draft or open revision; publication puts them in force."""
    dataset = visible_or_404(request, pk)
    actor = access.require(actor_of(request), Permission.DATASET_EDIT, dataset)
    document = revisions.document_of(dataset)
    items = document["items"]
    kinds = {"share_mask": _("When shared"), "open_mask": _("When open")}
    masks = {kind: {item["column"]: item[kind] for item in items} for kind in kinds}
    columns = [column_of(item) for item in items]
    form = MasksForm(request.POST or None, columns=columns, kinds=kinds, masks=masks)
    seen = request.POST.get("seen_revision", str(dataset.work.revision))
    if request.method == "POST" and form.is_valid():
        chosen = {kind: form.chosen(kind) for kind in kinds}
        changed = [{**item, **{k: chosen[k].get(item["column"], "") for k in kinds}} for item in items]
        try:
            number = int(seen) if seen.isdecimal() and len(seen) < 10 else 0
            lifecycle.update(dataset=dataset, actor=actor, values={}, items=changed, seen_revision=number)
        except PortalError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The masks are saved. They hold once the record is published."))
            return redirect(f"{dataset.get_absolute_url()}?tab=protection")
    context = {"dataset": dataset, "seen": seen, **masks_context(form)}
    return render(request, "catalog/protection/masks.html", context, status=422 if form.errors else 200)


def _shown(actor: Actor, dataset: Dataset) -> bool:
    return access.can(actor, Permission.DATASET_VERSIONS, dataset)


def _context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    document = revisions.document_of(dataset)
    items = {item["column"]: item for item in document["items"]}
    rows = []
    for finding in Finding.objects.filter(dataset=dataset).select_related("decided_by"):
        item = items.get(finding.column)
        marked = Sensitivity(item["sensitivity"]) if item else Sensitivity.NONE
        waits = finding.state == "open" and marked == Sensitivity.NONE and proposed(finding.kind) != Sensitivity.NONE
        name = item["name"] if item else finding.column
        rows.append((finding, name, Kind(finding.kind).label, proposed(finding.kind).label, marked.label, waits))
    may_edit = access.can(actor, Permission.DATASET_EDIT, dataset)
    has_table = dataset.distributions.filter(current__isnull=False).exists()
    may_mark = may_edit and dataset.work.is_editable
    named = [
        (item["name"], *(_mask_label(item, kind) for kind in ("share_mask", "open_mask"))) for item in items.values()
    ]
    masked = [row for row in named if any(row[1:])]
    return {"masked": masked, "rows": rows, "may_edit": may_edit, "may_mark": may_mark, "has_table": has_table}


def _mask_label(item: dict[str, Any], kind: str) -> str:
    text = item.get(kind) or ""
    try:
        mask = parse_mask(text, column_of(item)) if text else None
    except BadMask:
        return text
    return f"{mask.method.label} {mask.parameter}".strip() if mask else ""


def register_panel() -> None:
    """The tab of protection."""
    register(Panel("protection", 30, gettext_lazy("Protection"), "catalog/protection/_panel.html", _shown, _context))
