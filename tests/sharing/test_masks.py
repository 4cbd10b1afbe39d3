"""Masks of items and of grants: what is delivered, previewed and opened is masked, and only the provider unmasks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from catalog import lifecycle
from catalog.models import DataItem, Dataset, DatasetState
from portal.audit.models import Event
from portal.errors import InvalidInput, NotPermitted
from portal.notices.models import Notice, NoticeKind
from sharing import grants
from sharing.models import Grant
from tests.factories import World, actor, granted, load, make_dataset

pytestmark = pytest.mark.django_db

KINDS = {"id": "C", "name": "C", "born": "D", "pay": "N"}
ITEMS = [
    {"column": name, "name": name, "data_type": kind, "is_key": name == "id", "open_type": "open"}
    for name, kind in KINDS.items()
]
ROWS = "id,name,born,pay\n01,张三,1990-01-02,100\n02,李四,1991-03-04,250\n".encode()


@pytest.fixture
def dataset(world: World) -> Dataset:
    made = make_dataset(world.province_bureau, "职工", items=ITEMS)
    load(made, ROWS)
    return made


def mask(dataset: Dataset, field: str, **masks: str) -> None:
    for column, text in masks.items():
        DataItem.objects.filter(dataset=dataset, column=column).update(**{field: text})


@pytest.fixture
def grant(world: World, dataset: Dataset) -> Grant:
    granted(world, dataset)
    return Grant.objects.get()


def rows(grant: Grant, key: str, **params: str) -> Any:
    answer = Client().get(f"/api/v1/data/{grant.pk}/rows", params, headers={"Authorization": f"Bearer {key}"})
    return [list(row.values()) for row in answer.json()["rows"]] if answer.status_code == 200 else answer.status_code


def test_a_delivery_is_masked_by_the_items_and_by_the_grant(world: World, grant: Grant) -> None:
    _credential, key = grants.create_credential(grant=grant, actor=actor(world.applicant))
    assert rows(grant, key)[0] == ["01", "张三", "1990-01-02", 100]
    mask(grant.dataset, "share_mask", name="partial:1,0", pay="band:100")
    assert rows(grant, key) == [["01", "张*", "1990-01-02", "100–199"], ["02", "李*", "1991-03-04", "200–299"]]
    masks = {"name": "hide", "born": "year"}
    grants.set_masks(grant=grant, actor=actor(world.provider_head), masks=masks, reason="只需统计")
    assert rows(grant, key) == [["01", None, "1990", "100–199"], ["02", None, "1991", "200–299"]]
    probe = json.dumps([{"column": "name", "value": "张三"}])
    assert rows(grant, key, filter=probe) == []
    assert Notice.objects.filter(kind=NoticeKind.GRANT_MASKED, user=world.applicant).count() == 1
    assert Event.objects.get(verb="grant.masked").data == {"masks": masks, "reason": "只需统计"}


def test_a_file_under_the_grant_is_masked_too(world: World, grant: Grant) -> None:
    grants.set_masks(grant=grant, actor=actor(world.provider_head), masks={"name": "hide"}, reason="x")
    client = Client()
    client.force_login(world.applicant)
    answer = client.get(f"/grants/{grant.pk}/download/csv/")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert "张三" not in text
    assert text.splitlines()[1].split(",")[1] in ("", '""')


def test_who_may_not_set_masks_and_what_cannot_be_masked(world: World, grant: Grant) -> None:
    for user in (world.applicant, world.authority, world.cataloguer):
        with pytest.raises(NotPermitted):
            grants.set_masks(grant=grant, actor=actor(user), masks={}, reason="x")
    head = actor(world.provider_head)
    for masks, reason in (({"name": "hide"}, " "), ({"other": "hide"}, "x"), ({"name": "year"}, "x")):
        with pytest.raises(Exception) as caught:
            grants.set_masks(grant=grant, actor=head, masks=masks, reason=reason)
        assert getattr(caught.value, "code", "") in ("invalid", "bad_mask")
    assert Grant.objects.get().masks == {}


def test_a_mask_that_no_longer_suits_its_column_hides_it(world: World, grant: Grant) -> None:
    _credential, key = grants.create_credential(grant=grant, actor=actor(world.applicant))
    mask(grant.dataset, "share_mask", name="band:10", born="nonsense")
    assert [row[1:3] for row in rows(grant, key)] == [[None, None], [None, None]]


def test_colleagues_see_the_masked_preview_and_the_provider_the_values(world: World) -> None:
    shared = make_dataset(world.province_bureau, "名册", items=ITEMS, sharing_type="unconditional")
    load(shared, ROWS)
    mask(shared, "share_mask", name="hide")
    for user, sees in ((world.applicant, False), (world.provider, True)):
        client = Client()
        client.force_login(user)
        for url in (f"/catalog/{shared.pk}/", f"/catalog/{shared.pk}/rows/"):
            page = client.get(url).content.decode()
            assert ("1990-01-02" in page, "张三" in page) == (True, sees)


def test_the_public_reads_masked_values_everywhere(world: World) -> None:
    opened = make_dataset(world.province_bureau, "公开职工", items=ITEMS, open_type="open")
    load(opened, ROWS)
    mask(opened, "open_mask", name="hide", born="month")
    client = Client()
    pages = [
        client.get(f"/api/v1/open/{opened.pk}/rows").content,
        client.get(f"/api/v1/open/{opened.pk}/row", {"id": "01"}).content,
        client.get(f"/api/v1/open/{opened.pk}/summary", {"by": "born"}).content,
        client.get(f"/open/{opened.pk}/").content,
        b"".join(client.get(f"/api/v1/open/{opened.pk}/export/csv").streaming_content),
    ]
    assert all("张三".encode() not in page and b"1990-01-02" not in page for page in pages)
    assert all(page for page in pages)
    assert b"1990-01" in pages[0] and b"1990-01" in pages[4]


def test_the_cataloguer_chooses_masks_in_the_draft(world: World) -> None:
    draft = make_dataset(world.city_bureau, "台账", items=ITEMS[:2], state=DatasetState.DRAFT)
    client = Client()
    client.force_login(world.cataloguer)
    url = f"/catalog/{draft.pk}/masks/"
    assert client.get(url).status_code == 200
    data = {"seen_revision": str(draft.revision), "share_mask-name_0": "partial", "share_mask-name_1": "x"}
    assert client.post(url, data).status_code == 422
    data |= {"share_mask-name_1": "1,0", "open_mask-name_0": "hide"}
    assert client.post(url, data).status_code == 302
    item = DataItem.objects.get(dataset=draft, column="name")
    assert (item.share_mask, item.open_mask) == ("partial:1,0", "hide")


def test_a_wrong_mask_in_a_record_is_named(world: World) -> None:
    draft = make_dataset(world.city_bureau, "台账", items=ITEMS[:2], state=DatasetState.DRAFT)
    items = [{"column": "id", "name": "id"}, {"column": "name", "name": "name", "open_mask": "year"}]
    with pytest.raises(InvalidInput) as caught:
        lifecycle.update(
            dataset=draft, actor=actor(world.cataloguer), values={}, items=items, seen_revision=draft.revision
        )
    assert "name" in str(caught.value.fields["items"])
