"""How many queries a page takes."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.search import vocabulary


def queries_of(client: Client, path: str) -> int:
    """The number of queries of a page that answers 200."""
    vocabulary.vocabulary()  # what a process reads every few seconds
    with CaptureQueriesContext(connection) as captured:
        response: Any = client.get(path)
    assert response.status_code == 200, response.content[:500]
    return len(captured)
