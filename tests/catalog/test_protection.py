"""Personal data are found in tables, answered by the cataloguer, and asked for before a record goes on."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from bench.detection import scores
from catalog import gate, lifecycle, revisions
from catalog.identifiers import is_resident_id
from catalog.models import Dataset, Finding, FindingState, TableVersion
from catalog.protection import keeping
from catalog.protection.detectors import Kind, detect, masked
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Event
from tests.factories import World, actor, load, make_dataset
from tests.words import zh

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11010519491231002X", True),
        ("11010519491231002x", True),
        ("510104195001010013", None),
        ("110105194912310021", False),
        ("110105194902300026", False),
        ("991105194912310024", False),
        ("11010519491231002", False),
        ("１１０１０５１９４９１２３１００２Ｘ", False),
    ],
)
def test_identity_numbers_are_known_by_province_birth_and_check_digit(text: str, expected: bool | None) -> None:
    if expected is None:
        from stdnum.cn import ric

        text, expected = text[:17] + ric.calc_check_digit(text), True
    assert is_resident_id(text) is expected


def test_the_labelled_set_is_found_and_look_alikes_are_not() -> None:
    found = scores()
    assert set(found) == set(Kind) - {Kind.IP}
    for kind, (precision, recall, count) in found.items():
        assert min(precision, recall) >= 0.98, kind
        assert count == 40


@pytest.mark.parametrize(
    ("text", "expected"),
    [("13800138000", "13*******00"), ("张三", "张*"), ("张三丰", "张**"), ("11010519491231002X", "11************2X")],
)
def test_examples_give_nobody_away(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_too_few_values_say_nothing() -> None:
    assert detect(["手机号码"], ["13800138000", "13900139000"]) is None
    assert detect(["ip"], ["10.1.2.3", "192.168.0.1", "fe80::1"]) is not None


PHONES = "code,phone,note\nA1,13812345678,甲\nA2,13987654321,乙\nA3,15811112222,丙\n"


def scanned(world: World, content: str = PHONES, dataset: Dataset | None = None, **changes: Any) -> Dataset:
    """A draft with a table that was looked at."""
    dataset = dataset or make_dataset(world.city_bureau, "办事预约", items=[], state="draft", **changes)
    load(dataset, content.encode())
    keeping.scan(TableVersion.objects.filter(distribution__dataset=dataset).order_by("-number")[0].pk)
    return Dataset.objects.get(pk=dataset.pk)


def test_a_finding_keeps_the_record_until_it_is_confirmed(world: World, client: Client) -> None:
    dataset = scanned(world)
    finding = Finding.objects.get()
    assert (finding.column, finding.kind, finding.share, finding.is_named) == ("phone", "mobile", 1.0, True)
    assert finding.sample == "13*******78"
    with pytest.raises(InvalidInput) as refused:
        lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    assert "phone" in str(refused.value.fields["items"][0])
    client.force_login(world.cataloguer)
    page = client.get(f"/catalog/{dataset.pk}/?tab=protection").content.decode()
    assert "13*******78" in page
    assert "13812345678" not in page
    client.post(f"/catalog/findings/{finding.pk}/confirm/")
    dataset = Dataset.objects.get(pk=dataset.pk)
    assert dataset.items.get(column="phone").sensitivity == "personal"
    assert gate.missing(dataset) == {}
    assert Event.objects.filter(verb="finding.confirmed").count() == 1
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))


def test_marking_the_item_in_the_form_answers_too(world: World) -> None:
    dataset = scanned(world)
    items = [{"name": i.name, "column": i.column, "sensitivity": "personal"} for i in dataset.items.all()]
    lifecycle.update(
        dataset=dataset,
        actor=actor(world.cataloguer),
        values={},
        items=items,
        seen_revision=dataset.revision,
    )
    assert gate.missing(Dataset.objects.get(pk=dataset.pk)) == {}


def test_a_finding_is_overruled_with_a_reason_that_lasts_until_the_kind_changes(world: World, client: Client) -> None:
    dataset = scanned(world)
    finding = Finding.objects.get()
    client.force_login(world.cataloguer)
    url = f"/catalog/findings/{finding.pk}/overrule/"
    assert client.post(url, {"reason": " "}).status_code == 422
    client.post(url, {"reason": "单位公开的值班电话"})
    finding.refresh_from_db()
    assert (finding.state, finding.reason, finding.decided_by) == ("overruled", "单位公开的值班电话", world.cataloguer)
    assert gate.missing(dataset) == {}
    with pytest.raises(WrongState):
        keeping.overrule(finding=finding, actor=actor(world.cataloguer), reason="又一次")
    scanned(world, PHONES.replace("13812345678", "13800000000"), dataset)
    assert Finding.objects.get().state == FindingState.OVERRULED
    mails = "code,phone,note\nA1,a1@example.com,甲\nA2,a2@example.com,乙\nA3,a3@example.com,丙\n"
    scanned(world, mails, dataset)
    assert (Finding.objects.get().kind, Finding.objects.get().state) == ("email", "open")
    scanned(world, "code,phone,note\nA1,x,甲\nA2,y,乙\nA3,z,丙\n", dataset)
    assert not Finding.objects.exists()


def test_only_the_providers_cataloguers_answer_and_only_they_and_reviewers_see(world: World, client: Client) -> None:
    dataset = scanned(world)
    finding = Finding.objects.get()
    for person in (world.provider2, world.applicant, world.authority):
        with pytest.raises(NotPermitted):
            keeping.overrule(finding=finding, actor=actor(person), reason="不是")
    client.force_login(world.provider2)
    assert zh("To be answered") in client.get(f"/catalog/{dataset.pk}/?tab=protection").content.decode()
    Dataset.objects.filter(pk=dataset.pk).update(state="published")
    from catalog import search

    search.index([dataset.pk])
    client.force_login(world.applicant)
    assert "tab=protection" not in client.get(f"/catalog/{dataset.pk}/").content.decode()


def test_a_published_record_is_marked_in_its_revision(world: World) -> None:
    items = [
        {"name": "编号", "column": "code"},
        {"name": "电话", "column": "phone"},
        {"name": "备注", "column": "note"},
    ]
    dataset = make_dataset(world.city_bureau, "值班表", items=items)
    dataset = scanned(world, dataset=dataset)
    finding = Finding.objects.get()
    with pytest.raises(WrongState):
        keeping.confirm(finding=finding, actor=actor(world.cataloguer))
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    keeping.confirm(finding=finding, actor=actor(world.cataloguer))
    document = revisions.document_of(Dataset.objects.get(pk=dataset.pk))
    assert [item["sensitivity"] for item in document["items"]] == ["none", "personal", "none"]
    assert dataset.items.get(column="phone").sensitivity == "none"


def test_organisations_are_found_but_keep_nothing(world: World) -> None:
    codes = "code,n\n91110000600037341L,1\n911100007109247390,2\n91330100799655058B,3\n"
    dataset = scanned(world, codes)
    found = Finding.objects.filter(dataset=dataset)
    assert all(one.kind == "uscc" for one in found)
    assert "items" not in gate.missing(dataset)
