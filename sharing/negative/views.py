"""The negative list: records and items that are not shared, and one record with its reviews and questions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import ListView

from catalog.models import DataItem, Dataset, SharingType
from catalog.rules import may_edit
from portal import access
from portal.access import Permission
from portal.departments.scope import regions_for
from portal.errors import InvalidInput, WrongState
from portal.list_export import exported
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, require_duty, show_refusal
from sharing.models import SharingQuestion
from sharing.negative import acts, queries
from sharing.negative.forms import ReviewForm, TextForm

TABS = {
    "": gettext_lazy("Records"),
    "items": gettext_lazy("Single items"),
    "suggested": gettext_lazy("Refused demands"),
}
FLAGS = {
    "overdue": gettext_lazy("Review overdue"),
    "defect": gettext_lazy("No basis or no review day"),
    "asked": gettext_lazy("Question open"),
}
HEAD = (
    gettext_lazy("resource code"),
    gettext_lazy("title"),
    gettext_lazy("provider"),
    gettext_lazy("item"),
    gettext_lazy("legal basis"),
    gettext_lazy("review on"),
)


class NegativeListView(WorkplaceMixin, ListView[Any]):
    """What is not shared, by review day; single items and refused demands on their own tabs."""

    permission = Permission.DEMAND_CREATE
    template_name = "sharing/negative_list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Any]:
        params = self.request.GET
        if params.get("tab") == "items":
            return queries.matching_items(queries.items(), params).select_related("dataset__provider")
        if params.get("tab") == "suggested":
            return queries.suggestions(self.actor.standing)
        rows = queries.matching(queries.with_questions(queries.records()), params)
        return rows.select_related("provider__region")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            figures=queries.figures(),
            tabs=list(TABS.items()),
            tab=self.request.GET.get("tab", ""),
            flags=FLAGS,
            regions=regions_for(self.actor.standing),
            today=timezone.localdate(),
            **kwargs,
        )


@login_required
def negative_export(request: HttpRequest) -> HttpResponseBase:
    """Records and items under the filters, as CSV or XLSX."""
    require_duty(request)
    records = queries.matching(queries.records(), request.GET).select_related("provider")
    items = queries.matching_items(queries.items(), request.GET).select_related("dataset__provider")
    return exported(request.GET.get("format", ""), "negative-list", _("Negative list"), HEAD, _lines(records, items))


def _lines(records: QuerySet[Dataset], items: QuerySet[DataItem]) -> Iterator[list[Any]]:
    for d in records.iterator(chunk_size=1_000):
        yield [d.code, d.title, d.provider.name, "", d.sharing_basis, d.sharing_review_on]
    for item in items.iterator(chunk_size=1_000):
        d = item.dataset
        yield [d.code, d.title, d.provider.name, item.name, d.sharing_basis, d.sharing_review_on]


def _record_or_404(request: HttpRequest, pk: UUID) -> Dataset:
    """A record that is kept back, wholly or in part, when the reader may see it."""
    rows = Dataset.objects.published().visible_to(request.user).select_related("provider__region")
    return get_object_or_404(rows, pk=pk)


@login_required
def negative_record(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What one record keeps back and why, the authority's questions, and what I may do."""
    require_duty(request)
    return _record_page(request, _record_or_404(request, pk))


def _record_page(request: HttpRequest, dataset: Dataset, form: forms.Form | None = None, act: str = "") -> HttpResponse:
    actor = actor_of(request)
    questions = list(dataset.sharing_questions.select_related("asked_by", "answered_by"))
    is_open = any(question.answered_at is None for question in questions)
    is_kept = dataset.sharing_type == SharingType.NOT_SHARED
    may_review = access.can(actor, Permission.NOT_SHARING_REVIEW, dataset)
    initial = {"basis": dataset.sharing_basis, "seen_version": dataset.version}
    context = {
        "dataset": dataset,
        "is_kept": is_kept,
        "items": list(dataset.items.filter(sharing_type=SharingType.NOT_SHARED)),
        "questions": questions,
        "today": timezone.localdate(),
        "review_form": (form if act == "review" else ReviewForm(initial=initial)) if may_review and is_kept else None,
        "ask_form": (form if act == "ask" else TextForm())
        if not is_open and access.can(actor, Permission.NOT_SHARING_ASK, dataset)
        else None,
        "answer_form": (form if act == "answer" else TextForm()) if may_review and is_open else None,
        "may_revise": may_edit(actor, dataset) and dataset.open_revision is None,
    }
    return render(request, "sharing/negative_record.html", context, status=422 if form and form.errors else 200)


@login_required
def negative_review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The provider's review: still not shared."""
    dataset = _record_or_404(request, pk)
    access.require(actor_of(request), Permission.NOT_SHARING_REVIEW, dataset)
    if request.method != "POST":
        return redirect("sharing:negative-record", pk)
    form = ReviewForm(request.POST)
    if form.is_valid():
        words = form.words()
        seen = form.cleaned_data["seen_version"]
        try:
            acts.review(
                dataset=dataset, actor=actor_of(request), basis=words["basis"], until=words["until"], seen_version=seen
            )
        except InvalidInput as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Reviewed. You are reminded before the next day."))
            return redirect("sharing:negative-record", pk)
    return _record_page(request, dataset, form, "review")


@login_required
def negative_ask(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The authority asks for the reason."""
    dataset = _record_or_404(request, pk)
    access.require(actor_of(request), Permission.NOT_SHARING_ASK, dataset)
    if request.method != "POST":
        return redirect("sharing:negative-record", pk)
    form = TextForm(request.POST)
    if form.is_valid():
        try:
            acts.ask(dataset=dataset, actor=actor_of(request), text=form.cleaned_data["text"])
        except InvalidInput as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Asked. The provider has 10 working days to answer."))
            return redirect("sharing:negative-record", pk)
    return _record_page(request, dataset, form, "ask")


@login_required
def negative_answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The provider answers."""
    dataset = _record_or_404(request, pk)
    access.require(actor_of(request), Permission.NOT_SHARING_REVIEW, dataset)
    if request.method != "POST":
        return redirect("sharing:negative-record", pk)
    form = TextForm(request.POST)
    if form.is_valid():
        question = SharingQuestion.objects.filter(dataset=dataset, answered_at__isnull=True).first()
        if question is None:
            raise WrongState
        try:
            acts.answer(question=question, actor=actor_of(request), text=form.cleaned_data["text"])
        except InvalidInput as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Answered. Who asked was told."))
            return redirect("sharing:negative-record", pk)
    return _record_page(request, dataset, form, "answer")
