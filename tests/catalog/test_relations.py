"""How records hang together, and whom a change hits before it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from catalog import impact, lifecycle, revisions
from catalog.documents import snapshot
from catalog.impact import Change, change_of
from catalog.models import Dataset, DatasetRelation, DuplicatePair, PairState
from catalog.relations.graph import NODE_LIMIT, around
from catalog.relations.keeping import relate
from catalog.sources import board
from portal.errors import InvalidInput
from portal.notices.models import Notice
from sharing.models import Grant, RequestItem
from tests.factories import World, actor, granted, make_dataset, make_request, submit
from tests.queries import queries_of
from tests.words import zh

pytestmark = pytest.mark.django_db


def say(dataset: Dataset, **relations: list[Dataset]) -> None:
    relate(dataset, {kind: [other.code for other in others] for kind, others in relations.items()})


def test_a_record_comes_back_to_itself_neither_directly_nor_by_others(world: World) -> None:
    a, b, c = (make_dataset(world.city_bureau, title) for title in "甲乙丙")
    say(b, derived_from=[a])
    say(c, derived_from=[b])
    for wrong in ({"derived_from": [c]}, {"derived_from": [a]}, {"part_of": [a]}):
        with pytest.raises(InvalidInput) as refused:
            say(a, **wrong)
        assert list(refused.value.fields) == list(wrong)
    say(a, part_of=[c], related=[b])
    say(b, related=[a])
    assert snapshot(a)["part_of"] == [c.code]


def test_two_writers_at_once_make_no_circle(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    from django.db import transaction

    world = World()
    a, b = make_dataset(world.city_bureau, "甲"), make_dataset(world.city_bureau, "乙")

    def write(one: Dataset, other: Dataset) -> None:
        with transaction.atomic():
            say(one, replaces=[other])

    results = concurrently(lambda: write(a, b), lambda: write(b, a))
    assert [type(result) for result in results if result is not None] == [InvalidInput]
    assert DatasetRelation.objects.count() == 1


def test_a_revision_that_would_close_a_circle_is_refused_and_keeps_its_text(world: World, client: Client) -> None:
    a, b = make_dataset(world.city_bureau, "甲"), make_dataset(world.city_bureau, "乙")
    say(b, part_of=[a])
    revisions.begin(dataset=a, actor=actor(world.cataloguer))
    with pytest.raises(InvalidInput) as refused:
        lifecycle.update(dataset=a, actor=actor(world.cataloguer), values={"part_of": [b.code]}, seen_revision=0)
    assert list(refused.value.fields) == ["part_of"]
    assert b.title in str(refused.value.fields["part_of"][0])


def test_the_graph_has_layers_and_names_no_hidden_record(world: World, client: Client) -> None:
    here = make_dataset(world.city_bureau, "空气质量日报")
    source = make_dataset(world.province_bureau, "监测原始数据")
    far = make_dataset(world.province_bureau, "监测站点")
    made = make_dataset(world.province_bureau, "年度公报")
    hidden = make_dataset(world.province_bureau, "未公开的草稿", state="draft")
    say(here, derived_from=[source])
    say(source, part_of=[far])
    say(made, derived_from=[here])
    say(hidden, derived_from=[here])
    graph = around(here, actor(world.cataloguer).standing.reader_groups)
    assert {node.dataset.title: node.layer for node in graph.nodes} == {
        "空气质量日报": 0,
        "监测原始数据": -1,
        "监测站点": -2,
        "年度公报": 1,
    }
    assert [(e.left.dataset.title, e.kind.value, e.right.dataset.title) for e in graph.edges] == [
        ("监测原始数据", "derived_from", "空气质量日报"),
        ("监测站点", "part_of", "监测原始数据"),
        ("空气质量日报", "derived_from", "年度公报"),
    ]
    client.force_login(world.cataloguer)
    page = client.get(f"/catalog/{here.pk}/?tab=relations").content.decode()
    assert [word in page for word in ("监测站点", "年度公报", zh("source of"))] == [True] * 3
    assert "未公开的草稿" not in page
    body = client.get(f"/api/v1/datasets/{here.pk}/").json()
    assert body["relations"]["prov:wasDerivedFrom"] == [source.code]
    say(here, derived_from=[source, make_dataset(world.province_bureau, "另一草稿", state="draft")])
    assert client.get(f"/api/v1/datasets/{here.pk}/").json()["relations"]["prov:wasDerivedFrom"] == [source.code]


def test_a_record_with_many_relations_is_drawn_in_part_by_the_same_queries(world: World, client: Client) -> None:
    here = make_dataset(world.city_bureau, "行政区划")
    client.force_login(world.cataloguer)
    say(make_dataset(world.city_bureau, "甲"), derived_from=[here])
    queries_of(client, f"/catalog/{here.pk}/?tab=relations")
    before = queries_of(client, f"/catalog/{here.pk}/?tab=relations")
    for n in range(NODE_LIMIT + 5):
        say(make_dataset(world.city_bureau, f"衍生{n}"), derived_from=[here])
    assert queries_of(client, f"/catalog/{here.pk}/?tab=relations") == before
    graph = around(here, actor(world.cataloguer).standing.reader_groups)
    assert (len(graph.nodes), graph.is_cut) == (NODE_LIMIT, True)


def test_a_settled_pair_leaves_a_relation_in_the_open_revision_too(world: World) -> None:
    one, two = sorted((make_dataset(world.city_bureau, t) for t in "甲乙"), key=lambda d: d.pk)
    figures = {"score": 0.9, "share_one": 1.0, "share_two": 1.0}
    pair = DuplicatePair.objects.create(one=one, two=two, **figures)
    revisions.begin(dataset=two, actor=actor(world.cataloguer))
    board.settle(pair=pair, actor=actor(world.authority), outcome=PairState.SOURCED, keeper=one, reason="数源")
    assert snapshot(two)["derived_from"] == [one.code]
    assert revisions.document_of(Dataset.objects.get(pk=two.pk))["derived_from"] == [one.code]


def test_what_the_withdrawal_page_names_is_what_is_then_hit(world: World, client: Client) -> None:
    dataset = make_dataset(world.province_bureau, "低保信息")
    granted(world, dataset)
    other = submit(world, make_request(world, dataset))
    derived = make_dataset(world.city_bureau, "低保统计")
    say(derived, derived_from=[dataset])
    client.force_login(world.provider)
    page = client.get(f"/catalog/{dataset.pk}/withdraw/").content.decode()
    grant = Grant.objects.get()
    assert [word in page for word in (str(grant.item.request.number), str(other.number), "低保统计")] == [True] * 3
    groups = impact.impact_of(dataset, impact.WITHDRAWAL, actor(world.provider))
    assert [group.total for group in groups] == [1, 1, 1]
    exported: Any = client.get(f"/catalog/{dataset.pk}/impact/")
    assert len(b"".join(exported.streaming_content).decode().splitlines()) == 1 + 3
    Notice.objects.all().delete()
    lifecycle.withdraw(dataset=dataset, actor=actor(world.provider), reason="停止采集")
    grant.refresh_from_db()
    assert grant.state == "suspended"
    assert RequestItem.objects.get(request=other).state == "closed"
    told = Notice.objects.filter(user=world.applicant).order_by("kind").values_list("kind", flat=True)
    assert list(told) == ["grant_suspended", "item_closed"]
    dataset.refresh_from_db()
    assert [g.total for g in impact.impact_of(dataset, impact.WITHDRAWAL, actor(world.provider))] == [1]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Change()),
        ({"data_type": "N"}, Change(frozenset({"code"}))),
        ({"sharing_type": "not_shared"}, Change(frozenset({"code"}))),
        ({"column": "renamed"}, Change(frozenset({"code"}))),
        ({"name": "编号"}, Change()),
    ],
)
def test_a_revision_takes_away_what_is_gone_retyped_or_closed(
    world: World, change: dict[str, Any], expected: Change
) -> None:
    before = snapshot(make_dataset(world.city_bureau, "某资源"))
    after = {**before, "items": [before["items"][0] | change, *before["items"][1:]]}
    assert change_of(before, after) == expected
    assert change_of(before, {**after, "sharing_type": "not_shared"}) == impact.WITHDRAWAL


def test_the_comparison_of_a_revision_says_which_grants_hold_a_lost_item(world: World, client: Client) -> None:
    dataset = make_dataset(world.city_bureau, "排污许可")
    Grant.objects.filter(pk=granted_columns(world, dataset, ["name"])).update(department=world.county_bureau)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    client.force_login(world.cataloguer)
    path = f"/catalog/{dataset.pk}/compare/?left=1&right=work"

    def shown() -> bool:
        response = client.get(path.replace("left=1", "left=work"))
        return world.county_bureau.name in response.content.decode()

    items = [{"name": "名称", "column": "name"}]
    fresh = Dataset.objects.get(pk=dataset.pk)
    lifecycle.update(dataset=fresh, actor=actor(world.cataloguer), values={}, items=items, seen_revision=0)
    assert not shown()
    items = [{"name": "代码", "column": "code"}]
    fresh = Dataset.objects.get(pk=dataset.pk)
    lifecycle.update(dataset=fresh, actor=actor(world.cataloguer), values={}, items=items, seen_revision=1)
    assert shown()


def granted_columns(world: World, dataset: Dataset, columns: list[str]) -> Any:
    granted(world, dataset)
    grant = Grant.objects.get(dataset=dataset)
    Grant.objects.filter(pk=grant.pk).update(columns=columns)
    return grant.pk
