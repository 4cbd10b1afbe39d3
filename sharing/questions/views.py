"""The pages on which a department writes, publishes and attaches its questions to applicants."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from catalog.models import Dataset
from catalog.search import as_uuids
from portal import access
from portal.access import Permission
from portal.audit.record import stream_of
from portal.departments.models import Department
from portal.errors import PortalError
from portal.list_export import exported
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, clean_text, page_of, show_refusal
from sharing import history
from sharing.models import FormVersion, QuestionForm
from sharing.questions import acts, kinds, queries
from sharing.questions.asked import Asked
from sharing.questions.forms import AnswerForm, NewForm, PublishForm, QuestionEditForm, TitleForm
from sharing.questions.rules import KEEPING_DUTIES

HEAD = (
    gettext_lazy("title"),
    gettext_lazy("department"),
    gettext_lazy("version"),
    gettext_lazy("datasets"),
    gettext_lazy("requests"),
    gettext_lazy("modified"),
)


class FormListView(WorkplaceMixin, ListView[QuestionForm]):
    """Forms of my departments."""

    permission = Permission.FORM_MANAGE
    template_name = "sharing/questions/list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[QuestionForm]:
        return queries.matching(queries.with_figures(queries.kept_by(self.actor)), self.request.GET)


@login_required
def form_export(request: HttpRequest) -> HttpResponseBase:
    """The list as CSV or XLSX."""
    access.require(actor_of(request), Permission.FORM_MANAGE)
    rows = queries.matching(queries.with_figures(queries.kept_by(actor_of(request))), request.GET)
    found: Any = rows.iterator(chunk_size=1_000)
    lines = ([r.title, r.department.name, r.version_number, r.dataset_count, r.answer_count, r.modified] for r in found)
    return exported(request.GET.get("format", ""), "questions", _("Questions to applicants"), HEAD, lines)


def _form(request: HttpRequest, pk: UUID) -> QuestionForm:
    """The form, when the reader keeps it."""
    access.require(actor_of(request), Permission.FORM_MANAGE)
    return get_object_or_404(queries.kept_by(actor_of(request)).select_related("department"), pk=pk)


def _page(request: HttpRequest, form: Any, title: Any, back: str, **more: Any) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "tone": "is-primary",
        "back": back,
        "list_url": reverse("sharing:form-list"),
        "list_title": _("Questions to applicants"),
        **more,
    }
    return render(request, "layouts/act.html", context, status=422 if form.errors else 200)


@login_required
def form_create(request: HttpRequest) -> HttpResponse:
    """A new form of a department."""
    actor = actor_of(request)
    access.require(actor, Permission.FORM_MANAGE)
    mine = Department.objects.active().filter(pk__in=actor.standing.departments_with(*KEEPING_DUTIES))
    form = NewForm(request.POST or None, departments=mine)
    if request.method == "POST" and form.is_valid():
        try:
            made = acts.create(actor=actor, **form.cleaned_data)
        except PortalError as error:
            show_refusal(form, error)
        else:
            return redirect("sharing:form-edit", made.pk)
    return _page(request, form, _("New form of questions"), reverse("sharing:form-list"))


@login_required
def form_rename(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Another title."""
    found = _form(request, pk)
    form = TitleForm(request.POST or None, initial={"title": found.title, "title_en": found.title_en})
    if request.method == "POST" and form.is_valid():
        try:
            acts.rename(form=found, actor=actor_of(request), **form.cleaned_data)
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect(found)
    return _page(request, form, _("Change the title"), found.get_absolute_url(), subject=str(found))


@login_required
def form_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A form: what it asks, of which datasets, its versions and history."""
    found = _form(request, pk)
    versions = list(found.versions.select_related("published_by").order_by("-number")[:50])
    published = [version for version in versions if not version.is_draft]
    chosen = next((v for v in versions if str(v.number) == request.GET.get("version")), None)
    shown = chosen or (published[0] if published else versions[0] if versions else None)
    context = {
        "question_form": found,
        "versions": versions,
        "holding": published[0] if published else None,
        "draft": next((version for version in versions if version.is_draft), None),
        "shown": shown,
        "questions": kinds.parse(shown.questions) if shown else (),
        "page": page_of(request, found.attachments.select_related("dataset").order_by("dataset__title", "pk")),
        "lines": history.lines(stream_of(found)),
    }
    return render(request, "sharing/questions/detail.html", context)


@login_required
@require_POST
def form_draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Begin the next version, or go on with it."""
    found = _form(request, pk)
    acts.start_draft(form=found, actor=actor_of(request))
    return redirect("sharing:form-edit", found.pk)


def _edit_page(request: HttpRequest, draft: FormVersion, form: PublishForm, status: int) -> HttpResponse:
    questions = kinds.parse(draft.questions)
    context = {"question_form": draft.form, "draft": draft, "questions": questions, "form": form}
    return render(request, "sharing/questions/edit.html", context, status=status)


