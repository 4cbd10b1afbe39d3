"""Applications from outside for conditionally open data: the way over HTTP, from the public list to the download."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from portal.access import Actor
from portal.departments.models import Duty
from portal.errors import NotPermitted
from portal.models import Event
from sharing import grants
from sharing.letters import acts as letter_acts
from sharing.models import (
    Credential,
    Dispute,
    Enquiry,
    Grant,
    OpenApplicant,
    RequestAttachment,
    SharingRequest,
    UsageRecord,
)
from sharing.outside.tokens import follow_path, token_of
from sharing.thread import acts as thread
from sharing.thread.queries import is_insider
from tests.checks import findings
from tests.clients import client_of
from tests.factories import actor, decide, load, make_dataset, make_request, make_user, step_of, submit
from tests.sharing.applying import ITEMS, PDF, ROWS, Province, act, apply, conditional, form_of, granted, put_aside, use

pytestmark = pytest.mark.django_db


# --- the whole way -----------------------------------------------------------------------------------------------


def test_from_the_public_list_to_the_download(province: Province) -> None:
    load(province.dataset, ROWS)
    client = Client()
    page = client.get(reverse("sharing:conditional-list")).content.decode()
    assert province.dataset.title in page
    page = client.get(reverse("sharing:conditional-detail", args=[province.dataset.pk])).content.decode()
    assert ("用于科研或产品开发" in page, "内部意见" in page) == (True, False)
    put_aside(client, province.dataset)
    papers = [SimpleUploadedFile("方案.pdf", PDF)]
    sent = client.post(reverse("sharing:application-create"), form_of(province.dataset, papers=papers))
    request = SharingRequest.objects.get()
    assert sent.url == f"{follow_path(request.pk)}?new=1"
    assert (request.state, request.department, request.created_by) == ("in_review", province.authority, None)
    assert (request.number or "").startswith("KF")
    assert request.route_version is not None and request.route_version.route_id == "open-conditional"
    assert list(RequestAttachment.objects.values_list("name", "added_by")) == [("方案.pdf", None)]
    page = client.get(sent.url)
    assert request.number in page.content.decode() and token_of(request.pk) in page.content.decode()
    assert page["Cache-Control"] == "private, no-store" and page["Referrer-Policy"] == "same-origin"
    decide(step_of(request, "open-acceptance"), province.reviewer)
    decide(step_of(request, "open-answer"), province.world.provider)
    letter_acts.issue_for(request.pk)
    grant = Grant.objects.get()
    assert (grant.outside_id, grant.department, grant.columns) == (request.pk, province.authority, ["code", "name"])
    path = reverse("sharing:application-download", args=[request.pk, token_of(request.pk), grant.pk, "csv"])
    assert client.get(path).status_code == 409  # before the agreement
    letter = request.letters.get(kind="agreement")
    assert letter.content["applicant"]["name"] == "杭州某科技公司"
    assert act(request, "agree", object=letter.pk).status_code == 302
    delivered = client.get(path)
    body = b"".join(delivered.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert body.splitlines()[0].startswith("代码,名称") and "甲" in body and "13800000001" not in body
    assert list(UsageRecord.objects.values_list("grant", "user", "channel", "rows")) == [(grant.pk, None, "file", 2)]
    assert findings() == []


def test_a_key_reads_the_data_until_it_or_the_grant_ends(province: Province) -> None:
    load(province.dataset, ROWS)
    grant = granted(province)
    request = SharingRequest.objects.get()
    shown = act(request, "new-key", object=grant.pk).content.decode()
    key = re.search(r"sq_[\w-]{20,}", shown).group()  # type: ignore[union-attr]
    url, head = reverse("api:data-rows", args=[grant.pk]), {"HTTP_AUTHORIZATION": f"Bearer {key}"}
    assert Client().get(url, **head).json()["rows"] == [
        {"code": "1", "name": "甲"},
        {"code": "2", "name": "乙"},
    ]
    assert UsageRecord.objects.get().credential == Credential.objects.get()
    grants.revoke(grant=grant, actor=actor(province.world.provider), reason="超出用途")
    assert Client().get(url, **head).status_code == 403
    page = Client().get(follow_path(request.pk)).content.decode()
    assert "超出用途" in page
    assert findings() == []


def test_an_applicant_ends_their_own_key(province: Province) -> None:
    load(province.dataset, ROWS)
    grant = granted(province)
    credential, key = grants.create_credential(grant=grant, actor=Actor.holder_of(grant.item.request_id))
    act(grant.item.request, "end-key", object=credential.pk)
    url = reverse("api:data-rows", args=[grant.pk])
    assert Client().get(url, HTTP_AUTHORIZATION=f"Bearer {key}").status_code == 401


def test_several_datasets_go_in_one_application_in_a_lane_each(province: Province) -> None:
    city = make_dataset(
        province.world.city_bureau, "空气质量", open_type="conditional", open_condition="科研", items=ITEMS
    )
    client = Client()
    put_aside(client, province.dataset, city)
    client.post(reverse("sharing:application-create"), form_of(province.dataset, city))
    request = SharingRequest.objects.get()
    assert request.department == province.authority  # of the highest provider
    lanes = set(request.steps.filter(stage="open-answer").values_list("lane__name", flat=True))
    assert lanes == {"浙江省民政厅", "杭州市生态环境局"}
    assert client.get(reverse("sharing:application-create")).context["form"] is None  # nothing is left aside


def test_a_dataset_that_is_put_aside_can_be_taken_out_again(province: Province) -> None:
    client = Client()
    other = conditional(province.world, "水耗")
    put_aside(client, province.dataset, other)
    client.post(reverse("sharing:application-basket"), {"dataset": other.pk, "act": "remove"})
    assert client.get(reverse("sharing:application-create")).context["datasets"] == [province.dataset]


# --- the way -----------------------------------------------------------------------------------------------------


def test_personal_data_and_grade_three_go_by_the_security_officer(province: Province) -> None:
    plain = apply(province.dataset)
    personal = apply(province.dataset, columns=("code", "phone"))
    graded = apply(conditional(province.world, "分级", grade=3))
    stages = [set(r.steps.values_list("stage", flat=True)) for r in (plain, personal, graded)]
    common = {"open-acceptance", "open-answer"}
    assert stages == [common, common | {"open-security"}, common | {"open-security"}]


def test_departments_and_outsiders_never_take_each_others_routes(province: Province) -> None:
    department = submit(province.world, make_request(province.world, province.dataset))
    assert department.route_version is not None and department.route_version.route_id == "national"
    from sharing.models import Route
    from sharing.routes import RouteError

    Route.objects.filter(pk="open-conditional").update(is_active=False)
    with pytest.raises(RouteError):
        apply(province.dataset)
    assert SharingRequest.objects.from_outside().count() == 0


def test_a_question_stops_the_clock_until_it_is_answered_behind_the_link(province: Province) -> None:
    request = apply(province.dataset)
    step = step_of(request, "open-acceptance")
    thread.ask(step=step, actor=actor(province.reviewer), text="谁负责数据安全？", stops_clock=True)
    assert step_of(request, "open-acceptance").state == "paused"
    enquiry = Enquiry.objects.get()
    assert "谁负责数据安全？" in Client().get(follow_path(request.pk)).content.decode()
    empty = act(request, "answer", object=enquiry.pk, text=" ")
    assert (empty.status_code, Enquiry.objects.get().answer) == (422, "")
    assert act(request, "answer", object=enquiry.pk, text="信息安全部").status_code == 302
    assert (Enquiry.objects.get().answer, step_of(request, "open-acceptance").state) == ("信息安全部", "open")
    page = client_of(province.reviewer).get(step_of(request, "open-acceptance").get_absolute_url()).content.decode()
    assert "信息安全部" in page
    assert is_insider(request, actor(province.reviewer))
    assert findings() == []


def test_returned_items_are_changed_and_sent_again(province: Province) -> None:
    request = apply(province.dataset)
    decide(step_of(request, "open-acceptance"), province.reviewer, "return", note="请说明保护措施")
    request.refresh_from_db()
    item = request.items.get()
    page = Client().get(follow_path(request.pk)).content.decode()
    assert "请说明保护措施" in page
    data = {
        **vars(use(safeguards="加密存储，双人授权")),
        f"columns-{item.pk}": ["code"],
        "seen_version": request.version,
    }
    stale = act(request, "resubmit", **(data | {"seen_version": request.version - 1}))
    assert (stale.status_code, request.items.get().state) == (409, "returned")
    none = act(request, "resubmit", **(data | {f"columns-{item.pk}": []}))
    assert (none.status_code, len(none.context["form"].errors[f"columns-{item.pk}"])) == (422, 1)
    assert act(request, "resubmit", **data).status_code == 302
    item.refresh_from_db()
    assert (item.state, item.columns) == ("in_review", ["code"])
    assert OpenApplicant.objects.get().safeguards == "加密存储，双人授权"
    assert step_of(request, "open-acceptance").state == "open"
    assert findings() == []


def test_only_items_can_be_changed_while_another_office_decides_on_the_text(province: Province) -> None:
    city = make_dataset(
        province.world.city_bureau, "空气质量", open_type="conditional", open_condition="科研", items=ITEMS
    )
    request = apply(province.dataset, city)
    decide(step_of(request, "open-acceptance"), province.reviewer)
    decide(step_of(request, "open-answer", province.world.city_bureau), province.world.provider2, "return", note="减少")
    request.refresh_from_db()
    item = request.items.get(dataset=city)
    assert "title" not in Client().get(follow_path(request.pk)).context["form"].fields
    data = {f"columns-{item.pk}": ["code"], "seen_version": request.version, "title": "另一个项目"}
    assert act(request, "resubmit", **data).status_code == 302
    request.refresh_from_db()
    assert (request.title, request.items.get(dataset=city).columns) == ("能耗评估模型", ["code"])


def test_a_refusal_is_objected_to_and_overturned(province: Province) -> None:
    request = apply(province.dataset)
    decide(step_of(request, "open-acceptance"), province.reviewer)
    decide(
        step_of(request, "open-answer"), province.world.provider, "refuse", reason="purpose_unclear", note="用途不明"
    )
    item = request.items.get()
    page = Client().get(follow_path(request.pk)).content.decode()
    assert "用途不明" in page
    assert act(request, "object", object=item.pk, text="用途见附件").status_code == 302
    dispute = Dispute.objects.get()
    assert (dispute.opened_by, dispute.statements.get().side) == (None, "杭州某科技公司")
    from sharing.disputes import acts as disputes

    with pytest.raises(NotPermitted):
        disputes.withdraw(dispute=dispute, actor=actor(province.colleague))
    assert client_of(province.colleague).get(dispute.get_absolute_url()).status_code == 404
    disputes.say(dispute=dispute, actor=actor(province.world.provider), text="请补充")
    assert act(request, "move-up", object=dispute.pk).status_code == 302
    head = make_user("ruling", province.authority, Duty.AUTHORITY_HEAD)
    disputes.settle(dispute=dispute, actor=actor(head), is_overturned=True, text="理由不成立")
    assert Grant.objects.get().outside_id == request.pk
    assert "理由不成立" in Client().get(follow_path(request.pk)).content.decode()
    assert findings() == []


def test_an_application_is_withdrawn_behind_its_link(province: Province) -> None:
    request = apply(province.dataset)
    assert act(request, "withdraw").status_code == 302
    request.refresh_from_db()
    assert (request.state, request.items.get().state) == ("withdrawn", "withdrawn")
    assert act(request, "withdraw").status_code == 409
    event = Event.objects.get(verb="request.withdrawn")
    assert (event.actor, event.data["from_outside"]) == (None, True)
