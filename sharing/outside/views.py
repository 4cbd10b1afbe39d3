"""Conditionally open data in the public section: the list, a dataset's page, what is put aside, the application."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from catalog.models import Dataset
from catalog.search import as_uuids
from portal.addresses import address_of
from portal.errors import PortalError
from portal.uploads import takes_files_of_everybody
from portal.views import clean_text, page_of, show_refusal
from sharing.citizens import count_filing, private
from sharing.outside import acts, queries
from sharing.outside.acts import DATASET_LIMIT
from sharing.outside.forms import ApplicationForm
from sharing.outside.tokens import follow_path

BASKET = "open-basket"
"""Where the session of a visitor keeps the ids of the datasets that they put aside."""


class TooManyApplications(PortalError):
    """An address applies more often than allowed."""

    code = "too_many_applications"
    status = 429  # type: ignore[assignment]


def _count(request: HttpRequest) -> None:
    """Count one application of the visitor's address; TooManyApplications beyond ``OPEN_APPLICATIONS_AN_HOUR``."""
    refusal = TooManyApplications(_("Too many applications from your address. Please try again in an hour."))
    limit = settings.OPEN_APPLICATIONS_AN_HOUR
    count_filing("applications", address_of(request) or "", limit=limit, refusal=refusal)


def _put_aside(request: HttpRequest) -> list[UUID]:
    """The datasets in the visitor's basket."""
    return list(as_uuids(request.session.get(BASKET, [])))


@require_GET
def conditional_list(request: HttpRequest) -> HttpResponse:
    """Datasets that enterprises and researchers may apply for."""
    rows = queries.listed_datasets(clean_text(request.GET.get("q", ""))[:100])
    context = {
        "section": "conditional",
        "page_obj": page_of(request, rows),
        "figures": queries.figures(),
        "put_aside": _put_aside(request),
    }
    return render(request, "open/conditional_list.html", context)


@require_GET
def conditional_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One of them: what it holds, on which condition, and how to apply."""
    rows = Dataset.objects.conditionally_open().select_related("provider__region", "spatial")
    dataset = get_object_or_404(rows.prefetch_related("themes"), pk=pk)
    context = {
        "section": "conditional",
        "dataset": dataset,
        "items": queries.items_of(dataset),
        "stages": queries.stages_of_route(),
        "put_aside": _put_aside(request),
    }
    return render(request, "open/conditional_detail.html", context)


@require_POST
def application_basket(request: HttpRequest) -> HttpResponse:
    """Put a dataset aside and go to the application, or (``act=remove``) take it out again."""
    chosen = [str(pk) for pk in _put_aside(request)]
    for pk in map(str, as_uuids(request.POST.getlist("dataset")[:DATASET_LIMIT])):
        if request.POST.get("act") == "remove":
            chosen = [each for each in chosen if each != pk]
        elif pk not in chosen and Dataset.objects.conditionally_open().filter(pk=pk).exists():
            chosen.append(pk)
    if len(chosen) > DATASET_LIMIT:
        messages.warning(request, _("An application can hold at most %(limit)s datasets.") % {"limit": DATASET_LIMIT})
    request.session[BASKET] = chosen[:DATASET_LIMIT]
    return redirect("sharing:application-create")


@takes_files_of_everybody(acts.FORM_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
def application_create(request: HttpRequest) -> HttpResponse:
    """Apply for everything that was put aside."""
    ids = _put_aside(request)
    found = Dataset.objects.conditionally_open().select_related("provider").in_bulk(ids)
    datasets = [found[pk] for pk in ids if pk in found]
    if not datasets:
        return render(request, "open/application_form.html", {"section": "conditional", "form": None})
    items = queries.items_by_dataset(datasets)
    choices = [
        (f"columns-{each.pk}", each, items.get(each.pk, []), [item.column for item in items.get(each.pk, [])])
        for each in datasets
    ]
    form = ApplicationForm(request.POST or None, request.FILES or None, choices=choices)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["website"]:
            return redirect("sharing:conditional-list")
        try:
            _count(request)
            made = acts.apply(
                applicant=form.applicant(),
                use=form.use(),
                columns=form.columns(),
                has_commitment=form.cleaned_data["has_commitment"],
                papers=form.cleaned_data["papers"],
            )
        except PortalError as error:
            show_refusal(form, error)
        else:
            request.session.pop(BASKET, None)
            return private(redirect(f"{follow_path(made.pk)}?new=1"))
    context = {"section": "conditional", "form": form, "datasets": datasets}
    return render(request, "open/application_form.html", context, status=422 if form.errors else 200)
