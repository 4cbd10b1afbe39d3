"""Standards: the classification tree, code lists in versions, data elements, and what the portal brings."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from catalog import lifecycle
from catalog.codes import code_prefix
from catalog.forms import DatasetForm
from catalog.models import CodeList, CodeListState, CodeValue, DataElement, Dataset, DatasetState, Theme
from catalog.search import SearchQuery, index, search
from catalog.standards import conformance, keeping, linking, seeds
from portal.access import Actor
from portal.departments import sheets
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Event
from tests.catalog.standards import SEX, code_list, element
from tests.factories import World, actor, dataset_values, make_dataset, make_department, make_user
from tests.queries import queries_of
from tests.words import zh

pytestmark = pytest.mark.django_db


def codes(made: CodeList) -> list[str]:
    in_force = CodeValue.objects.filter(version__code_list=made, version__state=CodeListState.IN_FORCE)
    return list(in_force.values_list("code", flat=True))


# --- classification ---


def test_a_divided_theme_numbers_new_records_and_finds_them_from_above(world: World) -> None:
    boss = actor(world.authority)
    air = keeping.add_theme(parent=Theme.objects.get(code="10"), name="大气", name_en="Air", actor=boss)
    fine = keeping.add_theme(parent=air, name="细颗粒物", name_en="Fine dust", actor=boss)
    assert (air.code, fine.code) == ("10001", "1000101")
    assert code_prefix("1", fine.code) == "11000101"
    dataset = lifecycle.create(
        provider=world.city_bureau,
        values=dataset_values("站点监测"),
        themes=[fine],
        actor=actor(world.cataloguer),
    )
    assert dataset.code.startswith("31000101/")
    Dataset.objects.filter(pk=dataset.pk).update(state=DatasetState.PUBLISHED)
    index([dataset.pk])
    for theme in ("10", "10001", "1000101"):
        query = SearchQuery.from_params(QueryDict(f"theme={theme}"))
        assert [d.pk for d in search(query, actor(world.cataloguer).standing.reader_groups).datasets] == [dataset.pk]
    with pytest.raises(WrongState):
        keeping.add_theme(parent=fine, name="再细", name_en="Finer", actor=boss)
    with pytest.raises(InvalidInput) as refused:
        keeping.add_theme(parent=Theme.objects.get(code="10"), name="大气", name_en="Air", actor=boss)
    assert list(refused.value.fields) == ["name"]


def test_a_used_class_is_retired_and_an_unused_one_removed(world: World) -> None:
    boss = actor(world.authority)
    used, unused = (keeping.add_theme(parent=None, name=n, name_en=n, actor=boss) for n in ("甲类", "乙类"))
    dataset = make_dataset(world.city_bureau, "某资源")
    dataset.themes.set([used])
    keeping.retire_theme(theme=used, actor=boss)
    keeping.retire_theme(theme=unused, actor=boss)
    assert not Theme.objects.filter(pk=unused.pk).exists()
    blank = DatasetForm(document=None)
    assert used not in blank.fields["themes"].queryset  # type: ignore[attr-defined]
    written = DatasetForm(document={"themes": [used.code]})
    assert used in written.fields["themes"].queryset  # type: ignore[attr-defined]
    keeping.restore_theme(theme=used, actor=boss)
    assert used in DatasetForm(document=None).fields["themes"].queryset  # type: ignore[attr-defined]
    verbs = list(Event.objects.filter(verb__startswith="theme.").order_by("id").values_list("verb", flat=True))
    assert verbs == ["theme.added", "theme.added", "theme.retired", "theme.retired", "theme.restored"]


def test_a_renamed_class_is_found_by_its_new_name(world: World) -> None:
    theme = Theme.objects.get(code="10")
    dataset = make_dataset(world.city_bureau, "某资源")
    keeping.rename_theme(theme=theme, name="绿色低碳", name_en="Green", actor=actor(world.authority))
    groups = actor(world.cataloguer).standing.reader_groups
    assert [d.pk for d in search(SearchQuery(text="绿色低碳"), groups).datasets] == [dataset.pk]


def test_only_authorities_from_a_city_up_keep_the_standards(world: World) -> None:
    county = make_department("西湖区数据局", world.regions["county"], "data_authority")
    head = make_user("county_head", county, "authority_head")
    for person in (head, world.cataloguer, world.provider):
        with pytest.raises(NotPermitted):
            keeping.add_theme(parent=None, name="丙类", name_en="C", actor=actor(person))
    assert Theme.objects.filter(name="丙类").count() == 0


def test_the_tree_page_counts_and_divides(world: World, client: Client) -> None:
    make_dataset(world.city_bureau, "某资源")
    client.force_login(world.authority)
    queries_of(client, "/catalog/themes/")
    before = queries_of(client, "/catalog/themes/")
    for n in range(5):
        keeping.add_theme(
            parent=Theme.objects.get(code="10"), name=f"目{n}", name_en=f"C{n}", actor=actor(world.authority)
        )
    assert queries_of(client, "/catalog/themes/") == before
    response = client.post("/catalog/themes/new/?parent=10", {"name": "目0", "name_en": "C0"})
    assert response.status_code == 422
    assert zh("There is a class of this name here already.") in response.content.decode()
    assert client.post("/catalog/themes/new/?parent=10", {"name": "噪声", "name_en": "Noise"}).status_code == 302
    assert Theme.objects.get(name="噪声").code == "10006"


# --- code lists ---


def test_a_version_comes_into_force_on_its_day_and_the_former_steps_back(world: World) -> None:
    made, boss = code_list(world), actor(world.authority)
    draft = keeping.new_version(code_list=made, values=[*SEX, {"code": "9", "name": "未说明"}], note="增补", actor=boss)
    tomorrow = timezone.localdate() + dt.timedelta(days=1)
    keeping.publish_version(version=draft, valid_from=tomorrow, actor=boss)
    assert codes(made) == ["1", "2"]
    assert keeping.bring_into_force() == 0
    assert keeping.bring_into_force(tomorrow) == 1
    assert codes(made) == ["1", "2", "9"]
    assert [v.state for v in made.versions.all()] == ["in_force", "superseded"]
    draft.refresh_from_db()
    with pytest.raises(WrongState):
        keeping.publish_version(version=draft, valid_from=None, actor=boss)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([{"code": "", "name": "无码"}], "Line %(n)s: code and name are needed, of at most 60 and 200 characters."),
        ([*SEX, {"code": "1", "name": "又一"}], "Line %(n)s: the code %(code)s is there already."),
        ([{"code": "1", "name": "男", "parent": "0"}], "Line %(n)s: there is no code %(code)s above it."),
        ([], "A list has at least one value and at most 200,000."),
    ],
)
def test_bad_values_are_named_by_line(world: World, values: list[dict[str, str]], message: str) -> None:
    made = code_list(world)
    with pytest.raises(InvalidInput) as refused:
        keeping.new_version(code_list=made, values=values, note="", actor=actor(world.authority))
    expected = zh(message) % {
        "n": len(values),
        "code": values[-1].get("parent") or values[-1]["code"] if values else "",
    }
    assert str(refused.value.fields["file"][0]) == expected
    assert made.versions.count() == 1


def test_a_version_is_uploaded_compared_published_and_exported(world: World, client: Client) -> None:
    made = code_list(world)
    client.force_login(world.authority)
    url = f"/catalog/code-lists/{made.pk}/"
    content = "代码,名称,上级代码,说明\n1,男,,\n9,未说明的性别,,原因不明\n".encode("gb18030")
    response = client.post(f"{url}version/", {"file": SimpleUploadedFile("性别.csv", content), "note": "2026年修订"})
    assert response.headers["Location"] == f"{url}?version=2"
    page = client.get(f"{url}?version=2").content.decode()
    assert "未说明的性别" in page
    assert zh("Publish this version") in page
    compared = client.get(f"{url}compare/?left=1&right=2").content.decode()
    assert [zh(word) in compared for word in ("added", "removed", "renamed")] == [True, True, True]
    client.post(f"{url}publish/", {"version": 2, "valid_from": timezone.localdate().isoformat()})
    assert codes(made) == ["1", "9"]
    said = json.loads(client.get(f"{url}json/").content)
    assert said["version"] == 2
    assert said["values"][1] == {"code": "9", "name": "未说明的性别", "parent": "", "description": "原因不明"}
    exported: Any = client.get(f"{url}csv/")
    lines = b"".join(exported.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[1:] == ["1,男,,", "9,未说明的性别,,原因不明"]


def test_a_workbook_whose_codes_became_numbers_is_refused_by_cell(world: World, client: Client) -> None:
    import xlsxwriter

    made, buffer = code_list(world), io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet()
    for column, title in enumerate(("代码", "名称")):
        sheet.write(0, column, title)
    sheet.write(1, 0, "01")
    sheet.write(1, 1, "汉族")
    sheet.write(2, 0, 2)
    sheet.write(2, 1, "蒙古族")
    book.close()
    client.force_login(world.authority)
    upload = SimpleUploadedFile("codes.xlsx", buffer.getvalue())
    response = client.post(f"/catalog/code-lists/{made.pk}/version/", {"file": upload, "note": "试"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "A3" in page
    assert 'value="试"' in page
    assert made.versions.count() == 1


def test_typed_lines_are_values(world: World, client: Client) -> None:
    made = code_list(world)
    client.force_login(world.authority)
    url = f"/catalog/code-lists/{made.pk}/version/"
    assert "1\t男性\n2\t女性" in client.get(url).content.decode()
    client.post(url, {"lines": "1\t男性\n2\t女性\n9\t未说明\t\t不详\n", "note": ""})
    values = CodeValue.objects.filter(version__code_list=made, version__number=2)
    assert [(v.code, v.name, v.parent, v.description) for v in values][-1] == ("9", "未说明", "", "不详")


def test_csv_in_sheets_reads_both_encodings_and_says_what_is_wrong(tmp_path: Any) -> None:
    columns = (sheets.Column("code", "代码", is_needed=True), sheets.Column("name", "名称"))
    for encoding in ("utf-8-sig", "gb18030"):
        path = tmp_path / encoding
        path.write_bytes("名称;代码\n甲;001\n".encode(encoding))
        assert [row.values for row in sheets.read(path, columns, row_limit=10)] == [{"code": "001", "name": "甲"}]
    path.write_bytes(b"\x00\x01\x02" * 500)
    with pytest.raises(InvalidInput):
        sheets.read(path, columns, row_limit=10)


# --- data elements ---


def test_a_pattern_must_be_readable_and_is_named_at_its_field(world: World, client: Client) -> None:
    client.force_login(world.authority)
    values = {"code": "DE1", "name": "编号", "data_type": "C", "pattern": "[0-9"}
    response = client.post("/catalog/elements/new/", values)
    assert response.status_code == 422
    assert 'value="[0-9"' in response.content.decode()
    assert not DataElement.objects.exists()
    response = client.post("/catalog/elements/new/", values | {"pattern": "[0-9]{4}"})
    assert response.headers["Location"] == f"/catalog/elements/{DataElement.objects.get().pk}/"


def test_a_pattern_that_would_take_for_ever_elsewhere_takes_no_time() -> None:
    assert conformance.matches("(a+)+b", ["a" * 5_000, "aab", None]) == [False, True, None]


def test_a_retired_element_stays_where_it_is_and_is_offered_to_none(world: World, client: Client) -> None:
    one, two = element(world, "DE1", "甲元"), element(world, "DE2", "乙元")
    make_dataset(world.city_bureau, "某资源", items=[{"name": "甲", "column": "a", "element": "DE1"}])
    keeping.retire(obj=one, is_retired=True, actor=actor(world.authority))
    with pytest.raises(WrongState):
        keeping.retire(obj=one, is_retired=True, actor=actor(world.authority))
    assert linking.suggestions([{"name": "甲元", "column": "x"}, {"name": "乙元", "column": "y"}]) == {"y": two}
    client.force_login(world.cataloguer)
    assert "DE1" not in client.get("/catalog/elements/").content.decode()
    assert "DE1" in client.get("/catalog/elements/?state=retired").content.decode()
    assert "某资源" in client.get(f"/catalog/elements/{one.pk}/").content.decode()


def test_an_element_page_names_no_record_that_the_reader_may_not_see(world: World, client: Client) -> None:
    one = element(world, "DE1", "甲元")
    items = [{"name": "甲", "column": "a", "element": "DE1"}]
    make_dataset(world.province_bureau, "未公开的草稿", items=items, state="draft")
    make_dataset(world.province_bureau, "已发布资源", items=items)
    client.force_login(world.cataloguer)
    page = client.get(f"/catalog/elements/{one.pk}/").content.decode()
    assert ("已发布资源" in page, "未公开的草稿" in page) == (True, False)


def test_items_are_linked_to_what_they_look_like(world: World, client: Client) -> None:
    element(world, "DE1", "统一社会信用代码", name_en="uscc")
    element(world, "DE2", "姓名", name_en="Name")
    names = {"a": "统一社会信用代码", "uscc": "number", "b": "无关", "name": "名称"}
    items = [{"name": name, "column": column} for column, name in names.items()]
    draft = make_dataset(world.city_bureau, "台账", items=items, state="draft")
    client.force_login(world.cataloguer)
    page = client.get(f"/catalog/{draft.pk}/?tab=conformance").content.decode()
    assert zh("Link all of them") in page
    client.post(f"/catalog/{draft.pk}/link-elements/")
    linked = draft.items.filter(element__isnull=False).order_by("position")
    assert [item.column for item in linked] == ["a", "uscc"]


# --- what the portal brings ---


def test_what_the_portal_brings_is_whole_and_brought_once() -> None:
    made = seeds.load(Actor.system())
    assert made == CodeList.objects.count() + DataElement.objects.count() > 30
    assert seeds.load(Actor.system()) == 0
    for one in DataElement.objects.exclude(pattern=""):
        conformance.matches(one.pattern, [""])
    assert CodeList.objects.filter(versions__state="in_force", versions__values__isnull=False).distinct().count() == (
        CodeList.objects.count()
    )
    ethnic = CodeValue.objects.filter(version__code_list__code="GB3304")
    assert (ethnic.first().name, ethnic.filter(name__endswith="族").count()) == ("汉族", 56)  # type: ignore[union-attr]
