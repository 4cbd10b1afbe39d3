"""One act on many records: looked at first, then done, with a result for each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog import bulk
from catalog.forms import DatasetForm
from catalog.models import Dataset
from catalog.search import as_uuids
from catalog.views.lists import may_review_any, mine, to_review
from portal import access
from portal.access import Actor, Permission
from portal.views import actor_of

TITLES = {
    "submit": gettext_lazy("Submit for review"),
    "approve": gettext_lazy("Agree"),
    "edit": gettext_lazy("Change fields"),
}
FIELDS = (
    "update_cycle",
    "contact",
    "source_system",
    "data_category",
    "licence",
    "attribution",
    "spatial",
    "sharing_basis",
    "sharing_condition",
    "open_condition",
    "conforms_to",
    "keywords",
    "themes",
)


class BulkEditForm(forms.Form):
    """The fields that can be set for many records at once; one left empty stays as it is in each."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source = DatasetForm()
        for name in FIELDS:
            field = source.fields[name]
            field.required = False
            if isinstance(field, forms.TypedChoiceField):
                choices: Any = field.choices
                field.choices = [("", "—"), *(one for one in choices if one[0])]
                field.initial = ""
            self.fields[name] = field
        self.fields["keywords"].help_text = gettext_lazy("Added to each record's own; separate several with commas.")
        self.fields["themes"].help_text = gettext_lazy("Take the place of each record's own.")

    clean_keywords = DatasetForm.clean_keywords

    def edit(self) -> bulk.Edit:
        """What is to be set."""
        data = self.cleaned_data
        values = {name: data[name] for name in FIELDS if name not in ("keywords", "themes") and data.get(name)}
        themes = list(data.get("themes") or [])
        return bulk.Edit(values, themes or None, data.get("keywords") or [])


@login_required
@require_POST
def bulk_act(request: HttpRequest) -> HttpResponse:
    """Preview an act on the chosen records; with ``confirmed``, do it."""
    actor = actor_of(request)
    if not may_review_any(actor):
        access.require(actor, Permission.DATASET_CREATE)
    act = request.POST.get("act", "")
    if act not in TITLES:
        return redirect("catalog:dataset-list")
    datasets = _chosen(request, actor)
    is_shown = "shown" in request.POST
    form = BulkEditForm(request.POST if is_shown else None) if act == "edit" else None
    edit = form.edit() if form is not None and form.is_bound and form.is_valid() else None
    context: dict[str, Any] = {"act": act, "title": TITLES[act], "form": form, "datasets": datasets}
    if "confirmed" in request.POST and (act != "edit" or edit):
        seen = _seen(request)
        context["results"] = bulk.run(act=act, datasets=datasets, actor=actor, seen=seen, edit=edit)  # type: ignore[arg-type]
        return render(request, "catalog/bulk_result.html", context)
    outcomes = bulk.preview(act=act, datasets=datasets, actor=actor, edit=edit)  # type: ignore[arg-type]
    context["outcomes"] = outcomes
    context["n_good"] = sum(not one.error and (act != "edit" or bool(one.changes)) for one in outcomes)
    return render(request, "catalog/bulk.html", context, status=422 if form is not None and form.errors else 200)


def _chosen(request: HttpRequest, actor: Actor) -> list[Dataset]:
    """The ticked records, or with ``all`` every one of the list that was looked at."""
    if request.POST.get("all") == "mine":
        rows = mine(actor, request.POST).values_list("pk", flat=True)
        return bulk.chosen(list(rows[: bulk.LIMIT]), actor)
    if request.POST.get("all") == "review":
        return bulk.chosen(list(to_review(actor).values_list("pk", flat=True)[: bulk.LIMIT]), actor)
    return bulk.chosen(as_uuids(request.POST.getlist("dataset")[: bulk.LIMIT]), actor)


def _seen(request: HttpRequest) -> dict[UUID, int]:
    """The save number with which each record was previewed."""
    found = {}
    for entry in request.POST.getlist("seen")[: bulk.LIMIT]:
        pk, _colon, number = entry.partition(":")
        if as_uuids([pk]) and number.isdecimal() and len(number) < 9:
            found[UUID(pk)] = int(number)
    return found
