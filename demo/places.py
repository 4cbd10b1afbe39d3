"""Real divisions, and departments at four levels with valid unified social credit codes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from stdnum.cn import uscc

from demo.accounts import ACCOUNTS
from portal.access import Actor
from portal.accounts.models import User
from portal.departments.duties import assign
from portal.departments.models import Department, DepartmentKind, Duty, Region

DATA = Path(__file__).parent / "data"
NATION = "000000"

NATIONAL = (
    "国家数据局",
    "民政部",
    "国家统计局",
    "生态环境部",
    "自然资源部",
    "国家卫生健康委员会",
    "国家能源局",
    "教育部",
    "国家发展和改革委员会",
    "应急管理部",
)
PROVINCIAL = ("民政厅", "公安厅", "人力资源和社会保障厅", "市场监督管理局", "生态环境厅", "卫生健康委员会", "统计局")
CITY = ("民政局", "生态环境局", "市场监督管理局", "卫生健康委员会", "人力资源和社会保障局")
COUNTY = ("民政局", "市场监督管理局", "卫生健康局")
CITY_STATES = ("11", "12", "31", "50")
WITH_HALL = ("民政局", "生态环境局", "人力资源和社会保障局")
"""City bureaus whose provincial superior is a 厅."""
DEEP_PROVINCE = "33"


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a file of divisions."""
    with (DATA / "divisions" / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def load_regions() -> int:
    """Nation, provinces, cities and counties with their codes; pseudo-cities carry their province's name."""
    nation = Region(code=NATION, name="中华人民共和国", level=1, path=f"{NATION}/")
    found = {NATION: nation}

    def add(code: str, name: str, level: int, parent: str) -> None:
        above = found[parent]
        path = f"{above.path}{code}/"
        found[code] = Region(code=code, name=name, level=level, parent_id=parent, path=path)

    for row in rows("provinces.csv"):
        add(row["code"] + "0000", row["name"], 2, NATION)
    for row in rows("cities.csv"):
        province = row["provinceCode"] + "0000"
        pseudo = row["name"] in ("市辖区", "县") or "直辖" in row["name"]
        add(row["code"] + "00", (found[province].name if pseudo else "") + row["name"], 3, province)
    for row in rows("areas.csv"):
        add(row["code"], row["name"], 4, row["cityCode"] + "00")
    return len(Region.objects.bulk_create(found.values(), ignore_conflicts=True))


class _Codes:
    """Valid credit codes of government bodies: 11, division code, a running number, the check character."""

    def __init__(self) -> None:
        self._number = 0

    def next(self, region: str) -> str:
        self._number += 1
        body = f"11{region}MB{self._number:07d}"[:17]
        return body + uscc.calc_check_digit(body)


def load_departments() -> int:
    """Authorities and departments of the nation, every province, and in depth of one province and city."""
    codes = _Codes()
    made: dict[tuple[str, str], Department] = {}

    def add(region: str, name: str, parent: str = "", above: str = "") -> None:
        kind = DepartmentKind.DATA_AUTHORITY if "数据" in name and name.endswith("局") else DepartmentKind.BUREAU
        department = Department(
            region_id=region, name=name, kind=kind, credit_code=codes.next(region), parent=made.get((above, parent))
        )
        made[region, name] = department

    for name in NATIONAL:
        add(NATION, name)
    for row in rows("provinces.csv"):
        region, name = row["code"] + "0000", row["name"]
        add(region, f"{name}数据局", "国家数据局", NATION)
        city_state = row["code"] in CITY_STATES
        offices = PROVINCIAL if row["code"] == DEEP_PROVINCE else PROVINCIAL[:1]
        for office in offices:
            add(region, name + (office.replace("厅", "局") if city_state else office), "民政部", NATION)
    province, city, county = "330000", "330100", "330106"
    add(city, "杭州市数据资源管理局", "浙江省数据局", province)
    for office in CITY:
        above = office.replace("局", "厅") if office in WITH_HALL else office
        add(city, f"杭州市{office}", f"浙江省{above}", province)
    for office in COUNTY:
        add(county, f"西湖区{office}", f"杭州市{office}", city)
    Department.objects.bulk_create(made.values(), ignore_conflicts=True)
    return len(made)


def load_people() -> int:
    """The demo's accounts with their duties."""
    for account in ACCOUNTS:
        user, created = User.objects.get_or_create(
            username=account.username,
            defaults={
                "name": account.name,
                "title": account.title,
                "admin_role": account.admin_role,
                "is_demo": True,
            },
        )
        if created:
            user.set_password(account.password)
            user.save()
        if account.office:
            region, name = account.office
            department = Department.objects.get(region=region, name=name)
            for duty in account.duties:
                assign(user=user, department=department, duty=Duty(duty), actor=Actor.system())
    return len(ACCOUNTS)
