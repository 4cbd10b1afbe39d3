"""Profiles hold the figures of plain queries, and tell what a new version breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from django.test import Client

from catalog.models import TableProfile, TableVersion
from catalog.quality import keeping
from catalog.quality.profiles import BINS, profile
from catalog.tables.storage import default_storage
from demo.places import DATA
from portal.notices.models import Notice
from tests.factories import World, load, make_dataset
from tests.words import zh

pytestmark = pytest.mark.django_db

FILES = sorted(path for path in DATA.rglob("*.csv") if path.stat().st_size < 12_000_000)


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_every_real_table_has_the_figures_of_a_plain_query(world: World, path: Path) -> None:
    dataset = load(make_dataset(world.city_bureau, "表", items=[], state="draft"), path.read_bytes(), path.name)
    version = TableVersion.objects.get(distribution__dataset=dataset)
    found = profile(version.ref, default_storage())
    files = default_storage().parquet_files(version.distribution_id, version.number)
    with duckdb.connect() as con:
        data = con.read_parquet(files)
        assert found.rows == len(data)
        for column in found.columns:
            name = f'"{column.name}"'
            sql = f"SELECT count(*) - count({name}), count(DISTINCT {name}), min({name}), max({name}) FROM data"
            nulls, distinct, low, high = con.execute(sql).fetchall()[0]
            assert (column.nulls, column.distinct) == (nulls, distinct)
            if column.type in ("integer", "number"):
                assert (column.low, column.high) == (low, high)
                mean, median = con.execute(f"SELECT avg({name}), quantile_disc({name}, 0.5) FROM data").fetchall()[0]
                assert column.mean == pytest.approx(mean)
                assert column.quantiles[2] == median
                assert sum(count for _a, _b, count in column.histogram) in (0, found.rows - nulls)
            if column.top:
                sql = f"SELECT count(*) FROM data GROUP BY {name} HAVING {name} IS NOT NULL ORDER BY 1 DESC LIMIT 1"
                assert column.top[0][1] == con.execute(sql).fetchall()[0][0]


CSV = "code,name,n,day\n001,甲乙,1,2026-01-01\n002,甲,2,2026-01-02\n003,,9,2026-01-03\n"


def profiled(world: World, content: str, dataset: Any = None) -> TableProfile:
    dataset = dataset or make_dataset(world.city_bureau, "监测", items=[], state="draft")
    load(dataset, content.encode())
    version = TableVersion.objects.filter(distribution__dataset=dataset).order_by("-number")[0]
    found = keeping.compute(version.pk)
    assert found is not None
    found.refresh_from_db()
    return found


def test_patterns_lengths_bins_and_keys(world: World) -> None:
    found = profiled(world, CSV)
    code, name, number, day = found.columns
    assert (found.rows, found.repeated_keys) == (3, 0)
    assert (code["patterns"], code["shortest"], code["longest"]) == ([["999", 3]], 3, 3)
    assert (name["nulls"], name["patterns"], name["top"]) == (1, [["汉", 1], ["汉+", 1]], [["甲", 1], ["甲乙", 1]])
    assert (number["mean"], number["quantiles"][2], len(number["histogram"])) == (4.0, 2, BINS)
    assert [count for _a, _b, count in number["histogram"]][0::19] == [1, 1]
    assert (day["low"], day["high"], day["histogram"][0][0]) == ("2026-01-01", "2026-01-03", "2026-01-01 00:00:00")


def test_a_version_that_breaks_is_told_once(world: World, client: Client) -> None:
    dataset = make_dataset(world.city_bureau, "监测", items=[], state="draft")
    first = profiled(world, CSV, dataset)
    assert first.drift == []
    dataset.items.all().delete()
    second = profiled(world, "code,name,n\n001,,x\n002,,y\n003,,z\n004,,z\n005,,z\n", dataset)
    told = {(one["kind"], one["column"]) for one in second.drift}
    assert told == {("removed", "day"), ("retyped", "n"), ("nulls", "name"), ("rows", "")}
    keeping.compute(second.version_id)
    assert Notice.objects.filter(kind="data_drift", user=world.cataloguer).count() == 1
    client.force_login(world.cataloguer)
    page = client.get(f"/catalog/{dataset.pk}/?tab=profile").content.decode()
    assert zh("Different from the former version:") in page
    assert zh("The column is gone.") in page


def test_values_of_personal_columns_are_shown_to_the_provider_alone(world: World, client: Client) -> None:
    items = [
        {"name": "编号", "column": "code", "sharing_type": "unconditional"},
        {"name": "姓名", "column": "name", "sharing_type": "unconditional", "sensitivity": "personal"},
    ]
    dataset = make_dataset(world.city_bureau, "人员", items=items, sharing_type="unconditional")
    load(dataset, "code,name\nA1,张三丰\n".encode())
    keeping.compute(TableVersion.objects.get().pk)

    def seen(person: Any) -> tuple[bool, bool]:
        client.force_login(person)
        page = client.get(f"/catalog/{dataset.pk}/?tab=profile").content.decode()
        return "A1" in page, "张三丰" in page

    assert seen(world.cataloguer) == (True, True)
    assert seen(world.applicant) == (True, False)


def test_an_empty_and_an_even_column_have_no_bars(world: World) -> None:
    found = profiled(world, "a,b\n1,\n1,\n")
    assert [column["histogram"] for column in found.columns] == [[], []]
    assert found.columns[1]["nulls"] == 2
