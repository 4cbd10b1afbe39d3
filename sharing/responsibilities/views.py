"""The responsibility list: list, export, and the lines that the authority enters."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import ListView

from portal import access
from portal.access import Permission
from portal.departments import sheets
from portal.departments.scope import department_filter, regions_for
from portal.errors import InvalidInput, PortalError
from portal.list_export import XLSX, exported
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, require_duty, show_refusal
from sharing.demands.forms import SeenForm
from sharing.models import Responsibility, ResponsibilityKind
from sharing.responsibilities import acts, queries
from sharing.responsibilities.forms import EntryForm, WorkbookForm

SHOWN_FAULTS = 200
STATES = {"due": gettext_lazy("Due"), "late": gettext_lazy("Late"), "done": gettext_lazy("Done")}
HEAD = (
    gettext_lazy("department"),
    gettext_lazy("credit code"),
    gettext_lazy("kind"),
    gettext_lazy("what"),
    gettext_lazy("basis"),
    gettext_lazy("due"),
    gettext_lazy("state"),
    gettext_lazy("done"),
    gettext_lazy("resource code"),
)


class ResponsibilityListView(WorkplaceMixin, ListView[Responsibility]):
    """What my departments owe, or for an authority all departments of its region, by due day."""

    permission = Permission.DEMAND_CREATE
    template_name = "sharing/responsibility_list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Responsibility]:
        rows = queries.matching(queries.visible(self.actor.standing), self.request.GET)
        return rows.select_related("department__region", "dataset", "duty_of", "demand")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        unsorted = queries.visible(self.actor.standing).filter(department_filter(self.request.GET, "department"))
        return super().get_context_data(
            figures=queries.figures(unsorted),
            kinds=ResponsibilityKind.choices,
            states=STATES,
            regions=regions_for(self.actor.standing),
            may_manage=access.can(self.actor, Permission.RESPONSIBILITY_MANAGE),
            **kwargs,
        )


@login_required
def responsibility_export(request: HttpRequest) -> HttpResponseBase:
    """The list under its filters, as CSV or XLSX."""
    actor = require_duty(request)
    rows = queries.matching(queries.visible(actor.standing), request.GET)
    found = rows.select_related("department", "dataset", "duty_of").iterator(chunk_size=1_000)
    lines = (
        [
            row.department.name,
            row.department.credit_code,
            row.get_kind_display(),
            row.title,
            row.basis,
            row.due_on,
            str(STATES[row.state]),
            row.done_on,
            row.shown_record.code if row.shown_record else "",
        ]
        for row in found
    )
    return exported(request.GET.get("format", ""), "responsibilities", _("Responsibility list"), HEAD, lines)


def _page(request: HttpRequest, form: Any, title: Any, lead: Any, **more: Any) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "lead": lead,
        "tone": "is-primary",
        "back": reverse("sharing:responsibility-list"),
        "list_url": reverse("sharing:responsibility-list"),
        "list_title": _("Responsibility list"),
        **more,
    }
    return render(request, "layouts/act.html", context, status=422 if form.errors else 200)


@login_required
def responsibility_create(request: HttpRequest) -> HttpResponse:
    """Enter a line."""
    actor = actor_of(request)
    access.require(actor, Permission.RESPONSIBILITY_MANAGE)
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            acts.enter(actor=actor, entry=form.entry())
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Entered. The department is reminded before the day and when it is late."))
            return redirect("sharing:responsibility-list")
    lead = _("It is done as soon as the record named here is published, with data where they are asked for.")
    return _page(request, form, _("Enter a responsibility"), lead)


def _row_or_404(request: HttpRequest, pk: UUID) -> Responsibility:
    rows = queries.visible(actor_of(request).standing).filter(kind=ResponsibilityKind.ENTERED)
    row = get_object_or_404(rows.select_related("department__region", "dataset"), pk=pk)
    access.require(actor_of(request), Permission.RESPONSIBILITY_MANAGE, row.department)
    return row


@login_required
def responsibility_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change an entered line, or link it to a record."""
    row = _row_or_404(request, pk)
    initial = {name: getattr(row, name) for name in ("title", "basis", "due_on", "needs_data")} | {
        "seen_version": row.version,
        "department": row.department.credit_code,
        "dataset": row.dataset.code if row.dataset else "",
    }
    form = EntryForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        seen = form.cleaned_data["seen_version"]
        try:
            acts.change(row=row, actor=actor_of(request), entry=form.entry(), seen_version=seen)
        except InvalidInput as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("sharing:responsibility-list")
    remove_url = reverse("sharing:responsibility-remove", args=[row.pk])
    return _page(request, form, _("Change a responsibility"), "", remove_url=remove_url, subject=row.title)


@login_required
def responsibility_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take an entered line out of the list."""
    row = _row_or_404(request, pk)
    form = SeenForm(request.POST or None, initial={"seen_version": row.version})
    if request.method == "POST" and form.is_valid():
        acts.remove(row=row, actor=actor_of(request), seen_version=form.cleaned_data["seen_version"])
        messages.success(request, _("Removed from the list."))
        return redirect("sharing:responsibility-list")
    lead = _("The department owes it no more. The record of events keeps what it said.")
    return _page(request, form, _("Remove from the list"), lead, tone="is-danger", subject=row.title)


@login_required
def responsibility_import(request: HttpRequest) -> HttpResponse:
    """Enter all lines of a workbook, or none and say which cells are wrong."""
    actor = actor_of(request)
    access.require(actor, Permission.RESPONSIBILITY_MANAGE)
    form, bad = WorkbookForm(request.POST or None, request.FILES or None), []
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        Path(settings.UPLOADS_ROOT).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=settings.UPLOADS_ROOT) as folder:
            path = Path(folder) / "list.xlsx"
            with path.open("wb") as target:
                target.writelines(upload.chunks())
            try:
                if upload.size > settings.DEPARTMENT_IMPORT_BYTES:
                    raise InvalidInput(_("This workbook is too large."), fields={})
                bad = acts.load_workbook(path=path, actor=actor)
            except InvalidInput as error:
                form.add_error("file", str(error))
            else:
                if not bad:
                    messages.success(request, _("All lines were entered."))
                    return redirect("sharing:responsibility-list")
                form.add_error("file", _("Some lines are wrong, so nothing was loaded."))
    faults = [fault for row in bad for fault in row.faults]
    context = {"form": form, "faults": faults[:SHOWN_FAULTS], "count": len(faults)}
    return render(request, "sharing/responsibility_import.html", context, status=422 if form.errors else 200)


@login_required
def responsibility_template(request: HttpRequest) -> HttpResponse:
    """An empty workbook in the layout of the import."""
    access.require(actor_of(request), Permission.RESPONSIBILITY_MANAGE)
    response = HttpResponse(sheets.write(_("Responsibility list"), acts.COLUMNS, []), content_type=XLSX)
    response["Content-Disposition"] = 'attachment; filename="responsibilities-template.xlsx"'
    response["Cache-Control"] = "private, no-store"
    return response
