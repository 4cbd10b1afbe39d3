"""Reports of errors for civil servants: list, export, reporting, one report with its acts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import ListView

from catalog.models import Channel, Dataset
from catalog.panels import Panel, register
from catalog.parts import table_part
from catalog.rules import preview
from catalog.tables.engine import Page
from portal import access
from portal.access import Actor, Permission
from portal.audit.record import stream_of
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from portal.errors import InvalidInput, NotPermitted, PortalError
from portal.list_export import exported
from portal.sealing import unseal
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, require_duty, show_refusal
from sharing import history
from sharing.corrections import queries, reports
from sharing.corrections.deeds import DEEDS, open_to, prepared
from sharing.corrections.forms import DepartmentReportForm
from sharing.corrections.rules import Standpoint, attachable_columns, grants_of, may_see_rows
from sharing.corrections.turns import RELATED
from sharing.delivery.gate import open_grant
from sharing.models import CorrectionReport, CorrectionState, ErrorKind

PICK_ROWS, PICK_COLUMNS = 20, 8
HEAD = (
    gettext_lazy("number"),
    gettext_lazy("dataset"),
    gettext_lazy("kind of error"),
    gettext_lazy("reported by"),
    gettext_lazy("holder"),
    gettext_lazy("state"),
    gettext_lazy("outcome"),
    gettext_lazy("reported"),
    gettext_lazy("deadline"),
    gettext_lazy("corrected on"),
)


def sides_for(actor: Actor) -> list[tuple[str, Any]]:
    """The tabs that make sense for this person."""
    sides = [("", _("All")), ("mine", _("Reported by us"))]
    if actor.standing.departments_with(Duty.PROVIDER_APPROVER, *AUTHORITY_DUTIES):
        sides.append(("answer", _("For us to answer")))
    return sides


class CorrectionListView(WorkplaceMixin, ListView[CorrectionReport]):
    """Reports that I may read, with filters in the address."""

    permission = Permission.DEMAND_CREATE
    template_name = "sharing/corrections/list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[CorrectionReport]:
        rows = queries.side_of(self.actor.standing, self.request.GET.get("side", ""))
        return queries.matching(rows, self.request.GET).select_related(*queries.LINE)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            sides=sides_for(self.actor),
            side=self.request.GET.get("side", ""),
            states=CorrectionState.choices,
            kinds=ErrorKind.choices,
            **kwargs,
        )


@login_required
def correction_export(request: HttpRequest) -> HttpResponseBase:
    """The list under its filters, as CSV or XLSX."""
    actor = require_duty(request)
    rows = queries.matching(queries.side_of(actor.standing, request.GET.get("side", "")), request.GET)
    lines = (
        [
            r.number,
            r.dataset.title,
            r.get_kind_display(),
            r.department.name if r.department else _("A citizen"),
            r.holder.name,
            r.get_state_display(),
            r.get_outcome_display(),
            r.created_at.date(),
            r.due_at.date() if r.due_at and r.is_waiting else "",
            r.corrected_at.date() if r.corrected_at else "",
        ]
        for r in rows.select_related(*queries.LINE).iterator(chunk_size=1_000)
    )
    return exported(request.GET.get("format", ""), "corrections", _("Reported errors"), HEAD, lines)


def _departments(actor: Actor, dataset: Dataset) -> QuerySet[Department]:
    mine = Department.objects.active().filter(pk__in=actor.standing.departments_with())
    return mine.exclude(pk=dataset.provider_id)


def _standpoint(request: HttpRequest, actor: Actor, dataset: Dataset) -> Standpoint:
    """The department that is chosen, else the one that holds a grant, else the first; 403 when there is none."""
    departments = list(_departments(actor, dataset).order_by("region__level", "name"))
    chosen = request.POST.get("department", "")
    points = [Standpoint(dataset, one) for one in departments]
    points = [one for one in points if access.can(actor, Permission.CORRECTION_FILE, one)]
    if not points:
        raise NotPermitted(_("Who provides the data corrects them; others may report on what they can see."))
    wanted = [one for one in points if str(one.department.pk) == chosen] or [one for one in points if grants_of(one)]
    return (wanted or points)[0]


def _rows_to_pick(actor: Actor, standpoint: Standpoint) -> Page | None:
    """The first rows as the reporter reads them: under a grant of theirs, else without one."""
    try:
        for grant in grants_of(standpoint):
            if access.can(actor, Permission.GRANT_USE, grant):
                opening = open_grant(grant, Channel(grant.channels[0]))
                return opening.page(opening.query(limit=PICK_ROWS))
        seen = preview(actor, standpoint.dataset)
        part = table_part(standpoint.dataset, seen.columns, seen.audience)
        return part.page(part.query(limit=PICK_ROWS)) if part else None
    except PortalError:
        return None


def pickable(page: Page | None, chosen: Sequence[str] = ()) -> dict[str, Any] | None:
    """Rows with a box each, whose value is the row as JSON; ``chosen`` stay ticked."""
    if page is None or not page.rows:
        return None
    columns = page.columns[:PICK_COLUMNS]
    lines = []
    for row in page.rows:
        cells = row[:PICK_COLUMNS]
        shown = {c.name: str(value)[:200] for c, value in zip(columns, cells, strict=True) if value is not None}
        text = json.dumps(shown, ensure_ascii=False)
        lines.append((text, text in chosen, cells))
    return {"columns": columns, "lines": lines}


@login_required
def correction_create(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Report an error in a dataset."""
    actor = require_duty(request)
    dataset = get_object_or_404(queries.reportable(actor.standing), pk=pk)
    standpoint = _standpoint(request, actor, dataset)
    form = DepartmentReportForm(
        request.POST or None,
        items=list(dataset.items.all()),
        attachable=attachable_columns(actor, standpoint),
        departments=_departments(actor, dataset),
        initial={"department": standpoint.department.pk},
    )
    if request.method == "POST" and form.is_valid():
        department = form.cleaned_data["department"]
        try:
            made = reports.file(dataset=dataset, actor=actor, department=department, reported=form.reported())
        except InvalidInput as error:
            show_refusal(form, error)
        else:
            words = {"number": made.number, "department": made.holder.name}
            messages.success(request, _("Reported as %(number)s. %(department)s answers within its days.") % words)
            return redirect(made)
    context = {
        "dataset": dataset,
        "form": form,
        "pick": pickable(_rows_to_pick(actor, standpoint), request.POST.getlist("pick")),
        "back": grants_of(standpoint)[0].get_absolute_url()
        if "grant" in request.GET and grants_of(standpoint)
        else dataset.get_absolute_url(),
    }
    return render(request, "sharing/corrections/form.html", context, status=422 if form.errors else 200)


