"""Building forms: a draft is changed question by question, published as a version, and attached to datasets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import Dataset
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.models import Department
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import Message, notify_all
from sharing.models import FormVersion, QuestionedDataset, QuestionForm, RequestAnswers, RequestState
from sharing.questions import kinds
from sharing.questions.kinds import Question

Rows = list[dict[str, Any]]
FORMS_ON_DATASET = 10
TOLD_LIMIT = 1_000


def _lock(form: QuestionForm, actor: Actor) -> tuple[QuestionForm, Actor]:
    locked = QuestionForm.objects.select_for_update(of=("self",)).select_related("department").get(pk=form.pk)
    return locked, access.require(actor, Permission.FORM_MANAGE, locked)


def _log(form: QuestionForm, verb: str, actor: Actor, **data: Any) -> None:
    record.append(stream=record.stream_of(form), verb=verb, actor=actor, data=data)


def draft_of(form: QuestionForm) -> FormVersion | None:
    """The version that is being written."""
    return form.versions.filter(published_at=None).first()


def version_in_force(form: QuestionForm) -> FormVersion | None:
    """The version that is asked now."""
    return form.versions.published().order_by("-number").first()


@transaction.atomic
def create(*, department: Department, actor: Actor, title: str, title_en: str = "") -> QuestionForm:
    """A new form with an empty draft.

    Raises:
        NotPermitted: neither cataloguer nor approver of the department. InvalidInput: no title, or one that is taken.
    """
    form = QuestionForm(department=department, title=title.strip(), title_en=title_en.strip())
    actor = access.require(actor, Permission.FORM_MANAGE, form)
    _save_named(form)
    FormVersion.objects.create(form=form, number=1)
    _log(form, "form.created", actor, title=form.title)
    return form


def _save_named(form: QuestionForm) -> None:
    if not form.title:
        message = _("Please fill this in.")
        raise InvalidInput(message, fields={"title": [message]})
    try:
        with transaction.atomic():
            form.save()
    except IntegrityError as error:
        message = _("The department has a form of this title already.")
        raise InvalidInput(message, fields={"title": [message]}) from error


@transaction.atomic
def rename(*, form: QuestionForm, actor: Actor, title: str, title_en: str) -> QuestionForm:
    """Give a form another title; its questions stay."""
    form, actor = _lock(form, actor)
    form.title, form.title_en = title.strip(), title_en.strip()
    _save_named(form)
    _log(form, "form.changed", actor, title=form.title)
    return form


@transaction.atomic
def start_draft(*, form: QuestionForm, actor: Actor) -> FormVersion:
    """The draft of the next version: the one there is, or a copy of the last version."""
    form, actor = _lock(form, actor)
    draft = draft_of(form)
    if draft:
        return draft
    last = version_in_force(form)
    number = (form.versions.aggregate(n=Max("number"))["n"] or 0) + 1
    draft = FormVersion.objects.create(form=form, number=number, questions=last.questions if last else [])
    _log(form, "form.drafted", actor, number=number)
    return draft


def _draft_seen(form: QuestionForm, seen: int) -> FormVersion:
    draft = draft_of(form)
    if draft is None or draft.changes != seen:
        raise WrongState(_("Somebody changed this draft in the meantime. Reload and look again."))
    return draft


def _edit(form: QuestionForm, actor: Actor, seen: int, change: Callable[[Rows], Rows]) -> FormVersion:
    """Change the questions of the draft, unless somebody changed them since ``seen``."""
    form, actor = _lock(form, actor)
    draft = _draft_seen(form, seen)
    rows = change([dict(row) for row in draft.questions])
    kinds.check(kinds.parse(rows))
    draft.questions, draft.changes = rows, draft.changes + 1
    draft.save(update_fields=["questions", "changes"])
    form.save(update_fields=["modified"])
    _log(form, "form.changed", actor, number=draft.number, questions=[row["key"] for row in rows])
    return draft


@transaction.atomic
def put_question(*, form: QuestionForm, actor: Actor, seen: int, question: Question, key: str = "") -> FormVersion:
    """Put ``question`` in the place of the one called ``key``, or at the end when ``key`` is "".

    Raises:
        WrongState: somebody changed the draft since ``seen``. InvalidInput: what is wrong with the question.
    """

    def change(rows: Rows) -> Rows:
        places = [n for n, row in enumerate(rows) if row["key"] == key]
        if places:
            rows[places[0]] = question.to_json()
            return rows
        return [*rows, question.to_json()]

    return _edit(form, actor, seen, change)


@transaction.atomic
def order_question(*, form: QuestionForm, actor: Actor, seen: int, key: str, act: str) -> FormVersion:
    """Move a question ``up`` or ``down``, or ``remove`` it."""

    def change(rows: Rows) -> Rows:
        place = next((n for n, row in enumerate(rows) if row["key"] == key), None)
        if place is None or act not in ("up", "down", "remove"):
            raise WrongState
        row = rows.pop(place)
        if act != "remove":
            rows.insert(max(0, place + (-1 if act == "up" else 1)), row)
        return rows

    return _edit(form, actor, seen, change)


@transaction.atomic
def publish(*, form: QuestionForm, actor: Actor, seen: int, note: str = "") -> FormVersion:
    """Publish the draft: drafts of requests are asked these questions from now on, submitted ones keep theirs.

    Raises:
        InvalidInput: it has no question. WrongState: there is no draft, or it was changed since ``seen``.
    """
    form, actor = _lock(form, actor)
    draft = _draft_seen(form, seen)
    if not draft.questions:
        raise InvalidInput(_("Add a question first."))
    draft.note, draft.published_at, draft.published_by = note.strip()[:200], timezone.now(), actor.user
    draft.save()
    form.save(update_fields=["modified"])
    _log(form, "form.published", actor, number=draft.number, note=draft.note, questions=draft.questions)
    _tell_drafts(form)
    return draft


def _tell_drafts(form: QuestionForm) -> None:
    """Tell those whose drafts have answered the former version."""
    rows = RequestAnswers.objects.filter(form=form, request__state=RequestState.DRAFT).order_by("id")
    found = rows.select_related("request__created_by", "request__department")[:TOLD_LIMIT]
    messages = [
        Message(
            [person for person in [answers.request.created_by] if person],
            NoticeKind.QUESTIONS_CHANGED,
            answers.request.get_absolute_url(),
            {"department": form.department.name, "name": form.title, "title": answers.request.title},
            answers.request.department,
        )
        for answers in found
    ]
    if messages:
        notify_all(messages)


@transaction.atomic
def discard(*, form: QuestionForm, actor: Actor) -> None:
    """Throw the draft away; a form that never had a version goes with it."""
    form, actor = _lock(form, actor)
    draft = draft_of(form)
    if draft is None:
        raise WrongState
    number = draft.number
    draft.delete()
    _log(form, "form.changed", actor, discarded=number)
    if not form.versions.exists():
        form.delete()


@transaction.atomic
def set_datasets(
    *, form: QuestionForm, actor: Actor, add: Sequence[Dataset] = (), remove: Sequence[Dataset] = ()
) -> None:
    """Ask the form of whoever applies for these datasets of the department, or no longer.

    Raises:
        InvalidInput: a dataset of another department, or one with too many forms.
    """
    form, actor = _lock(form, actor)
    have = set(form.attachments.values_list("dataset", flat=True))
    for dataset in sorted(add, key=lambda each: str(each.pk)):
        if dataset.provider_id != form.department_id:
            raise InvalidInput(_("“%(title)s” is not of this department.") % {"title": dataset.title})
        if QuestionedDataset.objects.filter(dataset=dataset).exclude(form=form).count() >= FORMS_ON_DATASET:
            raise InvalidInput(
                _("“%(title)s” has %(n)s forms already.") % {"title": dataset.title, "n": FORMS_ON_DATASET}
            )
        if dataset.pk not in have:
            QuestionedDataset.objects.create(form=form, dataset=dataset)
            _log(form, "form.attached", actor, dataset=str(dataset.pk), title=dataset.title)
    for dataset in remove:
        if form.attachments.filter(dataset=dataset).delete()[0]:
            _log(form, "form.detached", actor, dataset=str(dataset.pk), title=dataset.title)
