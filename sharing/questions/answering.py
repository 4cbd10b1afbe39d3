"""Answering: saving answers and files of a draft, freezing them on submission, copying them to the next request."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from portal.access import Actor
from portal.errors import InvalidInput, WrongState
from sharing import drafts
from sharing.models import AnswerFile, ItemState, RequestAnswers, RequestState, SharingRequest
from sharing.preparing import attachments
from sharing.questions import kinds
from sharing.questions.asked import Asked, asked_of
from sharing.questions.kinds import Kind, Value


def path_of(file: AnswerFile) -> Path:
    """Where its file lies."""
    return Path(settings.UPLOADS_ROOT) / "answers" / f"{file.pk}"


def _locked(request: SharingRequest, actor: Actor, form_id: UUID) -> tuple[SharingRequest, Actor, Asked]:
    """The request with its row locked, and the form as it is asked; refused while others decide on the answers."""
    request, actor = drafts.lock_editable(request, actor)
    found = next((each for each in asked_of(request) if each.form.pk == form_id), None)
    if found is None:
        raise WrongState(_("None of the datasets asks these questions any more."))
    if request.state == RequestState.RETURNED and not may_change(request, found):
        raise WrongState(_("Other offices are deciding on these answers; they can be changed when all is returned."))
    return request, actor, found


def may_change(request: SharingRequest, found: Asked) -> bool:
    """Whether the answers of a returned request can be changed: no office decides on an item that they belong to."""
    states = set(request.items.filter(pk__in=found.items).values_list("state", flat=True))
    return ItemState.RETURNED in states and not states & {ItemState.IN_REVIEW, ItemState.APPROVED}


def _row(request: SharingRequest, found: Asked) -> RequestAnswers:
    """The answers to be changed, in the version that is asked; files of questions that are gone are dropped."""
    row = found.answers or RequestAnswers(request=request, form=found.form)
    files = {key for key, value in found.values.items() if isinstance(value, dict)}
    if found.is_changed:
        _drop(row, [each for each in row.files.all() if each.key not in files])
    row.version = found.version
    row.values = {key: value for key, value in found.values.items() if key not in files}
    return row


def _drop(row: RequestAnswers, files: list[AnswerFile]) -> None:
    paths = [path_of(each) for each in files]
    row.files.filter(pk__in=[each.pk for each in files]).delete()

    def remove() -> None:
        for path in paths:
            path.unlink(missing_ok=True)

    transaction.on_commit(remove)


def _record(request: SharingRequest, actor: Actor, row: RequestAnswers, changed: list[str]) -> None:
    data = {"form": str(row.form_id), "version": str(row.version_id), "title": row.form.title, "questions": changed}
    drafts.bump(request, "request.answers_saved", actor, **data)


@transaction.atomic
def save(
    *,
    request: SharingRequest,
    actor: Actor,
    form_id: UUID,
    version_id: UUID | None,
    seen: int,
    values: Mapping[str, Any],
) -> RequestAnswers | None:
    """Save typed answers to one form; questions that ``values`` leaves out stay as they are. None: nothing changed.

    What is required may still be missing: that is asked on submission.

    Raises:
        WrongState: other questions were published, or somebody saved answers, since ``version_id`` and ``seen``.
        InvalidInput: ``fields`` maps the keys of questions to what is wrong with their answers.
    """
    request, actor, found = _locked(request, actor, form_id)
    if found.version.pk != version_id:
        raise WrongState(_("The provider published other questions in the meantime. Look at them and save again."))
    if found.changes != seen:
        raise WrongState(_("Somebody saved other answers in the meantime. Reload and look again."))
    new, wrong = dict[str, Value](), dict[str, list[Any]]()
    unknown = set(values) - {each.key for each in found.questions if each.kind != Kind.FILE}
    wrong |= {key: [_("There is no such question.")] for key in sorted(unknown)}
    for question in found.questions:
        if question.key in values and question.kind != Kind.FILE:
            try:
                new[question.key] = kinds.cleaned(question, values[question.key])
            except InvalidInput as error:
                wrong |= error.fields
    if wrong:
        raise InvalidInput(_("Some answers need to be corrected. Nothing was lost."), fields=wrong)
    changed = [key for key, value in new.items() if (found.values.get(key) or None) != (value or None)]
    if not changed and not found.is_changed:
        return None
    row = _row(request, found)
    row.values = {key: value for key, value in (row.values | new).items() if not kinds.is_empty(value)}
    row.changes += 1
    row.save()
    _record(request, actor, row, changed)
    return row


@dataclass(frozen=True)
class Typed:
    """What was typed into one form: see ``save``; ``files`` maps the keys of questions to what was sent for them."""

    form_id: UUID
    version_id: UUID | None
    seen: int
    values: Mapping[str, Any]
    files: Mapping[str, UploadedFile]


@transaction.atomic
def save_all(*, request: SharingRequest, actor: Actor, typed: Sequence[Typed]) -> None:
    """``save`` and ``add_file`` for several forms, all or nothing.

    Raises:
        InvalidInput: everything that is wrong, by form and question: ``<form>-<key>``.
    """
    wrong: dict[str, list[Any]] = {}
    for each in typed:
        for key, upload in each.files.items():
            try:
                attachments.checked_name(upload)
            except InvalidInput as error:
                wrong[f"{each.form_id}-{key}"] = [str(error)]
        try:
            save(
                request=request,
                actor=actor,
                form_id=each.form_id,
                version_id=each.version_id,
                seen=each.seen,
                values=each.values,
            )
        except InvalidInput as error:
            wrong |= {f"{each.form_id}-{key}": found for key, found in error.fields.items()}
    if wrong:
        raise InvalidInput(_("Some answers need to be corrected. Nothing was lost."), fields=wrong)
    for each in typed:
        for key, upload in each.files.items():
            add_file(request=request, actor=actor, form_id=each.form_id, key=key, upload=upload)


@transaction.atomic
def add_file(*, request: SharingRequest, actor: Actor, form_id: UUID, key: str, upload: UploadedFile) -> AnswerFile:
    """Answer a question by a file, in the place of the one there was.

    Raises:
        InvalidInput: no such question, or a file that is not taken (``attachments.checked_name``).
    """
    request, actor, found = _locked(request, actor, form_id)
    assert actor.user
    question = next((each for each in found.questions if each.key == key and each.kind == Kind.FILE), None)
    if question is None:
        raise InvalidInput(fields={key: [_("There is no such question.")]})
    try:
        name = attachments.checked_name(upload)
    except InvalidInput as error:
        raise InvalidInput(str(error), fields={key: [str(error)]}) from error
    row = _row(request, found)
    row.changes += 1
    row.save()
    _drop(row, list(row.files.filter(key=key)))
    file = AnswerFile(answers=row, key=key, name=name, size=upload.size or 0, added_by=actor.user)
    file.sha256 = attachments.store(upload, path_of(file))
    file.save()
    _record(request, actor, row, [key])
    return file


@transaction.atomic
def remove_file(*, file: AnswerFile, actor: Actor) -> None:
    """Take the file of an answer away again."""
    request, actor, found = _locked(file.answers.request, actor, file.answers.form_id)
    row = _row(request, found)
    kept = list(row.files.filter(pk=file.pk)) if row.pk and found.answers else []
    if not kept:
        raise WrongState
    row.changes += 1
    row.save()
    _drop(row, kept)
    _record(request, actor, row, [file.key])


def freeze(request: SharingRequest) -> dict[str, str]:
    """Keep for good which versions a request answers on submission, and for which items; returns form → version."""
    frozen = {}
    for found in asked_of(request):
        row = _row(request, found)
        row.save()
        row.items.set(request.items.filter(pk__in=found.items))
        frozen[str(found.form.pk)] = str(found.version.pk)
    for row in request.answers.exclude(form__in=list(frozen)):
        _drop(row, list(row.files.all()))
        row.delete()
    return frozen


def copy(former: SharingRequest, made: SharingRequest, actor: Actor) -> None:
    """Give a new draft the answers of a former request where the same version is asked still, files included."""
    assert actor.user
    before = {each.form_id: each for each in former.answers.prefetch_related("files").select_related("form")}
    for found in asked_of(made):
        old = before.get(found.form.pk)
        if old is None or old.version_id != found.version.pk:
            continue
        row = RequestAnswers.objects.create(
            request=made, form=found.form, version=found.version, values=old.values, changes=1
        )
        for file in old.files.all():
            _copy_file(file, row, actor)
        _record(made, actor, row, sorted({*old.values, *(file.key for file in old.files.all())}))


def _copy_file(file: AnswerFile, row: RequestAnswers, actor: Actor) -> None:
    assert actor.user
    made = AnswerFile(
        answers=row, key=file.key, name=file.name, size=file.size, sha256=file.sha256, added_by=actor.user
    )
    shutil.copyfile(path_of(file), path_of(made))
    made.save()
