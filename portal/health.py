"""Whether this process lives (``/healthz``) and whether the portal can work (``/readyz``)."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

WORKER_SILENCE = dt.timedelta(seconds=60)


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


def _worker() -> bool:
    """Whether some worker has given a sign of life within a minute."""
    with connection.cursor() as cursor:
        fresh = "SELECT EXISTS (SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > %s)"
        cursor.execute(fresh, [timezone.now() - WORKER_SILENCE])
        return bool(cursor.fetchone()[0])


def _storage() -> bool:
    root = Path(settings.TABLES_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    return os.access(root, os.W_OK)


PARTS: dict[str, Callable[[], bool]] = {"database": _database, "worker": _worker, "storage": _storage}


def readiness() -> dict[str, bool]:
    """Each part that the portal needs, and whether it answers."""
    state = {}
    for name, check in PARTS.items():
        try:
            state[name] = check()
        except Exception:
            state[name] = False
    return state


def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """503 while the database, a worker or the storage is missing; says which."""
    state = readiness()
    return JsonResponse(state, status=200 if all(state.values()) else 503)
