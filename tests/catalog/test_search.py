"""Search: Chinese and English words, facets, paging, and any input at all."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.http import QueryDict
from django.test import Client

from catalog.models import Dataset, DatasetSearchRow, Theme
from catalog.search import SearchQuery, search
from portal.access import CIVIL_SERVANTS, EVERYONE
from tests.factories import World, make_dataset

pytestmark = pytest.mark.django_db
GROUPS = [EVERYONE, CIVIL_SERVANTS]


def titles(params: str, *, is_public: bool = False) -> list[str]:
    query = SearchQuery.from_params(QueryDict(params))
    return [dataset.title for dataset in search(query, GROUPS, is_public=is_public).datasets]


@pytest.fixture
def filled(world: World) -> World:
    items = [{"name": "统一社会信用代码", "column": "uscc"}]
    make_dataset(world.province_bureau, "浙江省养老机构名录", items=items)
    make_dataset(world.city_bureau, "杭州市空气质量监测日均值", open_type="open", sharing_type="unconditional")
    make_dataset(world.city_bureau, "Renewable energy statistics", keywords=["电力"], update_cycle="monthly")
    return world


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("空气质量", ["杭州市空气质量监测日均值"]),
        ("养老 名录", ["浙江省养老机构名录"]),
        ("信用代码", ["浙江省养老机构名录"]),
        ("renew", ["Renewable energy statistics"]),
        ("ENERGY", ["Renewable energy statistics"]),
        ("电力", ["Renewable energy statistics"]),
        ("民政厅", ["浙江省养老机构名录"]),
        ("空气 养老", []),
        ("kongqizhiliang", ["杭州市空气质量监测日均值"]),
        ("kqzl", ["杭州市空气质量监测日均值"]),
        ("大气质量", ["杭州市空气质量监测日均值"]),
        ("uscc", ["浙江省养老机构名录"]),
        ("statistic", ["Renewable energy statistics"]),
        ('"养老机构"', ["浙江省养老机构名录"]),
        ('"老养"', []),
        ("“养老机构”", ["浙江省养老机构名录"]),
        ("“机构养老”", []),
        ("-养老 -energy", ["杭州市空气质量监测日均值"]),
        ('"机构养老"', []),
        ("名录 -养老", []),
        ("监测 -养老", ["杭州市空气质量监测日均值"]),
        ("空汽质量", ["杭州市空气质量监测日均值"]),
        ("renewabel enrgy", ["Renewable energy statistics"]),
        ("不存在的词", []),
    ],
)
def test_words_find_records(filled: World, text: str, expected: list[str]) -> None:
    assert titles(f"q={text}") == expected


def test_records_that_meet_most_of_a_text_are_said_to_be_near(filled: World) -> None:
    found = search(SearchQuery(text="空汽质量"), GROUPS)
    assert (found.is_near, found.total) == (True, 1)
    client = Client()
    client.force_login(filled.applicant)
    page = client.get("/catalog/", {"q": "空汽质量"}, headers={"accept-language": "en"}).content.decode()
    assert "come close" in page
    assert not search(SearchQuery(text="空气质量"), GROUPS).is_near
    assert search(SearchQuery(text="空汽质量", filters={"cycle": ("monthly",)}), GROUPS).total == 0


def test_nobody_finds_what_is_near_but_not_theirs(filled: World) -> None:
    assert titles("q=养劳机构", is_public=True) == []
    Dataset.objects.get(title__startswith="浙江").delete()
    assert titles("q=养劳机构") == []


def test_a_search_takes_few_queries_whatever_is_chosen(filled: World, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(4):
        search(SearchQuery(text="空气质量"), GROUPS)
    chosen = {"theme": ("10",), "sharing": ("unconditional",), "cycle": ("yearly",)}
    with django_assert_max_num_queries(7):
        search(SearchQuery(text="空气质量", filters=chosen), GROUPS)


def test_reindexing_writes_what_the_search_finds(filled: World) -> None:
    DatasetSearchRow.objects.update(heading="", tokens="")
    assert titles("q=kqzl") == []
    call_command("reindex", stdout=io.StringIO())
    assert titles("q=kqzl") == ["杭州市空气质量监测日均值"]


def test_a_resource_code_finds_its_record(filled: World) -> None:
    dataset = Dataset.objects.get(title__startswith="浙江")
    assert dataset.title in titles(f"q={dataset.code}")


def test_a_word_in_the_title_comes_before_a_word_in_the_summary(filled: World) -> None:
    make_dataset(filled.city_bureau, "监测站点", summary="与空气质量有关的各个监测站点的名称、地址和联系电话。")
    assert titles("q=空气质量")[0] == "杭州市空气质量监测日均值"


def test_facet_counts_leave_out_their_own_choice_and_respect_the_others(filled: World) -> None:
    query = SearchQuery.from_params(QueryDict(f"provider={filled.city_bureau.pk}&cycle=monthly"))
    found = search(query, GROUPS)
    assert [d.title for d in found.datasets] == ["Renewable energy statistics"]
    assert dict(found.facets["cycle"]) == {"monthly": 1, "yearly": 1}
    assert dict(found.facets["provider"]) == {str(filled.city_bureau.pk): 1}
    assert dict(found.facets["theme"]) == {"10": 1}


def test_a_region_finds_what_lies_below_it(filled: World) -> None:
    assert len(titles("region=330000")) == 3
    assert len(titles("region=330100")) == 2
    assert titles("region=999999") == []


def test_the_public_finds_what_is_open_and_nothing_else(filled: World) -> None:
    assert titles("", is_public=True) == ["杭州市空气质量监测日均值"]
    assert titles("q=养老", is_public=True) == []


def test_a_changed_record_is_found_by_its_new_words_at_once(filled: World) -> None:
    from catalog import lifecycle
    from tests.factories import actor

    dataset = Dataset.objects.get(title__startswith="杭州")
    lifecycle.withdraw(dataset=dataset, actor=actor(filled.provider2), reason="改名")
    assert titles("q=空气质量") == []
    values = {"title": "大气环境日报", "summary": "各监测站点每日的颗粒物浓度，按站点和日期逐条给出。"}
    lifecycle.update(dataset=dataset, actor=actor(filled.cataloguer), values=values, seen_revision=0)
    assert titles("q=大气环境&state=withdrawn") == []
    query = SearchQuery.from_params(QueryDict("q=大气环境&state=withdrawn"))
    own = list(actor(filled.cataloguer).standing.reader_groups)
    assert [d.title for d in search(query, own).datasets] == ["大气环境日报"]


@pytest.mark.parametrize(
    "params",
    [
        "q=" + "长" * 10_000,
        "q=！？。，、；",
        "q=的 了 在",
        "q=' | ! & ( ) :* <-> \\",
        'q="""" - -- -"" ""',
        "q=-只 -要 -不",
        "q=" + "a" * 60,
        "q=" + " ".join(f"w{n}" for n in range(100)),
        "q='; DROP TABLE catalog_dataset; --",
        "q=a\x00b",
        "q=\ud800",
        "q=‮אב😀",
        "page=10000000000",
        "page=-1",
        "page=x",
        "sort=password",
        "provider=not-a-uuid&grade=x&level=9999999999",
        "&".join(f"theme={n}" for n in range(200)),
    ],
)
def test_any_input_gives_a_page(filled: World, params: str) -> None:
    titles(params.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    SearchQuery.from_params(QueryDict(mutable=True))
    assert Client().get(f"/open/datasets/?{params.encode('utf-8', 'ignore').decode()}").status_code == 200


def test_pages_go_through_all_records_once(world: World) -> None:
    for number in range(45):
        make_dataset(world.city_bureau, f"记录{number:03d}")
    pages = [titles(f"sort=title&page={page}") for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [20, 20, 5]
    assert [title for page in pages for title in page] == [f"记录{number:03d}" for number in range(45)]
    assert Theme.objects.count() == 22
