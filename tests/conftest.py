"""Fixtures that many tests share: files of their own for each process, jobs, clients, two connections at once."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("DATABASE_POOL", "0")


def pytest_configure() -> None:
    """Pages are asked for in Chinese too: the translations are compiled before the first one is."""
    from portal import messages

    messages.compile_catalog()


@pytest.fixture(autouse=True, scope="session")
def files(django_db_setup: None) -> Iterator[None]:
    """Tables and uploads of this process, removed at the end."""
    from django.conf import settings

    for folder in (settings.TABLES_ROOT, settings.UPLOADS_ROOT, settings.PREPARED_ROOT):
        shutil.rmtree(folder, ignore_errors=True)
        Path(folder).mkdir(parents=True)
    yield
    shutil.rmtree(Path(settings.TABLES_ROOT).parent, ignore_errors=True)


@pytest.fixture(autouse=True)
def clean_cache() -> Iterator[None]:
    """Counters, cached figures and uploaded files do not pass from test to test."""
    from django.conf import settings
    from django.core.cache import cache

    yield
    cache.clear()
    for folder in (settings.UPLOADS_ROOT, settings.PREPARED_ROOT):
        for left in Path(folder).glob("*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()


@pytest.fixture
def committed(transactional_db: None) -> None:
    """A test that commits for real, for tests with several connections, with what migrations put in."""
    from tests.seeding import seed

    seed()


@pytest.fixture(autouse=True)
def seeded_after_commits(request: pytest.FixtureRequest) -> None:
    """Ordinary tests that run after such a test find what migrations put in, too."""
    if "db" in request.fixturenames and "transactional_db" not in request.fixturenames:
        from tests.seeding import seed

        request.getfixturevalue("db")
        seed()


@pytest.fixture
def run_jobs() -> Callable[[], None]:
    """Run every queued load here and now, as a worker would."""

    def run() -> None:
        from catalog import loading
        from catalog.models import IngestJob

        for job in IngestJob.objects.filter(state="queued").order_by("created_at"):
            loading.run(job.pk)

    return run


@pytest.fixture
def concurrently() -> Callable[..., list[Any]]:
    """Run callables at the same time, each in a thread with a database connection of its own; results or errors."""

    def run(*calls: Callable[[], Any]) -> list[Any]:
        from django.db import connection

        results: list[Any] = [None] * len(calls)
        barrier = threading.Barrier(len(calls))

        def work(place: int, call: Callable[[], Any]) -> None:
            try:
                barrier.wait()
                results[place] = call()
            except Exception as error:
                results[place] = error
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=(n, call)) for n, call in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    return run


CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The system's Chromium."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("Chromium is not installed: apt-get install chromium fonts-noto-cjk")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield running
        running.close()
