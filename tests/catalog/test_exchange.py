"""Records leave in a workbook and come back as they were; what is wrong in a workbook is told by its cell."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog import revisions
from catalog.documents import FIELDS, ITEM_FIELDS, RELATIONS, snapshot
from catalog.exchange import importing, workbook
from catalog.exchange.layout import DATASET_COLUMNS, ITEM_COLUMNS
from catalog.models import DataElement, Dataset, DatasetRelation, DatasetRevision, ImportLine, RecordImport, Theme
from catalog.tables.errors import BadFile
from portal.audit import checks
from portal.errors import NotPermitted, WrongState
from tests.factories import World, actor, make_dataset, make_user

pytestmark = pytest.mark.django_db

HEAD = ["信息资源代码", "信息资源名称"]
RECORD = {
    "title": "空气质量",
    "provider": "杭州市生态环境局",
    "summary": "各监测站点的空气质量日均值，按站点和日期给出。",
    "sharing_type": "无条件共享",
    "open_type": "不予开放",
    "update_cycle": "每日",
    "themes": "生态环境",
}


@pytest.fixture(autouse=True)
def files_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.UPLOADS_ROOT = tmp_path


def book(sheets: dict[str, list[list[Any]]], **options: Any) -> bytes:
    """A workbook of sheets of rows."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, options) as made:
        day = made.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if isinstance(cell, dt.date):
                        sheet.write_datetime(number, place, dt.datetime(cell.year, cell.month, cell.day), day)
                    else:
                        sheet.write(number, place, cell)
    return buffer.getvalue()


