"""The data plane at 10 million rows: loading, pages over HTTP, exports; against DuckDB itself and against Datasette.

BENCH_ROWS sets another size; Datasette is installed into ``var/bench-venv`` and serves the first million rows.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import duckdb
from django.conf import settings

from bench.__main__ import Row, compare, timed
from bench.catalogue import scratch_database
from bench.server import get, gunicorn, under_load, wait_for
from bench.tables import VILLAGES
from catalog.tables import ingest
from catalog.tables.ingest import IngestResult
from catalog.tables.schema import TableRef, columns_to_json
from catalog.tables.storage import TableStorage

ROWS = int(os.environ.get("BENCH_ROWS", "10000000"))
SMALL_ROWS = 1_000_000
SECONDS = 5
CLIENTS = 8
DATASETTE = "datasette==0.65.1"
AREA = "330106"


def run() -> list[Row]:
    """Each row is ours and its peer in the same run."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        large, small = folder / "large.csv", folder / "small.csv"
        _make(large, ROWS)
        _make(small, min(ROWS, SMALL_ROWS))
        storage = TableStorage(folder / "tables")
        loading, ref = _loading(storage, large, folder)
        rows += loading
        _one, small_ref = _loading(storage, small, folder)
        with scratch_database(), _portal(storage, {"large": ref, "small": small_ref}) as (port, ids):
            rows += _pages(storage, ref, port, ids["large"])
            rows += _export(storage, ref, port, ids["large"], folder)
            rows += _against_datasette(small, port, ids["small"], folder)
    return rows


def _make(path: Path, count: int) -> None:
    """Real villages, repeated, each with a running serial as the key."""
    with duckdb.connect() as con:
        con.execute(
            "COPY (SELECT lpad((row_number() OVER ())::VARCHAR, 8, '0') AS serial, v.* FROM "
            f"(SELECT unnest(range({count // 620_000 + 1})) AS r), read_csv('{VILLAGES}', all_varchar=true) AS v "
            f"LIMIT {count}) TO '{path}' (HEADER)"
        )


