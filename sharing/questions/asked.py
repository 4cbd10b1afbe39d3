"""Which questions a request has to answer, with what it has answered so far.

A draft is asked the last published version of every form of its datasets, each once; a submitted request keeps the
versions that it answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sharing.models import (
    AnswerFile,
    FormVersion,
    ItemState,
    QuestionedDataset,
    QuestionForm,
    RequestAnswers,
    RequestState,
    SharingRequest,
)
from sharing.questions import kinds
from sharing.questions.kinds import Question, Value


@dataclass(frozen=True)
class Asked:
    """One form as a request is asked it.

    ``values`` are the answers that hold for ``version``: those that were carried over when it is newer than the one
    that was answered (``is_changed``). ``items`` are those whose datasets ask for it.
    """

    form: QuestionForm
    version: FormVersion
    questions: tuple[Question, ...]
    values: dict[str, Value]
    answers: RequestAnswers | None
    items: frozenset[UUID]

    @property
    def changes(self) -> int:
        return self.answers.changes if self.answers else 0

    @property
    def is_changed(self) -> bool:
        """Whether the provider published other questions since these were answered."""
        return self.answers is not None and self.answers.version_id != self.version.pk

    @property
    def missing(self) -> list[Question]:
        return kinds.missing(self.questions, self.values)

    @property
    def lines(self) -> list[tuple[Question, Value, str]]:
        """Each question with its answer, raw and in words."""
        return [
            (each, self.values.get(each.key), kinds.shown(each, self.values.get(each.key))) for each in self.questions
        ]


def asked_of(request: SharingRequest) -> list[Asked]:
    """The forms that ``request`` has to answer, in the order of their titles; five queries at most.

    Applications from outside answer what their own form asks, and none of these.
    """
    if request.is_outside:
        return []
    if request.state == RequestState.DRAFT:
        return _of_draft(request)
    return read(request.answers.select_related("form__department", "version"))


def _of_draft(request: SharingRequest) -> list[Asked]:
    items = dict(request.items.exclude(state__in=ItemState.answered()).values_list("dataset_id", "pk"))
    wanted: dict[UUID, set[UUID]] = {}
    rows = QuestionedDataset.objects.filter(dataset__in=list(items)).values_list("form_id", "dataset_id")
    for form_id, dataset_id in rows:
        wanted.setdefault(form_id, set()).add(items[dataset_id])
    if not wanted:
        return []
    versions = FormVersion.objects.asked_now().filter(form__in=list(wanted)).select_related("form__department")
    kept = {each.form_id: each for each in request.answers.select_related("version").filter(form__in=list(wanted))}
    files = _files(kept.values())
    found = []
    for version in versions:
        answers, questions = kept.get(version.form_id), kinds.parse(version.questions)
        values: dict[str, Value] = {}
        if answers:
            values = answers.values | files.get(answers.pk, {})
            if answers.version_id != version.pk:
                values = kinds.carried(values, kinds.parse(answers.version.questions), questions)
        items_of = frozenset(wanted[version.form_id])
        found.append(Asked(version.form, version, questions, values, answers, items_of))
    return sorted(found, key=lambda each: (each.form.title, str(each.form.pk)))


def _files(answers: Iterable[RequestAnswers]) -> dict[UUID, dict[str, Value]]:
    found: dict[UUID, dict[str, Value]] = {}
    ids = [each.pk for each in answers]
    for file in AnswerFile.objects.filter(answers__in=ids) if ids else ():
        found.setdefault(file.answers_id, {})[file.key] = {"id": str(file.pk), "name": file.name}
    return found


def read(rows: Iterable[RequestAnswers]) -> list[Asked]:
    """Answers of submitted requests, each with the questions of the version that it answered; three queries."""
    answers = list(rows)
    files = _files(answers)
    through = RequestAnswers.items.through.objects.filter(requestanswers__in=[each.pk for each in answers])
    items: dict[UUID, set[UUID]] = {}
    for answers_id, item_id in through.values_list("requestanswers_id", "requestitem_id"):
        items.setdefault(answers_id, set()).add(item_id)
    found = [
        Asked(
            each.form,
            each.version,
            kinds.parse(each.version.questions),
            each.values | files.get(each.pk, {}),
            each,
            frozenset(items.get(each.pk, ())),
        )
        for each in answers
    ]
    return sorted(found, key=lambda each: (each.form.title, str(each.form.pk)))
