"""Putting requests together: copies, templates, workbooks, attachments, colleagues, all items at once."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from catalog import lifecycle
from catalog.search import SearchQuery
from portal.access import Actor
from portal.departments import sheets
from portal.departments.duties import assign
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Notice
from sharing import drafts, workflow
from sharing.models import BasketItem, RequestAttachment, RequestTemplate, SharingRequest
from sharing.preparing import attachments, copying, everywhere, people, sheet
from tests.checks import findings
from tests.clients import client_of
from tests.factories import (
    World,
    actor,
    decide,
    details,
    make_dataset,
    make_department,
    make_request,
    make_user,
    step_of,
    submit,
)

pytestmark = pytest.mark.django_db


def test_a_copy_asks_for_what_can_still_be_asked_for(world: World) -> None:
    kept, gone = make_dataset(world.province_bureau, "低保对象"), make_dataset(world.city_bureau, "排污许可")
    former = make_request(world, kept, gone)
    item = former.items.get(dataset=kept)
    rows = [{"column": "code", "op": "prefix", "value": "33"}]
    drafts.change_item(item=item, actor=actor(world.applicant), columns=["code"], row_filter=rows)
    workflow.submit(request=former, actor=actor(world.applicant))
    lifecycle.withdraw(dataset=gone, actor=actor(world.provider2), reason="停止采集")
    copied = copying.copy(request=former, actor=actor(world.applicant))
    made = SharingRequest.objects.get(pk=copied.request.pk)
    assert (made.state, made.number, made.has_commitment) == ("draft", None, False)
    assert made.legal_basis == former.legal_basis
    assert made.valid_until == timezone.localdate() + dt.timedelta(days=300)
    assert copied.left_out == ["排污许可"]
    again = made.items.get()
    assert (again.dataset, again.columns) == (kept, ["code"])
    assert [row["value"] for row in again.row_filter] == ["33"]
    assert findings() == []


def test_nothing_is_left_to_copy(world: World) -> None:
    gone = make_dataset(world.city_bureau, "排污许可")
    former = submit(world, make_request(world, gone))
    lifecycle.withdraw(dataset=gone, actor=actor(world.provider2), reason="停止采集")
    answer = client_of(world.applicant).post(f"/requests/{former.pk}/copy/", follow=True)
    assert SharingRequest.objects.count() == 1
    assert "均不可申请" in answer.content.decode()
    with pytest.raises(NotPermitted):
        copying.copy(request=former, actor=actor(world.applicant_head))


def test_a_template_fills_the_form_of_the_next_request(world: World) -> None:
    dataset = make_dataset(world.province_bureau, "低保对象")
    former = make_request(world, dataset, expected_calls=500)
    client = client_of(world.applicant)
    client.post(f"/requests/{former.pk}/template/", {"name": "救助核对"})
    template = RequestTemplate.objects.get()
    drafts.add_to_basket(actor=actor(world.applicant), dataset_ids=[make_dataset(world.city_bureau, "排污许可").pk])
    page = client.get(f"/requests/new/?template={template.pk}")
    assert page.context["form"]["legal_basis"].value() == "社会救助暂行办法第十七条"
    assert page.context["form"]["expected_calls"].value() == 500
    assert not page.context["form"]["has_commitment"].value()
    assert "社会救助暂行办法第十七条" in page.context["bases"]
    stranger = make_user("stranger", world.city_bureau, "applicant")
    assert client_of(stranger).post(f"/requests/templates/{template.pk}/remove/").status_code == 404
    client.post(f"/requests/templates/{template.pk}/remove/")
    assert not RequestTemplate.objects.exists()


def test_everything_found_goes_into_the_basket(world: World) -> None:
    for n in range(25):
        make_dataset(world.city_bureau, f"排污许可{n}")
    make_dataset(world.city_bureau, "排污许可目录", sharing_type="not_shared")
    make_dataset(world.province_bureau, "婚姻登记")
    client = client_of(world.applicant)
    assert "basket/found" in client.get("/catalog/?q=排污许可").content.decode()
    client.post("/basket/found/", {"params": "q=排污许可", "next": "/catalog/?q=排污许可"})
    assert BasketItem.objects.filter(user=world.applicant).count() == 25
    found = copying.add_found(actor=actor(world.applicant), query=SearchQuery(text="排污许可"))
    assert found[0] == 0


def test_what_is_typed_is_kept_until_it_is_saved(world: World) -> None:
    client = client_of(world.applicant)
    draft = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    typed = {"title": "写到一半", "legal_basis": ""}
    assert "已暂存" in client.post(f"/requests/{draft.pk}/keep/", typed).content.decode()
    assert SharingRequest.objects.get().title != "写到一半"
    page = client.get(f"/requests/{draft.pk}/edit/")
    assert "?restore" in page.content.decode()
    page = client.get(f"/requests/{draft.pk}/edit/?restore")
    assert page.context["form"]["title"].value() == "写到一半"
    assert not page.context["form"].errors
    client.post(f"/requests/{draft.pk}/forget/")
    assert "?restore" not in client.get(f"/requests/{draft.pk}/edit/").content.decode()


def test_the_same_items_and_rows_for_all(world: World) -> None:
    other = [{"name": "代码", "column": "dm"}, {"name": "金额", "column": "je"}]
    one, two = make_dataset(world.province_bureau, "低保对象"), make_dataset(world.city_bureau, "排污许可", items=other)
    third = make_dataset(world.city_bureau, "检查", items=[{"name": "结果", "column": "jg"}])
    draft = make_request(world, one, two, third)
    first = everywhere.names_of(draft)[0]
    assert (first.name, first.found) == ("代码", 2)
    client = client_of(world.applicant)
    typed = {"limits_items": "1", "names": ["代码"], "name": "代码", "op": "prefix", "value": "33"}
    assert client.post(f"/requests/{draft.pk}/everywhere/", typed).status_code == 302
    items = {item.dataset.title: item for item in draft.items.select_related("dataset")}
    assert (items["低保对象"].columns, items["排污许可"].columns, items["检查"].columns) == (["code"], ["dm"], ["jg"])
    assert items["排污许可"].row_filter == [{"column": "dm", "op": "prefix", "value": "33"}]
    assert items["检查"].row_filter == []
    everywhere.apply(
        request=draft, actor=actor(world.applicant), names=None, condition={"name": "代码", "op": "eq", "value": "3301"}
    )
    assert draft.items.get(dataset=two).row_filter == [{"column": "dm", "op": "eq", "value": "3301"}]


def test_all_or_nothing_when_a_condition_cannot_be_read(world: World) -> None:
    draft = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    client = client_of(world.applicant)
    typed = {"limits_items": "1", "names": ["代码"], "name": "代码", "op": "like?", "value": "33"}
    answer = client.post(f"/requests/{draft.pk}/everywhere/", typed)
    assert answer.status_code in (400, 422)
    assert draft.items.get().columns == ["code", "name"]
    with pytest.raises(InvalidInput):
        everywhere.apply(request=draft, actor=actor(world.applicant), names=None, condition=None)


def workbook(tmp_path: Path, lines: list[list[str]]) -> Path:
    path = tmp_path / "items.xlsx"
    path.write_bytes(sheets.write("x", sheet.COLUMNS, lines))
    return path


def test_datasets_from_a_workbook(world: World, tmp_path: Path) -> None:
    by_code = make_dataset(world.province_bureau, "低保对象")
    make_dataset(world.province_bureau, "残疾人")
    make_dataset(world.city_bureau, "残疾人")
    draft = make_request(world, make_dataset(world.city_bureau, "排污许可"))
    lines = [
        [by_code.code, "", "代码；name"],
        ["残疾人", "", ""],
        ["残疾人", "杭州市生态环境局", ""],
        ["没有的数据", "", ""],
        ["排污许可", "", ""],
        ["残疾人", "浙江省民政厅", "身高"],
    ]
    added, bad = sheet.load(path=workbook(tmp_path, lines), request=draft, actor=actor(world.applicant))
    assert added == 2
    assert [(row.number, row.faults[0].cell) for row in bad] == [(3, "A3"), (5, "A5"), (6, "A6"), (7, "C7")]
    assert draft.items.get(dataset=by_code).columns == ["code", "name"]
    assert draft.items.count() == 3
    assert findings() == []


def test_the_page_of_the_workbook_names_bad_cells(world: World, tmp_path: Path) -> None:
    draft = make_request(world, make_dataset(world.city_bureau, "排污许可"))
    client = client_of(world.applicant)
    template = client.get("/requests/sheet/")
    assert template["Content-Type"].endswith("sheet")
    content = workbook(tmp_path, [["没有的数据", "", ""]]).read_bytes()
    answer = client.post(f"/requests/{draft.pk}/sheet/", {"file": SimpleUploadedFile("a.xlsx", content)})
    assert answer.status_code == 422
    assert "A2" in answer.content.decode()
    assert client.post(f"/requests/{draft.pk}/sheet/", {"file": SimpleUploadedFile("a.xlsx", b"x")}).status_code == 422
    assert client.post(f"/requests/{draft.pk}/sheet/").status_code == 422


def test_attachments_are_given_back_as_they_were(world: World) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    client = client_of(world.applicant)
    content = b"%PDF-1.7 letter"
    client.post(f"/requests/{request.pk}/attachments/", {"file": SimpleUploadedFile("../局函.pdf", content)})
    attachment = RequestAttachment.objects.get()
    assert (attachment.name, attachment.sha256) == ("局函.pdf", hashlib.sha256(content).hexdigest())
    submit(world, request)
    answer = client_of(world.applicant_head).get(f"/attachments/{attachment.pk}/")
    assert b"".join(answer.streaming_content) == content
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert client_of(world.provider2).get(f"/attachments/{attachment.pk}/").status_code == 404
    with pytest.raises(WrongState):
        attachments.remove(attachment=attachment, actor=actor(world.applicant))
    assert findings() == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.exe", b"MZ"),
        ("a.html", b"<script>"),
        ("a.pdf", b"<html>"),
        ("a.pdf", b""),
        ("a", b"%PDF-"),
        ("a.svg", b"<svg"),
    ],
)
def test_files_that_are_not_taken(world: World, name: str, content: bytes) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    with pytest.raises(InvalidInput):
        attachments.add(request=request, actor=actor(world.applicant), upload=SimpleUploadedFile(name, content))
    assert not RequestAttachment.objects.exists()


def test_an_attachment_is_taken_away_with_its_file(world: World, django_capture_on_commit_callbacks: Any) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    upload = SimpleUploadedFile("a.pdf", b"%PDF-")
    attachment = attachments.add(request=request, actor=actor(world.applicant), upload=upload)
    path = attachments.path_of(attachment)
    assert path.exists()
    with django_capture_on_commit_callbacks(execute=True):
        attachments.remove(attachment=attachment, actor=actor(world.applicant))
    assert not path.exists()


def test_an_invited_colleague_writes_but_does_not_submit(world: World) -> None:
    colleague = make_user("colleague", world.county_bureau, "cataloguer")
    request = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    with pytest.raises(NotPermitted):
        drafts.update(request=request, actor=actor(colleague), details=details(title="改写"))
    made = people.invite(request=request, actor=actor(world.applicant), username="colleague")
    people.invite(request=request, actor=actor(world.applicant), username="colleague")
    assert Notice.objects.filter(user=colleague, kind="colleague_invited").count() == 1
    drafts.update(request=request, actor=actor(colleague), details=details(title="改写"))
    with pytest.raises(NotPermitted):
        workflow.submit(request=request, actor=actor(colleague))
    page = client_of(colleague).get(f"/requests/{request.pk}/").content.decode()
    assert "/edit/" in page
    assert "/submit/" not in page
    people.dismiss(co_applicant=made, actor=actor(world.applicant))
    with pytest.raises(NotPermitted):
        drafts.update(request=request, actor=actor(colleague), details=details(title="再改"))


def test_who_wrote_on_a_request_does_not_decide_on_it(world: World) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    people.invite(request=request, actor=actor(world.applicant), username="applicant_head")
    drafts.update(request=request, actor=actor(world.applicant_head), details=details(title="改写"))
    submit(world, request)
    with pytest.raises(NotPermitted):
        decide(step_of(request, "own-department"), world.applicant_head)


@pytest.mark.parametrize("username", ["provider", "nobody", ""])
def test_only_colleagues_of_the_department_are_invited(world: World, username: str) -> None:
    request = make_request(world, make_dataset(world.province_bureau, "低保对象"))
    with pytest.raises(InvalidInput):
        people.invite(request=request, actor=actor(world.applicant), username=username)


def test_a_superior_files_for_a_department_below(world: World) -> None:
    below = make_department("西湖区社会救助站", world.regions["county"])
    below.parent = world.county_bureau
    below.save()
    stranger = make_department("西湖区教育局", world.regions["county"])
    dataset = make_dataset(world.province_bureau, "低保对象")
    person = actor(world.applicant)
    with pytest.raises(NotPermitted):
        drafts.create(actor=person, department=stranger, details=details(), dataset_ids=[dataset.pk])
    request = drafts.create(actor=person, department=below, details=details(), dataset_ids=[dataset.pk])
    assert request.filed_by_department == world.county_bureau
    workflow.submit(request=request, actor=person)
    client = client_of(world.applicant)
    assert "低保核查" in client.get("/requests/?scope=filed").content.decode()
    assert "西湖区民政局" in client.get(f"/requests/{request.pk}/").content.decode()
    step = step_of(request, "own-department")
    assert step.department == world.county_bureau
    decide(step, world.applicant_head)
    assert findings() == []


def test_where_the_department_below_has_an_approver_it_reviews_itself(world: World) -> None:
    below = make_department("西湖区社会救助站", world.regions["county"])
    below.parent = world.county_bureau
    below.save()
    head = make_user("below_head", below, "own_approver")
    dataset = make_dataset(world.province_bureau, "低保对象")
    person = actor(world.applicant)
    request = drafts.create(actor=person, department=below, details=details(), dataset_ids=[dataset.pk])
    workflow.submit(request=request, actor=person)
    step = step_of(request, "own-department")
    assert step.department == below
    decide(step, head, "return", note="请改")
    assert Notice.objects.filter(user=world.applicant, kind="item_returned").count() == 1
    assign(user=world.applicant, department=below, duty="applicant", actor=Actor.system())
    assert drafts.filing_department(actor(world.applicant), below) is None
