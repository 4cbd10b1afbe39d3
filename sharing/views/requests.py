"""Basket, drafts and requests, as the applicant works with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from catalog.browse import conditions_from
from catalog.items import declared_columns, shareable_columns
from catalog.search import as_uuids
from catalog.tables.filters import OPERATORS, describe
from portal import access
from portal.access import Actor, Permission
from portal.audit.record import stream_of
from portal.departments.models import Department, Duty
from portal.errors import InvalidInput, PortalError
from portal.exports import csv_response
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, clean_text, show_refusal
from sharing import drafts, history, marks, way, workflow
from sharing.forms import RequestForm
from sharing.models import BasketItem, Grant, ItemState, RequestItem, RequestState, SharingRequest, StepItem, Verdict
from sharing.supervision.figures import expected_day
from sharing.terms import Terms, sentences
from sharing.thread.queries import talk_on, waiting_questions

EXPORT_LIMIT = 10_000
EXPORT_LOT = 500
SORTS = ("number", "title", "modified", "submitted_at")


def _ids(request: HttpRequest) -> list[UUID]:
    return as_uuids(request.POST.getlist("dataset")[: drafts.ITEM_LIMIT])


def _next(request: HttpRequest, default: str) -> HttpResponse:
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return redirect(target if safe else default)


@login_required
def basket(request: HttpRequest) -> HttpResponse:
    """The datasets put aside, by provider."""
    actor = actor_of(request)
    access.require(actor, Permission.REQUEST_CREATE)
    rows = BasketItem.objects.filter(user=actor.user).select_related("dataset__provider__region")
    items = sorted(rows, key=lambda row: (row.dataset.provider.region.level, row.dataset.provider.name))
    open_drafts = SharingRequest.objects.filter(
        created_by=actor.user, department__in=_applicants(actor), state=RequestState.DRAFT
    ).order_by("-modified")
    context = {"items": items, "drafts": open_drafts[:10]} | _had(actor, [row.dataset_id for row in items])
    return render(request, "sharing/basket.html", context)


def _had(actor: Actor, dataset_ids: list[UUID]) -> dict[str, dict[UUID, Any]]:
    """What one's departments have of these datasets: the end of the grant, or the number of the open request."""
    departments = actor.standing.departments_with(Duty.APPLICANT)
    held = Grant.objects.in_force().filter(department__in=departments, dataset__in=dataset_ids)
    open_states = ItemState.undecided()
    asked = RequestItem.objects.filter(
        request__department__in=departments, dataset__in=dataset_ids, state__in=open_states
    )
    return {
        "held": dict(held.order_by("valid_until").values_list("dataset_id", "valid_until")),
        "asked": dict(asked.order_by("id").values_list("dataset_id", "request__number")),
    }


@login_required
@require_POST
def basket_add(request: HttpRequest) -> HttpResponse:
    """Put datasets in the basket and go back."""
    actor = actor_of(request)
    access.require(actor, Permission.REQUEST_CREATE)
    added = drafts.add_to_basket(actor=actor, dataset_ids=_ids(request))
    if added:
        text = ngettext("%(n)s dataset is in the basket now.", "%(n)s datasets are in the basket now.", added)
        messages.success(request, text % {"n": added})
    else:
        messages.warning(request, _("Nothing was added: choose datasets that are not in the basket yet."))
    return _next(request, "sharing:basket")


@login_required
@require_POST
def basket_remove(request: HttpRequest) -> HttpResponse:
    """Take datasets out of the basket."""
    actor = actor_of(request)
    access.require(actor, Permission.REQUEST_CREATE)
    assert actor.user is not None
    drafts.remove_from_basket(user=actor.user, dataset_ids=_ids(request))
    return redirect("sharing:basket")


def _applicants(actor: Actor) -> QuerySet[Department]:
    return Department.objects.active().filter(pk__in=actor.standing.departments_with(Duty.APPLICANT))


@login_required
def request_create(request: HttpRequest) -> HttpResponse:
    """A draft of everything in the basket."""
    actor = actor_of(request)
    access.require(actor, Permission.REQUEST_CREATE)
    rows = list(BasketItem.objects.filter(user=actor.user).select_related("dataset__provider"))
    if not rows:
        messages.warning(request, _("The basket is empty. Put datasets in it first."))
        return redirect("sharing:basket")
    form = RequestForm(request.POST or None, departments=_applicants(actor))
    if request.method == "POST" and form.is_valid():
        try:
            made = drafts.create_from_basket(
                actor=actor, department=form.cleaned_data["department"], details=form.details()
            )
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("The draft is saved. Choose items and rows where you need less, then submit."))
            return redirect(made)
    context = {"form": form, "basket": rows}
    return render(request, "sharing/request_form.html", context, status=422 if request.method == "POST" else 200)


def request_or_404(request: HttpRequest, pk: UUID) -> SharingRequest:
    """The request, when the reader may see it."""
    actor = actor_of(request)
    rows = SharingRequest.objects.select_related("department__region", "created_by", "route_version")
    return get_object_or_404(rows.readable_by(actor.standing), pk=pk)


