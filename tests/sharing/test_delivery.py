"""What a grant lets through: the data API and downloads, limited to columns, rows, channel and term."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.signals import request_finished
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.test import Client
from django.utils import timezone

from catalog import lifecycle
from catalog.models import Dataset
from portal.audit import checkpoints
from portal.audit.models import SealedHead
from sharing import drafts, grants
from sharing.delivery import gate
from sharing.delivery.download import export
from sharing.delivery.gate import open_grant
from sharing.errors import GrantNotInForce
from sharing.models import Credential, Grant, UsageRecord
from tests.factories import World, actor, approve_common, decide, load, make_dataset, make_request, step_of, submit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_files(settings: Any) -> None:
    """Without the marks of copies, which have tests of their own."""
    settings.WATERMARK_EXPORTS = False


PEOPLE = "code,name,street\n330106001,甲,文新\n330106002,=SUM(1),文新\n330108001,丙,长河\n"
COLUMNS = [{"name": n, "column": c} for n, c in (("代码", "code"), ("名称", "name"), ("街道", "street"))]
ROWS = [{"code": "330106001", "name": "甲"}, {"code": "330106002", "name": "=SUM(1)"}]


def make_grant(world: World, content: str = PEOPLE) -> Grant:
    """A grant of two of three columns and of the rows of one district."""
    dataset = load(make_dataset(world.province_bureau, "救助对象", items=COLUMNS), content.encode())
    request = make_request(world, dataset)
    rows = [{"column": "code", "op": "prefix", "value": "330106"}]
    drafts.change_item(
        item=request.items.get(), actor=actor(world.applicant), columns=["code", "name"], row_filter=rows
    )
    submit(world, request)
    approve_common(world, request)
    decide(step_of(request, "provider"), world.provider)
    return Grant.objects.select_related("dataset__provider").get(dataset=dataset)


@pytest.fixture
def grant(world: World) -> Grant:
    return make_grant(world)


@pytest.fixture
def key(world: World, grant: Grant) -> str:
    return grants.create_credential(grant=grant, actor=actor(world.applicant))[1]


def call(grant: Grant, key: str = "", **params: str) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    response = Client(headers=headers).get(f"/api/v1/data/{grant.pk}/rows", params)
    kind = "application/json" if response.status_code == 200 else "application/problem+json"
    assert response.headers["Content-Type"] == kind
    return response.status_code, response.json()


def problem(grant: Grant, key: str = "", **params: str) -> tuple[int, str]:
    status, body = call(grant, key, **params)
    assert body["status"] == status
    return status, body["code"]


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_rows_are_limited_to_the_granted_columns_and_rows(grant: Grant, key: str) -> None:
    status, body = call(grant, key)
    assert (status, body["rows"], body["has_more"]) == (200, ROWS, False)
    assert [(u.rows, u.channel, u.is_complete) for u in UsageRecord.objects.all()] == [(2, "api", True)]


def test_a_filter_narrows_and_never_widens(grant: Grant, key: str) -> None:
    other = json.dumps([{"column": "code", "op": "eq", "value": "330108001"}])
    assert call(grant, key, filter=other)[1]["rows"] == []
    assert call(grant, key, filter=json.dumps([{"column": "name", "value": "甲"}]))[1]["rows"] == ROWS[:1]


@pytest.mark.parametrize(
    "params", [{"columns": "code,street"}, {"sort": "street"}, {"filter": '[{"column":"street","value":"文新"}]'}]
)
def test_a_column_that_was_not_granted_is_named_and_refused(grant: Grant, key: str, params: dict[str, str]) -> None:
    status, body = call(grant, key, **params)
    assert (status, body["code"], body["columns"]) == (400, "unknown_column", ["street"])


def test_a_summary_counts_the_granted_rows_only_and_is_recorded(grant: Grant, key: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {key}"})
    body = client.get(f"/api/v1/data/{grant.pk}/summary", {"measure": "count,max:code"}).json()
    assert body["groups"] == [{"key": {}, "values": {"count": 2, "max:code": "330106002"}}]
    assert [(u.rows, u.channel, u.is_complete) for u in UsageRecord.objects.all()] == [(1, "api", True)]


@pytest.mark.parametrize(
    "params", [{"by": "street"}, {"measure": "distinct:street"}, {"filter": '[{"column":"street","value":"文新"}]'}]
)
def test_a_summary_of_a_column_that_was_not_granted_is_refused(grant: Grant, key: str, params: dict[str, str]) -> None:
    response = Client(headers={"Authorization": f"Bearer {key}"}).get(f"/api/v1/data/{grant.pk}/summary", params)
    assert (response.status_code, response.json()["columns"]) == (400, ["street"])
    assert Client().get(f"/api/v1/data/{grant.pk}/summary").status_code == 401


def test_paging_by_token_visits_every_row_once(grant: Grant, key: str) -> None:
    first = call(grant, key, limit="1")[1]
    second = call(grant, key, limit="1", after=str(first["next_after"]))[1]
    assert first["rows"] + second["rows"] == ROWS
    assert (first["has_more"], second["has_more"]) == (True, False)


def test_no_key_an_unknown_key_and_a_foreign_key_are_refused(world: World, grant: Grant, key: str) -> None:
    assert problem(grant) == (401, "bad_credential")
    assert problem(grant, "sq_unknown") == (401, "bad_credential")
    assert Credential.objects.get().key_hash not in key
    other = make_dataset(world.city_bureau, "别的", sharing_type="unconditional")
    request = submit(world, make_request(world, other))
    approve_common(world, request)
    assert problem(Grant.objects.get(dataset=other), key) == (403, "not_permitted")


def test_a_withdrawn_key_is_refused_and_a_revoked_grant_too(world: World, grant: Grant, key: str) -> None:
    other = grants.create_credential(grant=grant, actor=actor(world.applicant))[1]
    grants.withdraw_credential(credential=Credential.objects.order_by("created_at")[0], actor=actor(world.applicant))
    assert problem(grant, key) == (401, "bad_credential")
    assert call(grant, other)[0] == 200
    grants.revoke(grant=grant, actor=actor(world.provider), reason="违规使用")
    assert problem(grant, other) == (403, "grant_not_in_force")


@pytest.mark.parametrize("change", ["expired", "suspended", "not yet", "dataset withdrawn"])
def test_a_grant_that_is_not_in_force_is_refused(world: World, grant: Grant, key: str, change: str) -> None:
    today = timezone.localdate()
    if change == "expired":
        Grant.objects.update(valid_from=today - dt.timedelta(days=9), valid_until=today - dt.timedelta(days=1))
    elif change == "not yet":
        Grant.objects.update(valid_from=today + dt.timedelta(days=1))
    elif change == "suspended":
        grants.suspend(grant=grant, actor=actor(world.provider), reason="核查")
    else:
        lifecycle.withdraw(dataset=grant.dataset, actor=actor(world.provider), reason="停止")
    assert problem(grant, key) == (403, "grant_not_in_force")


def test_a_channel_that_was_not_granted_is_refused(grant: Grant, key: str) -> None:
    Grant.objects.update(channels=["file"])
    assert problem(grant, key) == (403, "not_permitted")


def test_downloads_hold_the_granted_part_and_are_recorded(world: World, grant: Grant) -> None:
    client = Client()
    client.force_login(world.applicant)
    csv = body_of(client.get(f"/grants/{grant.pk}/download/csv/")).decode("utf-8-sig")
    assert csv.splitlines() == ["代码,名称", '"330106001","甲"', '"330106002","\'=SUM(1)"']
    table = pq.read_table(io.BytesIO(body_of(client.get(f"/grants/{grant.pk}/download/parquet/"))))
    assert table.to_pylist() == ROWS
    assert json.loads(body_of(client.get(f"/grants/{grant.pk}/download/json/"))) == ROWS
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_filelike(io.BytesIO(body_of(client.get(f"/grants/{grant.pk}/download/xlsx/"))))
    assert book.get_sheet_by_index(0).to_python() == [["代码", "名称"], ["330106001", "甲"], ["330106002", "'=SUM(1)"]]
    used = UsageRecord.objects.order_by("at").values_list("format", "rows", "is_complete", "user__username")
    assert list(used) == [(f, 2, True, "applicant") for f in ("csv", "parquet", "json", "xlsx")]
    assert client.get(f"/grants/{grant.pk}/download/exe/").status_code == 422


def test_the_provider_cannot_download_under_the_grant_and_strangers_do_not_find_it(world: World, grant: Grant) -> None:
    client = Client()
    client.force_login(world.provider)
    assert client.get(f"/grants/{grant.pk}/download/csv/").status_code == 403
    client.force_login(world.provider2)
    assert client.get(f"/grants/{grant.pk}/download/csv/").status_code == 404


def test_revoking_stops_a_running_export_and_the_next_call_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "CHECK_SECONDS", 0)
    rows = "".join(f"330106{n:06d},名{n},街\n" for n in range(60_000))
    grant = make_grant(world, "code,name,street\n" + rows)
    key = grants.create_credential(grant=grant, actor=actor(world.applicant))[1]
    stream = iter(export(open_grant(grant, gate.Channel.FILE), "csv", user=world.applicant).streaming_content)
    head, first = next(stream), next(stream)
    assert (head, first[:14]) == ("\ufeff代码,名称\r\n".encode(), b'"330106000000"')
    grants.revoke(grant=grant, actor=actor(world.provider), reason="违规使用")
    with pytest.raises(GrantNotInForce):
        list(stream)
    usage = UsageRecord.objects.get()
    assert usage.is_complete is False
    assert 0 < usage.rows < 60_000
    assert problem(grant, key) == (403, "grant_not_in_force")


def test_a_key_is_shown_once_and_kept_as_a_hash(world: World, grant: Grant) -> None:
    client = Client()
    client.force_login(world.applicant)
    page = client.post(f"/grants/{grant.pk}/keys/").content.decode()
    credential = Credential.objects.get()
    shown = page.split('id="new-key">')[1].split("<")[0]
    assert grants.key_hash(shown) == credential.key_hash
    assert shown not in client.get(f"/grants/{grant.pk}/").content.decode()


def test_a_dataset_without_data_says_so(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空", sharing_type="unconditional")
    approve_common(world, submit(world, make_request(world, dataset)))
    grant = Grant.objects.get()
    key = grants.create_credential(grant=grant, actor=actor(world.applicant))[1]
    assert problem(grant, key) == (409, "no_data")
    assert Dataset.objects.get() == dataset


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "many"},
        {"after": "-1"},
        {"after": "9" * 40},
        {"filter": "not json"},
        {"filter": "{}"},
        {"filter": "[1]"},
        {"filter": '[{"column":"code","op":"like","value":"%"}]'},
        {"filter": '[{"column":"code","value":"a\\u0000"}]'},
        {"filter": "[" * 100_000},
    ],
)
def test_a_parameter_that_cannot_be_read_is_the_callers_fault(grant: Grant, key: str, params: dict[str, str]) -> None:
    status, body = call(grant, key, **params)
    assert status in {400, 422}
    assert body["code"] != "error"
    assert UsageRecord.objects.count() == 0


def test_the_export_by_key_is_cut_like_the_rows_and_recorded(grant: Grant, key: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {key}"})
    params = {"columns": "name", "filter": json.dumps([{"column": "code", "value": "330106001"}])}
    body = body_of(client.get(f"/api/v1/data/{grant.pk}/export/json", params))
    assert json.loads(body) == [{"name": "甲"}]
    assert [(u.rows, u.channel, u.format, u.is_complete) for u in UsageRecord.objects.all()] == [
        (1, "api", "json", True)
    ]
    refused = client.get(f"/api/v1/data/{grant.pk}/export/json", {"columns": "street"})
    assert (refused.status_code, refused.json()["columns"]) == (400, ["street"])


def test_a_delivery_that_the_caller_breaks_off_is_recorded_as_incomplete(world: World) -> None:
    rows = "".join(f"330106{n:06d},名{n},街\n" for n in range(60_000))
    grant = make_grant(world, "code,name,street\n" + rows)
    response = export(open_grant(grant, gate.Channel.FILE), "csv", user=world.applicant)
    stream = iter(response.streaming_content)
    assert len(next(stream)) + len(next(stream)) > 100
    request_finished.disconnect(close_old_connections)  # it would close the connection of this test, too
    response.close()
    request_finished.connect(close_old_connections)
    usage = UsageRecord.objects.get()
    assert (usage.is_complete, 0 < usage.rows < 60_000, usage.size_bytes > 100) == (False, True, True)


def test_a_delivery_stands_once_it_has_ended_and_a_closed_day_is_sealed(grant: Grant, key: str) -> None:
    call(grant, key)
    UsageRecord.objects.create(
        grant=grant, channel="api", format="json", rows=5, at=timezone.now() - dt.timedelta(days=3)
    )
    for change in ({"rows": 9}, {"is_complete": False}):
        with pytest.raises(DatabaseError), transaction.atomic():
            UsageRecord.objects.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        UsageRecord.objects.all().delete()
    checkpoints.make()
    day = timezone.localdate() - dt.timedelta(days=3)
    sealed = SealedHead.objects.filter(stream__startswith="sealed/")
    assert list(sealed.values_list("stream", "length")) == [(f"sealed/usage/{day}", 1)]
    assert list(checkpoints.check_sealed()) == []
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE sharing_usagerecord DISABLE TRIGGER USER")
        cursor.execute("UPDATE sharing_usagerecord SET rows = 6 WHERE rows = 5")
        cursor.execute("ALTER TABLE sharing_usagerecord ENABLE TRIGGER USER")
    assert [finding.subject for finding in checkpoints.check_sealed()] == [f"sealed/usage/{day}"]
