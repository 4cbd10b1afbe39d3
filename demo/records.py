"""Real catalogue records: the open ones of Our World in Data, and each province's streets and villages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.importing import NewRecord
from catalog.models import DataElement, Theme
from catalog.tables.schema import column_names
from demo.places import CITY_STATES, DATA, NATION, rows
from portal.departments.models import Department

LICENCE = "CC BY 4.0"
DEFAULT = ("国家统计局", "22")
BY_WORD = (
    (("energy", "electric", "fuel", "oil", "coal", "solar"), "国家能源局", "09"),
    (
        ("co2", "emission", "air pollution", "climate", "forest", "environment", "biodiversity", "water"),
        "生态环境部",
        "10",
    ),
    (
        (
            "health",
            "disease",
            "mortality",
            "covid",
            "vaccin",
            "hiv",
            "malaria",
            "cancer",
            "life expectancy",
            "nutrition",
            "smoking",
        ),
        "国家卫生健康委员会",
        "02",
    ),
    (("education", "school", "literacy", "schooling"), "教育部", "07"),
    (("disaster", "earthquake", "war", "conflict", "violence", "homicide", "terror"), "应急管理部", "04"),
    (("food", "agricultur", "crop", "land use", "fertiliz"), "自然资源部", "11"),
    (
        ("gdp", "trade", "tax", "income", "poverty", "inequal", "econom", "price", "wage", "labor"),
        "国家发展和改革委员会",
        "13",
    ),
    (("technology", "internet", "computing", "research", "patent"), "国家发展和改革委员会", "08"),
    (("population", "fertility", "migration", "urban"), "国家统计局", "16"),
)


def _place(text: str) -> tuple[str, str]:
    lowered = text.lower()
    return next(((office, theme) for words, office, theme in BY_WORD if any(w in lowered for w in words)), DEFAULT)


def _summary(text: str, title: str) -> str:
    summary = " ".join(text.split()) or f"{title}."
    if len(summary) < 20:
        summary = f"{summary} Data compiled by Our World in Data."
    return summary if len(summary) <= 1000 else f"{summary[:996]} …"


def _link(text: str) -> str:
    """The address of the original page; empty when what stands there is none."""
    link = text.strip()
    return link if link.startswith("http") and len(link) <= 500 and not set(" \n,") & set(link) else ""


def open_values(record: dict[str, Any], title: str) -> dict[str, Any]:
    """The fields of an open record in the words of the catalogue."""
    return {
        "title": title[:200],
        "summary": _summary(record.get("description") or "", record["title"]),
        "resource_class": "2",
        "resource_format": "spreadsheet",
        "sharing_type": "unconditional",
        "channels": ["api", "file"],
        "open_type": "open",
        "update_cycle": "irregular",
        "grade": 1,
        "keywords": [tag[:40] for tag in record.get("tags") or []][:10],
        "licence": LICENCE,
        "attribution": f"{(record.get('publisher') or '').strip()[:400]} · Our World in Data".removeprefix(" · "),
        "landing_page": _link(record.get("link") or ""),
        "language": "en",
    }


def _items(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = [str(field["name"])[:200] for field in fields]
    return [
        {
            "name": name,
            "column": column,
            "data_type": "C" if field.get("type") == "string" else "N",
            "description": (field.get("description") or "")[:2000],
            "sharing_type": "unconditional",
            "open_type": "open",
            "is_key": False,
        }
        for name, column, field in zip(names, column_names(names), fields, strict=True)
    ]


def catalogue() -> Iterator[dict[str, Any]]:
    """The records as they came."""
    with (DATA / "owid" / "catalogue.jsonl").open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def open_records() -> Iterator[NewRecord]:
    """Every open record, with department and theme by its words."""
    departments = {d.name: d for d in Department.objects.filter(region=NATION)}
    themes = Theme.objects.in_bulk()
    seen: set[str] = set()
    for record in catalogue():
        title = record["title"] if record["title"] not in seen else f"{record['title']} ({record['id']})"
        seen.add(record["title"])
        office, theme = _place(f"{record['title']} {' '.join(record.get('tags') or [])}")
        yield NewRecord(departments[office], open_values(record, title), [themes[theme]], _items(record["fields"]))


STREET_ITEMS = (
    ("街道代码", "code", True),
    ("名称", "name", False),
    ("县级代码", "areacode", False),
    ("省级代码", "provincecode", False),
    ("地级代码", "citycode", False),
)
VILLAGE_ITEMS = (
    ("村居代码", "code", True),
    ("名称", "name", False),
    ("街道代码", "streetcode", False),
    ("省级代码", "provincecode", False),
    ("地级代码", "citycode", False),
    ("县级代码", "areacode", False),
)


def division_values(province: str, kind: str) -> dict[str, Any]:
    """The fields of a province's record of streets (open, shared with all) or villages (shared on condition)."""
    streets = kind == "streets"
    level = "乡镇街道" if streets else "村（居）委会"
    return {
        "title": f"{province}乡镇街道行政区划代码" if streets else f"{province}村（居）委会名录",
        "summary": f"{province}全部{level}的行政区划代码、名称及其上级区划代码，"
        "代码符合国家统计局统计用区划代码规则，可与其他资源按代码关联。",
        "resource_class": "1",
        "resource_format": "database",
        "sharing_type": "unconditional" if streets else "conditional",
        "sharing_condition": "" if streets else "限用于基层治理、社会救助和公共服务等法定职责，按最小必要原则提供。",
        "sharing_basis": "" if streets else "《政务数据共享条例》",
        "channels": ["api", "file"],
        "open_type": "open" if streets else "not_open",
        "open_condition": "" if streets else "名录用于部门间业务协同，暂不面向社会开放。",
        "update_cycle": "yearly",
        "grade": 1 if streets else 2,
        "keywords": ["行政区划", "区划代码", level],
        "licence": "MIT" if streets else "",
        "attribution": "国家统计局统计用区划代码（china-division 2.7.0 整理）",
        "language": "zh",
    }


