"""Telling something once of each row, however often a job runs and however long the worker was away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import models, transaction
from django.utils import timezone

LOT = 1_000
ModelT = TypeVar("ModelT", bound=models.Model)


def each_once(rows: models.QuerySet[ModelT], mark: str, tell: Callable[[ModelT], object], *related: str) -> int:
    """Set the time ``mark`` of each row and ``tell`` of it, each in its own transaction; returns how many.

    ``rows`` must leave out what is marked already; ``related`` is loaded with each row.
    """
    count = 0
    for pk in list(rows.values_list("pk", flat=True)[:LOT]):
        with transaction.atomic():
            locked: Any = rows.select_for_update(skip_locked=True, of=("self",)).select_related(*related)
            row = locked.filter(pk=pk).first()
            if row is None:
                continue
            rows.model._default_manager.filter(pk=pk).update(**{mark: timezone.now()})
            tell(row)
            count += 1
    return count
