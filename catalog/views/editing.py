"""Writing a record: the form of a draft or revision, kept while it is typed, checked live, merged when two write."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms.utils import ErrorDict
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import completeness, gate, lifecycle, revisions
from catalog.advice import advice_on
from catalog.documents import Document, overlaid, own_fields
from catalog.forms import DatasetForm, ItemFormSet, item_values
from catalog.models import DataElement, Dataset
from catalog.views.records import visible_or_404
from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.departments.models import Department, Duty
from portal.errors import InvalidInput, PortalError, WrongState
from portal.unsaved import store
from portal.views import actor_of, show_refusal

OFFERED_ELEMENTS = 500
"""Data elements that the form offers while one is typed; any other is taken by its code or name."""


def _key(dataset: Dataset | None) -> str:
    return f"record:{dataset.pk}" if dataset else "record:new"


def _writer(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _editable(request: HttpRequest, pk: UUID) -> Dataset:
    dataset = visible_or_404(request, pk)
    access.require(actor_of(request), Permission.DATASET_EDIT, dataset)
    if not dataset.work.is_editable:
        raise WrongState(_("A record in review cannot be edited; ask for its return. A published one is revised."))
    return dataset


def _posted(request: HttpRequest, dataset: Dataset | None) -> QueryDict | None:
    """What the form is filled with: what was sent, or the text kept from before when it is asked for."""
    if request.method == "POST":
        return request.POST
    text = store.kept(_writer(request), _key(dataset)) if "restore" in request.GET else None
    return store.fields_of(text) if text else None


def _quiet(form: DatasetForm, items: Any) -> None:
    """Show a restored text without blaming it: it was not sent."""
    for one in (form, *items.forms):
        one._errors = ErrorDict()
    items._errors, items._non_form_errors = [ErrorDict() for _one in items.forms], items.error_class()


@login_required
def dataset_create(request: HttpRequest) -> HttpResponse:
    """A new record."""
    actor = actor_of(request)
    access.require(actor, Permission.DATASET_CREATE)
    departments = actor.standing.departments_with(Duty.CATALOGUER)
    data = _posted(request, None)
    form = DatasetForm(data, departments=departments, initial=_prefilled(request))
    items = ItemFormSet(data, prefix="items")
    if request.method != "POST":
        return _form_page(request, form, items, None)
    if form.is_valid() and items.is_valid():
        try:
            dataset = lifecycle.create(
                actor=actor,
                provider=form.cleaned_data["provider"],
                values=form.values(),
                themes=list(form.cleaned_data["themes"]),
                items=item_values(items),
            )
        except InvalidInput as error:
            show_refusal(form, error)
        else:
            store.forget(_writer(request), _key(None))
            messages.success(request, _("The draft is saved. Upload its data, or submit it for review."))
            return redirect(dataset)
    return _form_page(request, form, items, None)


def _prefilled(request: HttpRequest) -> dict[str, str]:
    """Title and summary from the address, where a page offers to begin a record."""
    return {name: request.GET[name][:1000] for name in ("title", "summary") if name in request.GET}


@login_required
def dataset_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A draft, a withdrawn record or an open revision in its form; nothing typed is lost when a save fails."""
    dataset = _editable(request, pk)
    document = revisions.document_of(dataset)
    data = _posted(request, dataset)
    form = DatasetForm(data, document=document, initial={"seen_revision": dataset.work.revision})
    items = ItemFormSet(data, prefix="items", initial=document["items"])
    if request.method != "POST":
        return _form_page(request, form, items, dataset)
    if form.is_valid() and items.is_valid():
        try:
            lifecycle.update(
                dataset=dataset,
                actor=actor_of(request),
                values=form.values(),
                themes=list(form.cleaned_data["themes"]),
                items=item_values(items),
                seen_revision=form.cleaned_data["seen_revision"] or 0,
            )
        except revisions.Clash as clash:
            return _clash_page(request, dataset.pk, clash)
        except PortalError as error:
            show_refusal(form, error)
        else:
            store.forget(_writer(request), _key(dataset))
            messages.success(request, _("Saved."))
            return redirect(dataset)
    return _form_page(request, form, items, dataset)


def _clash_page(request: HttpRequest, pk: UUID, clash: revisions.Clash) -> HttpResponse:
    """The form with both sides' changes; where they clash it holds mine, and the other's stand in a table above."""
    dataset = _editable(request, pk)
    form = DatasetForm(document=clash.merged, initial={"seen_revision": dataset.work.revision})
    items = ItemFormSet(prefix="items", initial=clash.merged["items"])
    return _form_page(request, form, items, dataset, status=409, clashes=clash.clashes)


def _form_page(
    request: HttpRequest, form: DatasetForm, items: Any, dataset: Dataset | None, *, status: int = 200, **more: Any
) -> HttpResponse:
    if request.method == "POST" and status == 200:
        status = 422
    restored = request.method != "POST" and form.is_bound
    if restored:
        _quiet(form, items)
    text = store.kept(_writer(request), _key(dataset)) if request.method != "POST" and not restored else None
    context = {
        "form": form,
        "items": items,
        "dataset": dataset,
        "unsaved": text,
        "restored": restored,
        "elements": DataElement.objects.filter(retired_at__isnull=True).order_by("code")[:OFFERED_ELEMENTS],
        **more,
    }
    return render(request, "catalog/dataset_form.html", context, status=status)


@login_required
@require_POST
def record_check(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Keep what is typed, and say how complete it is, what is missing and what others should be asked."""
    actor = actor_of(request)
    access.require(actor, Permission.DATASET_CREATE)
    dataset = _editable(request, pk) if pk else None
    form = DatasetForm(request.POST, departments=None if dataset else _departments(actor))
    items = ItemFormSet(request.POST, prefix="items")
    form.is_valid()
    items.is_valid()
    text = store.keep(_writer(request), _key(dataset), request.POST)
    document, shown = _typed(form, items, dataset, actor)
    context = {
        "score": completeness.score(document),
        "missing": gate.missing(shown, document),
        "advice": advice_on(document, dataset, actor),
        "kept_at": text.saved_at if text else None,
    }
    return render(request, "catalog/_check.html", context)


@login_required
@require_POST
def unsaved_forget(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Throw the kept text away."""
    dataset = _editable(request, pk) if pk else None
    store.forget(_writer(request), _key(dataset))
    return redirect("catalog:dataset-edit", pk) if pk else redirect("catalog:dataset-create")


def _departments(actor: Actor) -> Any:
    return actor.standing.departments_with(Duty.CATALOGUER)


def _typed(form: DatasetForm, items: Any, dataset: Dataset | None, actor: Actor) -> tuple[Document, Dataset]:
    """The document as far as it makes sense at the moment, and the record it would be of."""
    shown = dataset
    if shown is None:
        provider = form.cleaned_data.get("provider") or Department.objects.filter(pk__in=_departments(actor)).first()
        shown = Dataset(provider=provider)
    base = revisions.document_of(dataset) if dataset else _blank(shown)
    rows = [row.cleaned_data for row in items.forms if getattr(row, "cleaned_data", None)]
    typed = [
        {name: value for name, value in row.items() if name != "DELETE"}
        for row in rows
        if row.get("name") and row.get("column") and not row.get("DELETE")
    ]
    return overlaid(base, form.values(), list(form.cleaned_data.get("themes") or []), typed), shown


def _blank(dataset: Dataset) -> Document:
    return own_fields(dataset) | {"themes": [], "related": [], "items": []}
