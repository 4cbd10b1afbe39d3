"""The life of a record: drafts, two reviews by two people, publication, withdrawal, and the gate before opening."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from catalog import lifecycle
from catalog.codes import next_serial
from catalog.models import Dataset, DatasetVersion, Theme
from portal.audit import checks
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Event, Notice
from tests.factories import World, actor, dataset_values, make_dataset
from tests.words import zh

pytestmark = pytest.mark.django_db
ITEMS: list[dict[str, Any]] = [{"name": "代码", "column": "code", "is_key": True}, {"name": "名称", "column": "name"}]


def draft(world: World, *, items: list[dict[str, Any]] | None = None, **changes: Any) -> Dataset:
    return lifecycle.create(
        actor=actor(world.cataloguer),
        provider=world.city_bureau,
        values=dataset_values("空气质量", **changes),
        themes=list(Theme.objects.filter(code="10")),
        items=ITEMS if items is None else items,
    )


def test_a_record_is_reviewed_by_two_people_and_published(world: World) -> None:
    dataset = draft(world)
    assert dataset.code == "310000/000001"
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    lifecycle.approve(dataset=dataset, actor=actor(world.provider2))
    published = lifecycle.approve(dataset=dataset, actor=actor(world.authority))
    assert (published.state, published.version) == ("published", 1)
    snapshot = DatasetVersion.objects.get(dataset=dataset).metadata
    assert (snapshot["title"], [i["column"] for i in snapshot["items"]]) == ("空气质量", ["code", "name"])
    verbs = Event.objects.filter(stream=f"dataset:{dataset.pk}").order_by("seq").values_list("verb", flat=True)
    assert list(verbs) == ["dataset.created", "dataset.submitted", "dataset.reviewed", "dataset.published"]
    assert Notice.objects.get(user=world.cataloguer).kind == "dataset_published"
    assert [found for _name, rows in checks.run() for found in rows] == []


def test_who_submitted_or_reviewed_a_record_does_not_review_it_again(world: World) -> None:
    from portal.access import Actor
    from portal.departments.duties import assign
    from portal.departments.models import Duty

    assign(user=world.cataloguer, department=world.city_bureau, duty=Duty.OWN_APPROVER, actor=Actor.system())
    assign(user=world.provider2, department=world.authority_department, duty=Duty.AUTHORITY_HEAD, actor=Actor.system())
    dataset = draft(world)
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    with pytest.raises(NotPermitted):
        lifecycle.approve(dataset=dataset, actor=actor(world.cataloguer))
    lifecycle.approve(dataset=dataset, actor=actor(world.provider2))
    with pytest.raises(NotPermitted):
        lifecycle.approve(dataset=dataset, actor=actor(world.provider2))


def test_everything_that_is_missing_is_told_at_once(world: World) -> None:
    dataset = draft(world, items=[], sharing_condition="", sharing_basis="", channels=[], open_condition="")
    with pytest.raises(InvalidInput) as error:
        lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    missing = {"items", "sharing_condition", "sharing_basis", "channels", "open_condition"}
    assert set(error.value.fields) == missing
    assert Dataset.objects.get().state == "draft"


@pytest.mark.parametrize(
    ("changes", "item", "field"),
    [
        ({"grade": 4}, {}, "open_type"),
        ({}, {"sensitivity": "personal"}, "items"),
        ({}, {"open_type": "not_open"}, "items"),
    ],
)
def test_the_gate_before_opening(world: World, changes: dict[str, Any], item: dict[str, Any], field: str) -> None:
    items = [{"name": "姓名", "column": "name", "open_type": "open", **item}]
    dataset = draft(world, items=items, open_type="open", **changes)
    with pytest.raises(InvalidInput) as error:
        lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    assert set(error.value.fields) == {field}


def test_a_returned_record_tells_the_cataloguer_why(world: World) -> None:
    dataset = draft(world)
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    with pytest.raises(InvalidInput):
        lifecycle.return_for_changes(dataset=dataset, actor=actor(world.provider2), reason=" ")
    lifecycle.return_for_changes(dataset=dataset, actor=actor(world.provider2), reason="请补充信息项")
    assert Dataset.objects.values_list("state", "state_note").get() == ("draft", "请补充信息项")
    assert Notice.objects.get(user=world.cataloguer).data["note"] == "请补充信息项"


def test_a_withdrawn_record_needs_a_reason_and_can_be_published_again(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气质量")
    with pytest.raises(InvalidInput):
        lifecycle.withdraw(dataset=dataset, actor=actor(world.provider2), reason="")
    lifecycle.withdraw(dataset=dataset, actor=actor(world.provider2), reason="停止监测")
    with pytest.raises(WrongState):
        lifecycle.withdraw(dataset=dataset, actor=actor(world.provider2), reason="停止监测")
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    lifecycle.approve(dataset=dataset, actor=actor(world.provider2))
    assert lifecycle.approve(dataset=dataset, actor=actor(world.authority)).state == "published"


@pytest.mark.parametrize("act", ["update", "submit", "withdraw"])
def test_strangers_can_do_nothing(world: World, act: str) -> None:
    dataset = draft(world) if act != "withdraw" else make_dataset(world.city_bureau, "空气质量")
    stranger = actor(world.provider)
    with pytest.raises(NotPermitted):
        if act == "update":
            lifecycle.update(dataset=dataset, actor=stranger, values={"title": "x"}, seen_revision=0)
        elif act == "submit":
            lifecycle.submit(dataset=dataset, actor=stranger)
        else:
            lifecycle.withdraw(dataset=dataset, actor=stranger, reason="x")
    assert Dataset.objects.get().title == "空气质量"


def form(**changes: Any) -> dict[str, Any]:
    values = dataset_values("空气质量") | {
        "themes": ["10"],
        "keywords": "空气，监测",
        "resource_class": "3",
        "resource_format": "database",
        "items-TOTAL_FORMS": "1",
        "items-INITIAL_FORMS": "0",
        "items-0-name": "站点 名称",
        "items-0-data_type": "C",
        "items-0-sensitivity": "none",
        "items-0-sharing_type": "conditional",
        "items-0-open_type": "not_open",
    }
    return values | changes


def test_the_form_makes_a_record_and_an_item_without_a_column_gets_one(world: World) -> None:
    client = Client()
    client.force_login(world.cataloguer)
    client.post("/catalog/new/", form(provider=world.city_bureau.pk))
    dataset = Dataset.objects.get()
    assert (dataset.keywords, dataset.provider) == (["空气", "监测"], world.city_bureau)
    assert list(dataset.items.values_list("name", "column")) == [("站点 名称", "站点_名称")]


def test_a_failing_form_keeps_what_was_typed_and_says_what_to_fix(world: World) -> None:
    client = Client()
    client.force_login(world.cataloguer)
    response = client.post("/catalog/new/", form(provider=world.city_bureau.pk, summary="太短", grade="99"))
    page = response.content.decode()
    assert (response.status_code, Dataset.objects.count()) == (422, 0)
    assert "太短</textarea>" in page
    assert 'value="站点 名称"' in page
    assert zh("Some entries need to be corrected. Nothing was lost.") in page


def test_a_second_editor_is_told_and_loses_no_text(world: World) -> None:
    dataset = draft(world)
    lifecycle.update(dataset=dataset, actor=actor(world.cataloguer), values={"contact": "0571"}, seen_revision=0)
    client = Client()
    client.force_login(world.cataloguer)
    response = client.post(f"/catalog/{dataset.pk}/edit/", form(seen_revision="0", contact="我的新联系方式"))
    page = response.content.decode()
    assert response.status_code == 409
    assert 'value="我的新联系方式"' in page
    assert "<td>0571</td>" in page
    assert Dataset.objects.get().contact == "0571"
    client.post(f"/catalog/{dataset.pk}/edit/", form(seen_revision="1", contact="我的新联系方式"))
    assert Dataset.objects.get().contact == "我的新联系方式"


def test_a_title_stands_once_in_a_department(world: World) -> None:
    draft(world)
    with pytest.raises(InvalidInput):
        draft(world)
    assert Dataset.objects.count() == 1


def test_serial_numbers_are_given_once(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    found = concurrently(*[lambda: next_serial("399")] * 8)
    assert sorted(found) == list(range(1, 9))
