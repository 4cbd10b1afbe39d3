"""Tables read from real databases: types, schedules, watermarks, failures, and secrets that nothing shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from catalog import loading
from catalog.connections import databases, pulling, sources
from catalog.connections.addresses import SourceFailed
from catalog.connections.moving import ConnectionsMover
from catalog.connections.pulling import Order
from catalog.models import Cadence, DatabaseSource, Dataset, DatasetState, IngestJob, JobState, LoadMode, TablePull
from catalog.tables.engine import Query, default_engine
from portal.access import Actor
from portal.departments.moving import Move
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Event, Notice
from tests.databases import Server, mariadb, postgresql
from tests.factories import World, actor, make_dataset

pytestmark = pytest.mark.django_db

TABLES = {
    "postgresql": """CREATE TABLE people (
        id bigint PRIMARY KEY, code varchar(12), name text, salary numeric(12,2), share numeric, born date,
        changed timestamp, seen timestamptz, alive boolean, height double precision, tags text[])""",
    "mysql": """CREATE TABLE people (
        id bigint PRIMARY KEY, code varchar(12), name text, salary decimal(12,2), share decimal(30,12), born date,
        changed datetime(6), seen datetime, alive bool, height double, tags json)""",
}
NAMES = ["id", "code", "name", "salary", "share", "born", "changed", "seen", "alive", "height", "tags"]


@pytest.fixture(scope="session", params=["postgresql", pytest.param("mysql", marks=pytest.mark.mariadb)])
def server(request: pytest.FixtureRequest, files: None) -> Iterator[Server]:
    with {"postgresql": postgresql, "mysql": mariadb}[request.param]() as found:
        yield found


@pytest.fixture
def people(server: Server, settings: Any) -> Server:
    """A table of two people whose values are hard to keep."""
    settings.SOURCE_NETWORKS = ["127.0.0.0/8"]
    server.run("DROP TABLE IF EXISTS people", TABLES[server.kind])
    if server.kind == "postgresql":
        server.run("COMMENT ON COLUMN people.name IS '姓名'")
        tags, seen = "ARRAY['a','b']", "'2026-01-02 03:04:05+00'"
    else:
        server.run("ALTER TABLE people MODIFY name text COMMENT '姓名'")
        tags, seen = '\'["a", "b"]\'', "'2026-01-02 11:04:05'"
    server.run(
        f"INSERT INTO people VALUES (1, '0012', '张三\n李四', 12.30, 0.000000000001, '1969-12-31', "
        f"'2026-05-01 10:00:00.000001', {seen}, true, 1.5, {tags})",
        "INSERT INTO people (id, code, name, changed) VALUES (9007199254740993, '', '王五', '2026-05-01 10:00:00')",
    )
    return server


@pytest.fixture
def source(world: World, people: Server) -> DatabaseSource:
    return make_source(world, people)


def make_source(world: World, server: Server, **said: Any) -> DatabaseSource:
    password = said.pop("new_password", server.password)
    values = {
        "title": "业务库",
        "kind": server.kind,
        "host": "127.0.0.1",
        "port": server.port,
        "database": server.database,
        "account": server.account,
        "encryption": "plain",
        **said,
    }
    return sources.save(
        source=DatabaseSource(),
        department=world.city_bureau,
        values=values,
        password=password,
        actor=actor(world.cataloguer),
    )


@pytest.fixture
def dataset(world: World) -> Dataset:
    return make_dataset(world.city_bureau, "人员", items=[], state=DatasetState.DRAFT)


def schema_of(source: DatabaseSource) -> str:
    return "public" if source.kind == "postgresql" else ""


def ordered(world: World, dataset: Dataset, source: DatabaseSource, **said: Any) -> IngestJob:
    wanted = Order(source, schema_of(source), "people", said.pop("columns", NAMES), said.pop("key", ["id"]), **said)
    pulling.order(dataset=dataset, actor=actor(world.cataloguer), wanted=wanted)
    return loading.run(IngestJob.objects.active().get().pk)


def pulled(world: World, dataset: Dataset) -> IngestJob:
    return loading.run(pulling.pull_now(dataset=dataset, actor=actor(world.cataloguer)).pk)


def rows_of(dataset: Dataset, *names: str) -> list[tuple[Any, ...]]:
    version = dataset.distributions.get().current
    assert version is not None
    page = default_engine().page(version.ref, Query(names, limit=1_000))
    return sorted(tuple(row) for row in page.rows)


def test_a_whole_table_comes_with_its_types(world: World, dataset: Dataset, source: DatabaseSource) -> None:
    job = ordered(world, dataset, source)
    assert job.state == JobState.DONE, job.error
    version = dataset.distributions.get().current
    assert version is not None
    kinds = {column.name: column.type.value for column in version.schema}
    assert kinds["id"] == "integer"
    assert kinds["code"] == kinds["name"] == "text"
    assert kinds["salary"] == kinds["share"] == kinds["height"] == "number"
    assert (kinds["born"], kinds["changed"], kinds["seen"]) == ("date", "datetime", "datetime")
    assert version.key == ["id"]
    assert {item.column: item.name for item in dataset.items.all()}["name"] == "姓名"
    first, second = rows_of(dataset, "id", "code", "name", "salary", "share", "born", "changed", "seen")
    assert first[:3] == (1, "0012", "张三\n李四")
    assert format(first[4], "f") == "0.000000000001"
    assert [str(value) for value in (first[3], *first[5:])] == [
        "12.30",
        "1969-12-31",
        "2026-05-01 10:00:00.000001",
        "2026-01-02 11:04:05",
    ]
    assert second[0] == 9007199254740993
    assert second[3:6] == (None, None, None)


def test_new_rows_are_added_beyond_the_watermark(
    world: World, dataset: Dataset, source: DatabaseSource, people: Server
) -> None:
    ordered(world, dataset, source, mode=LoadMode.APPEND, watermark="id", columns=["id", "name"])
    assert TablePull.objects.get().reached == "9007199254740993"
    nothing = pulled(world, dataset)
    assert (nothing.state, nothing.version) == (JobState.DONE, None)
    people.run("INSERT INTO people (id, name) VALUES (9007199254740994, '赵六'), (2, '太晚')")
    added = pulled(world, dataset)
    assert added.state == JobState.DONE
    assert rows_of(dataset, "id", "name")[-1] == (9007199254740994, "赵六")
    assert len(rows_of(dataset, "id")) == 3


def test_changed_rows_are_renewed_by_their_key(
    world: World, dataset: Dataset, source: DatabaseSource, people: Server
) -> None:
    ordered(world, dataset, source, mode=LoadMode.MERGE, watermark="changed", columns=["id", "name", "changed"])
    people.run("UPDATE people SET name = '张三丰', changed = '2026-05-02 08:00:00' WHERE id = 1")
    people.run("INSERT INTO people (id, name, changed) VALUES (3, '迟到', '2026-05-01 09:59:00')")
    assert pulled(world, dataset).state == JobState.DONE
    assert [name for _id, name in rows_of(dataset, "id", "name")] == ["张三丰", "迟到", "王五"]
    assert TablePull.objects.get().reached == "2026-05-02T08:00:00"


def test_rows_of_a_day_that_was_read_already_are_not_missed(
    world: World, dataset: Dataset, source: DatabaseSource, people: Server
) -> None:
    people.run("UPDATE people SET born = '2026-05-01'")
    ordered(world, dataset, source, mode=LoadMode.MERGE, watermark="born", columns=["id", "name", "born"])
    people.run("INSERT INTO people (id, name, born) VALUES (3, '同日稍后', '2026-05-01')")
    assert pulled(world, dataset).state == JobState.DONE
    assert "同日稍后" in [name for _id, name in rows_of(dataset, "id", "name")]


def test_a_job_follows_the_order_as_it_is_when_it_runs(world: World, dataset: Dataset, source: DatabaseSource) -> None:
    ordered(world, dataset, source, mode=LoadMode.APPEND, watermark="id", columns=["id", "name"])
    job = pulling.pull_now(dataset=dataset, actor=actor(world.cataloguer))
    TablePull.objects.update(reached="")
    assert job.mode == LoadMode.APPEND
    assert loading.run(job.pk).mode == LoadMode.REPLACE
    assert len(rows_of(dataset, "id")) == 2, "nothing stands twice"


def test_nothing_is_pulled_for_a_withdrawn_record(world: World, dataset: Dataset, source: DatabaseSource) -> None:
    ordered(world, dataset, source, cadence=Cadence.HOURLY)
    TablePull.objects.update(next_at=timezone.now() - dt.timedelta(hours=1))
    Dataset.objects.filter(pk=dataset.pk).update(state=DatasetState.WITHDRAWN)
    assert pulling.begin_due() == 0
    Dataset.objects.filter(pk=dataset.pk).update(state=DatasetState.DEPARTMENT_REVIEW)
    assert pulling.begin_due() == 0
    Dataset.objects.filter(pk=dataset.pk).update(state=DatasetState.DRAFT)
    assert pulling.begin_due() == 1


def test_a_database_goes_with_its_department_and_a_record_that_leaves_it_pauses(
    world: World, dataset: Dataset, source: DatabaseSource
) -> None:
    ordered(world, dataset, source, cadence=Cadence.DAILY)
    mover = ConnectionsMover()
    part = Move(world.city_bureau, world.province_bureau, datasets=frozenset([str(dataset.pk)]))
    assert [line.count for line in mover.preview(part)] == [0, 0, 1]
    with transaction.atomic():
        assert mover.apply(part, Actor.system()) == {"databases": 0, "interfaces": 0, "pulls": 1}
    assert TablePull.objects.get().is_paused
    DatabaseSource.objects.create(
        department=world.province_bureau,
        title="业务库",
        kind="mysql",
        host="h",
        database="d",
        account="a",
        created_by=world.provider,
    )
    whole = Move(world.city_bureau, world.province_bureau)
    with transaction.atomic():
        assert mover.apply(whole, Actor.system())["databases"] == 1
    source.refresh_from_db()
    assert source.department == world.province_bureau
    assert source.title == f"业务库（{world.city_bureau.name}）"


def test_a_failed_pull_leaves_no_rows_behind(
    world: World, dataset: Dataset, source: DatabaseSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **said: Any) -> Any:
        args[2].write_bytes(b"half")
        raise SourceFailed("gone")

    ordered(world, dataset, source)
    monkeypatch.setattr(databases, "fetch", broken)
    failed = pulled(world, dataset)
    assert failed.state == JobState.FAILED
    assert not loading.upload_path(failed.pk).exists()


def test_a_changed_order_reads_everything_anew(world: World, dataset: Dataset, source: DatabaseSource) -> None:
    ordered(world, dataset, source, mode=LoadMode.APPEND, watermark="id", columns=["id", "name"])
    again = ordered(world, dataset, source, mode=LoadMode.APPEND, watermark="id", columns=["id", "name", "code"])
    assert again.mode == LoadMode.REPLACE
    assert len(rows_of(dataset, "id", "code")) == 2


def test_the_clock_begins_what_is_due_once(world: World, dataset: Dataset, source: DatabaseSource) -> None:
    ordered(world, dataset, source, cadence=Cadence.DAILY)
    assert pulling.begin_due() == 0
    TablePull.objects.update(next_at=timezone.now() - dt.timedelta(days=3))
    assert pulling.begin_due() == 1
    assert pulling.begin_due() == 0, "three days missed are one pull"
    job = loading.run(IngestJob.objects.active().get().pk)
    assert job.state == JobState.DONE
    left = TablePull.objects.get().next_at - timezone.now()  # type: ignore[operator]
    assert dt.timedelta(hours=23) < left < dt.timedelta(hours=25)
    pulling.pause(dataset=dataset, actor=actor(world.cataloguer), is_paused=True)
    TablePull.objects.update(next_at=timezone.now() - dt.timedelta(days=1))
    assert pulling.begin_due() == 0


def test_a_table_that_changed_says_so_once_and_recovers(
    world: World, dataset: Dataset, source: DatabaseSource, people: Server
) -> None:
    ordered(world, dataset, source, columns=["id", "name"])
    people.run("ALTER TABLE people RENAME COLUMN name TO full_name")
    for _attempt in range(2):
        failed = pulled(world, dataset)
        assert failed.state == JobState.FAILED
        assert "name" in failed.error
    assert Notice.objects.filter(kind="pull_failed", user=world.cataloguer).count() == 1
    assert len(rows_of(dataset, "id")) == 2, "the old rows are still served"
    people.run("ALTER TABLE people RENAME COLUMN full_name TO name")
    loading.retry(job=failed, actor=actor(world.cataloguer))
    assert loading.run(failed.pk).state == JobState.DONE
    assert not TablePull.objects.get().has_failed


def test_a_gone_server_and_a_wrong_password_are_said_plainly(
    world: World, dataset: Dataset, source: DatabaseSource, people: Server
) -> None:
    ordered(world, dataset, source)
    DatabaseSource.objects.update(port=1)
    failed = pulled(world, dataset)
    assert failed.state == JobState.FAILED
    assert failed.error_code == "source_failed"
    if people.kind == "mysql":
        wrong = make_source(world, people, title="错", new_password="nicht-richtig")
        with pytest.raises(SourceFailed, match="denied") as caught:
            sources.test(source=wrong, actor=actor(world.cataloguer))
        assert "nicht-richtig" not in str(caught.value)
        unsafe = make_source(world, people, title="明文", encryption="encrypted")
        with pytest.raises(SourceFailed, match="SSL"):
            sources.test(source=unsafe, actor=actor(world.cataloguer))


def test_only_named_networks_are_connected_to(world: World, source: DatabaseSource, settings: Any) -> None:
    settings.SOURCE_NETWORKS = []
    with pytest.raises(SourceFailed):
        databases.tables(source)
    settings.SOURCE_NETWORKS = ["10.0.0.0/8"]
    with pytest.raises(SourceFailed):
        sources.test(source=source, actor=actor(world.cataloguer))
    assert DatabaseSource.objects.get().fault


def test_connections_only_read(source: DatabaseSource) -> None:
    import sqlalchemy as sa

    with pytest.raises(SourceFailed), databases.connected(source) as connection:
        connection.execute(sa.text("DELETE FROM people"))


def test_the_password_is_sealed_and_never_shown(world: World, source: DatabaseSource, people: Server) -> None:
    assert people.password not in DatabaseSource.objects.get().password
    client = Client()
    client.force_login(world.cataloguer)
    page = client.get(f"/catalog/connections/{source.pk}/edit/").content.decode()
    assert people.password not in page
    assert source.password not in page
    assert people.password not in str(list(Event.objects.values_list("data", flat=True)))
    values = {name: getattr(source, name) for name in sources.FIELDS}
    keep = {"source": source, "department": source.department, "actor": actor(world.cataloguer)}
    with pytest.raises(InvalidInput):
        sources.save(values=values | {"host": "127.0.0.2"}, password="", **keep)
    assert sources.save(values=values | {"title": "新名"}, password="", **keep).password == source.password


def test_others_neither_see_nor_use_it(world: World, dataset: Dataset, source: DatabaseSource) -> None:
    client = Client()
    client.force_login(world.provider)
    assert client.get(f"/catalog/connections/{source.pk}/edit/").status_code in (403, 404)
    wanted = Order(source, schema_of(source), "people", ["id"])
    with pytest.raises(NotPermitted):
        pulling.order(dataset=dataset, actor=actor(world.provider), wanted=wanted)
    with pytest.raises(NotPermitted):
        sources.remove(source=source, actor=actor(world.provider))


def test_what_does_not_fit_is_said_at_its_field(world: World, dataset: Dataset, source: DatabaseSource) -> None:
    for said, place in (
        ({"columns": []}, "columns"),
        ({"columns": ["nothing"]}, "columns"),
        ({"key": [], "mode": LoadMode.MERGE, "watermark": "id"}, "key"),
        ({"mode": LoadMode.APPEND}, "watermark"),
        ({"mode": LoadMode.APPEND, "watermark": "name"}, "watermark"),
        ({"mode": LoadMode.APPEND, "watermark": "changed"}, "watermark"),
        ({"mode": LoadMode.APPEND, "watermark": "born"}, "watermark"),
        ({"watermark": "id"}, "watermark"),
    ):
        with pytest.raises(InvalidInput) as caught:
            ordered(world, dataset, source, **said)
        assert place in caught.value.fields, said
    assert not TablePull.objects.exists()


def test_a_database_in_use_is_not_forgotten(world: World, dataset: Dataset, source: DatabaseSource) -> None:
    ordered(world, dataset, source)
    with pytest.raises(WrongState):
        sources.remove(source=source, actor=actor(world.cataloguer))
    pulling.end(dataset=dataset, actor=actor(world.cataloguer))
    sources.remove(source=source, actor=actor(world.cataloguer))
    assert not DatabaseSource.objects.exists()
    assert len(rows_of(dataset, "id")) == 2


def test_the_page_leads_from_database_to_table_to_order(
    world: World, dataset: Dataset, source: DatabaseSource, run_jobs: Callable[[], None]
) -> None:
    client = Client()
    client.force_login(world.cataloguer)
    url = f"/catalog/{dataset.pk}/pull/"
    assert "people" in client.get(url).content.decode()
    table = "public.people" if schema_of(source) else "people"
    page = client.get(url, {"source": str(source.pk), "table": table}).content.decode()
    assert "姓名" in page
    said = {"columns": ["id", "name"], "key": ["id"], "mode": "append", "watermark": "", "cadence": "hourly"}
    refused = client.post(f"{url}?source={source.pk}&table={table}", said)
    assert refused.status_code == 422
    answer = client.post(f"{url}?source={source.pk}&table={table}", said | {"watermark": "id"})
    assert answer.status_code == 302
    run_jobs()
    tab = client.get(f"/catalog/{dataset.pk}/", {"tab": "connections"}).content.decode()
    assert "9007199254740993" in tab
    assert client.post(f"/catalog/{dataset.pk}/pull/pause/").status_code == 302
    assert TablePull.objects.get().is_paused
