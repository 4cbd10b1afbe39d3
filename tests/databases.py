"""Real database servers for tests of pulls: the tests' own PostgreSQL by way of a port, and a MariaDB."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pymysql
from django.conf import settings

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


@dataclass(frozen=True)
class Server:
    """A server on this machine with an empty database; ``run`` executes statements there."""

    kind: str
    port: int
    database: str
    account: str
    password: str
    run: Callable[..., list[tuple[Any, ...]]]


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def _port_to(connect: Callable[[], socket.socket]) -> Iterator[int]:
    """A port of this machine that leads to what ``connect`` opens."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                near, _address = listener.accept()
            except OSError:
                return
            far = connect()
            for ends in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


@contextmanager
def postgresql() -> Iterator[Server]:
    """A database of its own on the server of the tests."""
    default = settings.DATABASES["default"]
    host, port = default["HOST"] or "localhost", int(default["PORT"] or 5432)
    name = f"source_{os.getpid()}"
    login = {"host": host, "port": port, "user": default["USER"], "password": default["PASSWORD"] or None}

    def connect() -> socket.socket:
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        line = socket.socket(socket.AF_UNIX)
        line.connect(f"{host}/.s.PGSQL.{port}")
        return line

    def run(*statements: str, database: str = name) -> list[tuple[Any, ...]]:
        with psycopg.connect(dbname=database, autocommit=True, **login) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    run(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}", database="postgres")
    try:
        with _port_to(connect) as open_port:
            yield Server("postgresql", open_port, name, default["USER"], default["PASSWORD"] or "unused", run)
    finally:
        run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", database="postgres")


@contextmanager
def mariadb() -> Iterator[Server]:
    """A MariaDB in a folder of its own, with an account that has a password."""
    folder = Path(tempfile.mkdtemp(prefix="shuqiao-mariadb-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = [f"--user={'root' if os.geteuid() == 0 else os.environ.get('USER', '')}"] if os.geteuid() == 0 else []
    base = ["--no-defaults", f"--datadir={folder / 'data'}", *user]
    install = shutil.which("mariadb-install-db", path=PATH) or "mariadb-install-db"
    options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run([install, *base, *options], check=True, capture_output=True)
    line = folder / "socket"
    server = subprocess.Popen(
        [
            shutil.which("mariadbd", path=PATH) or "mariadbd",
            *base,
            f"--socket={line}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--pid-file={folder / 'pid'}",
            "--skip-networking=0",
        ],
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("w"),
    )

    def run(*statements: str, database: str | None = "source") -> list[tuple[Any, ...]]:
        with pymysql.connect(unix_socket=str(line), user="root", database=database, autocommit=True) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    try:
        _wait(lambda: run("SELECT 1", database=None), server, folder / "log")
        run(
            "CREATE DATABASE source CHARACTER SET utf8mb4",
            "CREATE USER reader@'%' IDENTIFIED BY 'geheim-秘密'",
            "GRANT SELECT ON source.* TO reader@'%'",
            database=None,
        )
        yield Server("mysql", port, "source", "reader", "geheim-秘密", run)
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(attempt: Callable[[], object], server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            attempt()
            return
        except pymysql.Error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.2)
