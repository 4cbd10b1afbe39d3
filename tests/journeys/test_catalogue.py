"""A record's life through the browser: imported, corrected, reviewed, published, revised, compared and withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from catalog.exchange import importing
from catalog.models import Dataset, ImportState, RecordImport
from portal.audit import checks
from sharing.models import Grant
from tests.factories import World, granted

pytestmark = pytest.mark.journey

TEXTS = ("title", "summary", "sharing_type", "sharing_condition", "sharing_basis", "open_type", "open_condition")
KEYS = (*TEXTS, "update_cycle", "themes", "channels")
SITES = ("监测站点名录", "全市空气质量监测站点的编号、名称和地址，供部门核查使用。")
NOISE = ("噪声监测结果", "各功能区噪声监测点的昼间和夜间结果，按点位和日期给出。")
TYPES = ("conditional", "用于核查", "政务数据共享条例", "not_open", "内部使用")


def _workbook(path: Path, cycle: str) -> Path:
    """Two records with an item each; the second one's update cycle is ``cycle``."""
    with xlsxwriter.Workbook(path) as book:
        records, items = book.add_worksheet("Datasets"), book.add_worksheet("Data items")
        records.write_row(0, 0, KEYS)
        records.write_row(1, 0, (*SITES, *TYPES, "monthly", "10", "api"))
        records.write_row(2, 0, (*NOISE, *TYPES, cycle, "10", "api"))
        items.write_row(0, 0, ("dataset_title", "name", "column", "data_type"))
        items.write_row(1, 0, (SITES[0], "站点编号", "code", "C"))
        items.write_row(2, 0, (NOISE[0], "点位编号", "code", "C"))
    return path


def _upload(cataloguer: Any, file: Path) -> None:
    cataloguer.go("/catalog/import/")
    cataloguer.page.set_input_files("#id_file", str(file))
    cataloguer.press("Check the file")
    importing.plan(RecordImport.objects.latest("created_at").pk)
    cataloguer.page.reload()


def _import(visit: Callable[..., Any], tmp_path: Path) -> None:
    """The first file has a flagged line, which is corrected and uploaded again."""
    with visit("cataloguer") as cataloguer:
        _upload(cataloguer, _workbook(tmp_path / "目录.xlsx", "now and then"))
        cataloguer.sees("Datasets!H3")
        cataloguer.sees("now and then")
        _upload(cataloguer, _workbook(tmp_path / "目录-改.xlsx", "daily"))
        cataloguer.press("Load all 2 lines")
        made = RecordImport.objects.get(state=ImportState.LOADING)
        importing.load(made.pk)
        cataloguer.page.reload()
        cataloguer.sees("Done")
        cataloguer.press("监测站点名录")
        cataloguer.sees("Draft")
        cataloguer.press("Submit for review", confirm=True)
        cataloguer.sees("Department review")


def _review(visit: Callable[..., Any]) -> None:
    for reviewer, button in (("provider2", "Agree"), ("authority", "Agree and publish")):
        with visit(reviewer) as person:
            person.go("/catalog/review/")
            person.press("监测站点名录")
            person.press(button, confirm=True)


def _revise(visit: Callable[..., Any], dataset: Dataset) -> None:
    with visit("cataloguer") as cataloguer:
        cataloguer.go(dataset.get_absolute_url())
        cataloguer.press("Revise")
        cataloguer.page.fill("#id_summary", "全市空气质量监测站点的编号、名称、地址和经纬度。")
        cataloguer.press("Save")
        cataloguer.press("What it changes")
        cataloguer.sees("名称和地址，供部门核查使用")
        cataloguer.sees("名称、地址和经纬度")
        cataloguer.go(dataset.get_absolute_url())
        cataloguer.sees("名称和地址，供部门核查使用")
        cataloguer.press("Submit for review", confirm=True)


def _withdraw(visit: Callable[..., Any], dataset: Dataset, number: str) -> None:
    with visit("provider2") as approver:
        approver.go(f"{dataset.get_absolute_url()}?tab=history")
        approver.press("Compare with the newest")
        approver.sees("经纬度")
        approver.go(dataset.get_absolute_url())
        approver.press("Withdraw")
        approver.sees("Grants that deliver from it (1)")
        approver.sees(number)
        approver.page.fill("#id_reason", "改由省级平台统一发布")
        approver.press("Withdraw")
    with visit("applicant", width=390) as applicant:
        applicant.go("/catalog/?q=监测站点名录")
        applicant.sees("No dataset meets this search")
        applicant.go("/notices/")
        applicant.sees("监测站点名录")


def test_a_record_from_the_workbook_to_its_withdrawal(
    world: World, visit: Callable[..., Any], tmp_path: Path, settings: Any
) -> None:
    _import(visit, tmp_path)
    _review(visit)
    dataset = Dataset.objects.get(title="监测站点名录")
    assert (dataset.state, dataset.version) == ("published", 1)
    granted(world, dataset)
    grant = Grant.objects.get()
    _revise(visit, dataset)
    _review(visit)
    dataset.refresh_from_db()
    assert (dataset.version, "经纬度" in dataset.summary) == (2, True)
    _withdraw(visit, dataset, str(grant.item.request.number))
    dataset.refresh_from_db()
    grant.refresh_from_db()
    assert (dataset.state, grant.state) == ("withdrawn", "suspended")
    assert [finding for _name, found in checks.run() for finding in found] == []