@login_required
def request_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what a draft or returned request states."""
    found = request_or_404(request, pk)
    access.require(actor_of(request), Permission.REQUEST_EDIT, found)
    form = RequestForm(request.POST or None, instance=found)
    asked = {name for names in _marked(found).values() for name in names}
    if request.method == "POST" and form.is_valid():
        try:
            drafts.update(request=found, actor=actor_of(request), details=form.details())
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect(found)
    context = {"form": form, "sharing_request": found, "marks": marks.labels(asked.intersection(marks.OF_REQUEST))}
    return render(request, "sharing/request_form.html", context, status=422 if request.method == "POST" else 200)


def item_rows(found: SharingRequest) -> list[dict[str, Any]]:
    """What the pages of a request show of each dataset."""
    items = found.items.select_related("dataset__provider__region", "grant")
    items = items.prefetch_related("dataset__items", "disputes")
    marked = _marked(found)
    rows = []
    for item in items:
        fields = {data_item.column: data_item for data_item in item.dataset.items.all()}
        titles = {column: data_item.name for column, data_item in fields.items()}
        rows.append(
            {
                "item": item,
                "columns": [fields[column] for column in item.columns if column in fields],
                "all": len(item.columns) == len(fields),
                "rows": describe(item.row_filter, titles),
                "grant": getattr(item, "grant", None),
                "terms": sentences(Terms.of_json(item.terms), titles),
                "dispute": next(iter(item.disputes.all()), None),
                "marks": marks.labels(marked.get(item.pk, [])),
            }
        )
    return rows


def _marked(found: SharingRequest) -> dict[UUID, list[str]]:
    """What the offices want changed in the items that they returned, by item."""
    if found.state != RequestState.RETURNED:
        return {}
    returned = StepItem.objects.filter(step__request=found, verdict=Verdict.RETURN, is_needed=True)
    return dict(returned.values_list("item", "marks"))


@login_required
def request_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A request: what is asked, the answers, the way it takes, its history."""
    found = request_or_404(request, pk)
    may_edit = access.can(actor_of(request), Permission.REQUEST_EDIT, found)
    is_draft = found.state == RequestState.DRAFT
    context: dict[str, Any] = {
        "sharing_request": found,
        "rows": item_rows(found),
        "lanes": [] if is_draft else way.way_of(found),
        "expected": None if is_draft or not found.is_open else expected_day(list(found.steps.all())),
        "lines": history.lines(stream_of(found)),
        "may_edit": may_edit and found.state in (RequestState.DRAFT, RequestState.RETURNED),
        "may_answer": may_edit,
        "may_withdraw": may_edit and (found.is_open or is_draft),
        "talk": talk_on(found, actor_of(request)),
        "letters": list(found.letters.readable_by(actor_of(request).standing).distinct()),
        "questions_waiting": waiting_questions(found) if may_edit else 0,
        "problems": _problems(found) if may_edit and is_draft else {},
    }
    if is_draft:
        try:
            context["preview"] = way.preview(found)
            context["last_day"] = way.last_day(context["preview"])
        except PortalError as error:
            context["preview_error"] = error
    return render(request, "sharing/request_detail.html", context)


def _problems(found: SharingRequest) -> dict[str, list[Any]]:
    try:
        drafts.check_complete(found)
    except InvalidInput as error:
        return error.fields
    return {}


@login_required
def item_edit(request: HttpRequest, pk: UUID, item_pk: UUID) -> HttpResponse:
    """The items and rows of one dataset of a draft or returned request."""
    found = request_or_404(request, pk)
    access.require(actor_of(request), Permission.REQUEST_EDIT, found)
    item = get_object_or_404(found.items.select_related("dataset__provider"), pk=item_pk)
    shareable = shareable_columns(item.dataset)
    chosen, conditions, error = item.columns, item.row_filter, None
    if request.method == "POST":
        chosen, conditions = request.POST.getlist("columns"), conditions_from(request.POST)
        try:
            drafts.change_item(item=item, actor=actor_of(request), columns=chosen, row_filter=conditions)
        except PortalError as caught:
            error = caught
        else:
            messages.success(request, _("Saved."))
            return redirect(found)
    shown = [
        {**c, "value": ", ".join(c["value"]) if isinstance(c.get("value"), list) else c.get("value")}
        for c in conditions
    ]
    context = {
        "sharing_request": found,
        "item": item,
        "fields": [i for i in item.dataset.items.all() if i.column in shareable],
        "chosen": chosen,
        "conditions": shown or [{"column": "", "op": "eq", "value": ""}],
        "columns": [c for c in declared_columns(item.dataset) if c.name in shareable],
        "operators": list(OPERATORS.items()),
        "error": error,
    }
    return render(request, "sharing/item_form.html", context, status=422 if error else 200)


@login_required
@require_POST
def item_remove(request: HttpRequest, pk: UUID, item_pk: UUID) -> HttpResponse:
    """Take a dataset out of a draft."""
    found = request_or_404(request, pk)
    item = get_object_or_404(RequestItem, request=found, pk=item_pk)
    drafts.remove_item(item=item, actor=actor_of(request))
    return redirect(found)


