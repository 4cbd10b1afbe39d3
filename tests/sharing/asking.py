"""Forms of questions and answers to them, in few words."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.models import Dataset
from sharing.models import AnswerFile, FormVersion, QuestionForm, RequestAnswers, SharingRequest
from sharing.questions import acts, answering
from sharing.questions.asked import asked_of
from sharing.questions.kinds import Kind, Question, Words
from tests.factories import World, actor, make_dataset

PLACE = Question("place", Kind.TEXT, "存放地点", "Where it is kept", required=True, max_length=20)
KIND_OF = Question("kind", Kind.ONE, "系统类别", choices=(Words("自建", "own"), Words("租用", "rented")))
STAFF = Question("staff", Kind.TABLE, "使用人员", columns=(Words("姓名"), Words("岗位")))
PAPER = Question("paper", Kind.FILE, "等保证明")
NUMBER = Question("n", Kind.NUMBER, "人数")
ALL = (PLACE, KIND_OF, STAFF, PAPER)


@pytest.fixture
def dataset(world: World) -> Dataset:
    """A dataset of the provincial bureau, whose approver keeps its forms."""
    return make_dataset(world.province_bureau, "低保对象")


def publish(form: QuestionForm, keeper: Any, *questions: Question) -> FormVersion:
    """A new version of ``form`` with just these questions."""
    draft = acts.start_draft(form=form, actor=actor(keeper))
    for row in draft.questions:
        draft = acts.order_question(form=form, actor=actor(keeper), seen=draft.changes, key=row["key"], act="remove")
    for question in questions:
        draft = acts.put_question(form=form, actor=actor(keeper), seen=draft.changes, question=question)
    return acts.publish(form=form, actor=actor(keeper), seen=draft.changes)


def make_form(
    keeper: Any, *datasets: Dataset, questions: tuple[Question, ...] = ALL, title: str = "安全条件"
) -> QuestionForm:
    """A published form of the datasets' provider, which stands on all of them."""
    department = datasets[0].provider
    form = acts.create(department=department, actor=actor(keeper), title=title)
    publish(form, keeper, *questions)
    acts.set_datasets(form=form, actor=actor(keeper), add=datasets)
    return form


def save(request: SharingRequest, form: QuestionForm, user: Any, **values: Any) -> RequestAnswers | None:
    """Answer ``form`` as somebody does who has just read what is asked; None when nothing changed."""
    asked = next(each for each in asked_of(request) if each.form == form)
    return answering.save(
        request=request,
        actor=actor(user),
        form_id=form.pk,
        version_id=asked.version.pk,
        seen=asked.changes,
        values=values,
    )


def upload_to(request: SharingRequest, form: QuestionForm, user: Any, name: str, content: bytes) -> AnswerFile:
    """A file as the answer to the form's question of a paper."""
    upload = SimpleUploadedFile(name, content)
    return answering.add_file(request=request, actor=actor(user), form_id=form.pk, key="paper", upload=upload)
