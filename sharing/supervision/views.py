"""Supervision: late steps and written notices, and the figures of departments."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from catalog.search import as_uuids
from portal import access
from portal.access import Permission
from portal.errors import PortalError
from portal.list_export import exported
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, clean_text
from sharing.models import ApprovalStep, SupervisionNotice
from sharing.models.route import titled
from sharing.supervision import acts, figures
from sharing.supervision.figures import Period

FIRST_YEAR = 2024
HEAD = (
    gettext_lazy("department"),
    gettext_lazy("region"),
    gettext_lazy("step"),
    gettext_lazy("decided"),
    gettext_lazy("median of working days"),
    gettext_lazy("90th percentile"),
    gettext_lazy("share on time"),
)


class NoticeForm(forms.Form):
    """A supervision notice on the steps that are selected."""

    text = forms.CharField(
        label=gettext_lazy("Text of the notice"), widget=forms.Textarea(attrs={"rows": 3}), max_length=acts.TEXT_LIMIT
    )
    days = forms.IntegerField(label=gettext_lazy("Working days for the answer"), min_value=1, max_value=30, initial=3)


class SupervisionView(WorkplaceMixin, ListView[ApprovalStep]):
    """Open steps past their deadline in the authority's region and below, the latest first."""

    permission = Permission.STEP_SUPERVISE
    template_name = "sharing/supervision/late.html"
    paginate_by = 20
    paginator_class = CappedPaginator
    form: NoticeForm | None = None

    def get_queryset(self) -> QuerySet[ApprovalStep]:
        rows = figures.in_charge(self.actor.standing).open().filter(due_at__lt=timezone.now())
        if text := clean_text(self.request.GET.get("q", "")):
            named = Q(department__name__icontains=text) | Q(request__title__icontains=text)
            rows = rows.filter(named | Q(request__number__istartswith=text))
        rows = rows.annotate(notices=Count("supervisions"))
        return rows.select_related("request__department", "department").order_by("due_at", "id")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(form=self.form or NoticeForm(), at="late", **kwargs)


@login_required
@require_POST
def supervision_issue(request: HttpRequest) -> HttpResponseBase:
    """Send a notice on the selected steps; what was typed is kept when it cannot be sent."""
    access.require(actor_of(request), Permission.STEP_SUPERVISE)
    ids = as_uuids(request.POST.getlist("step")[: acts.NOTICE_LIMIT])
    form = NoticeForm(request.POST)
    if not ids:
        form.add_error(None, _("Select at least one line first."))
    if form.is_valid():
        data = form.cleaned_data
        try:
            made = acts.issue(step_ids=ids, actor=actor_of(request), text=data["text"], days=data["days"])
        except PortalError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Notices sent: %(n)s.") % {"n": len(made)})
            return redirect("sharing:supervision-notices")
    view = SupervisionView()
    view.form = form
    view.setup(request)
    response = view.get(request)
    response.status_code = 422
    return response


class NoticesView(WorkplaceMixin, ListView[SupervisionNotice]):
    """Notices on steps of the regions in one's charge, the newest first."""

    permission = Permission.STEP_SUPERVISE
    template_name = "sharing/supervision/notices.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[SupervisionNotice]:
        rows = SupervisionNotice.objects.filter(step__in=figures.in_charge(self.actor.standing))
        if self.request.GET.get("open"):
            rows = rows.filter(answered_at__isnull=True)
        related = ("step__request", "step__department", "authority", "issued_by", "answered_by")
        return rows.select_related(*related).order_by("-issued_at", "-id")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(at="notices", now=timezone.now(), **kwargs)


@login_required
@require_POST
def supervision_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """The office's answer to a notice."""
    offices = ApprovalStep.objects.of_offices(actor_of(request).standing)
    notice = get_object_or_404(SupervisionNotice, pk=pk, step__in=offices)
    try:
        acts.answer(notice=notice, actor=actor_of(request), text=clean_text(request.POST.get("text", "")))
    except PortalError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Answered."))
    return redirect(notice.step)


def _year(request: HttpRequest) -> int:
    text, this = request.GET.get("year", ""), timezone.localdate().year
    return int(text) if text.isdecimal() and len(text) == 4 and FIRST_YEAR <= int(text) <= this else this


def _line(row: dict[str, Any]) -> dict[str, Any]:
    share = round(100 * row["on_time"] / row["decided"])
    return {**row, "label": titled(row["title"], row["title_en"]), "share": share}


@login_required
def supervision_figures(request: HttpRequest) -> HttpResponseBase:
    """How long departments take: by stage, with the share on time; ``format`` exports it."""
    actor = access.require(actor_of(request), Permission.STEP_SUPERVISE)
    year = _year(request)
    steps, period = figures.in_charge(actor.standing), Period.year(year)
    rows = figures.by_office(steps, period)
    if text := clean_text(request.GET.get("q", "")):
        rows = rows.filter(department__name__icontains=text)
    if "format" in request.GET:
        names = ("department__name", "department__region__name", "label", "decided", "median", "p90", "share")
        lines = ([line[name] for name in names] for line in map(_line, rows))
        return exported(request.GET["format"], "figures", _("Working days by department and step"), HEAD, lines)
    page = CappedPaginator(rows, 50).get_page(request.GET.get("page"))
    context = {
        "at": "figures",
        "year": year,
        "years": range(timezone.localdate().year, FIRST_YEAR - 1, -1),
        "board": figures.board(steps, period),
        "lines": [_line(row) for row in page.object_list],
        "page": page,
    }
    return render(request, "sharing/supervision/figures.html", context)
