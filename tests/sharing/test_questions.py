"""Providers' own questions: building and publishing forms, answering them once, and who reads the answers."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.template.loader import render_to_string

from catalog.models import Dataset
from portal.audit.models import Event
from portal.departments import changes
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Notice
from sharing import drafts, workflow
from sharing.letters import dossier
from sharing.letters.printing import pdf
from sharing.models import AnswerFile, FormVersion, QuestionForm, RequestAnswers, SharingRequest
from sharing.preparing import copying
from sharing.questions import acts, answering, kinds
from sharing.questions.asked import asked_of
from sharing.questions.kinds import Kind, Question, Words
from sharing.questions.queries import answers_for
from tests.checks import findings
from tests.clients import client_of
from tests.factories import World, actor, approve_common, decide, make_dataset, make_request, make_user, step_of, submit
from tests.queries import queries_of

pytestmark = pytest.mark.django_db

PLACE = Question("place", Kind.TEXT, "存放地点", "Where it is kept", required=True, max_length=20)
KIND_OF = Question("kind", Kind.ONE, "系统类别", choices=(Words("自建", "own"), Words("租用", "rented")))
STAFF = Question("staff", Kind.TABLE, "使用人员", columns=(Words("姓名"), Words("岗位")))
PAPER = Question("paper", Kind.FILE, "等保证明")
ALL = (PLACE, KIND_OF, STAFF, PAPER)


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
    department = datasets[0].provider
    form = acts.create(department=department, actor=actor(keeper), title=title)
    publish(form, keeper, *questions)
    acts.set_datasets(form=form, actor=actor(keeper), add=datasets)
    return form


def save(request: SharingRequest, form: QuestionForm, user: Any, **values: Any) -> RequestAnswers | None:
    asked = next(each for each in asked_of(request) if each.form == form)
    return answering.save(
        request=request,
        actor=actor(user),
        form_id=form.pk,
        version_id=asked.version.pk,
        seen=asked.changes,
        values=values,
    )


@pytest.fixture
def dataset(world: World) -> Dataset:
    return make_dataset(world.province_bureau, "低保对象")


# --- building ---


def test_a_form_is_built_moved_and_published_on_its_pages(world: World, dataset: Dataset) -> None:
    client = client_of(world.provider)
    made = client.post("/questions/new/", {"title": "安全条件", "department": world.province_bureau.pk})
    form = QuestionForm.objects.get()
    edit = f"/questions/{form.pk}/edit/"
    assert made.headers["Location"] == edit
    typed = {"key": "place", "kind": "text", "label": "存放地点", "required": "on", "max_length": "20", "seen": "0"}
    assert client.post(f"{edit}new/", typed).status_code == 302
    typed = {
        "key": "kind",
        "kind": "one",
        "label": "类别",
        "choices": "自建 | own\n\n租用",
        "max_length": "300",
        "seen": "1",
    }
    assert client.post(f"{edit}new/", typed).status_code == 302
    client.post(f"/questions/{form.pk}/order/", {"key": "kind", "act": "up", "seen": "2"})
    questions = kinds.parse(form.versions.get().questions)
    assert [q.key for q in questions] == ["kind", "place"]
    assert questions[0].choices == (Words("自建", "own"), Words("租用"))
    assert client.post(f"/questions/{form.pk}/publish/", {"seen": "3", "note": "初版"}).status_code == 302
    version = form.versions.get()
    assert (version.is_draft, version.note, version.published_by) == (False, "初版", world.provider)
    page = client.get(f"/questions/{form.pk}/preview/").content.decode()
    assert "存放地点" in page
    event = Event.objects.get(verb="form.published")
    assert event.data["questions"] == version.questions
    assert findings() == []


@pytest.mark.parametrize(
    "typed",
    [
        {"key": "x", "kind": "one", "label": "类别", "choices": "只有一个"},
        {"key": "x", "kind": "several", "label": "类别", "choices": "同\n同"},
        {"key": "x", "kind": "table", "label": "人员", "columns": ""},
        {"key": "place", "kind": "text", "label": "又一个"},
        {"key": "x y", "kind": "text", "label": "短名"},
        {"key": "x", "kind": "colour", "label": "种类"},
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_and_what_was_typed_stays(
    world: World, dataset: Dataset, typed: dict[str, str]
) -> None:
    form = acts.create(department=world.province_bureau, actor=actor(world.provider), title="安全条件")
    acts.put_question(form=form, actor=actor(world.provider), seen=0, question=PLACE)
    answer = client_of(world.provider).post(
        f"/questions/{form.pk}/edit/new/", {"max_length": "300", "seen": "1"} | typed
    )
    assert answer.status_code == 422
    assert typed["label"] in answer.content.decode()
    assert [row["key"] for row in form.versions.get().questions] == ["place"]


def test_two_who_change_a_draft_at_once_do_not_overwrite_each_other(world: World, dataset: Dataset) -> None:
    form = acts.create(department=world.province_bureau, actor=actor(world.provider), title="安全条件")
    acts.put_question(form=form, actor=actor(world.provider), seen=0, question=PLACE)
    with pytest.raises(WrongState):
        acts.put_question(form=form, actor=actor(world.provider_head), seen=0, question=KIND_OF)
    with pytest.raises(WrongState):
        acts.publish(form=form, actor=actor(world.provider_head), seen=0)
    assert form.versions.get().questions == [PLACE.to_json()]
    client = client_of(world.provider_head)
    typed = {"key": "kind", "kind": "text", "label": "另一个", "max_length": "300", "seen": "0"}
    assert client.post(f"/questions/{form.pk}/edit/new/", typed).status_code == 409


def test_a_published_version_never_changes(world: World, dataset: Dataset) -> None:
    version = make_form(world.provider, dataset).versions.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        FormVersion.objects.filter(pk=version.pk).update(note="改")
    with pytest.raises(DatabaseError), transaction.atomic():
        version.delete()
    with pytest.raises(WrongState):
        acts.discard(form=version.form, actor=actor(world.provider))


def test_an_empty_draft_is_not_published_and_a_form_without_versions_goes_with_it(world: World) -> None:
    form = acts.create(department=world.province_bureau, actor=actor(world.provider), title="安全条件")
    with pytest.raises(InvalidInput):
        acts.publish(form=form, actor=actor(world.provider), seen=0)
    acts.discard(form=form, actor=actor(world.provider))
    assert not QuestionForm.objects.exists()


def test_only_the_department_s_cataloguers_and_approvers_keep_its_forms(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    for user in (world.security, world.provider2, world.applicant):
        with pytest.raises(NotPermitted):
            acts.start_draft(form=form, actor=actor(user))
    foreign = client_of(world.provider2)
    for path in ("", "edit/", "compare/", "preview/", "datasets/"):
        assert foreign.get(f"/questions/{form.pk}/{path}").status_code == 404
    for path in ("draft/", "order/", "publish/", "discard/"):
        assert foreign.post(f"/questions/{form.pk}/{path}").status_code == 404
    with pytest.raises(NotPermitted):
        acts.create(department=world.province_bureau, actor=actor(world.provider2), title="冒名")
    answer = foreign.post("/questions/new/", {"title": "冒名", "department": world.province_bureau.pk})
    assert answer.status_code == 422
    assert QuestionForm.objects.count() == 1


def test_a_form_stands_on_datasets_of_its_own_department_alone(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    other = make_dataset(world.city_bureau, "排污许可")
    with pytest.raises(InvalidInput):
        acts.set_datasets(form=form, actor=actor(world.provider), add=[other])
    client = client_of(world.provider)
    client.post(f"/questions/{form.pk}/datasets/", {"dataset": [other.pk]})
    assert client.post(f"/questions/datasets/{other.pk}/", {"form": form.pk}).status_code == 404
    theirs = acts.create(department=world.city_bureau, actor=actor(world.cataloguer), title="环保")
    client.post(f"/questions/datasets/{dataset.pk}/", {"form": theirs.pk})
    assert not theirs.datasets.exists()
    assert set(form.datasets.all()) == {dataset}
    page = client.get(f"{dataset.get_absolute_url()}?tab=questions").content.decode()
    assert "安全条件" in page
    client.post(f"/questions/datasets/{dataset.pk}/", {"form": form.pk, "act": "remove"})
    assert not form.datasets.exists()
    client.post(f"/questions/datasets/{dataset.pk}/", {"form": form.pk})
    assert set(form.datasets.all()) == {dataset}


def test_versions_are_compared_question_by_question() -> None:
    old = (PLACE, KIND_OF, STAFF)
    longer = Question("place", Kind.TEXT, "存放地点", "Where it is kept", required=True, max_length=50)
    found = kinds.compared(old, (KIND_OF, longer, PAPER))
    named = [(row.kind, (row.after or row.before or PLACE).key) for row in found]
    assert named == [("moved", "kind"), ("changed", "place"), ("added", "paper"), ("removed", "staff")]


def test_the_list_is_searched_sorted_and_exported_in_a_fixed_number_of_queries(world: World, dataset: Dataset) -> None:
    make_form(world.provider, dataset)
    client = client_of(world.provider)
    queries_of(client, "/questions/")
    before = queries_of(client, "/questions/")
    for n in range(5):
        make_form(world.provider, dataset, title=f"=cmd|{n}")
    assert queries_of(client, "/questions/") == before
    assert [row.title for row in client.get("/questions/?q=安全").context["object_list"]] == ["安全条件"]
    titles = [row.title for row in client.get("/questions/?sort=title").context["object_list"]]
    assert titles == sorted(titles)
    rows = list(csv.reader(io.StringIO(b"".join(client.get("/questions/export/?sort=title")).decode("utf-8-sig"))))
    assert rows[1][:5] == ["'=cmd|0", "浙江省民政厅", "1", "1", "0"]
    assert client_of(world.cataloguer).get("/questions/").context["object_list"].count() == 0


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


NUMBER, DAY = Question("n", Kind.NUMBER, "人数"), Question("d", Kind.DATE, "日期")
SEVERAL = Question("s", Kind.SEVERAL, "用途", choices=(Words("甲"), Words("乙"), Words("丙")))


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


def upload_to(request: SharingRequest, form: QuestionForm, user: Any, name: str, content: bytes) -> AnswerFile:
    upload = SimpleUploadedFile(name, content)
    return answering.add_file(request=request, actor=actor(user), form_id=form.pk, key="paper", upload=upload)


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


# --- who reads ---


def test_answers_are_read_by_the_offices_that_asked_and_the_authority_alone(world: World, dataset: Dataset) -> None:
    other = make_dataset(world.city_bureau, "排污许可")
    form, theirs = (
        make_form(world.provider, dataset),
        make_form(world.cataloguer, other, title="环保", questions=(PLACE,)),
    )
    request = make_request(world, dataset, other)
    upload_to(request, form, world.applicant, "a.pdf", b"%PDF-1")
    save(request, form, world.applicant, place="机房甲")
    save(request, theirs, world.applicant, place="机房乙")
    submit(world, request)
    file = AnswerFile.objects.get()
    assert client_of(world.provider).get(f"/answers/files/{file.pk}/").status_code == 404, "its step is not open yet"
    approve_common(world, request)

    def read(user: Any) -> set[str]:
        return {each.form.title for each in answers_for(SharingRequest.objects.get(pk=request.pk), actor(user))}

    assert read(world.applicant) == read(world.applicant_head) == read(world.authority) == {"安全条件", "环保"}
    assert read(world.provider) == {"安全条件"}
    assert read(world.provider2) == {"环保"}
    assert client_of(world.provider).get(f"/answers/files/{file.pk}/").status_code == 200
    assert client_of(world.provider2).get(f"/answers/files/{file.pk}/").status_code == 404
    step = step_of(request, "provider", world.city_bureau)
    for path in ("", "panel/"):
        page = client_of(world.provider2).get(f"/steps/{step.pk}/{path}").content.decode()
        assert "机房乙" in page
        assert "机房甲" not in page
    file_of = dossier.build(SharingRequest.objects.get(pk=request.pk), actor(world.provider2))
    assert [each["title"] for each in file_of["answers"]] == ["环保"]


def test_a_draft_s_answers_are_for_the_applicant_s_side(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    save(request, form, world.applicant, place="机房")
    assert answers_for(request, actor(world.provider)) == []
    assert [each.values for each in answers_for(request, actor(world.applicant_head))] == [{"place": "机房"}]
    foreign = client_of(world.provider)
    for path in ("", "export/"):
        assert foreign.get(f"/requests/{request.pk}/answers/{path}").status_code == 404
    reader = client_of(world.applicant_head)
    assert reader.get(f"/requests/{request.pk}/answers/").status_code == 403, "reads, but does not write"


def test_the_file_of_a_request_holds_questions_answers_and_hashes(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    file = upload_to(request, form, world.applicant, "a.pdf", b"%PDF-1")
    save(request, form, world.applicant, place="机房", staff=[["张三", "科员"]])
    submit(world, request)
    found = dossier.build(SharingRequest.objects.get(pk=request.pk), actor(world.applicant))["answers"][0]
    assert (found["title"], found["version"], found["department"]) == ("安全条件", 1, "浙江省民政厅")
    answers = {line["key"]: (line["question"], line["answer"]) for line in found["answers"]}
    assert answers["place"] == ("存放地点", "机房")
    assert answers["staff"] == ("使用人员", "张三 | 科员")
    assert {line.get("sha256") for line in found["answers"]} == {None, file.sha256}


@pytest.mark.pdf
def test_answers_stand_in_the_printed_file_of_a_request(
    world: World, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    save(request, form, world.applicant, place="机房", staff=[["张三", "科员"]])
    submit(world, request)
    printed: list[str] = []

    def keep(template: str, context: dict[str, Any]) -> bytes:
        printed.append(render_to_string(template, context))
        return pdf(template, context)

    monkeypatch.setattr("sharing.letters.views.pdf", keep)
    answer = client_of(world.applicant).get(f"/requests/{request.pk}/file/pdf/")
    assert answer.content.startswith(b"%PDF-")
    assert "存放地点" in printed[0]
    assert "张三 | 科员" in printed[0]


def test_answers_as_csv_run_no_formulas(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    save(request, form, world.applicant, place="=HYPERLINK(1)", staff=[["＝1+1", "@x"]])
    submit(world, request)
    answer = client_of(world.applicant).get(f"/requests/{request.pk}/answers/export/")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert rows[1][:4] == ["安全条件", "1", "存放地点", "'=HYPERLINK(1)"]
    assert ["安全条件", "1", "使用人员", "'＝1+1", "'@x"] in rows


# --- copies, successors, API ---


def test_a_copy_takes_answers_along_where_the_version_is_the_same(world: World, dataset: Dataset) -> None:
    other = make_dataset(world.city_bureau, "排污许可")
    same, changed = (
        make_form(world.provider, dataset),
        make_form(world.cataloguer, other, title="环保", questions=(PLACE,)),
    )
    request = make_request(world, dataset, other)
    upload_to(request, same, world.applicant, "a.pdf", b"%PDF-1")
    save(request, same, world.applicant, place="机房甲")
    save(request, changed, world.applicant, place="机房乙")
    submit(world, request)
    publish(changed, world.cataloguer, PLACE, NUMBER)
    made = copying.copy(request=SharingRequest.objects.get(pk=request.pk), actor=actor(world.applicant)).request
    values = {each.form.title: each.values for each in asked_of(made)}
    copied = AnswerFile.objects.get(answers__request=made)
    assert values == {"安全条件": {"place": "机房甲", "paper": {"id": str(copied.pk), "name": "a.pdf"}}, "环保": {}}
    assert answering.path_of(copied).read_bytes() == b"%PDF-1"
    assert copied.answers.request_id == made.pk
    assert findings() == []


def test_forms_go_to_the_successor_of_their_department(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    taken = acts.create(department=world.city_bureau, actor=actor(world.cataloguer), title="安全条件")
    admin = make_user("secadmin", admin_role="security")
    seen = changes.preview(changes.moves_of_merger([world.province_bureau], world.city_bureau)).seen
    changes.merge(sources=[world.province_bureau], target=world.city_bureau, actor=actor(admin), seen=seen)
    form.refresh_from_db()
    assert form.department == world.city_bureau
    assert form.title != taken.title
    assert findings() == []


def test_the_api_gives_forms_and_takes_answers(world: World, dataset: Dataset) -> None:
    form = make_form(world.provider, dataset)
    request = make_request(world, dataset)
    client, path = client_of(world.applicant), f"/api/v1/requests/{request.pk}/forms/"
    found = client.get(path).json()[0]
    assert (found["form"], found["changes"], found["missing"], found["values"]) == (str(form.pk), 0, ["place"], {})
    assert found["questions"][1]["choices"] == [{"zh": "自建", "en": "own"}, {"zh": "租用", "en": "rented"}]
    body = {"version": found["version"], "changes": 0, "values": {"place": "机房", "kind": "自建"}}
    saved = client.put(f"{path}{form.pk}/", body, content_type="application/json")
    assert (saved.status_code, saved.json()["values"], saved.json()["changes"]) == (
        200,
        {"place": "机房", "kind": "自建"},
        1,
    )
    again = client.put(f"{path}{form.pk}/", body, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    wrong = body | {"changes": 1, "values": {"kind": "借用", "none": "x", "paper": "x"}}
    refused = client.put(f"{path}{form.pk}/", wrong, content_type="application/json")
    assert refused.status_code == 422
    assert set(refused.json()["errors"]) == {"kind", "none", "paper"}
    assert client_of(world.provider).get(path).status_code == 404
    assert client_of(world.provider).put(f"{path}{form.pk}/", body, content_type="application/json").status_code == 404
