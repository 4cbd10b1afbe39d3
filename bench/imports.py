"""How fast records are imported and one is published, in a small catalogue and in a large one."""

from __future__ import annotations

import io
import os
import tempfile
import time
from typing import Any

import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.utils import override_settings

from bench.__main__ import Row, timed
from bench.catalogue import scratch_database
from catalog import lifecycle
from catalog.exchange import importing
from catalog.models import Dataset
from portal.access import Actor
from portal.accounts.models import User
from portal.departments.duties import assign
from portal.departments.models import Department, Duty

SMALL = int(os.environ.get("BENCH_SMALL", "1000"))
LARGE = int(os.environ.get("BENCH_LARGE", "200000"))
RECORDS = int(os.environ.get("BENCH_RECORDS", "2000"))
ITEMS = 10
PUBLISHED = 40


def _workbook(office: Department, count: int, mark: str) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"constant_memory": True}) as book:
        records, items = book.add_worksheet("Datasets"), book.add_worksheet("Data items")
        keys = ["title", "provider_code", "summary", "sharing_type", "open_type", "open_condition", "update_cycle"]
        records.write_row(0, 0, [*keys, "themes", "channels"])
        items.write_row(0, 0, ["dataset_title", "name", "column", "data_type"])
        for n in range(count):
            title = f"{mark}资源{n}"
            values = [
                title,
                office.credit_code,
                f"{title}，供部门履行职责时查询、比对和统计使用。",
                "unconditional",
                "not_open",
            ]
            records.write_row(n + 1, 0, [*values, "部门内部使用", "monthly", "10", "api"])
            for k in range(ITEMS):
                items.write_row(n * ITEMS + k + 1, 0, [title, f"{mark}信息项{n % 97}-{k}", f"c{k}", "C"])
    return buffer.getvalue()


def _people() -> tuple[Department, dict[str, User]]:
    """A department with a cataloguer and approvers, and its authority."""
    office = Department.objects.select_related("region").order_by("credit_code")[1]
    authority = Department.objects.create(
        name="数据局", region=office.region, kind="data_authority", credit_code="BENCHAUTHORITY0001"
    )
    people = {name: User.objects.create_user(name, name=name) for name in ("writer", "approver", "authority")}
    assign(user=people["writer"], department=office, duty=Duty.CATALOGUER, actor=Actor.system())
    assign(user=people["approver"], department=office, duty=Duty.PROVIDER_APPROVER, actor=Actor.system())
    assign(user=people["authority"], department=authority, duty=Duty.AUTHORITY_REVIEWER, actor=Actor.system())
    return office, people


def _measure(size: int) -> tuple[float, float, float]:
    """Seconds to read and plan a record, to load one, and to publish one, in a catalogue of ``size``."""
    from bench import duplicates

    with scratch_database(), tempfile.TemporaryDirectory() as folder, override_settings(UPLOADS_ROOT=folder):
        duplicates.build(size)
        print(f"a catalogue of {size:,} stands", flush=True)
        office, people = _people()
        writer = Actor.of(people["writer"])
        upload = SimpleUploadedFile("records.xlsx", _workbook(office, RECORDS, "甲"))
        made = importing.start(upload=upload, actor=writer)
        started = time.perf_counter()
        importing.plan(made.pk)
        planned = time.perf_counter()
        importing.confirm(record_import=made, actor=writer, is_partial=True)
        importing.load(made.pk)
        loaded = time.perf_counter()
        drafts = iter(Dataset.objects.filter(provider=office, state="draft", created_by=people["writer"])[:PUBLISHED])

        def publish() -> None:
            dataset = next(drafts)
            lifecycle.submit(dataset=dataset, actor=writer)
            lifecycle.approve(dataset=dataset, actor=Actor.of(people["approver"]))
            lifecycle.approve(dataset=dataset, actor=Actor.of(people["authority"]))

        median, _p95 = timed(publish, PUBLISHED)
        return (planned - started) / RECORDS, (loaded - planned) / RECORDS, median


def run() -> list[Row]:
    """Each figure in the small catalogue, with the large one as its peer: the ratio says what size costs."""
    names = ("plan one record", "load one record", "submit, agree and publish one")
    small, large = _measure(SMALL), _measure(LARGE)
    for name, figure in zip(names[:2], small, strict=False):
        print(f"{name}: {1 / figure:,.0f} a second")
    size = f"{SMALL:,} / {LARGE:,}"
    pairs: list[tuple[Any, ...]] = list(zip(names, small, large, strict=True))
    return [Row(name, size, one, one, "the large catalogue", two, RECORDS) for name, one, two in pairs]