def records(*rows: dict[str, Any], **more: Any) -> dict[str, list[list[Any]]]:
    """A sheet of records with the columns that they use."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return {"Datasets": [keys, *([row.get(key, "") for key in keys] for row in rows)], **more}


def planned(world: World, content: bytes, name: str = "records.xlsx", user: Any = None) -> RecordImport:
    made = importing.start(upload=SimpleUploadedFile(name, content), actor=actor(user or world.cataloguer))
    return importing.plan(made.pk)


def loaded(world: World, made: RecordImport, *, is_partial: bool = True) -> RecordImport:
    person = actor(made.created_by)
    importing.confirm(record_import=made, actor=person, is_partial=is_partial)
    return importing.load(made.pk)


def line_of(made: RecordImport, number: int) -> ImportLine:
    return made.lines.get(number=number)


def faults(made: RecordImport) -> list[tuple[str, str]]:
    return [(f["sheet"], f["cell"]) for line in made.lines.order_by("number") for f in line.faults]


def full(world: World) -> Dataset:
    """A draft in which every field says something."""
    other = make_dataset(world.city_bureau, "站点")
    element = DataElement.objects.create(code="DE1", name="站点编号")
    items = [
        {
            "name": "站点编号",
            "name_en": "Station",
            "column": "station",
            "data_type": "C",
            "length": 12,
            "precision": 2,
            "unit": "个",
            "element": element,
            "description": "监测站点的编号；唯一",
            "is_key": True,
            "is_nullable": False,
            "sensitivity": "personal",
            "sharing_type": "unconditional",
            "open_type": "open",
        },
        {"name": "日期", "column": "day", "data_type": "D"},
    ]
    dataset = make_dataset(
        world.city_bureau,
        "空气质量",
        state="draft",
        items=items,
        title_en="Air quality",
        resource_class="2",
        resource_format="spreadsheet",
        format_type="csv",
        sharing_type="conditional",
        sharing_condition="=1+1 用于履职",
        sharing_basis="第十条",
        sharing_review_on=dt.date(2027, 1, 31),
        channels=["api", "file"],
        open_type="conditional",
        open_condition="实名申请",
        update_cycle="daily",
        grade=3,
        keywords=["空气", "监测"],
        source_system="监测平台",
        contact="0571-12345",
        data_category="环境数据",
        licence="CC BY 4.0",
        attribution="杭州市",
        landing_page="https://example.com/a",
        language="en",
        spatial=world.city_bureau.region,
        spatial_resolution_m=12.5,
        temporal_resolution="P1D",
        temporal_start=dt.date(2020, 1, 1),
        temporal_end=dt.date(2026, 12, 31),
        conforms_to="GB 3095-2012",
        provenance="自动监测\n逐日汇总",
        version_notes="首版",
    )
    dataset.themes.set(Theme.objects.filter(code__in=["10", "20"]))
    others = {"derived_from": "监测平台", "part_of": "环境质量", "replaces": "旧版空气质量"}
    for kind, title in others.items():
        DatasetRelation.objects.create(dataset=dataset, kind=kind, target=make_dataset(world.city_bureau, title))
    DatasetRelation.objects.create(dataset=dataset, kind="related", target=other)
    return dataset


def test_every_field_of_a_document_has_a_column() -> None:
    assert {column.key for column in DATASET_COLUMNS} == {*FIELDS, "code", "provider_code", "themes", *RELATIONS}
    assert {column.key for column in ITEM_COLUMNS[3:]} == set(ITEM_FIELDS)


@pytest.mark.parametrize("kind", ["xlsx", "jsonl"])
def test_export_and_import_give_the_same_record_in_every_field(world: World, kind: str) -> None:
    dataset = full(world)
    before = snapshot(dataset)
    empty = [name for name in before if before[name] in (None, "", []) or before["items"][0].get(name) == ""]
    assert empty == []
    ids = [dataset.pk]
    content = workbook.workbook(ids).read() if kind == "xlsx" else b"".join(workbook.json_lines(ids))
    unchanged = planned(world, content, f"records.{kind}")
    assert list(unchanged.lines.values_list("state", "changes")) == [("same", [])]
    Dataset.objects.filter(pk=dataset.pk).delete()
    made = loaded(world, planned(world, content, f"records.{kind}"))
    again = Dataset.objects.get(title="空气质量")
    assert (made.state, snapshot(again)) == ("done", before)
    assert (again.state, again.relations.count()) == ("draft", 4)
    assert [finding for _name, found in checks.run() for finding in found if str(again.pk) in finding.subject] == []


def test_a_record_without_a_code_becomes_a_numbered_draft_with_its_items(world: World) -> None:
    head = ["dataset_title", "name", "column", "data_type"]
    items = [head, ["空气质量", "站点编号", "", "C"], ["空气质量", "浓度", "pm25", "N"]]
    made = loaded(world, planned(world, book(records(RECORD, **{"Data items": items}))))
    dataset = Dataset.objects.get()
    assert (made.state, dataset.state, dataset.code[:6]) == ("done", "draft", "310000")
    assert (dataset.update_cycle, dataset.sharing_type, dataset.created_by) == (
        "daily",
        "unconditional",
        world.cataloguer,
    )
    assert list(dataset.items.values_list("name", "column", "data_type")) == [
        ("站点编号", "站点编号", "C"),
        ("浓度", "pm25", "N"),
    ]


def test_a_published_record_gets_a_revision_with_what_the_line_changes(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气质量")
    made = loaded(world, planned(world, book(records({"code": dataset.code, "title": "空气质量", "contact": "0571"}))))
    assert [c["after"] for c in line_of(made, 2).changes] == ["0571"]
    assert (Dataset.objects.get().contact, DatasetRevision.objects.get().document["contact"]) == ("", "0571")


def test_a_file_loaded_twice_changes_nothing_the_second_time(world: World) -> None:
    content = book(records(RECORD))
    loaded(world, planned(world, content))
    again = planned(world, content)
    assert [line.state for line in again.lines.all()] == ["same"]
    importing.load(loaded(world, again).pk)
    assert Dataset.objects.count() == 1


def test_a_load_that_was_cut_off_goes_on_where_it_stood(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "LOAD_BATCH", 2)
    made = planned(world, book(records(*({**RECORD, "title": f"空气质量{n}"} for n in range(5)))))
    importing.confirm(record_import=made, actor=actor(world.cataloguer), is_partial=True)
    written = importing._write

    def cut(good: Any, *rest: Any) -> None:
        if Dataset.objects.count() >= 2:
            raise RuntimeError
        written(good, *rest)

    monkeypatch.setattr(importing, "_write", cut)
    with pytest.raises(RuntimeError):
        importing.load(made.pk)
    assert (Dataset.objects.count(), made.lines.filter(is_loaded=True).count()) == (2, 2)
    monkeypatch.setattr(importing, "_write", written)
    assert importing.load(made.pk).state == "done"
    assert Dataset.objects.count() == 5


def test_all_or_nothing_loads_nothing_when_a_line_is_refused(world: World) -> None:
    made = planned(world, book(records(RECORD, {**RECORD, "title": "水质", "update_cycle": "每分钟"})))
    with pytest.raises(WrongState):
        importing.confirm(record_import=made, actor=actor(world.cataloguer), is_partial=False)
    assert Dataset.objects.count() == 0
    assert loaded(world, made).state == "done"
    assert Dataset.objects.get().title == "空气质量"


def test_each_fault_is_told_with_its_cell(world: World) -> None:
    keys = list(RECORD)
    bad = {
        "title": "",
        "provider": "没有的部门",
        "summary": "太短",
        "sharing_type": "随便",
        "update_cycle": "每分钟",
        "themes": "没有的主题",
    }
    made = planned(world, book(records(RECORD, {**RECORD, **bad})))
    places = {f"{chr(65 + keys.index(key))}3" for key in bad}
    assert {cell for _sheet, cell in faults(made)} == places
    assert line_of(made, 2).state == "new"


def test_codes_that_became_numbers_are_refused_with_the_exact_cell(world: World) -> None:
    code = float(123456789012345678)
    made = planned(world, book(records({**RECORD, "provider_code": code}, {**RECORD, "title": "水质", "code": 310000})))
    assert faults(made) == [("Datasets", "H2"), ("Datasets", "I3")]


def test_dates_are_read_as_dates_text_and_serial_numbers(world: World) -> None:
    days = [dt.date(2026, 1, 31), "2026-01-31", "2026/1/31", "2026年1月31日", 46053]
    rows = [{**RECORD, "title": f"空气{n}", "temporal_start": day} for n, day in enumerate(days)]
    made = planned(world, book(records(*rows, {**RECORD, "temporal_start": "去年"})))
    assert [line.document["temporal_start"] for line in made.lines.all()[:5]] == ["2026-01-31"] * 5
    assert faults(made) == [("Datasets", "H7")]


def test_formulas_are_read_by_their_value_and_their_errors_refused(world: World) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as made_book:
        sheet = made_book.add_worksheet("Datasets")
        for place, (key, value) in enumerate(RECORD.items()):
            sheet.write(0, place, key)
            sheet.write(1, place, value)
            sheet.write(2, place, value)
        sheet.write_formula(1, 0, '="空气"&"质量"', None, "空气质量")
        sheet.write_formula(2, 0, "=1/0", None, "#DIV/0!")
    made = planned(world, buffer.getvalue())
    assert (line_of(made, 2).title, line_of(made, 2).state) == ("空气质量", "new")
    assert faults(made) == [("Datasets", "A3")]


def test_merged_cells_name_the_dataset_of_items_and_are_refused_elsewhere(world: World) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as made_book:
        sheet = made_book.add_worksheet("Datasets")
        for row, values in enumerate([list(RECORD), list(RECORD.values()), ["水质", *list(RECORD.values())[1:]]]):
            sheet.write_row(row, 0, values)
        sheet.merge_range(1, 2, 2, 2, RECORD["summary"])
        items = made_book.add_worksheet("Data items")
        items.write_row(0, 0, ["dataset_title", "name"])
        items.merge_range(1, 0, 2, 0, "空气质量")
        items.write_column(1, 1, ["站点", "浓度"])
    made = planned(world, buffer.getvalue())
    assert [item["name"] for item in line_of(made, 2).document["items"]] == ["站点", "浓度"]
    assert faults(made) == [("Datasets", "C3")]


def test_renamed_columns_and_other_sheets_are_left_out_and_said(world: World) -> None:
    rows = records({**RECORD, "联系方": "0571"})
    made = planned(world, book({"说明": [["先看这里"]], **rows, "草稿纸": [["a", "b"]], "统计": [[1]]}))
    assert len(made.notes) == 4
    assert [note for note in made.notes if "联系方" in note and "H" in note] != []
    assert line_of(made, 2).state == "new"


def test_fifty_thousand_empty_rows_are_nothing(world: World) -> None:
    rows = records(RECORD)
    rows["Datasets"] += [[""] * 7 for _ in range(50_000)] + [[*({**RECORD, "title": "水质"}).values()]]
    made = planned(world, book(rows))
    assert list(made.lines.values_list("number", "title")) == [(2, "空气质量"), (50_003, "水质")]


def test_the_same_record_twice_and_items_of_none_are_refused(world: World) -> None:
    items = [["dataset_title", "name"], ["没有的资源", "站点"]]
    made = planned(world, book(records(RECORD, RECORD, **{"Data items": items})))
    assert [line.state for line in made.lines.all()] == ["new", "bad", "bad"]
    assert faults(made) == [("Datasets", "A3"), ("Data items", "A2")]


@pytest.mark.parametrize("content", [b"PK\x03\x04 damaged", b"\x00\x01", b"", b"title,provider\na,b\n"])
def test_what_is_no_workbook_ends_with_a_message(world: World, content: bytes) -> None:
    made = planned(world, content)
    assert (made.state, made.error != "", made.lines.count()) == ("failed", True, 0)


def test_a_workbook_that_lies_about_its_size_is_refused(world: World) -> None:
    source = zipfile.ZipFile(io.BytesIO(book(records(RECORD))))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            data = source.read(info)
            target.writestr(info.filename, data if "sheet1" not in info.filename else b" " * (3 * 1024**2) + data)
    content = buffer.getvalue().replace((3 * 1024**2).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert content != b""
    made = planned(world, content[: len(content) // 2])
    assert made.state == "failed"


def test_a_file_that_is_too_large_is_refused_at_once(world: World, settings: Any) -> None:
    settings.RECORD_IMPORT_BYTES = 10
    with pytest.raises(BadFile):
        importing.start(upload=SimpleUploadedFile("a.xlsx", b"x" * 11), actor=actor(world.cataloguer))
    assert RecordImport.objects.count() == 0


def test_records_of_other_departments_are_refused(world: World) -> None:
    theirs = make_dataset(world.province_bureau, "救助")
    rows = [{**RECORD, "provider": world.province_bureau.name}, {"code": theirs.code, "title": "救助", "contact": "1"}]
    made = planned(world, book(records(*rows)))
    assert [line.state for line in made.lines.all()] == ["bad", "bad"]
    with pytest.raises(NotPermitted):
        importing.start(upload=SimpleUploadedFile("a.xlsx", b"x"), actor=actor(world.applicant))


def test_the_data_authority_brings_drafts_to_its_departments_but_changes_none(world: World) -> None:
    theirs = make_dataset(world.city_bureau, "站点")
    rows = [RECORD, {"code": theirs.code, "title": "站点", "contact": "0571"}]
    made = loaded(world, planned(world, book(records(*rows)), user=world.authority))
    assert list(made.lines.values_list("state", "is_loaded")) == [("new", True), ("bad", False)]
    assert Dataset.objects.get(title="空气质量").provider == world.city_bureau


def test_a_title_taken_in_the_meantime_is_told(world: World) -> None:
    made = planned(world, book(records(RECORD)))
    make_dataset(world.city_bureau, "空气质量")
    loaded(world, made)
    assert [(line.state, line.is_loaded) for line in made.lines.all()] == [("bad", False)]


def test_a_line_merges_with_what_was_saved_after_it_was_planned(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气质量", state="draft")
    made = planned(world, book(records({"code": dataset.code, "title": "空气质量", "contact": "0571"})))
    loaded(world, made)
    assert Dataset.objects.values_list("contact", "revision").get() == ("0571", 1)


def test_json_lines_may_hold_codes_and_are_told_what_is_not_known(world: World) -> None:
    record = {**RECORD, "update_cycle": "daily", "themes": ["10"], "colour": "blue", "items": [{"name": "站点"}]}
    made = planned(world, json.dumps(record).encode(), "records.jsonl")
    assert (line_of(made, 1).state, line_of(made, 1).document["themes"]) == ("new", ["10"])
    assert len(made.notes) == 1
    assert planned(world, b'{"title": ', "records.json").state == "failed"
    assert [line.state for line in planned(world, b"[1]", "records.json").lines.all()] == ["bad"]


def test_planning_takes_a_fixed_number_of_queries(world: World, django_assert_max_num_queries: Any) -> None:
    for n in range(40):
        make_dataset(world.city_bureau, f"空气{n}")
    content = book(records(*({**RECORD, "title": f"空气{n}"} for n in range(80))))
    made = importing.start(upload=SimpleUploadedFile("a.xlsx", content), actor=actor(world.cataloguer))
    with django_assert_max_num_queries(40):
        importing.plan(made.pk)
    assert made.lines.count() == 80


def test_the_pages_lead_from_the_file_to_the_drafts(world: World) -> None:
    client = Client()
    client.force_login(world.cataloguer)
    content = book(records(RECORD, {**RECORD, "title": "水质", "update_cycle": "每分钟"}))
    response = client.post("/catalog/import/", {"file": SimpleUploadedFile("a.xlsx", content)})
    made = RecordImport.objects.get()
    assert response["Location"] == f"/catalog/import/{made.pk}/"
    assert "hx-get" in client.get(f"/catalog/import/{made.pk}/").content.decode()
    importing.plan(made.pk)
    page = client.get(f"/catalog/import/{made.pk}/")
    assert (page.context["chosen"], page.context["n_bad"], page.context["n_good"]) == ("bad", 1, 1)
    assert "<code>Datasets!F3</code>" in page.content.decode()
    refused = b"".join(client.get(f"/catalog/import/{made.pk}/refused/").streaming_content)
    assert refused[:2] == b"PK"
    client.post(f"/catalog/import/{made.pk}/load/", {"scope": "good"})
    importing.load(made.pk)
    assert Dataset.objects.get().title == "空气质量"
    other = make_user("other", world.city_bureau, "cataloguer")
    client.force_login(other)
    assert client.get(f"/catalog/import/{made.pk}/").status_code == 404


def test_an_export_holds_what_the_search_finds_and_the_reader_may_see(world: World) -> None:
    make_dataset(world.city_bureau, "空气质量")
    make_dataset(world.city_bureau, "空气草稿", state="draft")
    make_dataset(world.city_bureau, "水质")
    client = Client()
    client.force_login(world.applicant)
    lines = b"".join(client.get("/catalog/records.jsonl?q=空气").streaming_content).splitlines()
    assert [json.loads(line)["title"] for line in lines] == ["空气质量"]
    assert revisions.DatasetRevision.objects.count() == 0
