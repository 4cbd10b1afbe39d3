"""Marks of deliveries: a copy names its grant after rows and columns are gone, in any format; nothing else is named."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.management import call_command
from django.test import Client

from catalog.models import Dataset
from catalog.tables import marks
from sharing.delivery.watermark import key_of, trace
from sharing.models import Grant, UsageRecord
from tests.factories import World, granted, load, make_dataset

pytestmark = pytest.mark.django_db
NAMES = ["code", "name", "address", "note"]
ITEMS = [{"column": name, "name": name, "is_key": name == "code"} for name in NAMES]


def content(count: int) -> list[list[str]]:
    chance = random.Random(3)
    letters = "杭州市西湖区文三路学院北山古荡翠苑街道社区居委会"
    return [
        [
            f"{n:06d}",
            "".join(chance.choices(letters, k=3)),
            "".join(chance.choices(letters, k=20)),
            f"第{n}号记录说明文字",
        ]
        for n in range(count)
    ]


def text_of(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


ROWS = content(400)


@pytest.fixture
def dataset(world: World) -> Dataset:
    return load(make_dataset(world.province_bureau, "台账", items=ITEMS), text_of([NAMES, *ROWS]).encode())


@pytest.fixture
def grant(world: World, dataset: Dataset) -> Grant:
    granted(world, dataset)
    return Grant.objects.get(dataset=dataset)


def download(world: World, grant: Grant, kind: str = "csv") -> bytes:
    client = Client()
    client.force_login(world.applicant)
    answer: Any = client.get(f"/grants/{grant.pk}/download/{kind}/")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def table(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def found(tmp_path: Path, data: bytes, name: str = "leak.csv") -> Grant | None:
    path = tmp_path / name
    path.write_bytes(data)
    return trace(path, name).grant


def bare(text: str) -> str:
    return text.translate({ord(sign): None for sign in marks.SIGNS})


def test_a_copy_is_the_data_but_for_its_marks(world: World, grant: Grant) -> None:
    head, *rows = table(download(world, grant))
    assert len(head) == 5
    assert [[bare(cell) for cell in row[:4]] for row in rows] == ROWS
    assert [row[:2] for row in rows] == [row[:2] for row in ROWS], "keys and short texts are untouched"
    touched = sum(row[2] != bare(row[2]) for row in rows)
    assert 50 < touched < 150
    assert len({row[4] for row in rows}) > 390


@pytest.mark.parametrize("kind", ["csv", "csv-gb18030", "json", "jsonl", "xlsx", "parquet"])
def test_a_copy_names_its_grant_in_every_format(world: World, grant: Grant, tmp_path: Path, kind: str) -> None:
    assert found(tmp_path, download(world, grant, kind), f"leak.{kind.partition('-')[0]}") == grant


def test_a_part_of_the_rows_and_columns_in_another_order_and_format_names_it_too(
    world: World, grant: Grant, tmp_path: Path
) -> None:
    head, *rows = table(download(world, grant))
    chance = random.Random(1)
    for keep, columns in ((200, [2, 1]), (40, [2]), (40, [3, 0]), (1, [0, 4])):
        chosen = chance.sample(rows, keep)
        part = [[head[n] for n in columns], *([row[n] for n in columns] for row in chosen)]
        assert found(tmp_path, text_of(part).encode()) == grant, (keep, columns)
        assert found(tmp_path, text_of(part).encode("gb18030")) == grant
        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate(part):
                sheet.write_row(number, 0, row)
        assert found(tmp_path, buffer.getvalue(), "leak.xlsx") == grant


def test_what_was_not_delivered_names_nobody(world: World, grant: Grant, dataset: Dataset, tmp_path: Path) -> None:
    download(world, grant)
    assert found(tmp_path, text_of([NAMES, *ROWS]).encode()) is None
    stranger = key_of(dataset.pk)
    rows = [["x", marks.token_of(f"{n:06x}", stranger)] for n in range(300)]
    assert found(tmp_path, text_of([["a", "b"], *rows]).encode()) is None
    texts = []
    for row in ROWS:
        mark = marks.text_mark(row[2], stranger)
        texts.append([row[2][: mark.position] + mark.sign + row[2][mark.position :] if mark else row[2]])
    assert found(tmp_path, text_of([["address"], *texts]).encode()) is None


def test_of_two_grants_the_right_one_is_named_by_the_command(
    world: World, grant: Grant, dataset: Dataset, tmp_path: Path
) -> None:
    other = load(make_dataset(world.province_bureau, "另一台账", items=ITEMS), text_of([NAMES, *ROWS]).encode())
    granted(world, other)
    second = Grant.objects.exclude(pk=grant.pk).get()
    copies = {one: download(world, one) for one in (grant, second)}
    for one, data in copies.items():
        (tmp_path / "leak.csv").write_bytes(data)
        out = io.StringIO()
        call_command("trace", str(tmp_path / "leak.csv"), stdout=out)
        assert str(one.pk) in out.getvalue()
        assert one.department.name in out.getvalue()
        assert str(one.item.request.number) in out.getvalue()
    assert UsageRecord.objects.count() == 2


def test_pages_conditions_and_open_files_are_without_marks(world: World, grant: Grant) -> None:
    from sharing.grants import create_credential
    from tests.factories import actor

    _credential, key = create_credential(grant=grant, actor=actor(world.applicant))
    headers = {"Authorization": f"Bearer {key}"}
    body = Client().get(f"/api/v1/data/{grant.pk}/rows", {"limit": "400"}, headers=headers).json()
    assert [list(row.values()) for row in body["rows"]] == ROWS
    wanted = '[{"column": "address", "value": "' + ROWS[5][2] + '"}]'
    answer: Any = Client().get(f"/api/v1/data/{grant.pk}/export/csv", {"filter": wanted}, headers=headers)
    assert [bare(cell) for cell in table(b"".join(answer.streaming_content))[1][:4]] == ROWS[5]