ZHEJIANG_CONDITION = (
    "面向企业和科研机构有条件开放：用途明确、具备安全保障措施，限用于地址匹配、基层服务研究等非营利或公共服务场景。"
)

DIVISION_ELEMENT, PROVINCE_ELEMENT = "DE00009", "DE00029"


def division_items(kind: str, elements: Mapping[str, DataElement]) -> list[dict[str, Any]]:
    """The items of streets and villages; the columns are those of the files.

    Codes follow the data elements for division codes. The files give provinces two digits where GB/T 2260 gives six,
    which the report of conformance tells.
    """
    streets = kind == "streets"
    return [
        {
            "name": name,
            "column": column,
            "data_type": "C",
            "is_key": is_key,
            "is_nullable": not is_key,
            "element": _element_of(column, elements),
            "sharing_type": "unconditional" if streets else "conditional",
            "open_type": "open" if streets else "not_open",
        }
        for name, column, is_key in (STREET_ITEMS if streets else VILLAGE_ITEMS)
    ]


def _element_of(column: str, elements: Mapping[str, DataElement]) -> DataElement | None:
    if not column.endswith("code"):
        return None
    return elements.get(PROVINCE_ELEMENT if column == "provincecode" else DIVISION_ELEMENT)


def civil_affairs(province: str, code: str) -> str:
    """The department that keeps a province's divisions."""
    return province + ("民政局" if code in CITY_STATES else "民政厅")


def division_records() -> Iterator[NewRecord]:
    """Two records for each of the 31 provinces."""
    theme = Theme.objects.get(code="20")
    departments = {d.name: d for d in Department.objects.filter(name__contains="民政")}
    elements = {e.code: e for e in DataElement.objects.filter(code__in=(DIVISION_ELEMENT, PROVINCE_ELEMENT))}
    for row in rows("provinces.csv"):
        provider = departments[civil_affairs(row["name"], row["code"])]
        for kind in ("streets", "villages"):
            values = division_values(row["name"], kind)
            items = division_items(kind, elements)
            if kind == "villages" and row["name"] == "浙江省":
                values |= {"grade": 3, "open_type": "conditional", "open_condition": ZHEJIANG_CONDITION}
                items = [{**item, "open_type": "conditional"} for item in items]
            yield NewRecord(provider, values, [theme], items)
