"""Gunicorn with two workers over the scratch database, and a client that asks it."""

from __future__ import annotations

import http.client
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

from django.db import connection

ROOT = Path(__file__).parent.parent


@contextmanager
def gunicorn(application: str, tables: Path, *, path: str = "/healthz", **environment: str) -> Iterator[int]:
    """The port of a server of ``application`` on the database of this process; it answers ``path`` already."""
    port = 8_700 + os.getpid() % 200 + len(application)
    values = connection.settings_dict
    place = {"host": values["HOST"], "port": values["PORT"] or "5432"}
    who = f"{values['USER']}:{quote(values['PASSWORD'])}" if values["PASSWORD"] else values["USER"]
    chosen = {
        "DATABASE_URL": f"postgresql://{who}@/{values['NAME']}?{urlencode(place)}",
        "TABLES_ROOT": str(tables),
        "API_RATE_ANONYMOUS": "10000000/min",
        "PORT": str(port),
        "WEB_WORKERS": "2",
        "DJANGO_SETTINGS_MODULE": "portal.settings.demo",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy/gunicorn.conf.py"), application]
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ | chosen | environment)
    try:
        wait_for(port, path)
        yield port
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int, path: str) -> None:
    """Return when ``path`` is answered, at the latest after a minute.

    Raises:
        SystemExit: nothing answers.
    """
    for _n in range(120):
        try:
            if get(http.client.HTTPConnection("127.0.0.1", port, timeout=5), path):
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"nothing answers on port {port}")


def get(client: http.client.HTTPConnection, path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """The body of the answer; one that is not 200 ends the measurement."""
    client.request("GET", path, headers=dict(headers or {}))
    answer = client.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {body[:300]!r}")
    return body


def under_load(
    port: int, path: Callable[[int], str], *, clients: int, seconds: float, headers: Mapping[str, str] | None = None
) -> list[float]:
    """Seconds of each answer while ``clients`` ask without a pause for ``seconds``, shortest first.

    ``path`` gives the address of the n-th question.
    """
    found: list[float] = []
    get(http.client.HTTPConnection("127.0.0.1", port, timeout=60), path(0), headers)  # an error ends it here
    end = time.perf_counter() + seconds

    def ask(place: int) -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        questions = itertools.count(place, clients)
        while (started := time.perf_counter()) < end:
            get(client, path(next(questions)), headers)
            found.append(time.perf_counter() - started)

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)
