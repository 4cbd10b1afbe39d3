"""Steps whose office nobody holds: the list of the authority, and handing one over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.generic import ListView

from portal import access
from portal.access import Permission
from portal.errors import PortalError
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, clean_text, posted_version, show_refusal
from sharing import vacancies
from sharing.models import ApprovalStep
from sharing.supervision import figures
from sharing.thread import acts
from sharing.thread.forms import ForwardForm


class VacantView(WorkplaceMixin, ListView[ApprovalStep]):
    """Open steps in the authority's region and below that nobody can decide, the next deadline first."""

    permission = Permission.STEP_SUPERVISE
    template_name = "sharing/supervision/vacant.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[ApprovalStep]:
        rows = vacancies.vacant(figures.in_charge(self.actor.standing))
        if text := clean_text(self.request.GET.get("q", "")):
            named = Q(department__name__icontains=text) | Q(request__title__icontains=text)
            rows = rows.filter(named | Q(request__number__istartswith=text))
        return rows.select_related("request__department", "department").order_by("due_at", "id")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(at="vacant", **kwargs)


@login_required
def hand_over(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Hand a step that nobody can decide to the same office of another department."""
    actor = access.require(actor_of(request), Permission.STEP_SUPERVISE)
    rows = vacancies.vacant(figures.in_charge(actor.standing)).select_related("request__department", "department")
    step = get_object_or_404(rows, pk=pk)
    form = ForwardForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            acts.forward(step=step, actor=actor, seen_version=posted_version(request), **form.cleaned_data)
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Forwarded."))
            return redirect("sharing:supervision-vacant")
    context = {"step": step, "form": form}
    return render(request, "sharing/supervision/hand_over.html", context, status=422 if form.errors else 200)
