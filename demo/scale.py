"""Generated records for trying size: real titles, divisions and departments combined in new ways."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from catalog.importing import NewRecord
from catalog.models import Theme
from portal.departments.models import Department, Region

SUBJECTS = (
    "人口基础信息",
    "企业登记信息",
    "不动产登记",
    "社会保险参保",
    "空气质量监测",
    "地表水水质",
    "食品经营许可",
    "道路运输证",
    "学校基本信息",
    "医疗机构",
    "公共停车场",
    "养老机构",
    "残疾人补贴",
    "低保对象",
    "婚姻登记",
    "公共信用",
    "行政处罚",
    "建设工程",
    "科技企业",
    "文化场馆",
)
KINDS = ("名录", "统计表", "明细", "变更记录", "年报", "月报")
CYCLES = ("daily", "weekly", "monthly", "quarterly", "yearly")
ITEMS = (("代码", "code", True), ("名称", "name", False), ("更新日期", "updated", False))


def generated(count: int, start: int) -> Iterator[NewRecord]:
    """``count`` records numbered from ``start``; the same numbers give the same records."""
    regions = list(Region.objects.filter(level=4).order_by("code").values_list("name", flat=True))
    departments = list(Department.objects.active().order_by("credit_code"))
    themes = list(Theme.objects.order_by("code"))
    for n in itertools.islice(itertools.count(start), count):
        subject, kind = SUBJECTS[n % len(SUBJECTS)], KINDS[n // len(SUBJECTS) % len(KINDS)]
        region, conditional = regions[n * 7 % len(regions)], n % 3 == 0
        title = f"{region}{subject}{kind}（{n:07d}）"
        values = {
            "title": title,
            "summary": f"{title}，按{region}汇总，供部门履行职责时查询、比对和统计使用。",
            "sharing_type": "conditional" if conditional else "unconditional",
            "sharing_condition": "限用于法定职责" if conditional else "",
            "sharing_basis": "《政务数据共享条例》" if conditional else "",
            "channels": ["api", "file"],
            "open_type": "open" if n % 5 == 0 else "not_open",
            "open_condition": "" if n % 5 == 0 else "部门内部使用",
            "update_cycle": CYCLES[n % len(CYCLES)],
            "grade": 1 + n % 3,
            "keywords": [subject],
        }
        items = [
            {"name": name, "column": column, "data_type": "C", "is_key": key, "open_type": values["open_type"]}
            for name, column, key in ITEMS
        ]
        yield NewRecord(departments[n * 13 % len(departments)], values, [themes[n % len(themes)]], items)
