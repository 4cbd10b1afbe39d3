"""Departments and people as workbooks: out, back in, and what happens to bad lines."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from python_calamine import CalamineWorkbook
from stdnum.cn import uscc

from portal.access import Actor
from portal.departments import importing, sheets
from portal.departments.models import Department, Membership
from portal.models import Event, User
from tests.factories import World, actor, make_user

pytestmark = pytest.mark.django_db
PEOPLE = [column.key for column in sheets.PEOPLE]
DEPARTMENTS = [column.key for column in sheets.DEPARTMENTS]


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def keeper(world: World) -> Actor:
    return actor(make_user("secadmin", admin_role="security"))


def workbook(*rows: list[Any]) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()
    return buffer.getvalue()


def kept(keeper: Actor, kind: str, content: bytes) -> Any:
    return importing.keep(upload=SimpleUploadedFile("a.xlsx", content), kind=kind, actor=keeper)


def plan(keeper: Actor, kind: str, content: bytes) -> importing.Plan:
    return importing.plan(token=kept(keeper, kind, content), kind=kind, actor=keeper)


def code(number: int) -> str:
    body = f"11330106MB9{number:06d}"
    return body + uscc.calc_check_digit(body)


def thousand(world: World) -> bytes:
    """A list of 1,000 people, 17 of whom have a duty that does not exist."""
    office = world.county_bureau.credit_code
    lines = [
        [f"p{n:04d}", f"人员{n}", "", office, "no-duty" if n % 60 == 7 else "applicant", "", ""] for n in range(1000)
    ]
    return workbook(PEOPLE, *lines)


def upload(client: Client, content: bytes, kind: str = "people") -> Any:
    file = SimpleUploadedFile("a.xlsx", content)
    return client.post("/departments/import/", {"kind": kind, "file": file}, follow=True)


@pytest.mark.parametrize(("scope", "status", "loaded"), [("good", 200, 983), ("all", 422, 0)])
def test_a_thousand_lines_with_17_wrong_load_983_or_none(
    world: World, keeper: Actor, scope: str, status: int, loaded: int
) -> None:
    client = Client()
    client.force_login(keeper.user)  # type: ignore[arg-type]
    began = time.monotonic()
    page = upload(client, thousand(world))
    shown = page.context["plan"]
    path = page.request["PATH_INFO"]
    done = client.post(path, {"seen": shown.seen, "scope": scope})
    assert time.monotonic() - began < 20
    assert (shown.counts, done.status_code) == ({"new": 983, "changed": 0, "unchanged": 0, "bad": 17}, status)
    assert User.objects.filter(username__regex=r"^p\d{4}$").count() == loaded
    assert Membership.objects.current().filter(user__username__regex=r"^p\d{4}$").count() == loaded
    assert Event.objects.filter(verb="account.created").count() == loaded
    token = path.split("/")[-2]
    lines = CalamineWorkbook.from_filelike(
        io.BytesIO(client.get(f"/departments/import/{token}/rejected/").content)
    ).get_sheet_by_index(0)
    found = lines.to_python()
    assert (len(found), found[1][0], found[1][-1].split()[0]) == (18, "p0007", "E9")
    again = client.post(path, {"seen": shown.seen, "scope": scope}).status_code
    assert again == (409 if scope == "good" else 422)


def test_new_people_can_not_sign_in_yet_and_have_their_rights(world: World, keeper: Actor) -> None:
    content = workbook(PEOPLE, ["new", "新人", "科员", world.city_bureau.credit_code, "cataloguer", "", "2099-12-31"])
    token = kept(keeper, "people", content)
    seen = importing.plan(token=token, kind="people", actor=keeper).seen
    importing.run(token=token, kind="people", actor=keeper, seen=seen, is_partial=False)
    user = User.objects.get(username="new")
    assert (user.has_usable_password(), actor(user).standing.holds(world.city_bureau.pk, "cataloguer")) == (False, True)
    assert user.groups.get().duty_group.department == world.city_bureau


def test_what_was_exported_comes_back_without_a_change(world: World, keeper: Actor) -> None:
    world.applicant.title = "=1+1"
    world.applicant.save()
    for kind, content in (("people", sheets.people_workbook()), ("departments", sheets.departments_workbook())):
        found = plan(keeper, kind, content)
        assert (found.count("new"), found.count("changed"), found.bad) == (0, 0, [])
        assert found.count("unchanged") == (11 if kind == "people" else 5)


def test_a_code_that_the_spreadsheet_made_a_number_of_is_refused_with_its_cell(world: World, keeper: Actor) -> None:
    found = plan(keeper, "departments", workbook(DEPARTMENTS, [code(1), "甲局", "", 330106, "bureau", ""]))
    assert [(row.number, [(f.column, f.cell) for f in row.faults]) for row in found.bad] == [
        (2, [("region", "D2"), ("region", "D2")])
    ] or [(f.column, f.cell) for f in found.bad[0].faults] == [("region", "D2")]


def test_departments_are_made_below_each_other_and_bad_ones_are_named(world: World, keeper: Actor) -> None:
    rows = [
        [code(1), "甲局", "甲", "330106", "bureau", code(2)],
        [code(2), "乙局", "", "330106", "institution", world.city_bureau.credit_code],
        [code(3)[:-1] + "*", "丙局", "", "330106", "bureau", ""],
        [code(4), "丁局", "", "330106", "bureau", code(5)],
        [code(5), "戊局", "", "330106", "bureau", code(4)],
        [code(6), "甲局", "", "330106", "bureau", ""],
        [code(7), "杭州市第二数据局", "", "330100", "data_authority", ""],
        [world.county_bureau.credit_code, "西湖区社会局", "", "330106", "bureau", ""],
    ]
    token = kept(keeper, "departments", workbook(DEPARTMENTS, *rows))
    found = importing.plan(token=token, kind="departments", actor=keeper)
    bad = {row.number: {fault.column for fault in row.faults} for row in found.bad}
    assert bad == {
        4: {"credit_code"},
        5: {"superior"},
        6: {"superior"},
        7: {"name"},
        8: {"kind"},
    }
    importing.run(token=token, kind="departments", actor=keeper, seen=found.seen, is_partial=True)
    first = Department.objects.get(name="甲局")
    assert (first.parent.name, first.parent.parent) == ("乙局", world.city_bureau)  # type: ignore[union-attr]
    renamed = world.county_bureau.changes.get()
    assert (renamed.kind, renamed.old_name, renamed.new_name) == ("renamed", "西湖区民政局", "西湖区社会局")


def test_a_file_belongs_to_who_uploaded_it_and_others_may_not_import(world: World, keeper: Actor) -> None:
    client, other = Client(), Client()
    client.force_login(keeper.user)  # type: ignore[arg-type]
    other.force_login(make_user("secadmin2", admin_role="security"))
    page = upload(client, sheets.people_workbook())
    path = page.request["PATH_INFO"]
    assert (client.get(path).status_code, other.get(path).status_code) == (200, 409)
    outsider = Client()
    outsider.force_login(world.authority)
    assert [outsider.get(p).status_code for p in (path, "/departments/import/", "/departments/export/people/")] == [
        403,
        403,
        403,
    ]
    assert upload(client, b"not a workbook").status_code == 422
    assert upload(client, workbook(["nothing"])).status_code == 422
