"""The screen on which a step is decided."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Case, IntegerField, QuerySet, When, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog.items import declared_columns
from catalog.search import as_uuids
from catalog.tables.filters import describe
from portal import access
from portal.access import Permission
from portal.errors import InvalidInput, PortalError
from portal.views import CappedPaginator, actor_of, posted_version
from sharing import deciding, joint, marks, way
from sharing.deciding import Decision
from sharing.extending import acts as extending
from sharing.forms import DecisionForm
from sharing.models import ApplicantKind, ApprovalStep, Grant, RequestItem, StepItem, StepState
from sharing.outside.queries import former_of
from sharing.questions.queries import answers_for
from sharing.restrictions.queries import on_request
from sharing.supervision.acts import notices_on
from sharing.terms import Terms, sentences
from sharing.thread.forms import talk_forms
from sharing.thread.queries import talk_on

FORMER_DECISIONS = 5
ITEMS_SHOWN = 50
ITEMS_IN_PANEL = 10


def step_or_404(request: HttpRequest, pk: UUID) -> ApprovalStep:
    """A step of one of my offices that was opened already."""
    rows = ApprovalStep.objects.of_offices(actor_of(request).standing).exclude(state=StepState.WAITING)
    return get_object_or_404(
        rows.select_related(
            "request__department__region",
            "request__created_by",
            "request__outside",
            "department",
            "claimed_by",
            "extension",
        ),
        pk=pk,
    )


def step_detail(
    request: HttpRequest,
    step: ApprovalStep,
    typed: dict[UUID, DecisionForm] | None = None,
    size: int = ITEMS_SHOWN,
) -> dict[str, Any]:
    """Everything needed to decide a step on one screen."""
    open_ids = set(deciding.open_items(step))
    waiting = Case(When(item__in=open_ids, then=0), default=1, output_field=IntegerField())
    found = step.step_items.filter(is_needed=True).order_by(waiting, "item_id")
    page = CappedPaginator(found.select_related("item__dataset__provider", "decided_by", "decided_for"), size)
    shown = page.get_page(request.GET.get("page"))
    entries = list(shown.object_list)
    related = ("item__dataset__items", "item__dataset__distributions__current", "votes__voter", "votes__cast_by")
    prefetch_related_objects(entries, *related)
    datasets = [entry.item.dataset_id for entry in entries]
    providers = [entry.item.dataset.provider_id for entry in entries]
    held = Grant.objects.in_force().filter(
        department=step.request.department, outside=None, dataset__provider__in=providers
    )
    if step.request.is_outside:
        held = held.none()  # ``former_of`` says what the same organisation holds
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
        "restrictions": on_request(step.request),
        "answers": answers_for(step.request, actor_of(request)),
        "held": list(held.select_related("dataset")[:20]),
        "former": list(_former(datasets, step)),
        "lanes": way.way_of(step.request),
        **former_of(step.request),
        "extension": getattr(step, "extension", None),
        "may_extend": extending.may_be_asked(step) and capacity is not None,
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
        theirs = {"request__department": step.department_id, "request__applicant_kind": ApplicantKind.DEPARTMENT}
        answered = answered.filter(**theirs)
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
    seen = posted_version(request)
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
def step_panel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is needed to decide a step, beside the queue."""
    step = step_or_404(request, pk)
    return render(request, "sharing/_panel.html", step_detail(request, step, size=ITEMS_IN_PANEL))
