"""A running portal for the browser: pages on a real server, data in a real database, jobs run when the page waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.factories import PASSWORD, World


@pytest.fixture(autouse=True)
def seeded(committed: None) -> None:
    """Every journey commits for real, on top of what migrations put in."""


@pytest.fixture
def world(seeded: None) -> World:
    return World()


class Visitor:
    """Somebody in front of a browser of their own."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base = page, base

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def sign_in(self, username: str) -> None:
        self.go("/accounts/sign-in/")
        self.page.fill("#id_username", username)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("main button[type=submit], main form button")
        self.page.wait_for_url(f"{self.base}/")

    def press(self, text: str, *, confirm: bool = False) -> None:
        """Press the button or link with this text, and confirm when the page asks."""
        self.page.locator(f"main >> role=button[name='{text}']").or_(
            self.page.locator(f"main >> role=link[name='{text}']")
        ).first.click()
        if confirm:
            with self.page.expect_navigation():
                self.page.locator("#confirm button[value=yes]").click()
        self.page.wait_for_load_state()

    def sees(self, text: str) -> None:
        expect(self.page.locator("main")).to_contain_text(text)

    def download(self, click: Callable[[], None]) -> bytes:
        with self.page.expect_download() as found:
            click()
        return Path(found.value.path()).read_bytes()


def _is_fault(said: Any) -> bool:
    """An error of the page itself; answers such as 404 and 422 are what a test may ask for."""
    return said.type == "error" and "Failed to load resource" not in said.text


@pytest.fixture
def visit(browser: Any, live_server: Any) -> Callable[..., Any]:
    """``with visit("name") as visitor``: a browser of one's own, in English words, signed in when named."""

    @contextmanager
    def opened(username: str = "", width: int = 1440, locale: str = "en") -> Iterator[Visitor]:
        context = browser.new_context(viewport={"width": width, "height": 900}, locale=locale, accept_downloads=True)
        context.add_cookies([{"name": "django_language", "value": locale, "url": live_server.url}])
        context.set_default_timeout(10_000)
        visitor = Visitor(context.new_page(), live_server.url)
        errors: list[str] = []
        visitor.page.on("pageerror", lambda error: errors.append(str(error)))
        visitor.page.on("console", lambda said: errors.append(said.text) if _is_fault(said) else None)
        if username:
            visitor.sign_in(username)
        yield visitor
        context.close()
        assert errors == []

    return opened
