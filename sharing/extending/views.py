"""Where an office asks for more time, and where the authority answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from portal import access
from portal.access import Permission
from portal.errors import PortalError
from portal.exports import csv_response
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, clean_text
from sharing.extending import acts
from sharing.models import Extension, ExtensionOutcome
from sharing.views.steps import step_detail, step_or_404

TABS = {"waiting": gettext_lazy("Waiting"), "answered": gettext_lazy("Answered")}
RELATED = ("step__request__department", "step__department", "asked_by", "answered_by", "authority")
EXPORT_LIMIT = 10_000


def _matching(request: HttpRequest) -> QuerySet[Extension]:
    rows = Extension.objects.in_charge(actor_of(request).standing)
    if text := clean_text(request.GET.get("q", "")):
        named = Q(step__department__name__icontains=text) | Q(step__request__title__icontains=text)
        rows = rows.filter(named | Q(step__request__number__istartswith=text))
    if request.GET.get("tab") == "answered":
        rows = rows.exclude(outcome=ExtensionOutcome.ASKED).order_by("-asked_at", "-id")
    else:
        rows = rows.waiting().order_by("asked_at", "id")
    return rows.select_related(*RELATED)


class ExtensionListView(WorkplaceMixin, ListView[Extension]):
    """Wishes for more time that one's authority answers, the oldest first; or those answered, the newest first."""

    permission = Permission.STEP_SUPERVISE
    template_name = "sharing/extending/list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Extension]:
        return _matching(self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        tab = "answered" if self.request.GET.get("tab") == "answered" else "waiting"
        return super().get_context_data(at="extensions", tabs=TABS, tab=tab, **kwargs)


@login_required
def extension_export(request: HttpRequest) -> StreamingHttpResponse:
    """The list as CSV."""
    access.require(actor_of(request), Permission.STEP_SUPERVISE)
    found = _matching(request)[:EXPORT_LIMIT]

    def rows() -> Iterator[list[Any]]:
        yield [_("number"), _("title"), _("office"), _("step"), _("working days"), _("reason"), _("asked"), _("answer")]
        for each in found.iterator(chunk_size=500):
            step = each.step
            names = [step.request.number, step.request.title, step.department.name, step.label]
            yield [*names, each.days, each.reason, each.asked_at, each.get_outcome_display()]

    return csv_response(rows(), "extensions")


@login_required
@require_POST
def extension_ask(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask for more time from the page of a step; what was typed is kept when it cannot be done."""
    step = step_or_404(request, pk)
    reason = clean_text(request.POST.get("reason", ""))
    try:
        acts.ask(step=step, actor=actor_of(request), reason=reason)
    except PortalError as error:
        context = step_detail(request, step_or_404(request, pk)) | {"error": error, "extension_reason": reason}
        return render(request, "sharing/step_detail.html", context, status=int(error.status))
    messages.success(request, _("The data authority was asked. Until it answers, the deadline stays."))
    return redirect(step)


@login_required
@require_POST
def extension_answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Consent (``answer=give``), or refuse."""
    rows = Extension.objects.in_charge(actor_of(request).standing).select_related("step__request")
    extension = get_object_or_404(rows, pk=pk)
    is_given, note = request.POST.get("answer") == "give", clean_text(request.POST.get("note", ""))
    try:
        acts.answer(extension=extension, actor=actor_of(request), is_given=is_given, note=note)
    except PortalError as error:
        view = ExtensionListView()
        view.setup(request)
        view.extra_context = {"error": error, "failed": extension.pk, "typed": note}
        response = view.get(request)
        response.status_code = int(error.status)
        return response
    messages.success(request, _("Recorded."))
    return redirect("sharing:extension-list")
