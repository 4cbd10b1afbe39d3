"""The offices' queue: tabs, filters, columns, saved views, claims, workload, and decisions in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from catalog.search import as_uuids
from portal.access import Actor
from portal.errors import InvalidInput, NotPermitted
from portal.exports import csv_response
from portal.views import WorkPaginator, WorkplaceMixin, actor_of, clean_text
from sharing import claims, deciding
from sharing.deciding import BulkEntry
from sharing.forms import DecisionForm
from sharing.models import ApplicantKind, ApprovalStep, RouteVersion, SavedView, StepItem, StepState
from sharing.models.route import titled
from sharing.models.step import ApprovalStepQuerySet
from sharing.rules import decides_somewhere

TABS = {
    "open": gettext_lazy("To decide"),
    "mine": gettext_lazy("In my hands"),
    "deputy": gettext_lazy("As a deputy"),
    "late": gettext_lazy("Late"),
    "paused": gettext_lazy("With the applicant"),
    "done": gettext_lazy("Decided"),
}
COLUMNS = {
    "deadline": gettext_lazy("Deadline"),
    "request": gettext_lazy("Request"),
    "applicant": gettext_lazy("Applicant"),
    "step": gettext_lazy("Step"),
    "datasets": gettext_lazy("Datasets"),
    "grade": gettext_lazy("Data grade"),
    "purpose": gettext_lazy("Purpose"),
    "opened": gettext_lazy("Came in"),
    "claimed": gettext_lazy("In hand"),
}
KEYS = {
    "j k": gettext_lazy("to the next and the one before"),
    "x": gettext_lazy("select the line"),
    "v": gettext_lazy("look at it beside the list"),
    "Enter": gettext_lazy("open it"),
    "a": gettext_lazy("agree to what is selected, or to this line"),
    "r": gettext_lazy("refuse it, with a reason"),
    "c": gettext_lazy("take it in hand"),
    "?": gettext_lazy("these keys"),
}
"""What ``static/js/page.js`` does in the queue."""
STANDARD_COLUMNS = ("deadline", "request", "applicant", "step", "datasets", "grade", "claimed")
TITLES_SHOWN = 2
VIEW_LIMIT = 20
EXPORT_LIMIT = 10_000
EXPORT_LOT = 500


def _deputised(actor: Actor) -> set[int]:
    """The offices in which the actor decides as a deputy alone."""
    own = actor.capacities[0].standing.group_ids if actor.capacities else actor.standing.group_ids
    return set(actor.standing.group_ids - own)


def _in_tab(rows: ApprovalStepQuerySet, tab: str, actor: Actor) -> QuerySet[ApprovalStep]:
    if tab == "done":
        return rows.filter(state=StepState.DONE).order_by("-decided_at", "-id")
    if tab == "paused":
        return rows.filter(state=StepState.PAUSED).order_by("id")
    rows = rows.open().order_by("due_at", "id")
    if tab == "late":
        return rows.filter(due_at__lt=timezone.now())
    if tab == "mine":
        return rows.filter(claimed_by=actor.user)
    return rows.filter(office__in=_deputised(actor)) if tab == "deputy" else rows


def _matching(request: HttpRequest) -> QuerySet[ApprovalStep]:
    """Steps of my offices in the chosen tab, by deadline; decided ones newest first."""
    params, actor = request.GET, actor_of(request)
    rows = _in_tab(ApprovalStep.objects.of_offices(actor.standing), params.get("tab", "open"), actor)
    if text := clean_text(params.get("q", "")):
        by_text = Q(request__number__istartswith=text) | Q(request__title__icontains=text)
        by_name = Q(request__department__name__icontains=text) | Q(request__outside_name__icontains=text)
        rows = rows.filter(by_text | by_name)
    if stage := clean_text(params.get("stage", "")):
        rows = rows.filter(stage=stage)
    if params.get("kind") in ApplicantKind.values:
        rows = rows.filter(request__applicant_kind=params["kind"])
    if params.get("claim") == "free":
        rows = rows.filter(claimed_by=None)
    elif params.get("claim") == "taken":
        rows = rows.exclude(claimed_by=None)
    return rows


def _columns(request: HttpRequest) -> list[str]:
    """The columns asked for, in their own order; the standard ones when none is."""
    chosen = request.GET.getlist("col")
    return [key for key in COLUMNS if key in chosen] or list(STANDARD_COLUMNS)


_REQUEST = ("number", "title", "purpose", "applicant_kind", "outside_name")
_LINE = (
    *("state", "version", "title", "title_en", "due_at", "is_provisional", "opened_at", "decided_at"),
    *(f"request__{name}" for name in _REQUEST),
    *("request", "request__department", "request__department__region", "department", "claimed_by"),
    *("request__department__name", "request__department__region__name", "request__department__region__level"),
    *("department__name", "claimed_by__name", "claimed_by__username"),
)
"""What a line of the queue and of its export reads of a step and of what it belongs to."""


def _shown(ids: Sequence[UUID]) -> list[ApprovalStep]:
    """What a line of the queue shows of these steps, in their order: two queries, however many lines and items."""
    related = ApprovalStep.objects.select_related("request__department__region", "department", "claimed_by")
    found = related.only(*_LINE).in_bulk(ids)
    titles = ArrayAgg("item__dataset__title", order_by="item")
    entries = StepItem.objects.filter(step__in=ids, is_needed=True).order_by().values("step")
    rows = entries.annotate(total=Count("pk"), highest=Max("item__dataset__grade"), titles=titles)
    rows = rows.annotate(first=F(f"titles__0_{TITLES_SHOWN}"))
    for each in found.values():
        each.titles, each.items_total, each.grade = [], 0, None  # type: ignore[attr-defined]
    for pk, first, total, grade in rows.values_list("step", "first", "total", "highest"):
        shown: Any = found[pk]
        shown.titles, shown.items_total, shown.grade = first, total, grade
    return [found[pk] for pk in ids if pk in found]


def _stages(actor: Actor) -> dict[str, str]:
    """The stages of all routes in which the actor's duties decide, by key, in the reader's language."""
    duties = {duty for _department, duty in actor.standing.duties}
    found: dict[str, str] = {}
    for stages in RouteVersion.objects.order_by("route", "number").values_list("stages", flat=True):
        for stage in stages:
            if stage["duty"] in duties:
                found[stage["key"]] = titled(stage["title"], stage.get("title_en", ""))
    return found


class QueueView(WorkplaceMixin, ListView[ApprovalStep]):
    """What waits for my offices, the next deadline first."""

    template_name = "sharing/queue.html"
    paginate_by = 20
    paginator_class = WorkPaginator

    def get_queryset(self) -> QuerySet[ApprovalStep]:
        if not decides_somewhere(self.actor):
            raise NotPermitted
        return _matching(self.request).only("pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        page = context["page_obj"]
        ids = [step.pk for step in page.object_list]
        context["steps"] = _shown(ids)
        return context | {
            "tabs": {key: label for key, label in TABS.items() if key != "deputy" or _deputised(self.actor)},
            "tab": self.request.GET.get("tab", "open"),
            "columns": _columns(self.request),
            "keys": KEYS,
            "all_columns": COLUMNS,
            "views": list(SavedView.objects.filter(user=self.actor.user)[:VIEW_LIMIT]),
            "stages": _stages(self.actor),
            "kinds": ApplicantKind.choices,
        }


@login_required
def queue_export(request: HttpRequest) -> StreamingHttpResponse:
    """The queue as CSV."""
    ids = list(_matching(request).values_list("pk", flat=True)[:EXPORT_LIMIT])

    def rows() -> Iterator[list[Any]]:
        yield [_("deadline"), _("number"), _("title"), _("applicant"), _("step"), _("datasets"), _("state")]
        for start in range(0, len(ids), EXPORT_LOT):
            for step in _shown(ids[start : start + EXPORT_LOT]):
                r, total = step.request, step.items_total  # type: ignore[attr-defined]
                yield [step.due_at, r.number, r.title, r.applicant_name, step.label, total, step.get_state_display()]

    return csv_response(rows(), "queue")


@login_required
@require_POST
def queue_decide(request: HttpRequest) -> HttpResponse:
    """The same decision on all open items of the selected steps: first what will happen, then one line a step."""
    versions: dict[str, int] = {}
    for text in request.POST.getlist("step")[: deciding.BULK_LIMIT]:
        pk, _colon, version = text.partition(":")
        if version.isdecimal() and len(version) < 9:
            versions[pk] = int(version)
    try:
        ids = [UUID(pk) for pk in versions]
    except ValueError:
        ids = []
    if not ids:
        messages.warning(request, _("Select at least one line first."))
        return redirect("sharing:queue")
    rows = ApprovalStep.objects.of_offices(actor_of(request).standing).exclude(state=StepState.WAITING)
    found = list(rows.filter(pk__in=ids).select_related("request__department", "department").order_by("due_at", "id"))
    form = DecisionForm(request.POST)
    context: dict[str, Any] = {"steps": found, "form": form, "versions": versions}
    if request.POST.get("confirmed") and form.is_valid():
        decision = form.decision()
        try:
            decision.check()
        except InvalidInput as error:
            form.add_error(None, str(error))
        else:
            entries = [BulkEntry(step, versions[str(step.pk)], decision) for step in found]
            results = {r.step_id: r for r in deciding.decide_many(entries=entries, actor=actor_of(request))}
            context["results"] = [(step, results[step.pk].error) for step in found]
            return render(request, "sharing/bulk_result.html", context)
    status = 422 if form.errors else 200
    return render(request, "sharing/bulk_confirm.html", context, status=status)


@login_required
@require_POST
def queue_claim(request: HttpRequest) -> HttpResponse:
    """Take the selected steps in hand, or give them back."""
    ids = as_uuids(text.partition(":")[0] for text in request.POST.getlist("step")[: deciding.BULK_LIMIT])
    if not decides_somewhere(actor_of(request)):
        raise NotPermitted
    if request.POST.get("act") == "release":
        n = claims.release(ids=ids, actor=actor_of(request))
        text = ngettext("%(n)s step was given back.", "%(n)s steps were given back.", n)
    else:
        n = claims.claim(ids=ids, actor=actor_of(request))
        text = ngettext("%(n)s step is in your hands.", "%(n)s steps are in your hands.", n)
    messages.success(request, text % {"n": n})
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return redirect(target if safe else "sharing:queue")


@login_required
@require_POST
def view_save(request: HttpRequest) -> HttpResponse:
    """Keep the tab, filters and columns that are shown under a name; the same name is written anew."""
    actor, name = actor_of(request), clean_text(request.POST.get("name", ""))[:40]
    if not decides_somewhere(actor):
        raise NotPermitted
    kept = QueryDict(request.POST.get("query", "").lstrip("?")[:2_000]).copy()
    kept.pop("page", None)
    mine = SavedView.objects.filter(user=actor.user)
    if not name or len(kept.urlencode()) > 500:
        messages.warning(request, _("Give the view a name."))
    elif mine.exclude(name=name).count() >= VIEW_LIMIT:
        messages.warning(request, _("You have %(n)s views already; remove one first.") % {"n": VIEW_LIMIT})
    else:
        SavedView.objects.update_or_create(user=actor.user, name=name, defaults={"query": kept.urlencode()})
        messages.success(request, _("The view is kept."))
    return redirect(f"{reverse('sharing:queue')}?{kept.urlencode()}")


@login_required
@require_POST
def view_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a view of one's own."""
    get_object_or_404(SavedView, pk=pk, user=request.user).delete()
    return redirect("sharing:queue")


@login_required
def workload_page(request: HttpRequest) -> HttpResponse:
    """What each colleague in my offices has in hand."""
    actor = actor_of(request)
    if not decides_somewhere(actor):
        raise NotPermitted
    return render(request, "sharing/workload.html", {"offices": claims.workload(actor)})
