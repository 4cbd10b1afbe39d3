"""Search: Chinese and English words, facets, paging, and any input at all."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.http import QueryDict
from django.test import Client

from catalog.models import Dataset, DatasetSearchRow, Theme
from catalog.search import SearchQuery, search, vocabulary
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
    vocabulary.vocabulary()  # what a process reads every few seconds
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


def test_what_is_published_is_found_by_the_next_request_and_what_is_withdrawn_by_none(world: World) -> None:
    from catalog import lifecycle
    from tests.catalog.test_lifecycle import draft
    from tests.factories import actor

    client, other = Client(), Client()
    client.force_login(world.applicant)
    dataset = draft(world)
    where = ("/catalog/", "/catalog/export/", "/catalog/suggest/", "/api/v1/datasets/")

    def found() -> list[bool]:
        return [dataset.title in _body(client, path) for path in where]

    assert found() == [False] * 4
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    lifecycle.approve(dataset=dataset, actor=actor(world.provider2))
    assert found() == [False] * 4
    lifecycle.approve(dataset=dataset, actor=actor(world.authority))
    assert found() == [True] * 4
    assert dataset.title not in _body(other, "/open/datasets/")
    lifecycle.withdraw(dataset=Dataset.objects.get(pk=dataset.pk), actor=actor(world.provider2), reason="停用")
    assert found() == [False] * 4


def _body(client: Client, path: str) -> str:
    answer = client.get(path, {"q": "空气"}, follow=True)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = body.decode("utf-8-sig")
    return (
        text.encode().decode("unicode_escape", "ignore")
        if path.startswith("/api") and "\\u" in text
        else (text.replace("<mark>", "").replace("</mark>", ""))
    )


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("空气质量", [("杭州市", False), ("空气质量", True), ("监测日均值", False)]),
        ("kongqizhiliang", [("杭州市", False), ("空气质量", True), ("监测日均值", False)]),
        ("空汽质量", [("杭州市空气", False), ("质量", True), ("监测日均值", False)]),
    ],
)
def test_hits_are_marked_in_titles(filled: World, text: str, title: list[tuple[str, bool]]) -> None:
    assert [hit.title for hit in search(SearchQuery(text=text), GROUPS).hits] == [title]


def test_a_hit_in_a_data_item_is_shown_and_markup_stays_text(filled: World) -> None:
    [hit] = search(SearchQuery(text="信用代码"), GROUPS).hits
    assert hit.items == [[("统一社会", False), ("信用代码", True)]] or hit.items == [[("统一社会信用代码", True)]]
    make_dataset(filled.city_bureau, "<b>测试</b>标签")
    client = Client()
    client.force_login(filled.applicant)
    page = client.get("/catalog/", {"q": "标签"}).content.decode()
    assert "&lt;b&gt;测试&lt;/b&gt;<mark>标签</mark>" in page


def test_a_long_summary_is_cut_around_the_first_hit() -> None:
    from catalog.search.marking import Marker

    pieces = Marker("颗粒物").snippet("各站" * 100 + "颗粒物" + "浓度" * 100)
    text = "".join(part for part, _is_hit in pieces)
    assert (len(text), text[0], text[-1]) == (162, "…", "…")
    assert [part for part, is_hit in pieces if is_hit] == ["颗粒物"]


@pytest.mark.parametrize(
    ("typed", "proposed"),
    [
        ("养劳机构", "养老机构"),
        ("浙江省养劳机构", "浙江省养老机构"),
        ("renewabel energy", "renewable energy"),
        ("空汽质量", "空气质量"),
    ],
)
def test_a_mistyped_text_is_proposed_as_it_was_meant(filled: World, typed: str, proposed: str) -> None:
    found = search(SearchQuery(text=typed), GROUPS)
    assert (found.is_near, found.meant) == (True, proposed)
    assert not search(SearchQuery(text=found.meant), GROUPS).is_near


def test_titles_are_suggested_while_one_types_to_those_who_may_read_them(filled: World) -> None:
    client = Client()
    assert client.get("/open/datasets/suggest/", {"q": "空"}).content.decode().count('role="option"') == 1
    assert "养老" not in client.get("/open/datasets/suggest/", {"q": "养老"}).content.decode()
    client.force_login(filled.applicant)
    assert "浙江省<mark>养老机构</mark>名录" in client.get("/catalog/suggest/", {"q": "养老"}).content.decode()
    for text in ("", "!", "\x00", "长" * 10_000):
        assert client.get("/catalog/suggest/", {"q": text}).status_code == 200


def test_fresh_good_and_used_data_come_before_their_equals_and_the_page_says_why(filled: World) -> None:
    for name in ("甲", "乙", "丙"):
        make_dataset(filled.city_bureau, f"停车场{name}")
    rows = DatasetSearchRow.objects
    rows.filter(title="停车场甲").update(freshness="none")
    rows.filter(title="停车场乙").update(uses=500, quality=90, quality_band=3, freshness="fresh")
    rows.filter(title="停车场丙").update(freshness="late")
    assert titles("q=停车场") == ["停车场乙", "停车场甲", "停车场丙"]
    assert titles("q=停车场&sort=uses")[0] == titles("q=停车场&sort=quality")[0] == "停车场乙"
    assert titles("q=停车场&quality=3") == titles("q=停车场&freshness=fresh") == ["停车场乙"]
    client = Client()
    client.force_login(filled.applicant)
    english = {"accept-language": "en"}
    page = client.get("/catalog/", {"q": "停车场", "explain": "1"}, headers=english).content.decode()
    assert page.count("use in 90 days") == 1
    assert "Score" not in client.get("/catalog/", {"q": "停车场"}, headers=english).content.decode()


def test_standing_follows_deliveries_quality_and_days(filled: World) -> None:
    import datetime as dt

    from django.utils import timezone

    from catalog.models import RecordHealth
    from catalog.search import standing
    from sharing.models import Grant, UsageRecord
    from tests.factories import granted

    dataset = Dataset.objects.get(title__startswith="浙江")
    granted(filled, dataset)
    grant = Grant.objects.get(dataset=dataset)
    old = timezone.now() - dt.timedelta(days=100)
    UsageRecord.objects.bulk_create(
        UsageRecord(grant=grant, channel="api", format="json", at=at) for at in (timezone.now(), old)
    )
    RecordHealth.objects.filter(pk=dataset.pk).update(due_on=timezone.localdate() - dt.timedelta(days=1))
    standing.renew_all()
    row = DatasetSearchRow.objects.get(pk=dataset.pk)
    assert (row.uses, row.quality, row.quality_band, row.freshness) == (1, 0, 0, "late")
    assert standing.renew([dataset.pk]) == 0


def test_regions_are_counted_one_step_below_the_chosen_one(filled: World) -> None:
    from catalog.facets import facets_of

    def regions(params: str) -> list[tuple[str, int]]:
        asked = QueryDict(params)
        facets, _chips = facets_of(search(SearchQuery.from_params(asked), GROUPS), asked)
        return [(o.label, o.count) for facet in facets if facet.title in ("Region", "地区") for o in facet.options]

    assert regions("") == [("杭州市", 2)]
    assert regions("region=330100") == []


def test_a_near_result_is_exported_as_it_is_shown(filled: World) -> None:
    client = Client()
    client.force_login(filled.applicant)
    answer = client.get("/catalog/export/", {"q": "空汽质量"})
    assert "杭州市空气质量监测日均值" in b"".join(answer.streaming_content).decode()


def test_verification_finds_search_rows_that_drifted(filled: World) -> None:
    from portal.audit import checks

    def found() -> list[str]:
        return [f.subject for name, findings in checks.run() if name == "search rows" for f in findings]

    assert found() == []
    pk = Dataset.objects.get(title__startswith="杭州").pk
    DatasetSearchRow.objects.filter(pk=pk).update(reader_groups=[1])
    assert found() == [f"dataset:{pk}"]
    call_command("reindex", stdout=io.StringIO())
    assert found() == []


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
