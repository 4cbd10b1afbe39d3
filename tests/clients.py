"""Browsers of people who are signed in, and what pages say to them."""

from __future__ import annotations

from typing import Any

from django.test import Client

from portal.accounts.models import User


def client_of(user: User, *, enforce_csrf: bool = False) -> Client:
    """A client in which ``user`` is signed in; with ``enforce_csrf`` its posts need a token, as a browser's do."""
    client = Client(enforce_csrf_checks=enforce_csrf)
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    """The whole text of a page."""
    return response.content.decode()
