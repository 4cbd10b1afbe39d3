"""Who sees which record: the answer in SQL and the answer for one object are the same."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.test import Client
from django.utils import timezone
from guardian.shortcuts import assign_perm

from catalog import search
from catalog.models import Dataset, DatasetState, OpenType, SharingType
from portal.access import Permission, has_perm
from portal.departments.models import Membership
from tests.factories import World, load, make_dataset, make_user
from tests.queries import queries_of

pytestmark = pytest.mark.django_db


def test_the_queryset_and_the_rule_agree_for_every_state_type_and_reader(world: World) -> None:
    helpers = Group.objects.create(name="helpers")
    for state in DatasetState.values:
        for open_type in OpenType.values:
            for sharing in SharingType.values:
                title = f"{state} {open_type} {sharing}"
                dataset = make_dataset(world.city_bureau, title, state=state, open_type=open_type, sharing_type=sharing)
                if open_type == "conditional":
                    assign_perm("view_dataset", helpers, dataset)
                    search.index([dataset.pk])
    helper = make_user("helper")
    helper.groups.add(helpers)
    former = make_user("former", world.city_bureau, "cataloguer")
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    Membership.objects.filter(user=former).update(valid_from=yesterday, valid_until=yesterday)
    disabled = make_user("disabled", world.city_bureau, "cataloguer")
    disabled.is_active = False
    disabled.save()
    readers = [
        AnonymousUser(),
        world.applicant,
        world.cataloguer,
        world.provider2,
        world.authority,
        world.provider,
        helper,
        former,
        disabled,
        make_user("auditor", admin_role="audit"),
    ]
    datasets = list(Dataset.objects.select_related("provider__region"))
    for reader in readers:
        visible = set(Dataset.objects.visible_to(reader).values_list("pk", flat=True))
        allowed = {dataset.pk for dataset in datasets if has_perm(reader, Permission.DATASET_VIEW, dataset)}
        assert visible == allowed, reader
    counts = [Dataset.objects.visible_to(reader).count() for reader in readers]
    assert counts == [3, 9, 45, 45, 27, 9, 18, 3, 3, 3]


def test_a_record_that_one_may_not_see_is_not_found(world: World) -> None:
    draft = make_dataset(world.city_bureau, "草稿", state=DatasetState.DRAFT)
    client = Client()
    client.force_login(world.applicant)
    assert client.get(f"/catalog/{draft.pk}/").status_code == 404
    assert client.get("/catalog/00000000-0000-7000-8000-000000000000/").status_code == 404


def test_rows_of_conditional_data_are_shown_to_their_provider_alone(world: World) -> None:
    dataset = load(make_dataset(world.city_bureau, "空气"), "code,name\n01,卧龙桥\n".encode())
    for user, shown in ((world.provider2, True), (world.applicant, False), (world.authority, False)):
        client = Client()
        client.force_login(user)
        assert ("卧龙桥" in client.get(f"/catalog/{dataset.pk}/").content.decode()) is shown
        assert client.get(f"/catalog/{dataset.pk}/rows/").status_code == (200 if shown else 404)


@pytest.mark.parametrize("path", ["/catalog/", "/catalog/?q=空气", "/catalog/mine/", "/open/", "/open/datasets/"])
def test_lists_take_a_fixed_number_of_queries(world: World, path: str) -> None:
    from django.core.cache import cache

    def fill(count: int) -> None:
        for number in range(count):
            title = f"空气 {number} {count}"
            make_dataset(world.city_bureau, title, sharing_type="unconditional", open_type="open")
        cache.clear()

    client = Client()
    client.force_login(world.cataloguer)
    client.get("/")
    fill(2)
    few = queries_of(client, path)
    fill(30)
    assert queries_of(client, path) == few


def test_the_page_of_a_dataset_takes_a_fixed_number_of_queries(world: World) -> None:
    items = [{"name": f"项{n}", "column": f"c{n}"} for n in range(40)]
    small = load(make_dataset(world.city_bureau, "小", items=items[:2]), b"c0,c1\n1,2\n")
    header = ",".join(item["column"] for item in items)
    large = load(make_dataset(world.city_bureau, "大", items=items), f"{header}\n{header}\n".encode())
    client = Client()
    client.force_login(world.provider2)
    client.get("/")
    pages = [f"/catalog/{dataset.pk}/" for dataset in (small, large)]
    assert queries_of(client, pages[0]) == queries_of(client, pages[1])


def test_a_duty_given_for_the_first_time_opens_the_records_that_were_there_before(world: World) -> None:
    draft = make_dataset(world.city_bureau, "草稿", state=DatasetState.DRAFT)
    clerk = make_user("clerk", world.city_bureau, "clerk")
    assert has_perm(clerk, Permission.DATASET_VIEW, draft)
    assert list(Dataset.objects.visible_to(clerk)) == [draft]


def test_personal_data_of_an_unconditional_dataset_are_not_shown_without_a_grant(world: World) -> None:
    items = [{"name": "代码", "column": "code"}, {"name": "姓名", "column": "name", "sensitivity": "personal"}]
    dataset = make_dataset(world.city_bureau, "名册", items=items, sharing_type="unconditional")
    load(dataset, "code,name\n01,某人\n".encode())
    client = Client()
    client.force_login(world.applicant)
    for path in ("", "rows/"):
        page = client.get(f"/catalog/{dataset.pk}/{path}").content.decode()
        assert "某人" not in page
    assert "某人" not in b"".join(client.get(f"/catalog/{dataset.pk}/export/csv/").streaming_content).decode()  # type: ignore[attr-defined]
    client.force_login(world.cataloguer)
    assert "某人" in client.get(f"/catalog/{dataset.pk}/").content.decode()


def test_the_api_says_no_more_of_an_open_dataset_than_the_public_page_to_those_without_a_duty(world: World) -> None:
    items = [{"name": "代码", "column": "code", "open_type": "open"}, {"name": "内部", "column": "inner"}]
    words = {"sharing_basis": "内部依据", "source_system": "内部系统", "sharing_condition": "内部条件"}
    dataset = make_dataset(world.city_bureau, "空气", items=items, open_type="open", **words)
    client = Client()
    path = f"/api/v1/datasets/{dataset.pk}/"

    def seen() -> tuple[list[str], list[str]]:
        body = client.get(path).json()
        return [item["column"] for item in body["items"]], [body[name] for name in words]

    assert seen() == (["code"], ["", "", ""])
    client.force_login(make_user("auditor", admin_role="audit"))
    assert seen() == (["code"], ["", "", ""])
    client.force_login(world.applicant)
    assert seen() == (["code", "inner"], list(words.values()))