def correction_or_404(request: HttpRequest, pk: UUID) -> CorrectionReport:
    """The report, when the reader may see it."""
    rows = CorrectionReport.objects.readable_by(actor_of(request).standing)
    return get_object_or_404(rows.select_related(*RELATED, "table_version", "grant"), pk=pk)


def _address(actor: Actor, report: CorrectionReport) -> str:
    """A citizen's e-mail address, for the office whose turn it is and nobody else."""
    turn = {
        CorrectionState.FILED: Permission.CORRECTION_ANSWER,
        CorrectionState.OBJECTED: Permission.CORRECTION_SETTLE,
    }.get(CorrectionState(report.state))
    if not report.sealed_email or turn is None or not access.can(actor, turn, report):
        return ""
    return unseal(report.sealed_email)


def table_of(report: CorrectionReport) -> dict[str, Any] | None:
    """The rows in question as a table: heads, and a list of cells for each row."""
    names = dict(report.dataset.items.values_list("column", "name"))
    columns = list(dict.fromkeys(name for row in report.rows for name in row))
    if not columns:
        return None
    return {
        "heads": [names.get(name, name) for name in columns],
        "rows": [[row.get(name) for name in columns] for row in report.rows],
    }


@login_required
def correction_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One report: what is wrong, in which rows, what was answered, what happened, and what I may do."""
    report = correction_or_404(request, pk)
    actor = actor_of(request)
    names = dict(report.dataset.items.values_list("column", "name"))
    sees_rows = may_see_rows(actor, report)
    context = {
        "report": report,
        "deeds": open_to(actor, report),
        "items": [names.get(column, column) for column in report.columns],
        "table": table_of(report) if sees_rows else None,
        "hidden_rows": 0 if sees_rows else len(report.rows),
        "address": _address(actor, report),
        "lines": history.lines(stream_of(report)),
    }
    return render(request, "sharing/corrections/detail.html", context)


@login_required
def correction_act(request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
    """One of ``DEEDS``: its form, and doing it."""
    if act not in DEEDS:
        raise Http404
    report, actor, deed = correction_or_404(request, pk), actor_of(request), DEEDS[act]
    access.require(actor, deed.permission, report)
    form = prepared(deed, report, request.POST)
    if request.method == "POST" and form.is_valid():
        seen = form.cleaned_data["seen_version"]
        try:
            deed.run(report=report, actor=actor, seen_version=seen, **form.words())
        except InvalidInput as error:
            show_refusal(form, error)
        else:
            messages.success(request, str(deed.done))
            is_left = not CorrectionReport.objects.readable_by(actor.standing).filter(pk=pk).exists()
            return redirect("sharing:correction-list") if is_left else redirect(report)
    context = {
        "form": form,
        "title": deed.title,
        "lead": deed.lead,
        "tone": deed.tone or "is-primary",
        "subject": f"{report.number} {report.dataset.title}",
        "back": report.get_absolute_url(),
        "list_url": reverse("sharing:correction-list"),
        "list_title": _("Reported errors"),
    }
    return render(request, "layouts/act.html", context, status=422 if form.errors else 200)


def _panel(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    """What was corrected in the dataset, and the reports on it that this person may read."""
    mine = CorrectionReport.objects.readable_by(actor.standing).of_dataset(dataset)
    return {
        "errata": queries.errata_of(dataset),
        "reports": list(mine.select_related(*queries.LINE).order_by("-created_at", "-id")[:50]),
    }


def _has_panel(actor: Actor, dataset: Dataset) -> bool:
    return dataset.is_published and bool(actor.standing.duties)


register(
    Panel(
        "corrections",
        80,
        gettext_lazy("Corrections"),
        "sharing/corrections/_panel.html",
        _has_panel,
        _panel,
    )
)