def _apart(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns in a process of its own, and that process's highest resident memory in MiB."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    def work() -> None:
        found = call()
        theirs.send((found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))

    child = context.Process(target=work)
    child.start()
    found = ours.recv()
    child.join()
    return found  # type: ignore[no-any-return]


def _loading(storage: TableStorage, path: Path, folder: Path) -> tuple[list[Row], TableRef]:
    megabytes = path.stat().st_size / 1e6
    table_id = uuid4()

    def load() -> tuple[float, IngestResult]:
        started = time.perf_counter()
        rejects = folder / "rejects.csv"
        found = ingest.load(path=path, filename=path.name, table_id=table_id, reject_path=rejects, storage=storage)
        return time.perf_counter() - started, found

    def convert() -> float:
        started = time.perf_counter()
        with duckdb.connect() as con:
            con.execute(f"COPY (FROM read_csv('{path}')) TO '{folder}/peer.parquet'")
        return time.perf_counter() - started

    peers = sorted(_apart(convert)[0] for _n in range(3))
    runs = [_apart(load) for _n in range(3)]
    seconds = sorted(found[0] for found, _peak in runs)
    result, peak = runs[-1][0][1], max(peak for _found, peak in runs)
    ref = TableRef(table_id, result.version, result.columns, result.key)
    started = time.perf_counter()
    _apart(lambda: storage.serving_file(ref) and None)
    print(
        f"{result.rows:,} rows, {megabytes:,.0f} MB: {megabytes / seconds[1]:,.0f} MB/s, peak {peak:,.0f} MiB; "
        f"the serving file in {time.perf_counter() - started:.1f} s"
    )
    size = f"{result.rows:,} × {len(result.columns)}"
    return [Row("load a CSV", size, seconds[1], seconds[2], "DuckDB CSV → Parquet", peers[1], 3)], ref


@contextmanager
def _portal(storage: TableStorage, tables: dict[str, TableRef]) -> Iterator[tuple[int, dict[str, UUID]]]:
    """The portal under gunicorn with two workers, and the open datasets of these tables in it."""
    from catalog.models import Distribution, TableVersion
    from tests.factories import World, make_dataset

    provider = World().city_bureau
    ids = {}
    for name, ref in tables.items():
        items = [{"name": c.title, "column": c.name, "open_type": "open"} for c in ref.columns]
        dataset = make_dataset(provider, f"村居 {name}", items=items, open_type="open", open_condition="")
        distribution = Distribution.objects.create(pk=ref.table_id, dataset=dataset, title=name)
        version = TableVersion.objects.create(
            distribution=distribution,
            number=ref.version,
            columns=columns_to_json(ref.columns),
            key=list(ref.key),
            row_count=ROWS if name == "large" else min(ROWS, SMALL_ROWS),
        )
        Distribution.objects.filter(pk=distribution.pk).update(current=version)
        ids[name] = dataset.pk
    with gunicorn("portal.wsgi", storage.root) as port:
        yield port, ids


def _rows_url(pk: UUID, **params: str) -> str:
    return f"/api/v1/open/{pk}/rows?{urlencode(params)}"


def _filter(column: str, op: str, value: str) -> str:
    return json.dumps([{"column": column, "op": op, "value": value}])


def _pages(storage: TableStorage, ref: TableRef, port: int, pk: UUID) -> list[Row]:
    """Ours over HTTP one after the other; the peer is the bare statement on the same file in this process."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    serials = iter(f"{number * 7_919 % ROWS:08d}" for number in range(1, 10_000_000))
    con = duckdb.connect(str(storage.serving_file(ref)), read_only=True, config={"threads": 2})
    columns = ", ".join(f'"{column.name}"' for column in ref.columns)
    keyed = f"SELECT {columns} FROM data WHERE serial = ?"
    paged = f"SELECT {columns} FROM data WHERE serial >= ? ORDER BY rowid LIMIT 100"
    filtered = f"SELECT {columns} FROM data WHERE areacode = ? AND serial > ? ORDER BY rowid LIMIT 100"
    grouped = "SELECT provincecode, count(*) FROM data GROUP BY 1 ORDER BY 1"

    def narrowed(serial: str) -> str:
        area = {"column": "areacode", "op": "eq", "value": AREA}
        return json.dumps([area, {"column": "serial", "op": "gt", "value": serial}])

    size = f"{ROWS:,}"
    return [
        compare(
            "HTTP: one row by key",
            size,
            lambda: get(client, f"/api/v1/open/{pk}/row?serial={next(serials)}"),
            "bare DuckDB",
            lambda: con.execute(keyed, [next(serials)]).fetchall(),
            300,
        ),
        compare(
            "HTTP: page of 100 by key",
            size,
            lambda: get(client, _rows_url(pk, filter=_filter("serial", "ge", next(serials)))),
            "bare DuckDB",
            lambda: con.execute(paged, [next(serials)]).fetchall(),
            300,
        ),
        compare(
            "HTTP: filtered page of 100",
            size,
            lambda: get(client, _rows_url(pk, filter=narrowed(next(serials)))),
            "bare DuckDB",
            lambda: con.execute(filtered, [AREA, next(serials)]).fetchall(),
            100,
        ),
        compare(
            "HTTP: group and count",
            f"{size} → 31",
            lambda: get(client, f"/api/v1/open/{pk}/summary?by=provincecode"),
            "bare DuckDB",
            lambda: con.execute(grouped).fetchall(),
            30,
        ),
    ]


def _export(storage: TableStorage, ref: TableRef, port: int, pk: UUID, folder: Path) -> list[Row]:
    """All rows as CSV over HTTP, thrown away as they come; the peer writes them to a file."""
    taken: list[int] = []

    def download() -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        client.request("GET", f"/api/v1/open/{pk}/export/csv")
        answer = client.getresponse()
        total = 0
        while part := answer.read(1 << 20):
            total += len(part)
        taken.append(total)

    def copy() -> None:
        with duckdb.connect(str(storage.serving_file(ref)), read_only=True, config={"threads": 2}) as con:
            con.execute(f"COPY data TO '{folder}/peer.csv' (HEADER)")

    before = _resident()
    download()
    after = _resident()
    ours, p95 = timed(download, 3)
    peer, _p95 = timed(copy, 3)
    print(
        f"export of {taken[-1] / 1e6:,.0f} MB: {taken[-1] / 1e6 / ours:,.0f} MB/s; the servers' highest memory "
        f"{before:,.0f} MiB before and {after:,.0f} MiB after it"
    )
    return [Row("HTTP: export CSV", f"{ROWS:,} × {len(ref.columns)}", ours, p95, "DuckDB COPY", peer, 3)]


def _resident() -> float:
    """The highest resident memory, in MiB, of the server's processes so far."""
    found = subprocess.run(["pgrep", "-f", "portal.wsgi"], capture_output=True, text=True, check=False).stdout.split()
    peaks = [0.0]
    for pid in found:
        status = Path(f"/proc/{pid}/status")
        if status.exists():
            peaks += [int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if "VmHWM" in line]
    return max(peaks)


def _against_datasette(path: Path, port: int, pk: UUID, folder: Path) -> list[Row]:
    """Requests a second of eight clients on the same million rows; seconds here are the mean of one request."""
    other = port + 1
    with _datasette(path, folder, other):
        keys = [f"{number * 7_919 % SMALL_ROWS:08d}" for number in range(1, 5_000)]
        pairs: list[tuple[str, Callable[[int], str], Callable[[int], str]]] = [
            (
                "requests: one row by key",
                lambda n: f"/api/v1/open/{pk}/row?serial={keys[n % len(keys)]}",
                lambda n: f"/small/data/{keys[n % len(keys)]}.json?_shape=objects",
            ),
            (
                # what the server itself takes: an answer without any data
                "requests: /healthz",
                lambda n: "/healthz",
                lambda n: f"/small/data/{keys[n % len(keys)]}.json?_shape=objects",
            ),
            (
                "requests: filtered page and count",
                lambda n: _rows_url(pk, filter=_filter("areacode", "eq", AREA), count="1"),
                lambda n: f"/small/data.json?areacode__exact={AREA}&_size=100&_shape=objects",
            ),
        ]
        rows = []
        for what, ours, theirs in pairs:
            mine, peer = _throughput(port, ours), _throughput(other, theirs)
            print(f"{what}: {mine:,.0f} a second, Datasette {peer:,.1f}")
            rows.append(Row(what, f"{SMALL_ROWS:,}", 1 / mine, 1 / mine, "Datasette", 1 / peer, CLIENTS))
        return rows


def _throughput(port: int, url: Callable[[int], str]) -> float:
    """Answers a second of ``CLIENTS`` connections over ``SECONDS``."""
    return len(under_load(port, url, clients=CLIENTS, seconds=SECONDS)) / SECONDS


@contextmanager
def _datasette(path: Path, folder: Path, port: int) -> Iterator[None]:
    """Datasette serving the CSV's rows from SQLite, with the serial as primary key."""
    venv = settings.VAR_DIR / "bench-venv"
    if not (venv / "bin" / "datasette").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(venv / "bin" / "pip"), "install", "--quiet", DATASETTE], check=True)
    database = folder / "small.db"
    with duckdb.connect() as con, sqlite3.connect(database) as lite:
        reader = con.execute(f"FROM read_csv('{path}', all_varchar=true)")
        names = [column[0].lower() for column in reader.description]
        lite.execute(f"CREATE TABLE data ({', '.join(names)}, PRIMARY KEY (serial))")
        while rows := reader.fetchmany(50_000):
            lite.executemany(f"INSERT INTO data VALUES ({', '.join('?' * len(names))})", rows)
    command = [str(venv / "bin" / "datasette"), "serve", str(database), "-p", str(port)]
    options = ["--setting", "sql_time_limit_ms", "20000", "--setting", "facet_time_limit_ms", "200"]
    server = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, "/-/versions.json")
        yield
    finally:
        server.terminate()
        server.wait()
