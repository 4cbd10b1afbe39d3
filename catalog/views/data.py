"""The data of a record: upload, loading with progress, rows to browse, downloads."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import loading
from catalog.browse import asked, browse
from catalog.items import declared_columns
from catalog.models import Dataset, IngestJob, JobState, LoadMode, PartialUpload, TableVersion
from catalog.parts import TablePart, table_part
from catalog.protection.masking import Audience
from catalog.rules import Preview, preview
from catalog.tables import ingest
from catalog.tables.errors import BadFile, TableError
from catalog.upload_forms import TypesForm, UploadForm
from catalog.views.records import visible_or_404
from portal import access
from portal.access import Permission
from portal.audit import record
from portal.errors import PortalError
from portal.views import actor_of


@login_required
def dataset_upload(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Upload a file; what it is not is told at once, and nothing is kept then."""
    dataset = visible_or_404(request, pk)
    access.require(actor_of(request), Permission.DATASET_EDIT, dataset)
    has_table = dataset.distributions.filter(current__isnull=False).exists()
    form = UploadForm(request.POST or None, request.FILES or None, has_table=has_table)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        mode = LoadMode(said.get("mode") or LoadMode.REPLACE)
        try:
            job = loading.start(
                dataset=dataset,
                upload=said["file"] or _sent_in_parts(request, dataset, said["upload"]),
                actor=actor_of(request),
                mode=mode,
                sheet=said["sheet"],
                is_staged="check" in request.POST,
            )
        except PortalError as error:
            form.add_error("file", str(error))
        else:
            if job.state == JobState.STAGED:
                return redirect("catalog:job-types", job.pk)
            messages.success(request, _("The file is here and is being loaded."))
            return redirect(f"{dataset.get_absolute_url()}#data")
    context = {"dataset": dataset, "form": form}
    return render(request, "catalog/upload.html", context, status=422 if form.errors else 200)


def _sent_in_parts(request: HttpRequest, dataset: Dataset, pk: UUID) -> PartialUpload:
    """The person's own file that came in parts, once it is whole."""
    upload = PartialUpload.objects.filter(pk=pk, dataset=dataset, created_by=actor_of(request).user).first()
    if upload is None or not upload.is_complete:
        raise BadFile(_("The file did not arrive whole. Send it again; it goes on where it stopped."))
    return upload


@login_required
def job_types(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The columns of a staged file with the types found in its beginning, to be changed before it is loaded."""
    job = _job_or_404(request, pk)
    dataset = job.distribution.dataset
    if job.state != JobState.STAGED:
        return redirect(f"{dataset.get_absolute_url()}#data")
    try:
        path = loading.upload_path(job.pk)
        found = ingest.inspect(path, job.file_name, sheet=job.sheet or None, is_quick=True)
    except (TableError, OSError) as error:
        loading.cancel(job=job, actor=actor_of(request))
        messages.error(request, str(error) if isinstance(error, TableError) else _("Upload the file again."))
        return redirect("catalog:dataset-upload", dataset.pk)
    declared = {column.name: column for column in declared_columns(dataset)}
    form = TypesForm(request.POST or None, columns=found.columns, key=found.key, declared=declared)
    if request.method == "POST" and form.is_valid():
        try:
            loading.release(job=job, actor=actor_of(request), types=form.types(), key=form.key())
        except PortalError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The file is here and is being loaded."))
        return redirect(f"{dataset.get_absolute_url()}#data")
    samples = {column.name: [row[n] for row in found.rows] for n, column in enumerate(found.columns)}
    rows = [(column, kind, key, samples[column.name]) for column, kind, key in form.rows]
    context = {"dataset": dataset, "job": job, "form": form, "rows": rows, "source": found.source}
    return render(request, "catalog/types.html", context, status=422 if form.errors else 200)


def _job_or_404(request: HttpRequest, pk: UUID) -> IngestJob:
    visible = Dataset.objects.readable_by(actor_of(request).standing.reader_groups)
    rows = IngestJob.objects.filter(distribution__dataset__in=visible).select_related("distribution__dataset__provider")
    job = get_object_or_404(rows, pk=pk)
    access.require(actor_of(request), Permission.DATASET_EDIT, job.distribution.dataset)
    return job


@login_required
def job_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The progress of a load, as the fragment that refreshes itself."""
    return render(request, "catalog/_job.html", {"job": _job_or_404(request, pk)})


@login_required
@require_POST
def job_cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop a load."""
    job = _job_or_404(request, pk)
    loading.cancel(job=job, actor=actor_of(request))
    return redirect(job.distribution.dataset)


@login_required
@require_POST
def job_retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Run a failed load again."""
    job = _job_or_404(request, pk)
    loading.retry(job=job, actor=actor_of(request))
    return redirect(job.distribution.dataset)


@login_required
def job_rejects(request: HttpRequest, pk: UUID) -> FileResponse:
    """The rows that could not be loaded, with line numbers and reasons."""
    path = loading.reject_path(_job_or_404(request, pk))
    if not path.exists():
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, filename="rejected.csv")


def _older(request: HttpRequest, dataset: Dataset, seen: Preview) -> TableVersion | None:
    """The older version that is asked for; only who answers for the data may read one."""
    text = request.GET.get("version", "")
    if not text or seen.audience != Audience.PROVIDER:
        return None
    rows = TableVersion.objects.filter(distribution__dataset=dataset, removed_at=None)
    return get_object_or_404(rows, pk=int(text) if text.isdecimal() and len(text) < 19 else 0)


def _part_or_404(request: HttpRequest, pk: UUID) -> TablePart:
    dataset = visible_or_404(request, pk)
    seen = preview(actor_of(request), dataset)
    part = table_part(dataset, seen.columns, seen.audience, _older(request, dataset, seen))
    if part is None:
        raise Http404
    return part


@login_required
def dataset_rows(request: HttpRequest, pk: UUID) -> HttpResponse:
    """All rows that the reader may see without a grant, with conditions, order and paging."""
    part = _part_or_404(request, pk)
    try:
        context = browse(part, request.GET)
        status = 200
    except TableError as error:
        context, status = {**browse(part, None), "error": error}, 422
    return render(request, "catalog/dataset_rows.html", {**context, "dataset": part.dataset}, status=status)


@login_required
def dataset_export(request: HttpRequest, pk: UUID, format: str) -> HttpResponseBase:
    """Those rows as a file, in the conditions and order of the page; who took how much is recorded before."""
    part = _part_or_404(request, pk)
    query = asked(part, request.GET)
    response = part.download(format, query)
    actor = actor_of(request)
    assert actor.user is not None
    with transaction.atomic():
        data = {"dataset": part.dataset.code, "format": format, "rows": part.count(query), "columns": len(part.columns)}
        record.append(stream=record.stream_of(actor.user), verb="data.exported", actor=actor, data=data)
    return response
