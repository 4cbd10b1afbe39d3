"""The page of the check before submission, and its table as a file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal import access
from portal.access import Permission
from portal.list_export import exported
from portal.lists import listed
from portal.views import actor_of, page_of
from sharing.models import RequestState
from sharing.precheck.working import FILTERS, Precheck, Row, check
from sharing.views.requests import request_or_404

SHOWN = 50
LABELS = {
    "problems": gettext_lazy("Not ready"),
    "security": gettext_lazy("With a security review"),
    "held": gettext_lazy("Held or asked for already"),
    "faster": gettext_lazy("Could be faster"),
}
HEAD = (
    gettext_lazy("dataset"),
    gettext_lazy("resource code"),
    gettext_lazy("provider"),
    gettext_lazy("offices in order"),
    gettext_lazy("security review"),
    gettext_lazy("questions to answer"),
    gettext_lazy("answers missing"),
    gettext_lazy("files asked for"),
    gettext_lazy("answered at the latest"),
    gettext_lazy("usually answered"),
    gettext_lazy("held until"),
    gettext_lazy("asked for in"),
    gettext_lazy("faster if narrower"),
    gettext_lazy("in its way"),
)


def _chosen(request: HttpRequest, found: Precheck) -> list[Row]:
    test = FILTERS.get(request.GET.get("show", ""))
    return [row for row in found.rows if test is None or test(row)]


@login_required
def precheck(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What each dataset of a draft will need, when it could be granted, and what is in its way."""
    draft = request_or_404(request, pk)
    if draft.state != RequestState.DRAFT:
        messages.warning(request, _("This request has been submitted already."))
        return redirect(draft)
    actor = actor_of(request)
    found = check(draft, actor)
    context = {
        "sharing_request": draft,
        "check": found,
        "page": page_of(request, _chosen(request, found), SHOWN),
        "filters": [(name, label, found.counts[name]) for name, label in LABELS.items()],
        "show": request.GET.get("show", ""),
        "may_edit": access.can(actor, Permission.REQUEST_EDIT, draft),
        "applies": access.can(actor, Permission.REQUEST_SUBMIT, draft),
        "attached": draft.attachments.count(),
    }
    return render(request, "sharing/precheck/page.html", context)


def _line(row: Row) -> list[Any]:
    dataset = row.item.dataset
    offices = " → ".join(f"{office.title} ({office.department})" for office in row.offices)
    return [
        dataset.title,
        dataset.code,
        dataset.provider.name,
        offices,
        _("yes") if row.needs_security else _("no"),
        listed(form.form for form in row.forms),
        row.missing,
        listed(row.papers),
        row.latest.day if row.latest else "",
        row.usual,
        row.held,
        row.asked_in,
        str(row.narrower or ""),
        row.problem,
    ]


@login_required
def precheck_export(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The table as CSV or XLSX, under the filter of the page."""
    draft = request_or_404(request, pk)
    if draft.state != RequestState.DRAFT:
        return redirect(draft)
    lines = (_line(row) for row in _chosen(request, check(draft, actor_of(request))))
    return exported(request.GET.get("format", ""), "check", _("Check before submission"), HEAD, lines)
