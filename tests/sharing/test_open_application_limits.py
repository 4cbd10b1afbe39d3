"""Applications from outside: what is refused, and what nobody else may do with one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.access import Actor, Permission, can
from portal.errors import InvalidInput, NotPermitted, WrongState
from sharing import deciding, grants, workflow
from sharing.deciding import Decision
from sharing.delivery.gate import open_grant
from sharing.letters import acts as letter_acts
from sharing.models import Credential, Grant, Letter, OpenApplicant, RequestAttachment, SharingRequest, UsageRecord
from sharing.outside import acts
from sharing.outside.tokens import follow_path, token_of
from sharing.preparing import copying
from sharing.terms import Terms
from tests.checks import findings
from tests.clients import client_of
from tests.factories import actor, decide, load, make_dataset, make_request, step_of
from tests.sharing.applying import (
    CODE,
    PDF,
    ROWS,
    Province,
    act,
    applicant,
    apply,
    conditional,
    form_of,
    granted,
    holder,
    put_aside,
    use,
)

pytestmark = pytest.mark.django_db


# --- what is refused ---------------------------------------------------------------------------------------------


def test_a_wrong_credit_code_is_refused_and_what_was_typed_is_kept(province: Province) -> None:
    client = Client()
    put_aside(client, province.dataset)
    wrong = CODE[:-1] + ("0" if CODE[-1] != "0" else "1")
    page = client.post(reverse("sharing:application-create"), form_of(province.dataset, credit_code=wrong))
    assert (page.status_code, SharingRequest.objects.count()) == (422, 0)
    assert list(page.context["form"].errors) == ["credit_code"]
    assert "训练评估模型并发布行业报告" in page.content.decode()


def test_everything_that_is_wrong_is_said_at_once(province: Province) -> None:
    with pytest.raises(InvalidInput) as caught:
        acts.apply(
            applicant=applicant(kind="department", email="nobody", name=" "),
            use=use(purpose="", valid_until=timezone.localdate() - dt.timedelta(days=1)),
            columns={province.dataset.pk: ["code"]},
            has_commitment=False,
        )
    assert set(caught.value.fields) == {"kind", "email", "name", "purpose", "valid_until", "has_commitment"}
    assert SharingRequest.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "content"), [("方案.exe", b"MZ"), ("方案.pdf", b"MZ not a pdf"), ("方案.docx", b"PK\x03\x04")]
)
def test_only_pdf_files_are_taken(province: Province, name: str, content: bytes) -> None:
    client = Client()
    put_aside(client, province.dataset)
    papers = [SimpleUploadedFile(name, content)]
    page = client.post(reverse("sharing:application-create"), form_of(province.dataset, papers=papers))
    assert (page.status_code, list(page.context["form"].errors)) == (422, ["papers"])
    assert (SharingRequest.objects.count(), RequestAttachment.objects.count()) == (0, 0)


def test_more_than_a_form_may_take_is_not_read(province: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    from sharing.outside import views

    monkeypatch.setattr(views.application_create, "anonymous_bytes", 1_000)
    client = Client()
    put_aside(client, province.dataset)
    papers = [SimpleUploadedFile("方案.pdf", PDF * 200)]
    sent = client.post(reverse("sharing:application-create"), form_of(province.dataset, papers=papers))
    assert (sent.status_code, SharingRequest.objects.count()) == (400, 0)


def test_an_address_applies_so_often_an_hour(province: Province, settings: Any) -> None:
    settings.OPEN_APPLICATIONS_AN_HOUR = 1
    codes = []
    for _n in range(2):
        client = Client()
        put_aside(client, province.dataset)
        page = client.post(reverse("sharing:application-create"), form_of(province.dataset))
        codes.append(page.status_code)
    assert (codes, SharingRequest.objects.count()) == ([302, 422], 1)


def test_a_program_that_fills_the_trap_leaves_nothing(province: Province) -> None:
    client = Client()
    put_aside(client, province.dataset)
    form = form_of(province.dataset, website="http://spam.example")
    assert client.post(reverse("sharing:application-create"), form).url == reverse("sharing:conditional-list")
    assert SharingRequest.objects.count() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"open_type": "not_open"},
        {"open_type": "open"},
        {"grade": 4},
        {"state": "draft"},
        {"sharing_type": "not_shared"},
    ],
)
def test_only_published_conditionally_open_data_of_a_low_grade(province: Province, changes: dict[str, Any]) -> None:
    other = conditional(province.world, "不应出现的资源", **changes)
    client = Client()
    put_aside(client, other)
    assert client.get(reverse("sharing:application-create")).context["form"] is None
    assert client.get(reverse("sharing:conditional-detail", args=[other.pk])).status_code == 404
    assert other.title not in client.get(reverse("sharing:conditional-list")).content.decode()
    with pytest.raises(InvalidInput):
        apply(other)


def test_items_that_are_not_open_cannot_be_asked_for(province: Province) -> None:
    with pytest.raises(InvalidInput):
        apply(province.dataset, columns=("code", "internal"))
    assert (SharingRequest.objects.count(), OpenApplicant.objects.count()) == (0, 0)


# --- whose it is -------------------------------------------------------------------------------------------------


def test_another_link_opens_nothing(province: Province) -> None:
    one, other = apply(province.dataset), apply(province.dataset)
    for name, args in (
        ("sharing:application-follow", [one.pk, token_of(other.pk)]),
        ("sharing:application-download", [one.pk, token_of(other.pk), one.pk, "csv"]),
        ("sharing:application-letter", [one.pk, token_of(other.pk), one.pk]),
    ):
        assert Client().get(reverse(name, args=args)).status_code == 404


def test_one_applicant_reaches_nothing_of_another(province: Province) -> None:
    grant = granted(province)
    mine = apply(province.dataset)
    letter = Letter.objects.get(kind="agreement")
    for name, target in (("new-key", grant.pk), ("agree", letter.pk), ("accept", grant.item_id), ("object", grant.pk)):
        assert act(mine, name, object=target).status_code == 404
    path = reverse("sharing:application-download", args=[mine.pk, token_of(mine.pk), grant.pk, "csv"])
    assert Client().get(path).status_code == 404
    assert Credential.objects.count() == 0


def test_the_link_of_a_departments_request_does_not_exist(province: Province) -> None:
    request = make_request(province.world, make_dataset(province.world.province_bureau, "低保对象"))
    assert Client().get(follow_path(request.pk)).status_code == 404


def test_the_receiving_authority_neither_reads_nor_uses_it_as_its_own(province: Province) -> None:
    load(province.dataset, ROWS)
    grant = granted(province)
    request, colleague = grant.item.request, province.colleague
    for permission in (
        Permission.REQUEST_SUBMIT,
        Permission.REQUEST_WITHDRAW,
        Permission.REQUEST_EDIT,
        Permission.REQUEST_VIEW,
    ):
        assert not can(actor(colleague), permission, request)
    assert not can(actor(colleague), Permission.GRANT_USE, grant)
    assert not can(actor(province.reviewer), Permission.GRANT_USE, grant)
    assert not can(Actor.system(), Permission.GRANT_USE, grant)
    with pytest.raises(NotPermitted):
        grants.create_credential(grant=grant, actor=actor(colleague))
    client = client_of(colleague)
    for name, args in (
        ("sharing:request-detail", [request.pk]),
        ("sharing:grant-detail", [grant.pk]),
        ("sharing:grant-download", [grant.pk, "csv"]),
    ):
        assert client.get(reverse(name, args=args)).status_code == 404
    assert client.get(reverse("sharing:grant-list")).context["object_list"].count() == 0
    assert list(client.get(reverse("sharing:request-list") + "?scope=own").context["object_list"]) == []
    assert (
        client_of(province.reviewer).get(reverse("sharing:grant-download", args=[grant.pk, "csv"])).status_code == 403
    )
    assert UsageRecord.objects.count() == 0


def test_nobody_inside_answers_for_the_applicant(province: Province) -> None:
    request = apply(province.dataset)
    decide(step_of(request, "open-acceptance"), province.reviewer)
    step = step_of(request, "open-answer")
    decision = {pk: Decision("approve", terms=Terms(columns=("code",))) for pk in deciding.open_items(step)}
    deciding.decide(step=step, actor=actor(province.world.provider), seen_version=step.version, decisions=decision)
    item = request.items.get()
    with pytest.raises(NotPermitted):
        workflow.answer_terms(item=item, actor=actor(province.colleague), is_accepted=True)
    assert act(request, "accept", object=item.pk).status_code == 302
    letter_acts.issue_for(request.pk)
    with pytest.raises(NotPermitted):
        letter_acts.confirm(letter=Letter.objects.get(kind="agreement"), actor=actor(province.colleague))
    with pytest.raises(NotPermitted):
        copying.copy(request=request, actor=actor(province.colleague))
    assert Grant.objects.get().columns == ["code"]
    assert findings() == []


def test_nobody_uses_data_before_the_agreement(province: Province) -> None:
    load(province.dataset, ROWS)
    request = apply(province.dataset)
    decide(step_of(request, "open-acceptance"), province.reviewer)
    decide(step_of(request, "open-answer"), province.world.provider)
    grant = Grant.objects.get()
    with pytest.raises(WrongState):
        grants.create_credential(grant=grant, actor=holder(request))
    with pytest.raises(WrongState):
        open_grant(grant, "file")  # type: ignore[arg-type]
