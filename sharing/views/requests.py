"""Drafts and requests, as the applicant works with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.forms.utils import ErrorDict
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog.browse import conditions_from
from catalog.items import declared_columns, shareable_columns
from catalog.tables.filters import OPERATORS, describe
from portal import access
from portal.access import Permission
from portal.accounts.models import User
from portal.audit.record import stream_of
from portal.departments.models import Duty
from portal.errors import InvalidInput, PortalError
from portal.unsaved import store
from portal.views import actor_of, clean_text, show_refusal
from sharing import drafts, history, marks, way, workflow
from sharing.forms import RequestForm
from sharing.models import BasketItem, ItemState, RequestItem, RequestState, SharingRequest, StepItem, Verdict
from sharing.outside.queries import former_of
from sharing.precheck.working import check
from sharing.preparing import copying
from sharing.questions.queries import answers_for
from sharing.supervision.figures import expected_day
from sharing.terms import Terms, sentences
from sharing.thread.queries import talk_on, waiting_questions

ITEMS_SHOWN = 50


@login_required
def request_create(request: HttpRequest) -> HttpResponse:
    """A draft of everything in the basket, from a template where one is chosen; what is typed is kept meanwhile."""
    actor = actor_of(request)
    access.require(actor, Permission.REQUEST_CREATE)
    rows = list(BasketItem.objects.filter(user=actor.user).select_related("dataset__provider"))
    if not rows:
        messages.warning(request, _("The basket is empty. Put datasets in it first."))
        return redirect("sharing:basket")
    departments = copying.applies_for(actor)
    templates = copying.templates_for(actor, departments)
    chosen = next((each for each in templates if str(each.pk) == request.GET.get("template")), None)
    form = RequestForm(
        _posted(request, "request:new"),
        departments=departments,
        initial=copying.initial_of(chosen) | {"department": chosen.department} if chosen else None,
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = drafts.create_from_basket(
                actor=actor, department=form.cleaned_data["department"], details=form.details()
            )
        except PortalError as error:
            show_refusal(form, error)
        else:
            store.forget(_writer(request), "request:new")
            messages.success(request, _("The draft is saved. Choose items and rows where you need less, then submit."))
            return redirect(made)
    return _form_page(request, form, "request:new", {"basket": rows, "templates": templates, "chosen": chosen})


def _writer(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _posted(request: HttpRequest, key: str) -> QueryDict | None:
    """What was sent; or what was typed before and not saved, when the person goes on with it."""
    if request.method == "POST":
        return request.POST
    text = store.kept(_writer(request), key) if "restore" in request.GET else None
    return store.fields_of(text) if text else None


def _form_page(request: HttpRequest, form: RequestForm, key: str, context: dict[str, Any]) -> HttpResponse:
    is_restored = request.method != "POST" and form.is_bound
    if is_restored:
        vars(form)["_errors"] = ErrorDict()  # it was not sent: nothing is blamed yet
    unsaved = store.kept(_writer(request), key) if request.method != "POST" and not is_restored else None
    departments = actor_of(request).standing.departments_with(Duty.APPLICANT)
    context |= {"form": form, "unsaved": unsaved, "bases": drafts.bases_of(departments)}
    return render(request, "sharing/request_form.html", context, status=422 if request.method == "POST" else 200)


def request_or_404(request: HttpRequest, pk: UUID) -> SharingRequest:
    """The request, when the reader may see it."""
    actor = actor_of(request)
    rows = SharingRequest.objects.select_related("department__region", "created_by", "route_version", "outside")
    return get_object_or_404(rows.readable_by(actor.standing), pk=pk)


@login_required
def request_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what a draft or returned request states."""
    found = request_or_404(request, pk)
    access.require(actor_of(request), Permission.REQUEST_EDIT, found)
    key = f"request:{found.pk}"
    form = RequestForm(_posted(request, key), instance=found)
    asked = {name for names in _marked(found).values() for name in names}
    if request.method == "POST" and form.is_valid():
        try:
            drafts.update(request=found, actor=actor_of(request), details=form.details())
        except PortalError as error:
            show_refusal(form, error)
        else:
            store.forget(_writer(request), key)
            messages.success(request, _("Saved."))
            return redirect(found)
    shown = marks.labels(asked.intersection(marks.OF_REQUEST))
    return _form_page(request, form, key, {"sharing_request": found, "marks": shown})


