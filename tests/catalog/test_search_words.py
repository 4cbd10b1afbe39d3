"""The authority's words for the search, and what was searched for in vain."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.test import Client

from catalog.models import SearchMiss, SearchTerm
from catalog.search import SearchQuery, misses, search, vocabulary, words
from catalog.standards import search_words
from portal.access import CIVIL_SERVANTS, EVERYONE
from portal.errors import InvalidInput, NotPermitted
from portal.models import Event
from tests.factories import World, actor, make_dataset

pytestmark = pytest.mark.django_db
GROUPS = [EVERYONE, CIVIL_SERVANTS]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    vocabulary.forget()
    yield
    vocabulary.forget()


def titles(text: str) -> list[str]:
    vocabulary.forget()
    return [dataset.title for dataset in search(SearchQuery(text=text), GROUPS).datasets]


def test_words_of_the_authority_find_each_other_until_they_are_removed(world: World) -> None:
    make_dataset(world.city_bureau, "公共自行车租赁点")
    assert titles("小红车") == []
    term = search_words.add(text="小红车，公共自行车", actor=actor(world.authority))
    assert titles("小红车") == ["公共自行车租赁点"]
    search_words.remove(term=term, actor=actor(world.authority))
    search_words.remove(term=term, actor=actor(world.authority))
    assert titles("小红车") == []
    verbs = Event.objects.filter(verb__startswith="words.").order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["words.added", "words.removed"]


@pytest.mark.parametrize("text", ["", " , ，", "!!", "a", "长" * 61, ",".join(f"词语{n}" for n in range(21))])
def test_words_that_the_search_cannot_use_are_refused(world: World, text: str) -> None:
    with pytest.raises(InvalidInput):
        search_words.add(text=text, actor=actor(world.authority))
    assert SearchTerm.objects.count() == 0


def test_the_same_words_are_added_once_and_by_the_authority_only(world: World) -> None:
    search_words.add(text="甲词, 乙词", actor=actor(world.authority))
    with pytest.raises(InvalidInput):
        search_words.add(text="乙词、甲词", actor=actor(world.authority))
    with pytest.raises(NotPermitted):
        search_words.add(text="丙词", actor=actor(world.cataloguer))
    assert SearchTerm.objects.count() == 1


def test_the_page_of_words_keeps_what_was_typed_wrongly(world: World) -> None:
    client = Client()
    client.force_login(world.authority)
    answer = client.post("/catalog/words/", {"words": "长" * 61})
    assert (answer.status_code, "长" * 61 in answer.content.decode()) == (422, True)
    assert client.post("/catalog/words/", {"words": "小红车，公共自行车"}).status_code == 302
    assert "小红车 = 公共自行车" in client.get("/catalog/words/", {"q": "红车"}).content.decode()


def test_searches_in_vain_are_counted_by_day_without_who_searched(world: World) -> None:
    make_dataset(world.city_bureau, "公共自行车租赁点")
    client = Client()
    client.get("/open/datasets/", {"q": "小红车"})
    client.force_login(world.applicant)
    for text in ("小红车", " 小红车 ", "公共自行车", "330106199003071234", "张三 13800001111", "a@b.cn", "!!", ""):
        client.get("/catalog/", {"q": text})
    client.get("/catalog/", {"q": "地铁", "grade": "1"})
    kept = SearchMiss.objects.order_by("is_public").values_list("text", "is_public", "count")
    assert list(kept) == [("小红车", False, 2), ("小红车", True, 1)]
    assert [row["times"] for row in misses.missed(SearchMiss.objects.get(is_public=True).day)] == [3]
    client.force_login(world.authority)
    page = client.get("/catalog/missed/", {"audience": "public"}).content.decode()
    assert "小红车" in page
    assert "小红车" in b"".join(client.get("/catalog/missed/export/").streaming_content).decode()


def test_a_day_holds_a_limited_number_of_searches_in_vain(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misses, "DAY_LIMIT", 3)
    client = Client()
    for n in "甲乙丙丁戊":
        client.get("/open/datasets/", {"q": f"没有{n}{n}"})
    assert SearchMiss.objects.count() == 3


def test_words_stand_in_the_same_places_in_every_process() -> None:
    """Python orders sets anew in each process; the index that one wrote is compared with what another would write."""
    text = "北京市乡镇街道行政区划代码和统一社会信用代码"
    program = f"import runpy; print(runpy.run_path({words.__file__!r})['words']({text!r}))"
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in range(4)
    }
    assert len(said) == 1
