"""One record: its page, its form, and the steps of its life."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import gate, history, lifecycle
from catalog.forms import DatasetForm, ItemFormSet, ReasonForm, UploadForm, item_initial, item_values
from catalog.models import Dataset, Theme
from catalog.parts import table_part
from catalog.rules import previewable_columns
from portal import access
from portal.access import Actor, Permission
from portal.departments.models import Duty, Membership
from portal.errors import InvalidInput, NotPermitted, PortalError, WrongState
from portal.views import actor_of

PREVIEW_ROWS = 100


def visible_or_404(request: HttpRequest, pk: UUID) -> Dataset:
    """The dataset, when the reader may see it."""
    groups = actor_of(request).standing.reader_groups
    rows = Dataset.objects.readable_by(groups).select_related("provider__region", "submitted_by", "spatial")
    return get_object_or_404(rows.prefetch_related("themes"), pk=pk)


def dataset_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything about a dataset that the reader may see, with the first 100 rows and its history."""
    dataset = visible_or_404(request, pk)
    actor = actor_of(request)
    if not actor.standing.duties:
        raise NotPermitted
    part = table_part(dataset, previewable_columns(actor, dataset))
    page = part.page(part.query(limit=PREVIEW_ROWS)) if part else None
    may = {p.value.partition(".")[2]: access.can(actor, p, dataset) for p in _ACTS}
    distribution = dataset.distributions.select_related("current").first()
    context = {
        "dataset": dataset,
        "items": list(dataset.items.all()),
        "part": part,
        "page": page,
        "distribution": distribution,
        "jobs": list(distribution.jobs.all()[:5]) if distribution and may["edit"] else [],
        "may": may,
        "is_editable": dataset.is_editable and may["edit"],
        "missing": gate.missing(dataset) if dataset.is_editable and may["edit"] else {},
        "lines": history.lines(dataset) if actor.standing.holds(dataset.provider_id) or may["withdraw"] else [],
        "deciders": _deciders(dataset),
        "may_apply": access.can(actor, Permission.REQUEST_CREATE) and not actor.standing.holds(dataset.provider_id),
        "upload_form": UploadForm(),
    }
    return render(request, "catalog/dataset_detail.html", context)


_ACTS = (
    Permission.DATASET_EDIT,
    Permission.DATASET_SUBMIT,
    Permission.DATASET_REVIEW,
    Permission.DATASET_WITHDRAW,
    Permission.DATASET_EXCEPT,
)


def _deciders(dataset: Dataset) -> list[Membership]:
    """Who answers requests for the dataset at its provider."""
    rows = Membership.objects.current().filter(department=dataset.provider_id)
    duties = (Duty.PROVIDER_APPROVER, Duty.SECURITY_OFFICER)
    return list(rows.filter(duty__in=duties).select_related("user").order_by("duty", "user__name"))


@login_required
def dataset_create(request: HttpRequest) -> HttpResponse:
    """A new record."""
    actor = actor_of(request)
    access.require(actor, Permission.DATASET_CREATE)
    departments = actor.standing.departments_with(Duty.CATALOGUER)
    form = DatasetForm(request.POST or None, departments=departments)
    items = ItemFormSet(request.POST or None, prefix="items")
    if request.method == "POST" and form.is_valid() and items.is_valid():
        try:
            dataset = lifecycle.create(
                actor=actor,
                provider=form.cleaned_data["provider"],
                values=form.values(),
                themes=list(form.cleaned_data["themes"]),
                items=item_values(items),
            )
        except InvalidInput as error:
            _show(form, error)
        else:
            messages.success(request, _("The draft is saved. Upload its data, or submit it for review."))
            return redirect(dataset)
    return _form_page(request, form, items, None)


@login_required
def dataset_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A draft or withdrawn record in its form; a save by somebody else in between is told and nothing typed is lost."""
    dataset = visible_or_404(request, pk)
    actor = actor_of(request)
    access.require(actor, Permission.DATASET_EDIT, dataset)
    if not dataset.is_editable:
        raise WrongState(_("A record in review or published cannot be edited. Withdraw it, or ask for its return."))
    form = DatasetForm(request.POST or None, instance=dataset)
    initial = None if request.method == "POST" else item_initial(dataset)
    items = ItemFormSet(request.POST or None, prefix="items", initial=initial)
    if request.method == "POST" and form.is_valid() and items.is_valid():
        try:
            lifecycle.update(
                dataset=dataset,
                actor=actor,
                values=form.values(),
                themes=list(form.cleaned_data["themes"]),
                items=item_values(items),
                seen_revision=form.cleaned_data["seen_revision"] or 0,
            )
        except PortalError as error:
            _show(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect(dataset)
    return _form_page(request, form, items, dataset)


def _show(form: forms.BaseForm, error: PortalError) -> None:
    """Put a refusal of the domain on the form, at its fields where they are named."""
    fields = error.fields if isinstance(error, InvalidInput) else {}
    for name, found in fields.items():
        for message in found:
            form.add_error(name if name in form.fields else None, str(message))
    if not fields:
        form.add_error(None, str(error))


def _form_page(request: HttpRequest, form: DatasetForm, items: Any, dataset: Dataset | None) -> HttpResponse:
    failed = request.method == "POST"
    context = {"form": form, "items": items, "dataset": dataset, "themes": Theme.objects.all()}
    return render(request, "catalog/dataset_form.html", context, status=422 if failed else 200)


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
    return render(request, "catalog/reason.html", context, status=422 if form.errors else 200)
