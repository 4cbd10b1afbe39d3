"""Files made ready for download: parts of them, what they depend on, who may have them, and what is left over."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog import lifecycle, prepared
from catalog.models import Dataset, PreparedFile
from catalog.tables.export import STREAMS
from portal.ranges import asked_range
from sharing.errors import GrantNotInForce
from sharing.grants import revoke
from sharing.models import Grant, UsageRecord
from tests.factories import World, actor, granted, load, make_dataset

pytestmark = pytest.mark.django_db

ROWS = "".join(f"{n:06d},名称{n}\n" for n in range(3_000))
TABLE = f"code,name\n{ROWS}".encode()
ITEMS = [{"name": "代码", "column": "code", "is_key": True}, {"name": "名称", "column": "name"}]


@pytest.fixture(autouse=True)
def small(settings: Any) -> None:
    settings.PREPARED_ROWS = 1_000
    settings.WATERMARK_EXPORTS = True


@pytest.fixture
def opened(world: World) -> Dataset:
    items = [{**item, "open_type": "open"} for item in ITEMS]
    dataset = make_dataset(world.city_bureau, "站点", items=items, sharing_type="unconditional", open_type="open")
    return load(dataset, TABLE)


def get(url: str, client: Client | None = None, **headers: str) -> Any:
    return (client or Client()).get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_the_first_download_is_streamed_and_the_next_goes_on_where_it_broke(opened: Dataset) -> None:
    url = f"/open/datasets/{opened.pk}/download/csv/"
    first = get(url)
    streamed = body_of(first)
    assert "Accept-Ranges" not in first.headers
    file = prepared.prepare(PreparedFile.objects.get().pk)
    assert file is not None
    assert file.sha256 == hashlib.sha256(streamed).hexdigest()
    whole = get(url)
    assert body_of(whole) == streamed
    assert whole["Content-Length"] == str(len(streamed))
    part = get(url, Range="bytes=1000-1999", If_Range=whole["ETag"])
    assert part.status_code == 206
    assert body_of(part) == streamed[1000:2000]
    assert part["Content-Range"] == f"bytes 1000-1999/{len(streamed)}"
    assert body_of(get(url, Range="bytes=-10")) == streamed[-10:]
    assert get(url, Range=f"bytes={len(streamed)}-").status_code == 416
    other = get(url, Range="bytes=5-", If_Range='"another"')
    assert (other.status_code, body_of(other)) == (200, streamed)
    assert get(url, If_None_Match=whole["ETag"]).status_code == 304
    api = get(f"/api/v1/open/{opened.pk}/export/csv", Range="bytes=0-2")
    assert body_of(api) == streamed[:3]
    page = get(f"/open/datasets/{opened.pk}/").content.decode()
    assert file.sha256 in page


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-", (0, 99)),
        ("bytes=10-19", (10, 19)),
        ("bytes=90-500", (90, 99)),
        ("bytes=-5", (95, 99)),
        ("bytes=-500", (0, 99)),
        ("bytes=0-1,3-4", None),
        ("bytes=9-3", None),
        ("bytes=-", None),
        ("lines=1-2", None),
        ("bytes=１-", None),
        ("", None),
    ],
)
def test_ranges(header: str, found: tuple[int, int] | None) -> None:
    assert asked_range(header, 100) == found


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", "bytes=999999999999999999-"])
def test_ranges_outside_the_file(header: str) -> None:
    with pytest.raises(ValueError, match=""):
        asked_range(header, 100)


def test_new_data_new_masks_and_withdrawal_leave_the_old_file_behind(
    world: World, opened: Dataset, run_jobs: Any
) -> None:
    url = f"/open/datasets/{opened.pk}/download/csv/"
    body_of(get(url))
    prepared.prepare(PreparedFile.objects.get().pk)
    opened.items.filter(column="name").update(open_mask="hide")
    Dataset.objects.filter(pk=opened.pk).update(modified=timezone.now(), revision=opened.revision + 1)
    assert "名称1" not in body_of(get(url)).decode()
    opened.items.filter(column="name").update(open_mask="")
    load(opened, b"code,name\n000001,\xe6\x96\xb0\n")
    assert body_of(get(url)).decode().count("\n") == 2
    prepared.clean()
    assert not PreparedFile.objects.filter(version__number=0).exists()
    lifecycle.withdraw(dataset=opened, actor=actor(world.authority), reason="停止开放")
    assert get(url).status_code == 404


def test_a_file_asked_for_in_between_is_not_prepared_for_what_is_gone(opened: Dataset) -> None:
    body_of(get(f"/open/datasets/{opened.pk}/download/xlsx/"))
    waiting = PreparedFile.objects.get()
    Dataset.objects.filter(pk=opened.pk).update(state="withdrawn")
    assert prepared.prepare(waiting.pk) is None
    assert not PreparedFile.objects.exists()


def test_small_tables_and_parts_of_tables_are_streamed(opened: Dataset, settings: Any) -> None:
    body_of(get(f"/open/datasets/{opened.pk}/download/csv/?sort=-code"))
    assert not PreparedFile.objects.exists()
    settings.PREPARED_ROWS = 100_000
    body_of(get(f"/open/datasets/{opened.pk}/download/csv/"))
    assert not PreparedFile.objects.exists()


def test_a_failing_job_leaves_nothing_and_is_asked_for_again(
    opened: Dataset, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def broken(*args: Any) -> Any:
        yield b"half"
        raise OSError("disk full")

    url = f"/open/datasets/{opened.pk}/download/parquet/"
    body_of(get(url))
    with monkeypatch.context() as patch:
        patch.setitem(STREAMS, "parquet", broken)
        with pytest.raises(OSError, match="disk full"):
            prepared.prepare(PreparedFile.objects.get().pk)
    assert not PreparedFile.objects.exists()
    body_of(get(url))
    file = prepared.prepare(PreparedFile.objects.get().pk)
    assert file is not None
    prepared.path_of(file).unlink()
    body_of(get(url))
    assert PreparedFile.objects.get().state == "waiting", "a file that was lost is made again"


def test_grants_have_files_of_their_own_with_their_marks(world: World) -> None:
    dataset = load(make_dataset(world.province_bureau, "台账", items=ITEMS), TABLE)
    granted(world, dataset)
    grant = Grant.objects.get()
    client = Client()
    client.force_login(world.applicant)
    url = f"/grants/{grant.pk}/download/csv/"
    streamed = body_of(client.get(url))
    file = prepared.prepare(PreparedFile.objects.get().pk)
    assert file is not None
    whole = client.get(url)
    assert body_of(whole) == streamed
    assert "水印" in streamed.decode()
    last = UsageRecord.objects.order_by("-at", "-id").first()
    assert last is not None
    assert (last.rows, last.size_bytes, last.is_complete) == (3_000, len(streamed), True)
    body_of(get(url, client, Range="bytes=0-99"))
    part = UsageRecord.objects.order_by("-at", "-id").first()
    assert part is not None
    assert (part.rows, part.size_bytes, part.is_complete) == (0, 100, False)
    other = Client()
    other.force_login(world.cataloguer)
    assert other.get(url).status_code == 404
    english = Client(headers={"accept-language": "en"})
    english.force_login(world.applicant)
    assert english.get(url)["ETag"] == whole["ETag"], "the file is the same for readers of every language"
    revoke(grant=grant, actor=actor(world.provider_head), reason="违规")
    assert client.get(url).status_code in (403, 404, 409)


def test_a_revoked_grant_stops_a_running_part_and_its_file_goes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal import ranges
    from sharing.delivery import download

    monkeypatch.setattr(ranges, "CHUNK", 1_000)
    monkeypatch.setattr(download, "CHECK_SECONDS", 0)
    dataset = load(make_dataset(world.province_bureau, "台账", items=ITEMS), TABLE)
    granted(world, dataset)
    grant = Grant.objects.get()
    client = Client()
    client.force_login(world.applicant)
    url = f"/grants/{grant.pk}/download/csv/"
    body_of(client.get(url))
    file = prepared.prepare(PreparedFile.objects.get().pk)
    assert file is not None
    running = iter(client.get(url).streaming_content)  # type: ignore[attr-defined]
    next(running)
    revoke(grant=grant, actor=actor(world.provider_head), reason="违规")
    with pytest.raises(GrantNotInForce):
        list(running)
    assert prepared.clean() == 1
    assert not PreparedFile.objects.exists()


def test_what_nobody_asks_for_is_removed(opened: Dataset, settings: Any) -> None:
    body_of(get(f"/open/datasets/{opened.pk}/download/csv/"))
    file = prepared.prepare(PreparedFile.objects.get().pk)
    assert file is not None
    assert prepared.clean() == 0
    later = timezone.now() + dt.timedelta(days=settings.PREPARED_DAYS + 1)
    assert prepared.clean(later) == 1
    assert not prepared.path_of(file).exists()