@login_required
def form_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The draft: its questions in order, and publishing."""
    found = _form(request, pk)
    draft = acts.draft_of(found)
    if draft is None:
        messages.warning(request, _("There is no draft. Begin the next version first."))
        return redirect(found)
    return _edit_page(request, draft, PublishForm(), 200)


def _seen(request: HttpRequest) -> int:
    text = request.POST.get("seen", "")
    return int(text) if text.isdecimal() and len(text) < 9 else -1


@login_required
@require_POST
def form_order(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Move or remove a question of the draft."""
    found = _form(request, pk)
    key, act = request.POST.get("key", ""), request.POST.get("act", "")
    try:
        acts.order_question(form=found, actor=actor_of(request), seen=_seen(request), key=key, act=act)
    except PortalError as error:
        messages.error(request, str(error))
    return redirect("sharing:form-edit", found.pk)


@login_required
def question_edit(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    """One question of the draft; ``new`` for one more."""
    found = _form(request, pk)
    draft = acts.draft_of(found)
    if draft is None:
        return redirect(found)
    kept = next((each for each in kinds.parse(draft.questions) if each.key == key), None)
    initial = QuestionEditForm.initial_of(kept) if kept else {"key": f"q{len(draft.questions) + 1}"}
    form, status = QuestionEditForm(request.POST or None, initial=initial), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            old = key if kept else ""
            try:
                acts.put_question(
                    form=found, actor=actor_of(request), seen=_seen(request), question=form.question(), key=old
                )
            except PortalError as error:
                show_refusal(form, error)
                status = int(error.status)
            else:
                return redirect("sharing:form-edit", found.pk)
    context = {"question_form": found, "draft": draft, "form": form, "is_new": kept is None}
    return render(request, "sharing/questions/question.html", context, status=status)


@login_required
@require_POST
def form_publish(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Publish the draft."""
    found = _form(request, pk)
    draft = acts.draft_of(found)
    if draft is None:
        return redirect(found)
    form, status = PublishForm(request.POST), 422
    if form.is_valid():
        note = form.cleaned_data["note"]
        try:
            acts.publish(form=found, actor=actor_of(request), seen=_seen(request), note=note)
        except PortalError as error:
            show_refusal(form, error)
            status = int(error.status)
        else:
            messages.success(request, _("Published. Drafts of requests are asked these questions from now on."))
            return redirect(found)
    return _edit_page(request, draft, form, status)


@login_required
@require_POST
def form_discard(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Throw the draft away."""
    found = _form(request, pk)
    try:
        acts.discard(form=found, actor=actor_of(request))
    except PortalError as error:
        messages.error(request, str(error))
    return redirect(found if QuestionForm.objects.filter(pk=pk).exists() else "sharing:form-list")


@login_required
def form_compare(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Two versions beside each other, question by question; the newest and the one before it at first."""
    found = _form(request, pk)
    versions = {str(version.number): version for version in found.versions.order_by("-number")}
    numbers = list(versions)
    new = versions.get(request.GET.get("new", ""), versions[numbers[0]] if numbers else None)
    old = versions.get(request.GET.get("old", ""), versions[numbers[min(1, len(numbers) - 1)]] if numbers else None)
    sides = [kinds.parse(version.questions) if version else () for version in (old, new)]
    context = {
        "question_form": found,
        "versions": list(versions.values()),
        "old": old,
        "new": new,
        "rows": kinds.compared(*sides),
    }
    return render(request, "sharing/questions/compare.html", context)


@login_required
def form_preview(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The draft, or else the version that is asked, as applicants see it; nothing is saved."""
    found = _form(request, pk)
    version = acts.draft_of(found) or acts.version_in_force(found)
    assert version
    asked = Asked(found, version, kinds.parse(version.questions), {}, None, frozenset())
    context = {"question_form": found, "version": version, "form": AnswerForm(asked)}
    return render(request, "sharing/questions/preview.html", context)


@login_required
def form_datasets(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Choose datasets of the department whose applicants are asked."""
    found = _form(request, pk)
    theirs = Dataset.objects.filter(provider=found.department_id)
    if request.method == "POST":
        chosen = theirs.filter(pk__in=as_uuids(request.POST.getlist("dataset")[:500]))
        side = "remove" if request.POST.get("act") == "remove" else "add"
        try:
            acts.set_datasets(form=found, actor=actor_of(request), **{side: list(chosen)})
        except PortalError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Saved."))
        return redirect(found)
    rows = theirs.exclude(pk__in=found.attachments.values("dataset")).order_by("title", "pk")
    if text := clean_text(request.GET.get("q", ""))[:100]:
        rows = rows.filter(title__icontains=text) | rows.filter(code__istartswith=text)
    context = {"question_form": found, "page": page_of(request, rows, 50)}
    return render(request, "sharing/questions/datasets.html", context)


@login_required
@require_POST
def form_attach(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Attach a form to a dataset, or take it off, from the dataset's own page."""
    mine = actor_of(request).standing.departments_with(*KEEPING_DUTIES)
    dataset = get_object_or_404(Dataset.objects.filter(provider__in=mine), pk=pk)
    chosen = as_uuids([request.POST.get("form", "")])
    back = redirect(f"{dataset.get_absolute_url()}?tab=questions")
    found = queries.kept_by(actor_of(request)).filter(pk__in=chosen).first()
    if found is None:
        messages.warning(request, _("Choose a form first."))
        return back
    side = "remove" if request.POST.get("act") == "remove" else "add"
    try:
        acts.set_datasets(form=found, actor=actor_of(request), **{side: [dataset]})
    except PortalError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Saved."))
    return back
