"""Whether the warning of duplicates finds seeded repeats, names nothing else, and answers within the time of a page."""

from __future__ import annotations

import os
import random
from typing import Any

from django.db import connection

from bench.__main__ import Row, timed
from bench.catalogue import scratch_database
from catalog.documents import Document, blank_item, own_fields
from catalog.importing import GroupCache, NewRecord, write_new
from catalog.models import Dataset, DatasetState, Theme
from catalog.search import SearchQuery, search
from catalog.sources.candidates import THRESHOLD, find
from catalog.sources.signatures import of_document
from demo.scale import SUBJECTS
from portal.access import CIVIL_SERVANTS, EVERYONE, Actor
from portal.departments.models import Department, Region

COUNT = int(os.environ.get("BENCH_DATASETS", "20000"))
REPEATS = 400
REGIONS, OFFICES = 300, 4
KINDS = ("名录", "统计表", "变更记录", "年检结果")
COMMON = (
    *("代码", "名称", "备注", "更新时间", "状态", "类型"),
    *("行政区划代码", "联系电话", "地址", "经度", "纬度", "创建时间"),
)
ATTRIBUTES = (
    *("编号", "等级", "类别", "负责人", "主管单位", "批准日期", "有效期", "面积", "金额", "数量", "比例", "来源"),
    *("方式", "范围", "结果", "原因", "级别", "用途", "标准", "年度"),
)
SYNONYMS = {
    "联系电话": "手机号码",
    "行政区划代码": "区划代码",
    "更新时间": "更新日期",
    "地址": "详细地址",
    "创建时间": "录入时间",
    "备注": "说明",
}


def _items(rng: random.Random, subject: str, kind: str) -> list[dict[str, Any]]:
    """Items of one kind of record on a subject: some that every record has, some of the subject, some of the kind."""
    own = random.Random(f"{subject}{kind}")
    names = [f"{subject[:4]}{a}" for a in own.sample(ATTRIBUTES, 6)]
    names += [f"{kind[:2]}{a}" for a in own.sample(ATTRIBUTES, 3)]
    names += rng.sample(COMMON, 5)
    return [{"name": name, "column": f"c{abs(hash(name)) % 10**8}", "data_type": "C"} for name in names]


def _repeat(rng: random.Random, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same items as another office would write them: one in five left out, some renamed, in another order."""
    kept = [dict(item) for item in items if rng.random() > 0.2]
    for item in kept:
        if item["name"] in SYNONYMS and rng.random() < 0.7:
            item["name"], item["column"] = SYNONYMS[item["name"]], f"x{item['column']}"
        elif rng.random() < 0.2:
            item["name"] = f"本{item['name']}（必填）"
    rng.shuffle(kept)
    return [*kept, {"name": "内部流水号", "column": "lsh", "data_type": "C"}]


def _values(title: str) -> dict[str, Any]:
    return {
        "title": title,
        "summary": f"{title}，供部门履行职责时查询、比对和统计使用，按月汇总。",
        "sharing_type": "unconditional",
        "open_type": "not_open",
        "update_cycle": "monthly",
    }


def _places() -> list[Department]:
    nation = Region.objects.create(code="000000", name="全国", level=1, path="000000/")
    province = Region.objects.create(code="330000", name="浙江省", level=2, parent=nation, path="000000/330000/")
    departments = []
    for n in range(REGIONS):
        path = f"000000/330000/{331000 + n}/"
        region = Region.objects.create(code=f"{331000 + n}", name=f"区{n}", level=4, parent=province, path=path)
        departments += [
            Department(name=f"部门{n}-{k}", region=region, credit_code=f"B{n:06d}{k:011d}") for k in range(OFFICES)
        ]
    Department.objects.bulk_create(departments)
    return list(Department.objects.select_related("region").order_by("credit_code"))


def _document(record: NewRecord) -> Document:
    shown = Dataset(provider=record.provider, **record.values)
    return own_fields(shown) | {"themes": [], "items": [blank_item() | item for item in record.items]}


def build(count: int) -> list[NewRecord]:
    """``count`` records that are no repeats of each other within a region; returns them."""
    rng = random.Random(7)
    departments, theme = _places(), Theme.objects.get(code="10")
    records = []
    for n in range(count):
        turn = n // REGIONS
        office = departments[n % REGIONS * OFFICES + turn % OFFICES]
        subject, kind = SUBJECTS[turn % len(SUBJECTS)], KINDS[turn // len(SUBJECTS) % len(KINDS)]
        extra = f"{turn // 80}批" if turn >= 80 else ""
        title = f"{office.region.name}{subject}{kind}{extra}{n}"
        records.append(NewRecord(office, _values(title), [theme], _items(rng, f"{subject}{extra}", kind)))
    groups = GroupCache()
    for start in range(0, count, 1_000):
        write_new(records[start : start + 1_000], actor=Actor.system(), state=DatasetState.PUBLISHED, groups=groups)
    with connection.cursor() as cursor:
        # as a catalogue stands that grew over years, not one that was filled a minute ago
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    return records


def run() -> list[Row]:
    """Recall and precision over seeded repeats and as many records that repeat nothing, and the time of one answer."""
    with scratch_database():
        records = build(COUNT)
        rng = random.Random(11)
        groups = [EVERYONE, CIVIL_SERVANTS]
        titles = dict(Dataset.objects.values_list("pk", "title"))
        found = reported = right = 0
        documents = []
        for n, original in enumerate(rng.sample(records, REPEATS)):
            title = original.values["title"] if n % 2 else f"业务系统台账{n}"
            repeat = NewRecord(original.provider, _values(title), [], _repeat(rng, list(original.items)))
            document = _document(repeat)
            documents.append((document, original.provider.region))
            matches = find(of_document(document, {}), region=original.provider.region, groups=groups)
            names = [titles[match.dataset_id] for match in matches if match.score >= THRESHOLD]
            hit = original.values["title"] in names
            found, right, reported = found + hit, right + hit, reported + len(names)
        for n in range(REPEATS):
            subject, office = f"新业务{n}", records[n].provider
            fresh = NewRecord(office, _values(f"{subject}{n}"), [], _items(rng, subject, KINDS[n % 4]))
            matches = find(of_document(_document(fresh), {}), region=office.region, groups=groups)
            reported += sum(match.score >= THRESHOLD for match in matches)
        shares = f"recall {found / REPEATS:.3f}, precision {right / max(1, reported):.3f}"
        print(f"{shares} ({REPEATS} repeats, {COUNT} records)")
        turn = iter(documents * 2)

        def answer() -> None:
            document, region = next(turn)
            find(of_document(document, {}), region=region, groups=groups)

        median, p95 = timed(answer, REPEATS)
        page, _p95 = timed(lambda: search(SearchQuery(text="年检"), groups), 20)
        return [Row("answer in the form", f"{COUNT:,}", median, p95, "a page of the catalogue", page, REPEATS)]
