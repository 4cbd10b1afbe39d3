"""Answers to providers' questions: typed once, kept with their version, and the files among them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.models import Dataset
from portal.audit.models import Event
from portal.errors import InvalidInput, WrongState
from portal.models import Notice
from sharing import drafts, workflow
from sharing.models import AnswerFile, RequestAnswers
from sharing.preparing import copying
from sharing.questions import acts, answering, kinds
from sharing.questions.asked import asked_of
from sharing.questions.kinds import Kind, Question, Words
from tests.checks import findings
from tests.clients import client_of
from tests.factories import World, actor, approve_common, decide, make_dataset, make_request, step_of, submit
from tests.sharing import asking
from tests.sharing.asking import KIND_OF, NUMBER, PLACE, STAFF, make_form, publish, save, upload_to

pytestmark = pytest.mark.django_db
DAY = Question("d", Kind.DATE, "日期")
SEVERAL = Question("s", Kind.SEVERAL, "用途", choices=(Words("甲"), Words("乙"), Words("丙")))
dataset = asking.dataset


# --- answering ---


def test_datasets_that_share_a_form_ask_it_once(world: World, dataset: Dataset) -> None:
    second, third = make_dataset(world.province_bureau, "残疾人"), make_dataset(world.city_bureau, "排污许可")
    form = make_form(world.provider, dataset, second)
    request = make_request(world, dataset, second, third)
    asked = asked_of(request)
    assert [each.form for each in asked] == [form]
    assert asked[0].items == set(request.items.filter(dataset__in=[dataset, second]).values_list("pk", flat=True))


def test_everything_that_is_missing_is_told_at_once_by_question(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset, questions=(PLACE, Question("who", Kind.TEXT, "谁负责", required=True)))
    request = make_request(world, dataset, has_commitment=False)
    with pytest.raises(InvalidInput) as error:
        workflow.submit(request=request, actor=actor(world.applicant))
    assert set(error.value.fields) == {"has_commitment", "answers"}
    assert "存放地点" in error.value.fields["answers"][0] or "Where it is kept" in error.value.fields["answers"][0]
    assert "谁负责" in error.value.fields["answers"][0]
    drafts.update(request=request, actor=actor(world.applicant), details=copying.details_of(request))
    save(request, form, world.applicant, place="机房", who="张三")
    with pytest.raises(InvalidInput) as error:
        workflow.submit(request=request, actor=actor(world.applicant))
    assert set(error.value.fields) == {"has_commitment"}


def test_answers_are_cleaned_kept_and_recorded_without_values(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    rows = [["张三", "科员"], ["", ""], ["李四", ""]]
    save(request, form, world.applicant, place=" 机房 ", kind="自建", staff=rows)
    answers = RequestAnswers.objects.get()
    assert answers.values == {"place": "机房", "kind": "自建", "staff": [["张三", "科员"], ["李四", ""]]}
    event = Event.objects.get(verb="request.answers_saved")
    assert event.data["questions"] == ["place", "kind", "staff"]
    assert "机房" not in json.dumps(event.data, ensure_ascii=False)
    assert save(request, form, world.applicant, place="机房") is None
    assert Event.objects.filter(verb="request.answers_saved").count() == 1
    assert findings() == []


@pytest.mark.parametrize(
    ("question", "typed", "kept"),
    [
        (NUMBER, "1,200.50", "1200.50"),
        (NUMBER, " ", ""),
        (DAY, "2026-03-01", "2026-03-01"),
        (SEVERAL, ["丙", "甲"], ["甲", "丙"]),
        (PLACE, "甲" * 20, "甲" * 20),
        (STAFF, None, []),
    ],
)
def test_an_answer_is_kept_in_one_form(question: Question, typed: Any, kept: Any) -> None:
    assert kinds.cleaned(question, typed) == kept


@pytest.mark.parametrize(
    ("question", "typed"),
    [
        (NUMBER, "十二"),
        (NUMBER, "NaN"),
        (NUMBER, "1e999"),
        (DAY, "2026-02-30"),
        (DAY, "明天"),
        (DAY, 20260301),
        (SEVERAL, ["丁"]),
        (SEVERAL, "甲"),
        (KIND_OF, "借用"),
        (PLACE, "甲" * 21),
        (PLACE, {"id": "1"}),
        (STAFF, [["只有一格"]]),
        (STAFF, [["张三", "岗" * 301]]),
        (STAFF, [["张三", str(n)] for n in range(201)]),
        (STAFF, ["ab"]),
    ],
)
def test_what_is_no_answer_is_refused_and_named(question: Question, typed: Any) -> None:
    with pytest.raises(InvalidInput) as error:
        kinds.cleaned(question, typed)
    assert list(error.value.fields) == [question.key]


def test_two_who_answer_at_once_do_not_overwrite_each_other(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    save(request, form, world.applicant, place="机房")
    version = form.versions.get().pk
    typed = {"form_id": form.pk, "version_id": version, "seen": 0, "values": {"place": "别处"}}
    with pytest.raises(WrongState):
        answering.save(request=request, actor=actor(world.applicant), **typed)
    assert RequestAnswers.objects.get().values == {"place": "机房"}


@pytest.mark.usefixtures("committed")
def test_the_first_answers_of_two_at_once_make_one_row(concurrently: Any) -> None:
    world = World()
    dataset = make_dataset(world.province_bureau, "低保对象")
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    version = form.versions.get().pk

    def answer(place: str) -> Any:
        typed = {"form_id": form.pk, "version_id": version, "seen": 0, "values": {"place": place}}
        return answering.save(request=request, actor=actor(world.applicant), **typed)

    results = concurrently(lambda: answer("甲"), lambda: answer("乙"))
    assert sorted(type(each).__name__ for each in results) == ["RequestAnswers", "WrongState"]
    assert RequestAnswers.objects.count() == 1


def test_a_draft_is_told_of_a_new_version_and_keeps_answers_to_what_stayed(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    save(request, form, world.applicant, place="机房", kind="自建", staff=[["张三", "科员"]])
    two = (PLACE, Question("kind", Kind.ONE, "类别", choices=(Words("租用"), Words("托管"))), STAFF, NUMBER)
    version = publish(form, world.provider, *two)
    notice = Notice.objects.get(kind="questions_changed")
    assert (notice.user, notice.url) == (world.applicant, f"/requests/{request.pk}/")
    asked = asked_of(request)[0]
    assert (asked.version, asked.is_changed) == (version, True)
    assert asked.values == {"place": "机房", "staff": [["张三", "科员"]]}
    page = client_of(world.applicant).get(f"/requests/{request.pk}/answers/").content.decode()
    assert "提供方发布了第2版" in page
    save(request, form, world.applicant, n="3")
    kept = RequestAnswers.objects.get()
    assert (kept.version, kept.values) == (version, {"place": "机房", "staff": [["张三", "科员"]], "n": "3"})


def test_answers_typed_to_the_former_version_are_not_saved_and_not_lost(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    client, name = client_of(world.applicant), str(form.pk)
    old = form.versions.get()
    publish(form, world.provider, PLACE, NUMBER)
    typed = {f"{name}-version": old.pk, f"{name}-seen": "0", f"{name}-place": "机房"}
    answer = client.post(f"/requests/{request.pk}/answers/", typed)
    assert answer.status_code == 409
    assert 'value="机房"' in answer.content.decode()
    assert not RequestAnswers.objects.exists()


def test_a_submitted_and_a_returned_request_keep_their_version(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    first = form.versions.get()
    request = make_request(world, dataset)
    save(request, form, world.applicant, place="机房")
    submit(world, request)
    publish(form, world.provider, PLACE, Question("new", Kind.TEXT, "新问题", required=True))
    acts.set_datasets(form=form, actor=actor(world.provider), remove=[dataset])
    request.refresh_from_db()
    assert [each.version for each in asked_of(request)] == [first]
    with pytest.raises(WrongState):
        save(request, form, world.applicant, place="别处")
    decide(step_of(request, "own-department"), world.applicant_head, "return", note="请写明地点")
    request.refresh_from_db()
    asked = asked_of(request)[0]
    assert (asked.version, asked.is_changed) == (first, False)
    save(request, form, world.applicant, place="三楼机房")
    workflow.resubmit(request=request, actor=actor(world.applicant))
    assert RequestAnswers.objects.get().values == {"place": "三楼机房"}
    assert findings() == []


def test_answers_stay_while_another_office_decides_on_them(world: World, dataset: Dataset) -> None:
    second = make_dataset(world.province_bureau, "残疾人")
    form = make_form(world.provider, dataset, second)
    request = make_request(world, dataset, second)
    save(request, form, world.applicant, place="机房")
    submit(world, request)
    approve_common(world, request)
    item = request.items.get(dataset=dataset)
    decide(step_of(request, "provider"), world.provider, "return", only=item.pk, note="请改")
    request.refresh_from_db()
    with pytest.raises(WrongState):
        save(request, form, world.applicant, place="别处")
    assert client_of(world.applicant).get(f"/requests/{request.pk}/answers/").context["forms"] == []


def test_verify_finds_answers_whose_version_was_exchanged(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    save(request, form, world.applicant, place="机房")
    submit(world, request)
    assert findings() == []
    RequestAnswers.objects.update(version=publish(form, world.provider, PLACE))
    assert [found.subject for found in findings()] == [f"sharingrequest:{request.pk}"]


def test_a_request_without_questions_is_submitted_as_before(world: World, dataset: Dataset) -> None:
    submit(world, make_request(world, dataset))
    assert Event.objects.get(verb="request.submitted").data["forms"] == {}
    assert findings() == []


def test_typed_rows_are_kept_when_more_are_asked_for_and_while_one_writes(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    client, name = client_of(world.applicant), str(form.pk)
    path = f"/requests/{request.pk}/answers/"
    typed = {f"{name}-version": form.versions.get().pk, f"{name}-seen": "0", f"{name}-place": "机房"}
    table = {f"{name}-staff-0": ["张三", ""], f"{name}-staff-1": ["科员", ""]}
    answer = client.post(path, typed | table | {"more": f"{name}-staff"})
    assert answer.status_code == 200
    assert answer.content.decode().count(f'name="{name}-staff-0"') == 11
    assert not RequestAnswers.objects.exists()
    client.post(f"{path}keep/", typed | table)
    assert "?restore" in client.get(path).content.decode()
    assert 'value="科员"' in client.get(f"{path}?restore").content.decode()
    client.post(path, typed | table)
    assert RequestAnswers.objects.get().values == {"place": "机房", "staff": [["张三", "科员"]]}
    assert "?restore" not in client.get(path).content.decode()


def test_one_wrong_answer_saves_none_and_keeps_all_that_was_typed(world: World, dataset: Dataset) -> None:
    one = make_form(world.provider, dataset, questions=(PLACE,))
    two = make_form(world.provider, dataset, questions=(NUMBER,), title="数量")
    request = make_request(world, dataset)
    typed: dict[str, Any] = {f"{one.pk}-place": "机房", f"{two.pk}-n": "十二"}
    for form in (one, two):
        typed |= {f"{form.pk}-version": form.versions.get().pk, f"{form.pk}-seen": "0"}
    answer = client_of(world.applicant).post(f"/requests/{request.pk}/answers/", typed)
    assert answer.status_code == 422
    assert "请填写数字" in answer.content.decode()
    assert 'value="十二"' in answer.content.decode()
    assert not RequestAnswers.objects.exists()


# --- files ---


@pytest.mark.parametrize(
    ("name", "content"), [("a.pdf", b"<html>"), ("a.exe", b"MZ"), ("a.pdf", b""), ("a.svg", b"<svg")]
)
def test_files_that_lie_are_not_taken(world: World, dataset: Dataset, name: str, content: bytes) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    with pytest.raises(InvalidInput) as error:
        upload_to(request, form, world.applicant, name, content)
    assert list(error.value.fields) == ["paper"]
    page = f"/requests/{request.pk}/answers/"
    typed = {f"{form.pk}-version": form.versions.get().pk, f"{form.pk}-seen": "0", f"{form.pk}-place": "机房"}
    sent = typed | {f"{form.pk}-paper": SimpleUploadedFile(name, content)}
    assert client_of(world.applicant).post(page, sent).status_code == 422
    assert not AnswerFile.objects.exists()


def test_a_file_answers_a_question_and_takes_the_place_of_the_one_before(
    world: World, dataset: Dataset, django_capture_on_commit_callbacks: Any
) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    path = answering.path_of(upload_to(request, form, world.applicant, "../a.pdf", b"%PDF-1"))
    assert path.exists()
    with django_capture_on_commit_callbacks(execute=True):
        second = upload_to(request, form, world.applicant, "b.pdf", b"%PDF-2")
    assert not path.exists()
    assert AnswerFile.objects.get() == second
    assert (second.name, second.sha256) == ("b.pdf", hashlib.sha256(b"%PDF-2").hexdigest())
    client = client_of(world.applicant)
    answer = client.get(f"/answers/files/{second.pk}/")
    assert b"".join(answer.streaming_content) == b"%PDF-2"
    assert answer["Content-Disposition"].startswith("attachment")
    client.post(f"/answers/files/{second.pk}/remove/")
    assert not AnswerFile.objects.exists()
    assert findings() == []
