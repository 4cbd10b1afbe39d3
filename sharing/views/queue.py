"""The offices' queue and the screen on which a step is decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Case, Count, F, IntegerField, Max, Q, QuerySet, When, Window, prefetch_related_objects
from django.db.models.functions import RowNumber
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from catalog.items import declared_columns
from catalog.search import as_uuids
from catalog.tables.filters import describe
from portal import access
from portal.access import Actor, Permission
from portal.departments.models import AUTHORITY_DUTIES, Duty
from portal.errors import InvalidInput, NotPermitted, PortalError
from portal.exports import csv_response
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, clean_text
from sharing import deciding, joint, marks, way
from sharing.deciding import BulkEntry, Decision
from sharing.forms import DecisionForm
from sharing.models import ApprovalStep, Grant, RequestItem, RouteVersion, StepItem, StepState
from sharing.models.route import titled
from sharing.supervision.acts import notices_on
from sharing.terms import Terms, sentences
from sharing.thread.forms import talk_forms
from sharing.thread.queries import talk_on

DECIDING_DUTIES = (Duty.OWN_APPROVER, Duty.PROVIDER_APPROVER, Duty.SECURITY_OFFICER, *AUTHORITY_DUTIES)
TABS = {
    "open": gettext_lazy("To decide"),
    "late": gettext_lazy("Late"),
    "paused": gettext_lazy("With the applicant"),
    "done": gettext_lazy("Decided"),
}
FORMER_DECISIONS = 5
TITLES_SHOWN = 2
ITEMS_SHOWN = 50
EXPORT_LIMIT = 10_000
EXPORT_LOT = 500


def decides_somewhere(actor: Any) -> bool:
    """Whether the actor holds a duty that decides steps."""
    return bool(actor.standing.departments_with(*DECIDING_DUTIES))


def _matching(request: HttpRequest) -> QuerySet[ApprovalStep]:
    """Steps of my offices in the chosen tab, by deadline; decided ones newest first."""
    params = request.GET
    rows = ApprovalStep.objects.of_offices(actor_of(request).standing)
    tab = params.get("tab", "open")
    if tab == "done":
        rows = rows.filter(state=StepState.DONE).order_by("-decided_at", "-id")
    elif tab == "paused":
        rows = rows.filter(state=StepState.PAUSED).order_by("id")
    else:
        rows = rows.open().order_by("due_at", "id")
        if tab == "late":
            rows = rows.filter(due_at__lt=timezone.now())
    if text := params.get("q", "").replace("\x00", "").strip():
        by_text = Q(request__number__istartswith=text) | Q(request__title__icontains=text)
        rows = rows.filter(by_text | Q(request__department__name__icontains=text))
    if stage := clean_text(params.get("stage", "")):
        rows = rows.filter(stage=stage)
    return rows


def _shown(ids: Sequence[UUID]) -> list[ApprovalStep]:
    """What a line of the queue shows of these steps, in their order: two queries, however many lines and items."""
    found = ApprovalStep.objects.select_related("request__department__region", "department").in_bulk(ids)
    step = F("step")
    entries = StepItem.objects.filter(step__in=ids, is_needed=True).annotate(
        total=Window(Count("*"), partition_by=step),
        highest=Window(Max("item__dataset__grade"), partition_by=step),
        place=Window(RowNumber(), order_by="item", partition_by=step),
    )
    rows = entries.filter(place__lte=TITLES_SHOWN).order_by("step", "place")
    for each in found.values():
        each.titles, each.items_total, each.grade = [], 0, None  # type: ignore[attr-defined]
    for pk, title, total, grade in rows.values_list("step", "item__dataset__title", "total", "highest"):
        shown: Any = found[pk]
        shown.titles.append(title)
        shown.items_total, shown.grade = total, grade
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
    paginator_class = CappedPaginator

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
            "tabs": TABS,
            "tab": self.request.GET.get("tab", "open"),
            "stages": _stages(self.actor),
            "form": DecisionForm(),
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
                yield [step.due_at, r.number, r.title, r.department.name, step.label, total, step.get_state_display()]

    return csv_response(rows(), "queue")


def step_or_404(request: HttpRequest, pk: UUID) -> ApprovalStep:
    """A step of one of my offices that was opened already."""
    rows = ApprovalStep.objects.of_offices(actor_of(request).standing).exclude(state=StepState.WAITING)
    return get_object_or_404(
        rows.select_related("request__department__region", "request__created_by", "department"), pk=pk
    )


def step_detail(
    request: HttpRequest, step: ApprovalStep, typed: dict[UUID, DecisionForm] | None = None
) -> dict[str, Any]:
    """Everything needed to decide a step on one screen."""
    open_ids = set(deciding.open_items(step))
    waiting = Case(When(item__in=open_ids, then=0), default=1, output_field=IntegerField())
    found = step.step_items.filter(is_needed=True).order_by(waiting, "item_id")
    page = CappedPaginator(found.select_related("item__dataset__provider", "decided_by", "decided_for"), ITEMS_SHOWN)
    shown = page.get_page(request.GET.get("page"))
    entries = list(shown.object_list)
    related = ("item__dataset__items", "item__dataset__distributions__current", "votes__voter", "votes__cast_by")
    prefetch_related_objects(entries, *related)
    datasets = [entry.item.dataset_id for entry in entries]
    held = Grant.objects.in_force().filter(
        department=step.request.department, dataset__provider__in=[entry.item.dataset.provider_id for entry in entries]
    )
    capacity = access.capacity_for(actor_of(request), Permission.STEP_DECIDE, step)
    return {
        "step": step,
        "page_obj": shown,
        "sharing_request": step.request,
        "rows": [_row(entry, step, open_ids, typed) for entry in entries],
        "quorum": joint.needed(step, joint.electors(step)) if step.quorum != 1 else 1,
        "may_decide": step.state == StepState.OPEN and capacity is not None,
        "deciding_for": capacity.on_behalf_of if capacity else None,
        "supervisions": list(notices_on(step.pk)),
        "held": list(held.select_related("dataset")[:20]),
        "former": list(_former(datasets, step)),
        "lanes": way.way_of(step.request),
        "talk": talk_on(step.request, actor_of(request)),
        "talk_forms": talk_forms(),
        "may_talk": access.can(actor_of(request), Permission.STEP_ANSWER, step),
    }


def _row(
    entry: StepItem, step: ApprovalStep, open_ids: set[UUID], typed: dict[UUID, DecisionForm] | None
) -> dict[str, Any]:
    fields = {item.column: item for item in entry.item.dataset.items.all()}
    titles = {column: item.name for column, item in fields.items()}
    is_open = entry.item_id in open_ids
    form = (typed or {}).get(entry.item_id) or (_decision_form(entry, step) if is_open else None)
    return {
        "entry": entry,
        "item": entry.item,
        "columns": [fields[c] for c in entry.item.columns if c in fields],
        "rows": describe(entry.item.row_filter, titles),
        "is_open": is_open,
        "form": form,
        "terms": sentences(Terms.of_json(entry.terms), titles),
        "marks": marks.labels(entry.marks),
        "votes": entry.votes.all(),
    }


def _decision_form(entry: StepItem, step: ApprovalStep, data: QueryDict | None = None) -> DecisionForm:
    """The form of one item; without conditions where the step looks at what was granted already."""
    declared = {column.name: column for column in declared_columns(entry.item.dataset)}
    columns = [] if step.is_afterwards else [declared[name] for name in entry.item.columns if name in declared]
    return DecisionForm(data, prefix=str(entry.item_id), columns=columns)


def _former(datasets: list[UUID], step: ApprovalStep) -> QuerySet[RequestItem]:
    """The last answers on the same datasets; what other departments were told is for providers and authorities."""
    answered = RequestItem.objects.filter(dataset__in=datasets, answered_at__isnull=False).exclude(request=step.request)
    if step.lane_id is None and not step.is_authority_step:
        answered = answered.filter(request__department=step.department_id)
    return answered.select_related("dataset", "request__department").order_by("-answered_at")[:FORMER_DECISIONS]


@login_required
def step_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Look at a step."""
    return render(request, "sharing/step_detail.html", step_detail(request, step_or_404(request, pk)))


