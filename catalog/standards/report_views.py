"""Conformance: the tab of a record, and the report of departments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Avg, Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog import revisions
from catalog.models import ConformanceReport, Dataset
from catalog.panels import Panel, register
from catalog.standards import linking
from catalog.standards.tasks import compute_conformance
from catalog.views.records import visible_or_404
from portal import access
from portal.access import Actor, Permission
from portal.departments.scope import department_filter, of_departments, regions_for
from portal.list_export import exported
from portal.views import actor_of, clean_text, page_of, require_duty

KINDS = {
    "data_type": gettext_lazy("the item's type is not the element's"),
    "item_length": gettext_lazy("the item's length is not the element's"),
    "unit": gettext_lazy("the item's unit is not the element's"),
    "length": gettext_lazy("values are too long"),
    "pattern": gettext_lazy("values do not match the pattern"),
    "code": gettext_lazy("values are not in the code list"),
    "check": gettext_lazy("check digits are wrong"),
}
SORTS = {
    "score": ("score", "dataset"),
    "-score": ("-score", "-dataset"),
    "title": ("dataset__title", "dataset"),
    "-title": ("-dataset__title", "-dataset"),
}
HEAD = (
    gettext_lazy("resource code"),
    gettext_lazy("title"),
    gettext_lazy("provider"),
    gettext_lazy("item"),
    gettext_lazy("column"),
    gettext_lazy("data element"),
    gettext_lazy("what is wrong"),
    gettext_lazy("values"),
    gettext_lazy("share"),
)


def _reports(request: HttpRequest, actor: Actor) -> QuerySet[ConformanceReport]:
    """Reports of one's departments, or of the region of which one is the authority, under the filters."""
    rows = ConformanceReport.objects.filter(of_departments(actor.standing, "dataset__provider"), linked__gt=0)
    rows = rows.filter(department_filter(request.GET, "dataset__provider"))
    if text := clean_text(request.GET.get("q", ""))[:100]:
        rows = rows.filter(dataset__title__icontains=text)
    if request.GET.get("state") == "broken":
        rows = rows.filter(broken__gt=0)
    elif request.GET.get("state") == "whole":
        rows = rows.filter(broken=0)
    return rows


def _sorted(request: HttpRequest, rows: QuerySet[ConformanceReport]) -> QuerySet[ConformanceReport]:
    order = SORTS.get(request.GET.get("sort", ""), SORTS["score"])
    return rows.select_related("dataset__provider").order_by(*order)


@login_required
def report_list(request: HttpRequest) -> HttpResponse:
    """Records that follow standards, the worst first, with the figures of all that are chosen."""
    actor = require_duty(request)
    rows = _reports(request, actor)
    broken = Count("pk", filter=Q(broken__gt=0))
    context = {
        "figures": rows.order_by().aggregate(records=Count("pk"), broken=broken, score=Avg("score")),
        "page": page_of(request, _sorted(request, rows)),
        "regions": regions_for(actor.standing),
    }
    return render(request, "catalog/standards/report_list.html", context)


@login_required
def report_export(request: HttpRequest) -> HttpResponseBase:
    """Every finding of the chosen records, a line each."""
    actor = require_duty(request)

    def lines() -> Iterator[list[Any]]:
        for report in _sorted(request, _reports(request, actor)).iterator(chunk_size=200):
            dataset = report.dataset
            for found in report.findings:
                said = [found["name"], found["column"], f"{found['element']} ({found['code']})"]
                share = f"{found['share']:.1%}" if "share" in found else ""
                what = [str(KINDS[found["kind"]]), found.get("count", ""), share]
                yield [dataset.code, dataset.title, dataset.provider.name, *said, *what]

    return exported(request.GET.get("format", ""), "conformance", _("Conformance"), HEAD, lines())


def _shown(actor: Actor, dataset: Dataset) -> bool:
    return access.can(actor, Permission.DATASET_VERSIONS, dataset)


def _context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    report = ConformanceReport.objects.filter(dataset=dataset).first()
    document = revisions.document_of(dataset)
    may_edit = access.can(actor, Permission.DATASET_EDIT, dataset)
    alike = linking.suggestions(document["items"]) if may_edit else {}
    names = {item["column"]: item["name"] for item in document["items"]}
    return {
        "report": report,
        "findings": [(found, KINDS[found["kind"]]) for found in report.findings] if report else [],
        "may_edit": may_edit,
        "alike": [(names[column], column, element) for column, element in alike.items()],
        "may_link": bool(alike) and dataset.work.is_editable,
    }


@login_required
@require_POST
def report_renew(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Compare a record with its standards again."""
    dataset = visible_or_404(request, pk)
    access.require(actor_of(request), Permission.DATASET_VERSIONS, dataset)
    compute_conformance.defer(dataset_ids=[str(dataset.pk)])
    messages.success(request, _("The comparison is running; reload the page in a moment."))
    return redirect(f"{dataset.get_absolute_url()}?tab=conformance")


@login_required
@require_POST
def link_elements(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Link all items that look like data elements to them."""
    dataset = visible_or_404(request, pk)
    count = linking.link_all(dataset=dataset, actor=actor_of(request))
    messages.success(request, _("Items linked to their data elements: %(n)s.") % {"n": count})
    return redirect(f"{dataset.get_absolute_url()}?tab=conformance")


def register_panel() -> None:
    """The tab of standards."""
    title = gettext_lazy("Conformance")
    register(Panel("conformance", 50, title, "catalog/standards/_panel.html", _shown, _context))