@login_required
@require_POST
def form_keep(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Keep what is typed into the form of a request, and say since when."""
    key = f"request:{request_or_404(request, pk).pk}" if pk else "request:new"
    access.require(actor_of(request), Permission.REQUEST_CREATE)
    return render(request, "sharing/_kept.html", {"text": store.keep(_writer(request), key, request.POST)})


@login_required
@require_POST
def form_forget(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Throw the kept text away."""
    key = f"request:{request_or_404(request, pk).pk}" if pk else "request:new"
    store.forget(_writer(request), key)
    return redirect("sharing:request-edit", pk) if pk else redirect("sharing:request-create")


def _chosen_items(request: HttpRequest, found: SharingRequest) -> QuerySet[RequestItem]:
    """The datasets of a request that the reader looks for, by answer and words."""
    rows = found.items.order_by("dataset__provider__name", "id")
    if request.GET.get("answer") in ItemState.values:
        rows = rows.filter(state=request.GET["answer"])
    if text := clean_text(request.GET.get("q", ""))[:100]:
        rows = rows.filter(Q(dataset__title__icontains=text) | Q(dataset__provider__name__icontains=text))
    return rows


def item_rows(found: SharingRequest, chosen: Collection[UUID] | None = None) -> list[dict[str, Any]]:
    """What the pages of a request show of each dataset, or of the items ``chosen`` in their order."""
    items = found.items.select_related("dataset__provider__region", "grant")
    items = items.prefetch_related("dataset__items", "disputes")
    if chosen is not None:
        by_id = items.in_bulk(list(chosen))
        return _rows_of(found, [by_id[pk] for pk in chosen if pk in by_id])
    return _rows_of(found, items)


def _rows_of(found: SharingRequest, items: Iterable[RequestItem]) -> list[dict[str, Any]]:
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
    applies = access.can(actor_of(request), Permission.REQUEST_SUBMIT, found)
    is_draft = found.state == RequestState.DRAFT
    page = Paginator(_chosen_items(request, found).values_list("pk", flat=True), ITEMS_SHOWN).get_page(
        request.GET.get("page")
    )
    context: dict[str, Any] = {
        "sharing_request": found,
        "rows": item_rows(found, list(page.object_list)),
        "page_obj": page,
        "item_count": found.items.count(),
        "answers_of_items": ItemState.choices,
        "lanes": [] if is_draft else way.way_of(found),
        "expected": None if is_draft or not found.is_open else expected_day(list(found.steps.all())),
        "lines": history.lines(stream_of(found)),
        "may_edit": may_edit and found.state in (RequestState.DRAFT, RequestState.RETURNED),
        "applies": applies,
        "may_answer": applies,
        "may_reroute": found.is_open and access.can(actor_of(request), Permission.REQUEST_REROUTE, found),
        "may_withdraw": applies and (found.is_open or is_draft),
        "attachments": list(found.attachments.select_related("added_by")),
        "colleagues": list(found.co_applicants.select_related("user")),
        "talk": talk_on(found, actor_of(request)),
        "letters": list(found.letters.readable_by(actor_of(request).standing).distinct()),
        "questions_waiting": waiting_questions(found) if applies else 0,
        "answers": [] if is_draft else answers_for(found, actor_of(request)),
        **former_of(found),
    }
    if is_draft:
        checked = check(found, actor_of(request))
        context |= {
            "check": checked,
            "answers": checked.asked,
            "problems": checked.wrong if may_edit else {},
            "restrictions": checked.restrictions,
            "preview": way.lanes_of(checked.planned),
            "preview_error": checked.route_error,
        }
    return render(request, "sharing/request_detail.html", context)


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
