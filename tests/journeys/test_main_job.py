"""The main job through the browser: from a new record to an anonymous download, by people who each sign in."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from catalog.models import Dataset
from portal.audit import checks
from sharing.models import Grant, SharingRequest
from tests.factories import World, load, make_dataset

pytestmark = pytest.mark.journey

AIR = "站点编号,站点名称,监测日期,PM25\n0101,卧龙桥,2026-01-01,35\n0102,西溪,2026-01-01,28\n0103,云栖,2026-01-01,19\n"
PEOPLE = "code,name,street\n330106001,甲社区,文新\n330106002,乙社区,文新\n330108001,丙社区,长河\n"


def _publish(visit: Callable[..., Any], run_jobs: Callable[[], None], file: Path) -> None:
    """Cataloguer, own department and authority bring a record with data into the catalogue."""
    with visit("cataloguer") as cataloguer:
        page = cataloguer.page
        cataloguer.go("/catalog/new/")
        page.fill("#id_title", "杭州市空气质量站点日均值")
        page.fill("#id_summary", "杭州市各空气质量监测站点的细颗粒物日均浓度，按站点和日期给出。")
        page.get_by_label("生态环境").or_(page.get_by_label("Ecology and environment")).first.check()
        page.select_option("#id_update_cycle", "daily")
        page.select_option("#id_grade", "1")
        page.select_option("#id_sharing_type", "unconditional")
        page.locator("input[name=channels][value=api]").check()
        page.locator("input[name=channels][value=file]").check()
        page.select_option("#id_open_type", "open")
        cataloguer.press("Save")
        cataloguer.press("Upload a file")
        page.set_input_files("#id_file", str(file))
        cataloguer.press("Upload and load")
        run_jobs()
        page.reload()
        cataloguer.sees("3 rows loaded")
        cataloguer.sees("卧龙桥")
        cataloguer.press("Edit")
        for select in page.locator("select[name$=open_type]").all():
            select.select_option("open")
        for select in page.locator("#items select[name$=sharing_type]").all():
            select.select_option("unconditional")
        cataloguer.press("Save")
        cataloguer.press("Submit for review", confirm=True)
        cataloguer.sees("Department review")
    for reviewer, button in (("provider2", "Agree"), ("authority", "Agree and publish")):
        with visit(reviewer) as person:
            person.go("/catalog/review/")
            person.press("杭州市空气质量站点日均值")
            person.press(button, confirm=True)


def _file_request(visit: Callable[..., Any]) -> None:
    """The applicant finds two datasets of two providers, asks for part of one, and submits."""
    with visit("applicant") as applicant:
        page = applicant.page
        for words in ("空气质量", "社会救助"):
            applicant.go(f"/catalog/?q={words}")
            page.locator("[data-row]").first.check()
            page.locator(".bulk button").click()
            page.wait_for_load_state()
        applicant.go("/basket/")
        applicant.press("Make a request of all of it")
        page.fill("#id_title", "低保家庭居住环境核查")
        page.select_option("#id_purpose", "service")
        page.fill("#id_legal_basis", "社会救助暂行办法第十七条")
        page.fill("#id_scenario", "核查低保家庭居住地环境")
        page.locator("#id_has_commitment").check()
        applicant.press("Save the draft")
        row = page.locator("tr", has_text="社会救助对象社区")
        row.get_by_role("link", name="Items and rows").click()
        page.locator("input[name=columns][value=street]").uncheck()
        page.select_option("select[name=c]", "code")
        page.select_option("select[name=o]", "prefix")
        page.fill("input[name=v]", "330106")
        applicant.press("Save")
        applicant.sees("330106")
        applicant.press("Submit", confirm=True)
        applicant.sees("In review")


def _decide(visit: Callable[..., Any], username: str) -> None:
    with visit(username) as person:
        person.go("/queue/")
        person.press("低保家庭居住环境核查")
        for radio in person.page.locator("input[type=radio][value=approve]").all():
            radio.check()
        person.press("Record the decisions")
        person.sees("Decided.")


def _call(url: str, key: str = "") -> tuple[int, Any]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_record_is_published_applied_for_granted_read_and_opened(
    world: World, visit: Callable[..., Any], run_jobs: Callable[[], None], tmp_path: Path, live_server: Any
) -> None:
    people = make_dataset(
        world.province_bureau,
        "社会救助对象社区",
        grade=3,
        items=[{"name": n, "column": c} for n, c in (("代码", "code"), ("名称", "name"), ("街道", "street"))],
    )
    load(people, PEOPLE.encode())
    file = tmp_path / "air.csv"
    file.write_bytes(AIR.encode("gb18030"))

    _publish(visit, run_jobs, file)
    _file_request(visit)
    for username in ("applicant_head", "authority", "provider", "security"):
        _decide(visit, username)

    assert SharingRequest.objects.get().state == "completed"
    grant = Grant.objects.get(dataset=people)
    with visit("applicant") as applicant:
        applicant.go(f"/grants/{grant.pk}/")
        content = applicant.download(lambda: applicant.page.get_by_role("link", name="CSV", exact=True).click())
        head, *rows = content.decode("utf-8-sig").split()
        assert head == "代码,名称,水印"
        assert [row.rpartition(",")[0] for row in rows] == ['"330106001","甲社区"', '"330106002","乙社区"']
        applicant.press("New key")
        key = applicant.page.inner_text("#new-key").strip()
        applicant.page.reload()
    url = f"{live_server.url}/api/v1/data/{grant.pk}/rows"
    status, body = _call(url, key)
    assert (status, body["rows"]) == (
        200,
        [{"code": "330106001", "name": "甲社区"}, {"code": "330106002", "name": "乙社区"}],
    )
    status, body = _call(f"{url}?columns=street", key)
    assert (status, body["code"], body["columns"]) == (400, "unknown_column", ["street"])
    assert _call(url)[0] == 401

    with visit() as visitor:
        visitor.go("/open/")
        visitor.page.fill(".hero input[name=q]", "空气质量")
        visitor.page.locator(".hero button").click()
        visitor.press("杭州市空气质量站点日均值")
        visitor.sees("卧龙桥")
        expect(visitor.page.locator(".chart canvas")).to_have_count(1)
        content = visitor.download(lambda: visitor.page.get_by_role("link", name="CSV", exact=True).click())
        lines = content.decode("utf-8-sig").splitlines()
        assert lines[0] == "站点编号,站点名称,监测日期,PM25"
        assert lines[1] == '"0101","卧龙桥",2026-01-01,35'
        visitor.go(f"/open/datasets/{people.pk}/")
        visitor.sees("There is nothing here")
    assert [finding for _name, found in checks.run() for finding in found] == []


def test_a_returned_item_is_changed_and_submitted_again(world: World, visit: Callable[..., Any]) -> None:
    make_dataset(world.province_bureau, "社会救助对象社区")
    with visit("applicant") as applicant:
        applicant.go("/catalog/?q=社会救助")
        applicant.page.locator("[data-row]").first.check()
        applicant.page.locator(".bulk button").click()
        applicant.go("/requests/new/")
        applicant.page.fill("#id_title", "核查")
        applicant.press("Save the draft")
        assert applicant.page.input_value("#id_title") == "核查"
        applicant.sees("Some entries need to be corrected. Nothing was lost.")
        applicant.page.select_option("#id_purpose", "service")
        applicant.page.fill("#id_legal_basis", "社会救助暂行办法")
        applicant.page.fill("#id_scenario", "核对")
        applicant.page.locator("#id_has_commitment").check()
        applicant.press("Save the draft")
        applicant.press("Submit", confirm=True)
    with visit("applicant_head") as head:
        head.go("/queue/")
        head.press("核查")
        head.page.locator("input[type=radio][value=return]").check()
        head.press("Record the decisions")
        head.sees("Say what the applicant should change.")
        head.page.fill("textarea[name$=note]", "请缩小范围")
        head.press("Record the decisions")
    with visit("applicant") as applicant:
        applicant.go("/requests/")
        applicant.press("核查")
        applicant.sees("请缩小范围")
        applicant.press("Items and rows")
        applicant.page.locator("input[name=columns][value=name]").uncheck()
        applicant.press("Save")
        applicant.press("Submit again", confirm=True)
        applicant.sees("In review")
    assert SharingRequest.objects.get().items.get().columns == ["code"]


def test_main_pages_fit_a_phone_in_chinese(world: World, visit: Callable[..., Any]) -> None:
    dataset = make_dataset(world.city_bureau, "空气质量", sharing_type="unconditional", open_type="open")
    dataset.items.update(open_type="open")
    load(dataset, "code,name\n01,甲\n".encode())
    paths = ["/", "/catalog/", f"/catalog/{dataset.pk}/", "/basket/", "/requests/", "/grants/", "/notices/"]
    with visit("applicant", width=390, locale="zh-hans") as applicant:
        for path in [*paths, "/open/", "/open/datasets/", f"/open/datasets/{dataset.pk}/"]:
            applicant.go(path)
            wide = applicant.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, path
    assert Dataset.objects.count() == 1
