"""Pages of import and export of records."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog.exchange import importing, workbook
from catalog.models import Dataset, LineState, RecordImport
from catalog.search import SearchQuery, found_rows
from portal import access
from portal.access import Permission
from portal.departments.models import Duty
from portal.errors import NotPermitted, PortalError
from portal.views import actor_of, clean_text, page_of

EXPORT_LIMIT = 50_000
TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/x-ndjson",
}


class RecordFileForm(forms.Form):
    """A file of records."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("An XLSX workbook in the layout of the export, or records as JSON lines; up to 100 MB."),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.json,.jsonl,.ndjson"}),
    )


@login_required
def record_import(request: HttpRequest) -> HttpResponse:
    """Upload a file of records; below, one's former imports."""
    actor = actor_of(request)
    access.require(actor, Permission.RECORD_IMPORT)
    form = RecordFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = importing.start(upload=form.cleaned_data["file"], actor=actor)
        except PortalError as error:
            form.add_error("file", str(error))
        else:
            return redirect("catalog:import-detail", made.pk)
    mine = RecordImport.objects.filter(created_by=actor.user_id).order_by("-created_at")
    may_create = access.can(actor, Permission.DATASET_CREATE)
    context = {"form": form, "page": page_of(request, mine), "may_create": may_create}
    return render(request, "catalog/exchange/import.html", context, status=422 if form.errors else 200)


def _own_or_404(request: HttpRequest, pk: UUID) -> RecordImport:
    actor = actor_of(request)
    access.require(actor, Permission.RECORD_IMPORT)
    return get_object_or_404(RecordImport, pk=pk, created_by=actor.user_id)


@login_required
def import_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the lines of a file would do, or did; while a worker has it, its progress."""
    made = _own_or_404(request, pk)
    if request.headers.get("HX-Request") and made.is_active:
        return render(request, "catalog/exchange/_progress.html", {"made": made})
    counts = dict(made.lines.values_list("state").annotate(n=Count("pk")))
    chosen = request.GET.get("state", "")
    if chosen not in LineState.values:
        chosen = next((s for s in (LineState.BAD, LineState.NEW, LineState.CHANGED) if counts.get(s)), LineState.SAME)
    rows = made.lines.filter(state=chosen).select_related("dataset")
    if text := clean_text(request.GET.get("q", "")):
        rows = rows.filter(title__icontains=text)
    context = {
        "made": made,
        "tabs": [(state, label, counts.get(state, 0)) for state, label in LineState.choices],
        "chosen": chosen,
        "page": page_of(request, rows.defer("document")),
        "n_bad": counts.get(LineState.BAD, 0),
        "n_good": counts.get(LineState.NEW, 0) + counts.get(LineState.CHANGED, 0),
    }
    response = render(request, "catalog/exchange/import_detail.html", context)
    if request.headers.get("HX-Request"):
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_POST
def import_load(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Load a planned file: its good lines, or all or nothing."""
    made = _own_or_404(request, pk)
    is_partial = request.POST.get("scope") != "all"
    importing.confirm(record_import=made, actor=actor_of(request), is_partial=is_partial)
    return redirect("catalog:import-detail", pk)


@login_required
@require_POST
def import_cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop a running import, or throw a plan away."""
    made = _own_or_404(request, pk)
    importing.cancel(record_import=made, actor=actor_of(request))
    messages.success(request, _("Stopped. What was loaded before stays."))
    return redirect("catalog:import-detail", pk)


@login_required
def import_refused(request: HttpRequest, pk: UUID) -> FileResponse:
    """The refused lines as a workbook."""
    made = _own_or_404(request, pk)
    file = workbook.refused(made.lines.filter(state=LineState.BAD).defer("document").iterator(chunk_size=500))
    return FileResponse(file, as_attachment=True, filename="refused.xlsx", content_type=TYPES["xlsx"])


@login_required
def records_export(request: HttpRequest, format: str) -> HttpResponseBase:
    """The records of a search, of one's own departments, or an empty workbook to fill in."""
    actor = actor_of(request)
    if format not in TYPES:
        raise Http404
    if not actor.standing.duties:
        raise NotPermitted
    rows: Any
    if request.GET.get("scope") == "empty":
        rows = Dataset.objects.none()
    elif request.GET.get("scope") == "mine":
        access.require(actor, Permission.DATASET_CREATE)
        departments = actor.standing.departments_with(Duty.CATALOGUER)
        rows = Dataset.objects.filter(provider__in=departments).order_by("-modified", "-id")
    else:
        query = SearchQuery.from_params(request.GET)
        rows = found_rows(query, actor.standing.reader_groups)
    ids = workbook.ids_of(rows, EXPORT_LIMIT)
    if format == "jsonl":
        response: HttpResponseBase = StreamingHttpResponse(workbook.json_lines(ids), content_type=TYPES[format])
    else:
        response = FileResponse(workbook.workbook(ids), content_type=TYPES[format])
    response["Content-Disposition"] = f'attachment; filename="records.{format}"'
    response["Cache-Control"] = "private, no-store"
    return response
