"""Who reads answers to providers' questions, and where they go: the file, copies, successors, the API."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.template.loader import render_to_string

from catalog.models import Dataset
from portal.departments import changes
from sharing.letters import dossier
from sharing.letters.printing import pdf
from sharing.models import AnswerFile, SharingRequest
from sharing.preparing import copying
from sharing.questions import acts, answering
from sharing.questions.asked import asked_of
from sharing.questions.queries import answers_for
from tests.checks import findings
from tests.clients import client_of
from tests.factories import World, actor, approve_common, make_dataset, make_request, make_user, step_of, submit
from tests.sharing import asking
from tests.sharing.asking import NUMBER, PLACE, make_form, publish, save, upload_to

pytestmark = pytest.mark.django_db
dataset = asking.dataset


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
