"""One record: its page, its form, and the steps of its life."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import completeness, gate, impact, lifecycle, revisions
from catalog.forms import ReasonForm
from catalog.models import Dataset
from catalog.panels import panels_for
from catalog.parts import table_part
from catalog.rules import preview
from portal import access
from portal.access import Actor, Permission
from portal.departments.models import Duty, Membership
from portal.errors import InvalidInput, NotPermitted
from portal.views import actor_of

PREVIEW_ROWS = 100


def visible_or_404(request: HttpRequest, pk: UUID) -> Dataset:
    """The dataset, when the reader may see it."""
    groups = actor_of(request).standing.reader_groups
    rows = Dataset.objects.readable_by(groups).select_related("provider__region", "submitted_by", "spatial")
    return get_object_or_404(rows.prefetch_related("themes"), pk=pk)


def dataset_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything about a dataset that the reader may see, in tabs; only the open one is worked out."""
    dataset = visible_or_404(request, pk)
    actor = actor_of(request)
    if not actor.standing.duties:
        raise NotPermitted
    may = {p.value.partition(".")[2]: access.can(actor, p, dataset) for p in _ACTS}
    tabs = panels_for(actor, dataset)
    tab = next((panel for panel in tabs if panel.key == request.GET.get("tab")), None)
    is_editable = dataset.work.is_editable and may["edit"]
    document = revisions.document_of(dataset) if is_editable else None
    context = {
        "dataset": dataset,
        "draft": dataset.open_revision if may["versions"] else None,
        "tabs": tabs,
        "tab": tab,
        "may": may,
        "is_editable": is_editable,
        "missing": gate.missing(dataset, document) if document else {},
        "score": completeness.score(document) if document else None,
        "may_report": dataset.is_published and bool(actor.standing.departments_with() - {dataset.provider_id}),
        "may_apply": access.can(actor, Permission.REQUEST_CREATE) and not actor.standing.holds(dataset.provider_id),
    }
    context |= tab.context(actor, dataset, request) if tab else _overview(actor, dataset, may)
    return render(request, "catalog/dataset_detail.html", context)


def _overview(actor: Actor, dataset: Dataset, may: dict[str, bool]) -> dict[str, Any]:
    """Items, the first rows, what is said of the dataset, and who decides."""
    seen = preview(actor, dataset)
    part = table_part(dataset, seen.columns, seen.audience)
    distribution = dataset.distributions.select_related("current").first()
    return {
        "items": list(dataset.items.select_related("element")),
        "part": part,
        "page": part.page(part.query(limit=PREVIEW_ROWS)) if part else None,
        "distribution": distribution,
        "jobs": list(distribution.jobs.all()[:5]) if distribution and may["edit"] else [],
        "deciders": _deciders(dataset),
    }


_ACTS = (
    Permission.DATASET_EDIT,
    Permission.DATASET_SUBMIT,
    Permission.DATASET_REVIEW,
    Permission.DATASET_WITHDRAW,
    Permission.DATASET_VERSIONS,
    Permission.DATASET_EXCEPT,
)


def _deciders(dataset: Dataset) -> list[Membership]:
    """Who answers requests for the dataset at its provider."""
    rows = Membership.objects.current().filter(department=dataset.provider_id)
    duties = (Duty.PROVIDER_APPROVER, Duty.SECURITY_OFFICER)
    return list(rows.filter(duty__in=duties).select_related("user").order_by("duty", "user__name"))


@login_required
@require_POST
def dataset_submit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send a draft to review."""
    dataset = visible_or_404(request, pk)
    try:
        lifecycle.submit(dataset=dataset, actor=actor_of(request))
    except InvalidInput as error:
        messages.error(request, f"{error} " + " ".join(str(m) for found in error.fields.values() for m in found))
    else:
        messages.success(request, _("Submitted. Your department reviews it first, then the data authority."))
    return redirect(dataset)


@login_required
@require_POST
def dataset_approve(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Agree in the current review."""
    text = request.POST.get("seen_revision", "")
    seen = int(text) if text.isdecimal() and len(text) < 9 else None
    dataset = lifecycle.approve(dataset=visible_or_404(request, pk), actor=actor_of(request), seen_revision=seen)
    text = _("Published.") if dataset.is_published else _("Agreed. The data authority reviews it next.")
    messages.success(request, text)
    return redirect(dataset if _still_visible(dataset, actor_of(request)) else "catalog:dataset-review")


def _still_visible(dataset: Dataset, actor: Actor) -> bool:
    return access.can(actor, Permission.DATASET_VIEW, dataset)


@login_required
def dataset_return(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give a record back to its cataloguer, with a note."""
    dataset = visible_or_404(request, pk)
    access.require(actor_of(request), Permission.DATASET_REVIEW, dataset)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        lifecycle.return_for_changes(dataset=dataset, actor=actor_of(request), reason=form.cleaned_data["reason"])
        messages.success(request, _("Returned to the cataloguer."))
        return redirect("catalog:dataset-review")
    context = {"dataset": dataset, "form": form, "title": _("Return for changes"), "action": _("Return")}
    return render(request, "catalog/reason.html", context, status=422 if form.errors else 200)


@login_required
def dataset_withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a published record out of the catalogue, with a reason."""
    dataset = visible_or_404(request, pk)
    access.require(actor_of(request), Permission.DATASET_WITHDRAW, dataset)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        lifecycle.withdraw(dataset=dataset, actor=actor_of(request), reason=form.cleaned_data["reason"])
        messages.success(request, _("Withdrawn. Open requests for it are closed and its grants suspended."))
        return redirect("catalog:dataset-list")
    warning = _("Nobody will find the dataset any more; open requests for it are closed and its grants suspended.")
    context = {"dataset": dataset, "form": form, "title": _("Withdraw"), "action": _("Withdraw"), "warning": warning}
    context["groups"] = impact.impact_of(dataset, impact.WITHDRAWAL, actor_of(request))
    return render(request, "catalog/withdraw.html", context, status=422 if form.errors else 200)
