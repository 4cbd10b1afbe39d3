"""The whole portal in one command: database, static files, demo, web and worker; behind ``manage.py serve``."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import importlib
import json
import os
import socket
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command, get_commands
from django.db import connections
from django.utils.translation import gettext as _

from portal import embedded
from portal.supervisor import KeepsDying, Program, Stopped, Supervisor

ROOT = Path(settings.BASE_DIR)
READY_TIMEOUT_S = 60
WATCH_INTERVAL_S = 1.0
UNUSED_STATIC = ["rest_framework", "redoc"]
"""Pages of packages that the portal does not show."""

Say = Callable[[str], None]


def serve(*, host: str, port: int, say: Say) -> None:
    """Prepare and run everything until Ctrl-C or SIGTERM.

    Raises:
        CommandError: the port or the folder is taken, or a part keeps dying; nothing is left running.
    """
    check_port(host, port)
    address = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0', '::1', '::') else host}:{port}/"  # noqa: S104
    with _only_instance(address), Supervisor(say) as supervisor:
        try:
            prepare(say)
            for program in _programs(host, port):
                supervisor.start(program)
            _wait_until_ready(supervisor, host, port)
            for line in welcome(address):
                say(line)
            _keep_running(supervisor, say)
        except Stopped:
            say("\n" + _("Stopping …"))
        except KeepsDying as error:
            message = _("“%(name)s” ended again and again; everything was stopped. Its messages stand above.")
            raise CommandError(message % {"name": error}) from error


def check_port(host: str, port: int) -> None:
    """Refuse a port on which somebody listens already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            message = _("Port %(port)s cannot be used (%(reason)s). Choose another one: PORT=%(other)s make run")
            raise CommandError(message % {"port": port, "reason": error.strerror, "other": port + 1}) from error


def prepare(say: Say) -> None:
    """Bring the database, the static files and the demo up to date."""
    call_command("migrate", interactive=False, verbosity=0)
    collect_static(say)
    for folder in (settings.TABLES_ROOT, settings.UPLOADS_ROOT):
        Path(folder).mkdir(parents=True, exist_ok=True)
    if settings.DEMO and "demo" in get_commands():
        call_command("demo")
    for connection in connections.all(initialized_only=True):
        connection.close()
        getattr(connection, "close_pool", lambda: None)()


def collect_static(say: Say) -> None:
    """Collect and compress static files, if one of them changed since the last time."""
    stamp_file = Path(settings.STATIC_ROOT).with_name("static.stamp")
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            state = Path(storage.path(name)).stat()
            digest.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode())
    stamp = digest.hexdigest()
    if stamp_file.exists() and stamp_file.read_text() == stamp:
        return
    say(_("Preparing the static files …"))
    call_command("collectstatic", interactive=False, verbosity=0, clear=True, ignore_patterns=UNUSED_STATIC)
    stamp_file.write_text(stamp)


def welcome(address: str) -> Iterable[str]:
    """What is printed when everything runs: the address and, in the demo, who may sign in."""
    yield ""
    yield _("The portal runs at %(address)s (Ctrl-C stops it).") % {"address": address}
    if not settings.DEMO:
        return
    with suppress(ModuleNotFoundError):
        accounts = importlib.import_module("demo.accounts").ACCOUNTS
        heads = [_("User name"), _("Password"), _("Name"), _("Department"), _("Duty")]
        rows = [[str(getattr(account, name)) for name in _COLUMNS] for account in accounts]
        yield ""
        yield _("Demo accounts:")
        yield from table(heads, rows)


_COLUMNS = ("username", "password", "name", "department", "duty")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Lines with aligned columns; a Chinese character takes two places."""
    widths = [max(_width(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    for row in (heads, ["-" * width for width in widths], *rows):
        yield (
            "  "
            + "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _programs(host: str, port: int) -> list[Program]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        "HOST": f"[{host}]" if ":" in host else host,
        "PORT": str(port),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    manage = [sys.executable, str(ROOT / "manage.py")]
    config = str(ROOT / "deploy" / "gunicorn.conf.py")
    return [
        Program("web", [sys.executable, "-m", "gunicorn", "-c", config, "portal.wsgi:application"], environment),
        Program("worker", [*manage, "procrastinate", "worker"], environment),
    ]


def _wait_until_ready(supervisor: Supervisor, host: str, port: int) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    while not _answers(target, port):
        supervisor.watch()
        if time.monotonic() > deadline:
            raise CommandError(_("The web server does not answer; its messages stand above."))
        time.sleep(0.1)


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost", "X-Forwarded-Proto": "https"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _keep_running(supervisor: Supervisor, say: Say) -> None:
    database = embedded.current()
    while True:
        time.sleep(WATCH_INTERVAL_S)
        if database and not database.is_running():
            say("PostgreSQL ended; starting it again.")
            database.acquire()
        supervisor.watch()


class _only_instance:  # noqa: N801
    """Refuses a second ``serve`` on the same ``VAR_DIR``; the lock ends with the process, however it ends."""

    def __init__(self, address: str) -> None:
        self.path = Path(settings.VAR_DIR) / "serve.lock"
        self.note = json.dumps({"pid": os.getpid(), "address": address})

    def __enter__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self.path.open("a+")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.file.seek(0)
            other = json.loads(self.file.read() or "{}")
            message = _(
                "The portal already runs at %(address)s (process %(pid)s) with the folder %(folder)s. "
                "Stop it first, or set VAR_DIR to use another folder."
            )
            values = {"address": other.get("address", "?"), "pid": other.get("pid", "?"), "folder": self.path.parent}
            raise CommandError(message % values) from error
        self.file.truncate(0)
        self.file.write(self.note)
        self.file.flush()

    def __exit__(self, *_exc: object) -> None:
        self.file.truncate(0)
        self.file.close()
