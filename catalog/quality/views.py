"""Pages of quality rules: setting one, accepting what the profile suggests, rows that fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog.models import Dataset, Dimension, QualityRule, RuleKind, Severity
from catalog.quality import failing, keeping, queries
from catalog.quality.forms import RuleForm
from catalog.quality.proposals import proposals
from catalog.views.records import visible_or_404
from portal import access
from portal.access import Permission
from portal.audit import record
from portal.errors import InvalidInput, WrongState
from portal.exports import csv_response
from portal.views import actor_of

PAGE_ROWS = 50


def _tab(dataset: Dataset) -> str:
    return f"{dataset.get_absolute_url()}?tab=quality"


@login_required
def rule_create(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Set a rule: its kind first, then what it asks."""
    dataset, actor = visible_or_404(request, pk), actor_of(request)
    access.require(actor, Permission.DATASET_EDIT, dataset)
    version = keeping.current_version(dataset)
    if version is None:
        messages.error(request, _("Upload data first: rules are about the columns of the table."))
        return redirect(dataset)
    text = request.GET.get("kind", "")
    kind = RuleKind(text) if text in RuleKind.values else RuleKind.NOT_NULL
    form = RuleForm(
        request.POST if request.method == "POST" else None,
        kind=kind,
        columns=list(version.schema),
        dataset=dataset,
        actor=actor,
    )
    if request.method == "POST" and form.is_valid() and _added(form, dataset, request):
        messages.success(request, _("The rule is set and is being checked."))
        return redirect(_tab(dataset))
    context = {"dataset": dataset, "form": form, "kinds": RuleKind.choices, "kind": kind}
    return render(request, "catalog/quality/rule_form.html", context, status=422 if form.errors else 200)


def _added(form: RuleForm, dataset: Dataset, request: HttpRequest) -> bool:
    data = form.cleaned_data
    try:
        keeping.add(
            dataset=dataset,
            actor=actor_of(request),
            kind=form.kind,
            params=form.params,
            severity=Severity(data["severity"]),
            threshold=form.passing_share,
            dimension=Dimension(data["dimension"]),
        )
    except WrongState as error:
        form.add_error(None, str(error))
        return False
    except InvalidInput as error:
        for name, found in error.fields.items():
            for message in found:
                form.add_error(name if name in form.fields else None, str(message))
        return False
    return True


@login_required
@require_POST
def rule_accept(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Set the rules that the profile suggests and that were ticked."""
    dataset, actor = visible_or_404(request, pk), actor_of(request)
    access.require(actor, Permission.DATASET_EDIT, dataset)
    version = keeping.current_version(dataset)
    profile = getattr(version, "profile", None)
    chosen = set(request.POST.getlist("proposal"))
    found = proposals(profile, dataset.quality_rules.filter(retired_at__isnull=True)) if profile else []
    wanted = [proposal for proposal in found if proposal.key in chosen]
    try:
        with transaction.atomic():
            for proposal in wanted:
                keeping.add(dataset=dataset, actor=actor, kind=proposal.kind, params=proposal.params)
    except WrongState as error:
        messages.error(request, str(error))
    else:
        if wanted:
            messages.success(request, _("The rules are set and are being checked."))
    return redirect(_tab(dataset))


@login_required
@require_POST
def quality_check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Profile the table and run its rules again."""
    dataset = visible_or_404(request, pk)
    try:
        keeping.recheck(dataset=dataset, actor=actor_of(request))
    except WrongState as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The data are being checked again."))
    return redirect(_tab(dataset))


def _rule_or_404(request: HttpRequest, pk: UUID) -> QualityRule:
    readable = Dataset.objects.readable_by(actor_of(request).standing.reader_groups)
    rules = QualityRule.objects.filter(dataset__in=readable).select_related("dataset__provider__region")
    return get_object_or_404(rules, pk=pk)


@login_required
@require_POST
def rule_retire(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a rule out of force."""
    rule = _rule_or_404(request, pk)
    keeping.retire(rule=rule, actor=actor_of(request))
    messages.success(request, _("The rule is no longer checked."))
    return redirect(_tab(rule.dataset))


@login_required
def rule_rows(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The rows that break a rule, page by page."""
    rule, actor = _rule_or_404(request, pk), actor_of(request)
    text = request.GET.get("page", "")
    number = max(1, int(text)) if text.isdecimal() and len(text) < 9 else 1
    found = failing.rows(rule, actor, limit=PAGE_ROWS, offset=(number - 1) * PAGE_ROWS)
    titles = {column.name: column.title for column in found.columns}
    context = {
        "rule": rule,
        "dataset": rule.dataset,
        "text": queries.described(rule, titles, queries.names_of([rule])),
        "found": found,
        "number": number,
        "result": rule.results.order_by("-version__number").first(),
    }
    return render(request, "catalog/quality/rule_rows.html", context)


@login_required
def rule_rows_export(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """The same rows as CSV; who took them is recorded before the first one."""
    rule, actor = _rule_or_404(request, pk), actor_of(request)
    columns = failing.columns_for(rule, actor)
    if not columns:
        raise Http404
    assert actor.user is not None
    with transaction.atomic():
        result = rule.results.order_by("-version__number").first()
        data: dict[str, Any] = {"dataset": rule.dataset.code, "format": "csv", "columns": len(columns)}
        data |= {"rows": result.failed if result else 0, "rule": str(rule.pk)}
        record.append(stream=record.stream_of(actor.user), verb="data.exported", actor=actor, data=data)

    def lines() -> Iterator[list[Any]]:
        yield [_("Row"), *(column.title for column in columns)]
        for row in failing.stream(rule, actor):
            yield list(row)

    return csv_response(lines(), "failing-rows")
