"""Errors in open data: reporting without an account, following by a secret link, and what was corrected (更正记录)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from catalog.models import Dataset, OpenType
from catalog.opendata.tables import open_table
from portal.access import Actor
from portal.addresses import address_of
from portal.errors import PortalError
from portal.views import clean_text, page_of, show_refusal
from sharing.citizens import count_filing, private
from sharing.corrections import reports
from sharing.corrections.forms import PublicReportForm
from sharing.corrections.rules import public_columns
from sharing.corrections.tokens import follow_path, is_valid
from sharing.corrections.views import PICK_ROWS, pickable, table_of
from sharing.demands.forms import ObjectForm, SeenForm
from sharing.models import CorrectionReport, CorrectionState

FOLLOWERS: dict[str, Callable[..., CorrectionReport]] = {
    "confirm": reports.confirm,
    "object": reports.object_to,
    "withdraw": reports.withdraw,
}


class TooManyCorrections(PortalError):
    """An address reports more than allowed."""

    code = "too_many_corrections"
    status = 429  # type: ignore[assignment]


@require_GET
def open_list(request: HttpRequest) -> HttpResponse:
    """What was corrected in open data, newest first."""
    rows = CorrectionReport.objects.public()
    if text := clean_text(request.GET.get("q", ""))[:100]:
        rows = rows.filter(Q(dataset__title__icontains=text) | Q(erratum__icontains=text))
    page = page_of(request, rows.select_related("dataset__provider", "table_version"))
    return render(request, "open/correction_list.html", {"section": "corrections", "page_obj": page})


def _pick(dataset: Dataset, chosen: list[str]) -> dict[str, Any] | None:
    """The first open rows with a box each; None where nothing is loaded."""
    try:
        part = open_table(dataset)
        return pickable(part.page(part.query(limit=PICK_ROWS)), chosen)
    except (Http404, PortalError):
        return None


@require_http_methods(["GET", "HEAD", "POST"])
def open_create(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Report an error in an open dataset, without an account."""
    dataset = get_object_or_404(Dataset.objects.open().select_related("provider__region"), pk=pk)
    items = list(dataset.items.filter(open_type=OpenType.OPEN))
    form = PublicReportForm(request.POST or None, items=items, attachable=public_columns(dataset))
    if request.method == "POST" and form.is_valid():
        if form.is_trapped:
            return redirect("open:dataset-detail", dataset.pk)
        refusal = TooManyCorrections(_("Too many reports from your address. Please try again in an hour."))
        try:
            count_filing("corrections", address_of(request) or "", limit=settings.CORRECTIONS_AN_HOUR, refusal=refusal)
            made = reports.file_public(dataset=dataset, reported=form.reported(), email=form.cleaned_data["email"])
        except PortalError as error:
            show_refusal(form, error)
        else:
            return private(redirect(f"{follow_path(made)}?new=1"))
    pick = _pick(dataset, request.POST.getlist("pick"))
    context = {"section": "datasets", "dataset": dataset, "form": form, "pick": pick}

    return render(request, "open/correction_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def open_follow(request: HttpRequest, pk: UUID, token: str) -> HttpResponse:
    """How a citizen's report stands, for whoever has the link; they may confirm, object or withdraw."""
    if not is_valid(pk, token):
        raise Http404
    rows = CorrectionReport.objects.select_related("dataset", "holder", "authority", "table_version")
    report = get_object_or_404(rows, pk=pk, department__isnull=True)
    form: SeenForm = ObjectForm(initial={"seen_version": report.version})
    status = 200
    if request.method == "POST":
        error = _do(request, report)
        if error is None:
            return private(redirect(follow_path(report)))
        form, status = error
    is_answered = report.state == CorrectionState.ANSWERED
    context = {
        "section": "datasets",
        "report": report,
        "table": table_of(report),
        "form": form,
        "is_new": "new" in request.GET,
        "link": request.build_absolute_uri(follow_path(report)),
        "may_confirm": is_answered,
        "may_object": is_answered and not report.was_objected,
        "may_withdraw": report.is_waiting,
    }
    return private(render(request, "open/correction_follow.html", context, status=status))


def _do(request: HttpRequest, report: CorrectionReport) -> tuple[SeenForm, int] | None:
    """Do what a citizen chose; None when it is done, else the form that says why not."""
    act = request.POST.get("act", "")
    if act not in FOLLOWERS:
        raise Http404
    form: SeenForm = ObjectForm(request.POST) if act == "object" else SeenForm(request.POST)
    if not form.is_valid():
        return form, 422
    seen = form.cleaned_data["seen_version"]
    try:
        FOLLOWERS[act](report=report, actor=Actor.system(), seen_version=seen, **form.words())
    except PortalError as error:
        shown = ObjectForm(request.POST)
        show_refusal(shown, error)
        return shown, int(error.status)
    return None