@login_required
@require_POST
def request_add(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add what is in the basket to a draft."""
    found = request_or_404(request, pk)
    added = drafts.add_from_basket(request=found, actor=actor_of(request))
    if not added:
        messages.warning(request, _("Nothing was added: everything in the basket stands in the draft already."))
    return redirect(found)


def _command(request: HttpRequest, pk: UUID, name: str) -> HttpResponse:
    """Run a workflow command on a request and say what came of it."""
    found = request_or_404(request, pk)
    command, done = {
        "submit": (workflow.submit, _("Submitted. You will be told of every answer.")),
        "resubmit": (workflow.resubmit, _("Submitted again. The offices go on where they returned it.")),
    }[name]
    try:
        command(request=found, actor=actor_of(request))
    except InvalidInput as error:
        messages.error(request, f"{error} " + " ".join(str(m) for found_ in error.fields.values() for m in found_))
    else:
        messages.success(request, done)
    return redirect(found)


@login_required
@require_POST
def request_submit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Submit a draft."""
    return _command(request, pk, "submit")


@login_required
@require_POST
def request_resubmit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give returned items back to the offices."""
    return _command(request, pk, "resubmit")


@login_required
@require_POST
def item_terms(request: HttpRequest, pk: UUID, item_pk: UUID) -> HttpResponse:
    """Accept the conditions of an item, or (``answer=decline``) give it up."""
    found = request_or_404(request, pk)
    item = get_object_or_404(found.items, pk=item_pk)
    is_accepted = request.POST.get("answer") == "accept"
    workflow.answer_terms(item=item, actor=actor_of(request), is_accepted=is_accepted)
    messages.success(request, _("Accepted: you can use the data now.") if is_accepted else _("Given up."))
    return redirect(found)


@login_required
@require_POST
def request_withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a request back."""
    found = request_or_404(request, pk)
    workflow.withdraw(request=found, actor=actor_of(request), reason=clean_text(request.POST.get("reason", ""))[:1_000])
    messages.success(request, _("The request is withdrawn. Grants that were given already stay."))
    return redirect(found)


SCOPES = {"own": gettext_lazy("Of my department"), "handled": gettext_lazy("Came to my offices")}


def _scope(request: HttpRequest, actor: Actor) -> str:
    """The chosen part of the list; who applies for a department sees its requests first."""
    chosen = request.GET.get("scope", "")
    if chosen in SCOPES:
        return chosen
    return "own" if actor.standing.departments_with(Duty.APPLICANT) else "handled"


def _matching(request: HttpRequest, actor: Actor) -> QuerySet[SharingRequest]:
    """Requests that meet the filters of the page, in its order: newest first when nothing else is asked."""
    rows, params = SharingRequest.objects.all(), request.GET
    is_own = _scope(request, actor) == "own"
    rows = rows.of_departments(actor.standing) if is_own else rows.handled_by(actor.standing)
    if params.get("state") in RequestState.values:
        rows = rows.filter(state=params["state"])
    if text := clean_text(params.get("q", "")):
        rows = rows.filter(Q(title__icontains=text) | Q(number__istartswith=text))
    sort = params.get("sort", "")
    if sort.removeprefix("-") in SORTS:
        return rows.order_by(sort, "-id")
    return rows.order_by("-modified", "-id") if is_own else rows.order_by("-id")


def _shown(ids: Sequence[UUID]) -> list[SharingRequest]:
    """What a line of the list shows of these requests, in their order: one query, however many."""
    found = SharingRequest.objects.filter(pk__in=ids).with_item_counts().select_related("department").in_bulk()
    return [found[pk] for pk in ids if pk in found]


class RequestListView(WorkplaceMixin, ListView[SharingRequest]):
    """Requests of my departments, or those that came to my offices."""

    template_name = "sharing/request_list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[SharingRequest]:
        return _matching(self.request, self.actor).only("pk")  # the rest is read for the page alone

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["object_list"] = _shown([row.pk for row in context["page_obj"].object_list])
        states = [
            c for c in RequestState.choices if c[0] != RequestState.DRAFT or _scope(self.request, self.actor) == "own"
        ]
        return context | {"states": states, "scopes": SCOPES, "scope": _scope(self.request, self.actor)}


@login_required
def request_export(request: HttpRequest) -> StreamingHttpResponse:
    """The list as CSV."""
    ids = list(_matching(request, actor_of(request)).values_list("pk", flat=True)[:EXPORT_LIMIT])

    def rows() -> Iterator[list[Any]]:
        yield [_("number"), _("title"), _("applicant"), _("state"), _("datasets"), _("answered"), _("submitted")]
        for start in range(0, len(ids), EXPORT_LOT):
            for r in _shown(ids[start : start + EXPORT_LOT]):
                counts = [r.items_total, r.items_answered]  # type: ignore[attr-defined]
                yield [r.number, r.title, r.department.name, r.get_state_display(), *counts, r.submitted_at]

    return csv_response(rows(), "requests")
