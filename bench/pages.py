"""Requests a second of the main pages under gunicorn with two workers, against a bare Django view on the same server.

The catalogue is that of the demo: divisions and departments of the country, and some eight hundred real records.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import quote

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from bench.__main__ import Row
from bench.catalogue import scratch_database
from bench.server import gunicorn, under_load
from catalog.importing import import_published
from catalog.models import Dataset
from demo import places, records
from portal.access import Actor
from portal.accounts.models import User

CLIENTS, SECONDS = 4, 8.0


def run() -> list[Row]:
    """Each row: the mean time of an answer (the reciprocal of answers a second), and the 95th percentile of one."""
    with scratch_database(), tempfile.TemporaryDirectory() as folder:
        places.load_regions()
        places.load_departments()
        places.load_people()
        for source in (records.division_records(), records.open_records()):
            for _done in import_published(source, actor=Actor.system()):
                pass
        with gunicorn("bench.bare:application", Path(folder), path="/") as port:
            bare = _load(port, "/", {})
        print(f"a bare view: {1 / bare[0]:,.0f} a second")
        shown = Dataset.objects.filter(state="published", open_type="open").order_by("code")[0]
        pages = {
            "open: home": ("/open/", False),
            "open: search": ("/open/datasets/?q=energy", False),
            "open: a dataset": (f"/open/datasets/{shown.pk}/", False),
            "workplace": ("/", True),
            "catalogue: search": ("/catalog/?q=人口", True),
            "catalogue: a dataset": (f"/catalog/{shown.pk}/", True),
            "requests": ("/requests/", True),
            "queue": ("/queue/", True),
        }
        rows = []
        with gunicorn("portal.wsgi", Path(folder)) as port:
            for what, (path, signed_in) in pages.items():
                headers = {"Cookie": f"sessionid={_session()}"} if signed_in else {}
                mean, p95 = _load(port, path, headers)
                print(f"{what}: {1 / mean:,.0f} a second")
                rows.append(Row(what, f"{CLIENTS} clients", mean, p95, "bare Django view", bare[0], 1))
        return rows


def _load(port: int, path: str, headers: dict[str, str]) -> tuple[float, float]:
    """Seconds an answer, as the server gives them one after the other, and the 95th percentile that a client waits."""
    address = quote(path, safe="/?=&")
    under_load(port, lambda _n: address, clients=CLIENTS, seconds=1, headers=headers)
    found = under_load(port, lambda _n: address, clients=CLIENTS, seconds=SECONDS, headers=headers)
    return SECONDS / len(found), found[int(len(found) * 0.95)]


def _session() -> str:
    """A signed-in session of somebody who decides and applies."""
    user = User.objects.get(username="authority")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)
