"""Letters: issued when answers come, confirmed by both sides, verified by anybody; and the whole file of a request."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from portal.audit import checkpoints, signing
from portal.errors import NotPermitted, WrongState
from portal.models import Notice
from sharing import workflow
from sharing.deciding import Decision
from sharing.disputes import acts as disputes
from sharing.letters import acts, dossier, odrl
from sharing.models import Letter, SharingRequest
from sharing.terms import Terms
from sharing.thread import acts as thread
from tests.checks import findings
from tests.clients import client_of
from tests.factories import World, actor, approve_common, decide, granted, make_dataset, make_request, step_of, submit

pytestmark = pytest.mark.django_db
ROOT = Path(settings.BASE_DIR)


def two_providers(world: World) -> SharingRequest:
    """A request that the provincial bureau granted and the city's refused."""
    request = submit(
        world,
        make_request(
            world, make_dataset(world.province_bureau, "低保对象"), make_dataset(world.city_bureau, "排污许可")
        ),
    )
    approve_common(world, request)
    decide(step_of(request, "provider", world.province_bureau), world.provider)
    assert [letter.kind for letter in acts.issue_for(request.pk)] == ["agreement"]
    decide(step_of(request, "provider", world.city_bureau), world.provider2, "refuse", reason="not_held", note="未采集")
    return SharingRequest.objects.get(pk=request.pk)


def test_an_agreement_with_each_provider_and_a_decision_when_all_is_answered(world: World) -> None:
    request = two_providers(world)
    [decision] = acts.issue_for(request.pk)
    assert decision.kind == "decision"
    assert {row["title"]: row["state"] for row in decision.content["items"]} == {
        "低保对象": "approved",
        "排污许可": "refused",
    }
    assert acts.issue_for(request.pk) == []
    agreement = Letter.objects.get(kind="agreement")
    assert agreement.provider == world.province_bureau
    assert [row["columns"] for row in agreement.content["items"]] == [["code", "name"]]
    assert Notice.objects.filter(user=world.provider, kind="letter_issued").count() == 1
    assert findings() == []


def test_the_worker_is_told_when_answers_come(world: World) -> None:
    from procrastinate.contrib.django.models import ProcrastinateJob

    request = granted(world, make_dataset(world.province_bureau, "低保对象"))
    job = ProcrastinateJob.objects.filter(task_name="sharing.issue_letters").latest("id")
    assert job.args == {"request_ids": [str(request.pk)]}


def test_what_a_dispute_changed_gets_letters_of_its_own(world: World) -> None:
    request = two_providers(world)
    acts.issue_for(request.pk)
    item = request.items.get(dataset__provider=world.city_bureau)
    dispute = disputes.open_dispute(item=item, actor=actor(world.applicant), text="目录载明由其采集")
    disputes.give_way(dispute=dispute, actor=actor(world.provider2), text="同意")
    letters = {letter.kind: letter for letter in acts.issue_for(request.pk)}
    assert {row["state"] for row in letters["decision"].content["items"]} == {"approved"}
    assert [row["title"] for row in letters["agreement"].content["items"]] == ["排污许可"]
    assert Letter.objects.count() == 4


def test_conditions_stand_in_the_agreement_and_its_policy(world: World) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    approve_common(world, request)
    step, item = step_of(request, "provider"), request.items.get()
    from sharing import deciding

    terms = Terms(columns=("code",), masks={"code": "partial:1,1"})
    decisions = {item.pk: Decision("approve", terms=terms)}
    deciding.decide(step=step, actor=actor(world.provider), seen_version=step.version, decisions=decisions)
    assert acts.issue_for(request.pk) == []
    item.refresh_from_db()
    workflow.answer_terms(item=item, actor=actor(world.applicant), is_accepted=True)
    agreement = next(letter for letter in acts.issue_for(request.pk) if letter.kind == "agreement")
    [row] = agreement.content["items"]
    assert (row["columns"], row["masks"]) == (["code"], {"code": "partial:1,1"})
    policy = odrl.policy("https://data.example/letters/1", agreement.content)
    assert policy["@type"] == "Agreement"
    [permission] = policy["permission"]
    assert permission["target"]["refinement"][0]["rightOperand"] == ["code"]
    assert permission["duty"][0]["attribute"] == ["code"]
    assert policy["prohibition"][0]["action"] == ["distribute", "sell", "commercialize"]
    served = client_of(world.applicant).get(f"/letters/{agreement.pk}/odrl/")
    assert served.json()["assignee"]["name"] == "西湖区民政局"


