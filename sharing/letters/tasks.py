"""Jobs of letters."""

from collections.abc import Iterable
from uuid import UUID

from procrastinate.contrib.django import app


@app.task(queue="default", name="sharing.issue_letters", retry=5)
def issue_letters(request_ids: list[str]) -> None:
    """Issue the letters of requests whose answers have come; each request in its own transaction."""
    from sharing.letters import acts

    for pk in request_ids:
        acts.issue_for(UUID(pk))


def due(request_ids: Iterable[UUID]) -> None:
    """Have the worker issue the letters of these requests, once the transaction of their decisions is through."""
    ids = [str(pk) for pk in request_ids]
    if ids:
        issue_letters.defer(request_ids=ids)
