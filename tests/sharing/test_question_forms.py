"""Providers' own questions: building, publishing and comparing forms, and which datasets they stand on."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import DatabaseError, transaction

from catalog.models import Dataset
from portal.audit.models import Event
from portal.errors import InvalidInput, NotPermitted, WrongState
from sharing.models import FormVersion, QuestionForm
from sharing.questions import acts, kinds
from sharing.questions.kinds import Kind, Question, Words
from tests.checks import findings
from tests.clients import client_of
from tests.factories import World, actor, make_dataset
from tests.queries import queries_of
from tests.sharing import asking
from tests.sharing.asking import KIND_OF, PAPER, PLACE, STAFF, make_form

pytestmark = pytest.mark.django_db
dataset = asking.dataset


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