def test_both_sides_confirm_once_each(world: World) -> None:
    request = granted(world, make_dataset(world.province_bureau, "低保对象"))
    letters = {letter.kind: letter for letter in acts.issue_for(request.pk)}
    agreement = letters["agreement"]
    for user in (world.provider2, world.security, world.authority):
        with pytest.raises(NotPermitted):
            acts.confirm(letter=agreement, actor=actor(user))
    assert client_of(world.applicant_head).post(f"/letters/{agreement.pk}/confirm/").status_code == 302
    with pytest.raises(WrongState):
        acts.confirm(letter=agreement, actor=actor(world.applicant))
    acts.confirm(letter=agreement, actor=actor(world.provider))
    agreement.refresh_from_db()
    assert agreement.is_confirmed
    assert (agreement.applicant_confirmed_by, agreement.provider_confirmed_by) == (world.applicant_head, world.provider)
    with pytest.raises(WrongState):
        acts.confirm(letter=letters["decision"], actor=actor(world.applicant))
    assert findings() == []


def test_a_letter_that_was_changed_is_found(world: World) -> None:
    request = granted(world, make_dataset(world.province_bureau, "低保对象"))
    letter = acts.issue_for(request.pk)[0]
    body = letter.content | {"number": "JD2020999999"}
    Letter.objects.filter(pk=letter.pk).update(content=body)
    assert [found.subject for found in findings()] == [f"letter:{letter.pk}"]
    page = Client().get(reverse("sharing:letter-verify", args=[letter.number, letter.code]))
    assert "与签发时不一致" in page.content.decode()


def test_anybody_with_the_code_verifies_a_letter(world: World) -> None:
    request = granted(world, make_dataset(world.province_bureau, "低保对象"))
    letter = next(each for each in acts.issue_for(request.pk) if each.kind == "agreement")
    page = Client().get(reverse("sharing:letter-verify", args=[letter.number, letter.code]))
    text = page.content.decode()
    assert page.status_code == 200
    assert letter.digest in text
    assert "低保对象" not in text
    for number, code in ((letter.number, "wrong"), ("XY2020000001", letter.code), (letter.number, "码")):
        assert Client().get(reverse("sharing:letter-verify", args=[number, code])).status_code == 404


def test_a_letter_is_read_by_its_parties(world: World) -> None:
    request = two_providers(world)
    acts.issue_for(request.pk)
    agreement = Letter.objects.get(kind="agreement")
    decision = Letter.objects.get(kind="decision")
    readers = {"applicant": 2, "applicant_head": 2, "provider": 2, "provider2": 1, "authority": 2}
    for name, count in readers.items():
        client = client_of(getattr(world, name))
        pages = [client.get(f"/letters/{letter.pk}/").status_code for letter in (agreement, decision)]
        assert pages.count(200) == count, name
        assert client.get("/letters/").content.decode().count("/letters/0") == count


@pytest.mark.pdf
def test_a_letter_and_the_file_as_pdf(world: World) -> None:
    request = granted(world, make_dataset(world.province_bureau, "低保对象"))
    letter = acts.issue_for(request.pk)[0]
    client = client_of(world.applicant)
    for address in (f"/letters/{letter.pk}/pdf/", f"/requests/{request.pk}/file/pdf/"):
        answer = client.get(address)
        assert answer["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")
        assert b"NotoSerifCJK" in answer.content or len(answer.content) > 10_000


def test_a_pdf_fetches_nothing(world: World, settings: Any) -> None:
    from sharing.letters.printing import _refuse

    for address in ("file:///etc/passwd", "http://127.0.0.1/", "https://elsewhere.example/a.png"):
        with pytest.raises(ValueError, match="not fetched"):
            _refuse(address)


def test_the_file_holds_everything_and_its_proof(world: World, tmp_path: Path) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "低保对象")))
    approve_common(world, request)
    step = step_of(request, "provider")
    question = thread.ask(step=step, actor=actor(world.provider), text="范围？")
    thread.answer(enquiry=question, actor=actor(world.applicant), text="全区")
    thread.note(step=step, actor=actor(world.provider), text="内部意见")
    decide(step, world.provider)
    acts.issue_for(request.pk)
    checkpoints.make()
    request.refresh_from_db()
    found = json.loads(client_of(world.applicant).get(f"/requests/{request.pk}/file/json/").content)
    assert [row["state"] for row in found["items"]] == ["approved"]
    assert [row["stage"] for row in found["steps"] if row["decisions"]] == ["own-department", "compliance", "provider"]
    assert [row["answer"] for row in found["talk"]] == ["全区"]
    assert "内部意见" not in json.dumps(found, ensure_ascii=False)
    assert len(found["letters"]) == 2
    head = ""
    for event in found["record"]["events"]:
        assert json.loads(event["body"])["prev"] == head
        head = event["hash"]
    assert found["record"]["head"] == head
    proof = tmp_path / "proof.json"
    proof.write_text(json.dumps(found["record"]["proof"]))
    script = ROOT / "docs" / "check_proof.py"
    command = [sys.executable, str(script), str(proof), signing.public_key()]
    assert "PROVEN" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    inside = dossier.build(request, actor(world.provider))
    assert "内部意见" in json.dumps(inside, ensure_ascii=False)
