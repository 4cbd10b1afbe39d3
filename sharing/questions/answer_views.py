"""The page on which a request answers its providers' questions, and what is read of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal import access
from portal.access import Permission
from portal.accounts.models import User
from portal.errors import PortalError, WrongState
from portal.exports import csv_response
from portal.unsaved import store
from portal.views import actor_of
from sharing.models import AnswerFile, RequestAnswers, RequestState, SharingRequest
from sharing.questions import answering
from sharing.questions.asked import Asked, asked_of
from sharing.questions.forms import AnswerForm
from sharing.questions.queries import answers_for
from sharing.views.requests import request_or_404


def _editable(request: HttpRequest, pk: UUID) -> SharingRequest:
    found = request_or_404(request, pk)
    access.require(actor_of(request), Permission.REQUEST_EDIT, found)
    if found.state not in (RequestState.DRAFT, RequestState.RETURNED):
        raise WrongState(_("The request is with the offices; it can be changed when it is returned."))
    return found


def _key(found: SharingRequest) -> str:
    return f"answers:{found.pk}"


def _writer(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _page(
    request: HttpRequest, found: SharingRequest, forms: list[AnswerForm], error: PortalError | None = None
) -> HttpResponse:
    is_typed = request.method == "POST" or "restore" in request.GET
    context = {
        "sharing_request": found,
        "forms": forms,
        "error": error,
        "unsaved": None if is_typed else store.kept(_writer(request), _key(found)),
    }
    return render(request, "sharing/questions/answers.html", context, status=int(error.status) if error else 200)


def _asked(found: SharingRequest) -> list[Asked]:
    """What can be answered now: of a returned request only what no office is deciding on."""
    asked = asked_of(found)
    is_draft = found.state == RequestState.DRAFT
    return [each for each in asked if is_draft or answering.may_change(found, each)]


@login_required
def answers_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer the questions of a draft or a returned request; what was typed is kept when it cannot be saved."""
    found = _editable(request, pk)
    asked = _asked(found)
    if request.method != "POST":
        kept = store.kept(_writer(request), _key(found)) if "restore" in request.GET else None
        return _page(request, found, [AnswerForm(each, store.fields_of(kept) if kept else None) for each in asked])
    forms = [AnswerForm(each, request.POST, request.FILES) for each in asked]
    if "more" in request.POST:
        return _page(request, found, forms)
    try:
        typed = [form.typed(request.POST) for form in forms]
        answering.save_all(request=found, actor=actor_of(request), typed=typed)
    except PortalError as error:
        for form in forms:
            _blame(form, getattr(error, "fields", {}))
        return _page(request, found, forms, error)
    store.forget(_writer(request), _key(found))
    messages.success(request, _("Saved."))
    return redirect(found)


def _blame(form: AnswerForm, fields: dict[str, list[Any]]) -> None:
    for question in form.asked.questions:
        for message in fields.get(form.add_prefix(question.key), []):
            form.add_error(question.key, str(message))


@login_required
@require_POST
def answers_keep(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keep what is typed, and say since when."""
    found = _editable(request, pk)
    return render(request, "sharing/_kept.html", {"text": store.keep(_writer(request), _key(found), request.POST)})


@login_required
@require_POST
def answers_forget(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Throw the kept text away."""
    found = request_or_404(request, pk)
    store.forget(_writer(request), _key(found))
    return redirect("sharing:answers-edit", pk)


@login_required
def answers_export(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """The answers that the reader may read, as CSV: a line a question, and one a row of a table."""
    found = request_or_404(request, pk)
    asked = answers_for(found, actor_of(request))

    def rows() -> Iterator[list[Any]]:
        yield [_("form"), _("version"), _("question"), _("answer")]
        for each in asked:
            for question, value, words in each.lines:
                start = [str(each.form), each.version.number, question.title]
                if question.columns and value:
                    yield [*start, *map(str, question.columns)]
                    yield from ([*start, *row] for row in value)
                else:
                    yield [*start, words]

    return csv_response(rows(), f"answers-{found.number or 'draft'}")


def _file(request: HttpRequest, pk: UUID) -> AnswerFile:
    readable = RequestAnswers.objects.readable_by(actor_of(request).standing).values("pk")
    rows = AnswerFile.objects.select_related("answers__request", "answers__form")
    return get_object_or_404(rows, pk=pk, answers__in=readable)


@login_required
def answer_file(request: HttpRequest, pk: UUID) -> FileResponse:
    """The file of an answer, to be saved: the browser never shows it as a page of the portal."""
    file = _file(request, pk)
    stream = answering.path_of(file).open("rb")
    response = FileResponse(stream, as_attachment=True, filename=file.name, content_type="application/octet-stream")
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_POST
def answer_file_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the file of an answer away again."""
    file = _file(request, pk)
    request_id = file.answers.request_id
    answering.remove_file(file=file, actor=actor_of(request))
    messages.success(request, _("Removed from the list."))
    return redirect("sharing:answers-edit", request_id)
