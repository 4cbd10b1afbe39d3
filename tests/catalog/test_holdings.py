"""Versions of a table: read, brought back, and removed when there are enough newer ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog import holdings, loading
from catalog.models import Dataset, DatasetState, TableVersion
from catalog.tables.engine import Query, default_engine
from catalog.tables.storage import ORPHAN_SECONDS, default_storage
from portal.access import Actor
from portal.audit.models import Event
from portal.errors import NotPermitted, WrongState
from tests.factories import World, actor, load, make_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(world: World) -> Dataset:
    made = make_dataset(world.city_bureau, "台账", items=[], state=DatasetState.DRAFT)
    for number in range(3):
        load(made, f"code,n\n01,{number}\n".encode())
    return made


def versions(dataset: Dataset) -> list[TableVersion]:
    return list(TableVersion.objects.filter(distribution__dataset=dataset).order_by("pk"))


def served(dataset: Dataset) -> Any:
    current = dataset.distributions.get().current
    assert current is not None
    return default_engine().page(current.ref, Query()).rows


def test_an_older_version_comes_back_as_a_new_one(world: World, dataset: Dataset) -> None:
    first = versions(dataset)[0]
    holdings.restore(version=first, actor=actor(world.cataloguer))
    assert served(dataset) == [("01", 0)]
    assert [version.number for version in versions(dataset)] == [0, 1, 2, 3]
    assert Event.objects.get(verb="table.restored").data == {"version": 3, "of": 0, "rows": 1}
    load(dataset, b"code,n\n01,9\n")
    assert served(dataset) == [("01", 9)]
    holdings.restore(version=versions(dataset)[2], actor=actor(world.cataloguer))
    assert served(dataset) == [("01", 2)]


def test_what_cannot_be_brought_back_is_refused_and_changes_nothing(world: World, dataset: Dataset) -> None:
    first, _second, current = versions(dataset)
    with pytest.raises(NotPermitted):
        holdings.restore(version=first, actor=actor(world.provider))
    with pytest.raises(WrongState):
        holdings.restore(version=current, actor=actor(world.cataloguer))
    upload = SimpleUploadedFile("a.csv", b"code,n\n01,5\n")
    job = loading.start(dataset=dataset, upload=upload, actor=Actor.system())
    with pytest.raises(WrongState):
        holdings.restore(version=first, actor=actor(world.cataloguer))
    loading.cancel(job=job, actor=actor(world.cataloguer))
    Dataset.objects.filter(pk=dataset.pk).update(state=DatasetState.DEPARTMENT_REVIEW)
    with pytest.raises(WrongState):
        holdings.restore(version=first, actor=actor(world.cataloguer))
    assert (served(dataset), len(versions(dataset))) == ([("01", 2)], 3)


def age(path: Path) -> None:
    import os
    import time

    for file in path.rglob("*.parquet"):
        os.utime(file, (time.time() - 2 * ORPHAN_SECONDS,) * 2)


def test_old_versions_are_removed_and_kept_ones_stay_readable(dataset: Dataset, settings: Any) -> None:
    settings.TABLE_VERSIONS_KEPT = 2
    folder = default_storage().delta_path(dataset.distributions.get().pk)
    orphan = folder / "part-orphan.parquet"
    orphan.write_bytes(b"left by a crash")
    age(folder)
    assert holdings.prune() == 1
    first, second, _third = versions(dataset)
    assert (first.removed_at is None, second.removed_at) == (False, None)
    assert len(list(folder.glob("*.parquet"))) == 2
    assert not orphan.exists()
    assert default_engine().page(second.ref, Query()).rows == [("01", 1)]
    assert holdings.prune() == 0
    with pytest.raises(WrongState):
        holdings.restore(version=first, actor=Actor.system())


def test_the_current_version_is_never_removed_and_files_just_written_stay(dataset: Dataset, settings: Any) -> None:
    holdings.restore(version=versions(dataset)[0], actor=Actor.system())
    settings.TABLE_VERSIONS_KEPT = 0
    folder = default_storage().delta_path(dataset.distributions.get().pk)
    holdings.prune()
    assert len(list(folder.glob("*.parquet"))) == 3
    age(folder)
    holdings.prune()
    assert len(list(folder.glob("*.parquet"))) == 1
    assert served(dataset) == [("01", 0)]


def test_the_provider_reads_and_restores_older_rows_on_the_page(world: World, dataset: Dataset) -> None:
    client = Client()
    client.force_login(world.cataloguer)
    first = versions(dataset)[0]
    tab = client.get(f"/catalog/{dataset.pk}/?tab=holdings").content.decode()
    assert tab.count("<td>v") == 3
    older = client.get(f"/catalog/{dataset.pk}/rows/?version={first.pk}")
    assert b"<td>01</td>" in older.content.replace(b' class="is-number"', b"") or b"01" in older.content
    assert client.get(f"/catalog/{dataset.pk}/rows/?version=999999").status_code == 404
    assert client.post(f"/catalog/tables/{first.pk}/restore/").status_code == 302
    assert served(dataset) == [("01", 0)]


def test_who_does_not_answer_for_the_data_gets_the_current_rows_only(world: World) -> None:
    shared = make_dataset(world.city_bureau, "名录", sharing_type="unconditional")
    load(shared, "code,name\n01,旧名\n".encode())
    load(shared, "code,name\n01,新名\n".encode())
    client = Client()
    client.force_login(world.applicant)
    page = client.get(f"/catalog/{shared.pk}/rows/?version={versions(shared)[0].pk}").content.decode()
    assert ("新名" in page, "旧名" in page) == (True, False)
