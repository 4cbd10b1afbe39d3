"""Searches in vain: what people look for and no record meets, by day and without who they are."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.db import transaction
from django.db.models import F, Max, QuerySet, Sum
from django.utils import timezone

from catalog.models import SearchMiss
from catalog.search.finding import Result
from catalog.search.words import normal

DAY_LIMIT = 5_000
"""So many texts are kept of a day, so that nobody fills the table."""
KEPT_DAYS = 400
_LENGTH = 100
_PERSONAL = re.compile(r"\d{7,}|@")
"""Numbers of persons, cards and telephones, and addresses are not kept."""


def note(result: Result, *, is_public: bool) -> None:
    """Keep the text of a search that found nothing, or only what comes close; nothing where it looks personal."""
    text = " ".join(normal(result.query.text).split())[:_LENGTH]
    is_plain = not (result.query.filters or result.query.region or result.query.has_data)
    if (result.total and not result.is_near) or not is_plain or result.query.page > 1 or len(text) < 2:
        return
    if _PERSONAL.search(text) or not any(character.isalpha() for character in text):
        return
    today = timezone.localdate()
    rows = SearchMiss.objects.filter(day=today, is_public=is_public)
    with transaction.atomic():
        if rows.filter(text=text).update(count=F("count") + 1) or rows.count() >= DAY_LIMIT:
            return
        SearchMiss.objects.bulk_create([SearchMiss(text=text, day=today, is_public=is_public)], ignore_conflicts=True)


def missed(since: dt.date, *, is_public: bool | None = None) -> QuerySet[SearchMiss, Any]:
    """Texts with how often and when last they were searched for since a day; the most wanted first."""
    rows = SearchMiss.objects.filter(day__gte=since)
    if is_public is not None:
        rows = rows.filter(is_public=is_public)
    found = rows.values("text").annotate(times=Sum("count"), last=Max("day"))
    return found.order_by("-times", "-last", "text")


def prune() -> None:
    """Forget what is older than KEPT_DAYS."""
    SearchMiss.objects.filter(day__lt=timezone.localdate() - dt.timedelta(days=KEPT_DAYS)).delete()
