"""Which PostgreSQL is used: the one named by ``DATABASE_URL``, or the one that comes with the portal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from portal import embedded

POOL = {"min_size": 1, "max_size": 8, "timeout": 10}
"""Connections kept by each web process; twice its threads leaves room for streams."""


def embedded_url(folder: Path, *, durable: bool = True) -> str:
    """The URL of the embedded server in ``folder``, which runs from here on until the last process using it ends.

    Raises:
        ImproperlyConfigured: the folder belongs to somebody else, or the server does not start; says what to do.
    """
    try:
        return embedded.server(folder, durable=durable).acquire()
    except embedded.EmbeddedServerError as error:
        raise ImproperlyConfigured(str(error)) from error


def django_database(url: str, var_dir: Path) -> dict[str, Any]:
    """Django's settings for the database; connections are pooled unless ``DATABASE_POOL=0``."""
    config = dict(environ.Env.db_url_config(url or embedded_url(var_dir / "postgres")))
    if config.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL: postgresql://user:password@host:5432/name")
    options = dict(config.get("OPTIONS", {}))
    if "host" in options:  # a socket folder is written as an option: postgresql://postgres@/name?host=/folder
        config["HOST"] = options.pop("host")
    if os.environ.get("DATABASE_POOL", "1") != "0":
        options["pool"] = POOL
    return config | {"OPTIONS": options, "ATOMIC_REQUESTS": False}
