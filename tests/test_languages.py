"""Each reader gets pages in one language: Chinese ones without English words, English ones without Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import translation

from portal.accounts.models import User
from portal.models import Department, Event, Region
from tests import test_urls
from tests.test_messages import SAME_EVERYWHERE, bare_texts
from tests.url_table import TABLE

pytestmark = pytest.mark.django_db
world, objects = test_urls.world, test_urls.objects

NAMES = SAME_EVERYWHERE | {"B", "Django", "PARQUET", "UTF-8", "REST", "P1D", "P1M", "T", "xlsx", "JSONL"}
NAMES |= {"ODRL", "GB18030", "CSV-GB18030", "GBK"}
KEYS_AND_PARAMETERS = {"Enter", "a", "c", "r", "v", "j", "k", "x", "filter", "after"}
DATA = {"a", "code", "csv", "data", "name", "pdf", "place", "paper"}
CHINESE_DATA = {
    *(
        "救助",
        "空气",
        "杭州市流程",
        "草稿",
        "待审",
        "修订中",
        "代码",
        "名称",
        "本数据资源用于测试",
        "字段和行均为真实结构",
    ),
    *("用于履行职责", "政务数据共享条例", "内部管理"),
    *("低保核查数据共享", "社会救助暂行办法第十七条", "核对申请家庭情况"),
    *("联合检查", "年休假", "杭州市流程", "请尽快办理", "国务院办公厅节假日安排通知"),
    *("业务库", "在用", "测试代码", "测试数据元", "机构团体", "测试词", "测验词"),
    *("婚姻登记", "核对", "排污许可", "收养", "举报"),
    *("安全条件", "存放地点", "证明", "超范围使用", "协议第六条"),
    *("能耗", "科研", "研究所", "能耗研究", "研究", "建模", "内网存储", "王芳"),
}
"""What the objects of the tests are called, and say."""
CODES = re.compile(r"(?:[GX][XQ]|KF|DB|ZY|JD|XY|JH|XZ)\d+|sq_[\w\-]+|MB[0-9A-Z]{8}|[0-9a-f]{40,64}")


def pages(objects: dict[str, Any], language: str) -> Iterator[tuple[str, str]]:
    """Every page of the portal as one of its roles sees it, and the home page as each role sees it."""
    for name, (method, roles, kwargs) in TABLE.items():
        path = reverse(name, kwargs={key: objects[value] for key, value in kwargs.items()})
        for role in sorted(roles) if name == "home" else sorted(roles)[-1:]:
            client = Client(headers={"accept-language": language})
            if role != "anonymous":
                client.force_login(User.objects.get(username=role))
            response = client.get(path, follow=True) if method == "GET" else None
            if response and response.headers["Content-Type"].startswith("text/html"):
                yield f"{name} as {role}", response.content.decode()


def english_words(page: str, data: set[str]) -> set[str]:
    known = NAMES | KEYS_AND_PARAMETERS | DATA | data
    words = {word for word in bare_texts(page) if re.match("[A-Za-z]", word)}
    return {word for word in words - known if not CODES.fullmatch(word)}


LETTER = re.compile(r'<article class="letter" lang="zh-Hans">.*?</article>', re.DOTALL)
"""Letters are official papers, and Chinese in every language."""


def chinese_words(page: str) -> set[str]:
    page = LETTER.sub("", page)
    return {word for word in bare_texts(page) if re.match("[\u4e00-\u9fff]", word)}


def test_chinese_pages_hold_no_english_words(objects: dict[str, Any]) -> None:
    data = set(User.objects.values_list("username", flat=True))
    for verb in Event.objects.values_list("verb", flat=True):
        data.update(verb.split("."))
    found = {place: english_words(page, data) for place, page in pages(objects, "zh-CN")}
    assert len(found) > 40
    assert {place: words for place, words in found.items() if words} == {}


def test_english_pages_hold_no_chinese_words_but_names_and_texts_that_people_wrote(objects: dict[str, Any]) -> None:
    departments = Department.objects.values_list("name", flat=True)
    written = {*departments, *Region.objects.values_list("name", flat=True), *CHINESE_DATA}
    found = {place: chinese_words(page) - written for place, page in pages(objects, "en")}
    assert len(found) > 40
    assert {place: words for place, words in found.items() if words} == {}


def test_english_words_are_found_beside_chinese_ones_and_data() -> None:
    assert english_words("<p title='Help'>申请 CSV anna GX2026000001</p><b>Waiting</b>", {"anna"}) == {
        "Help",
        "Waiting",
    }


@pytest.mark.parametrize(("language", "names", "note"), [("zh-hans", "甲、乙", "：丙"), ("en", "甲, 乙", ": 丙")])
def test_lists_and_notes_are_punctuated_as_the_language_does(language: str, names: str, note: str) -> None:
    template = Template("{{ names|listed }} {{ note|noted }}{{ empty|noted }}")
    with translation.override(language):
        shown = template.render(Context({"names": ["甲", "乙"], "note": "丙", "empty": ""}))
    assert shown == f"{names} {note}"


@pytest.mark.parametrize(("language", "heading"), [("zh-CN", "开放平台 · 数桥"), ("en", "Open data · Shuqiao")])
def test_the_reader_s_language_decides(client: Client, language: str, heading: str) -> None:
    page = client.get(reverse("open:home"), headers={"accept-language": language}).content.decode()
    assert re.findall("<title>(.*?)</title>", page) == [heading]


def test_chosen_language_wins_over_the_browser_s(client: Client) -> None:
    client.post(reverse("set_language"), {"language": "en", "next": "/open/"})
    page = client.get(reverse("open:home"), headers={"accept-language": "zh-CN"}).content.decode()
    assert '<html lang="en"' in page