def _typed(forms: dict[UUID, DecisionForm]) -> dict[UUID, Decision]:
    """The decisions that were typed, by item.

    Raises:
        InvalidInput: an entry that cannot be read, or words beside no decision; nothing of the page is recorded then.
    """
    decisions = {}
    for item_id, form in forms.items():
        if not form.is_valid():
            message = _("Some entries need to be corrected. Nothing was lost.")
            raise InvalidInput(message, fields={name: [str(e) for e in found] for name, found in form.errors.items()})
        if form.cleaned_data["verdict"]:
            decisions[item_id] = form.decision()
        elif form.cleaned_data["reason"] or form.cleaned_data["note"]:
            raise InvalidInput(_("Choose approve, refuse or return."), fields={"verdict": []})
    return decisions


@login_required
@require_POST
def step_decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Decide items of a step; what was typed is kept when it cannot be done."""
    step = step_or_404(request, pk)
    prefixes = {name.rpartition("-")[0] for name in request.POST}
    entries = step.step_items.filter(item__in=as_uuids(prefixes)).select_related("item__dataset")
    entries = entries.prefetch_related("item__dataset__items", "item__dataset__distributions__current")
    forms = {entry.item_id: _decision_form(entry, step, request.POST) for entry in entries}
    text = request.POST.get("seen_version", "")
    seen = int(text) if text.isdecimal() and len(text) < 9 else -1
    try:
        decisions = _typed(forms)
        deciding.decide(step=step, actor=actor_of(request), seen_version=seen, decisions=decisions)
    except PortalError as error:
        context = step_detail(request, step_or_404(request, pk), forms) | {"error": error}
        context["messages_of"] = [m for found in getattr(error, "fields", {}).values() for m in found]
        return render(request, "sharing/step_detail.html", context, status=int(error.status))
    messages.success(request, _("Decided."))
    return redirect("sharing:queue")


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
