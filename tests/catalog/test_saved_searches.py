"""Saved searches with their notices, datasets like one, joinable ones, and the search of data items."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import DataElement, DataItem, Dataset, SavedSearch
from catalog.relations.alike import joinable, like
from catalog.search import saved
from portal.access import CIVIL_SERVANTS, EVERYONE
from portal.errors import InvalidInput
from portal.models import Notice
from tests.factories import World, make_dataset

pytestmark = pytest.mark.django_db
GROUPS = [EVERYONE, CIVIL_SERVANTS]


def news() -> list[dict[str, Any]]:
    return list(Notice.objects.filter(kind="search_news").values_list("data", flat=True))


def published(world: World, title: str) -> Dataset:
    from catalog import search

    dataset = make_dataset(world.city_bureau, title)
    Dataset.objects.filter(pk=dataset.pk).update(issued=timezone.now())
    search.index([dataset.pk])
    return dataset


def test_people_are_told_once_of_what_is_new_in_their_searches(world: World) -> None:
    published(world, "空气质量日报")
    saved.keep(user=world.applicant, name="空气", params="q=空气&page=3&sort=title")
    assert SavedSearch.objects.get().params == "q=%E7%A9%BA%E6%B0%94&sort=title"
    assert saved.tell() == 0
    published(world, "空气质量月报")
    published(world, "养老机构")
    assert (saved.tell(), saved.tell()) == (1, 0)
    assert news() == [{"name": "空气", "titles": "空气质量月报"}]


def test_nobody_is_told_of_what_they_may_not_read_or_asked_not_to_hear(world: World) -> None:
    kept = saved.keep(user=world.applicant, name="空气", params="q=空气")
    hidden = published(world, "空气质量周报")
    from catalog.models import DatasetSearchRow

    DatasetSearchRow.objects.filter(pk=hidden.pk).update(reader_groups=[])
    assert saved.tell() == 0
    client = Client()
    client.force_login(world.applicant)
    client.post(f"/catalog/searches/{kept.pk}/", {"act": "quiet"})
    published(world, "空气质量月报")
    assert saved.tell() == 0
    client.force_login(world.provider)
    assert client.post(f"/catalog/searches/{kept.pk}/", {"act": "remove"}).status_code == 404
    assert news() == []


def test_a_search_is_saved_beside_its_result_and_replaced_by_name(world: World, monkeypatch: Any) -> None:
    client = Client()
    client.force_login(world.applicant)
    assert "Save this search" in client.get("/catalog/?q=air", headers={"accept-language": "en"}).content.decode()
    for params in ("q=空气", "q=养老&theme=10"):
        client.post("/catalog/searches/new/", {"name": "常用", "params": params})
    assert [one.params for one in SavedSearch.objects.all()] == ["q=%E5%85%BB%E8%80%81&theme=10"]
    monkeypatch.setattr(saved, "LIMIT", 1)
    with pytest.raises(InvalidInput):
        saved.keep(user=world.applicant, name="又一个", params="")
    with pytest.raises(InvalidInput):
        saved.keep(user=world.applicant, name="  ", params="")
    assert client.get("/catalog/searches/").content.decode().count("常用") == 1


def test_datasets_like_one_are_found_for_those_who_may_read_them(world: World) -> None:
    one = make_dataset(world.city_bureau, "杭州市空气质量日报")
    near = make_dataset(world.province_bureau, "浙江省空气质量监测")
    make_dataset(world.province_bureau, "婚姻登记信息")
    assert like(one, GROUPS)[0].pk == near.pk
    assert like(one, []) == []


def test_datasets_that_share_elements_can_be_joined(world: World) -> None:
    code = DataElement.objects.create(code="E1", name="统一社会信用代码")
    one = make_dataset(world.city_bureau, "排污许可", items=[{"name": "代码", "column": "uscc"}])
    two = make_dataset(world.province_bureau, "企业名录", items=[{"name": "信用代码", "column": "code"}])
    make_dataset(world.province_bureau, "婚姻登记信息")
    DataItem.objects.filter(dataset__in=[one, two], column__in=["uscc", "code"]).update(element=code)
    assert [(j.dataset.pk, j.elements, j.overlap) for j in joinable(one, GROUPS)] == [(two.pk, [code.name], None)]
    assert joinable(one, []) == []
    client = Client()
    client.force_login(world.applicant)
    page = client.get(f"/catalog/{one.pk}/?tab=relations").content.decode()
    assert "企业名录" in page


def test_data_items_are_found_by_name_and_by_element(world: World) -> None:
    code = DataElement.objects.create(code="E1", name="统一社会信用代码")
    dataset = make_dataset(world.city_bureau, "排污许可", items=[{"name": "企业代码", "column": "uscc"}])
    DataItem.objects.filter(dataset=dataset, column="uscc").update(element=code)
    client = Client()
    client.force_login(world.applicant)
    for params in ({"q": "企业代码"}, {"element": "E1"}, {"q": "代码", "element": "E1"}):
        assert "排污许可" in client.get("/catalog/columns/", params).content.decode()
    for other in ({}, {"q": "!"}, {"q": "没有"}, {"element": "E2"}, {"q": "长" * 10_000}, {"q": "\x00"}):
        assert "排污许可" not in client.get("/catalog/columns/", other).content.decode()
    assert "企业代码" in b"".join(client.get("/catalog/columns/export/", {"q": "代码"}).streaming_content).decode()
