"""What the permission condition costs a list page: against the same page without it, and against django-guardian."""

from __future__ import annotations

import os
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import get_objects_for_user

from bench.__main__ import Row, compare
from bench.catalogue import build, scratch_database
from catalog.models import Dataset, DatasetSearchRow
from portal.access import standing_of

COUNT = int(os.environ.get("BENCH_DATASETS", "1000000"))
PAGE = 20


def run() -> list[Row]:
    """A page of 20 of the newest records for a cataloguer who sees nine in ten, with BENCH_DATASETS records."""
    with scratch_database():
        reader = build(COUNT)
        standing = standing_of(reader)
        order = ("-search_row__modified", "-search_row__dataset_id")
        everything = Dataset.objects.filter(search_row__isnull=False).order_by(*order)
        visible = Dataset.objects.readable_by(standing.reader_groups).order_by(*order)
        own = DatasetSearchRow.objects.filter(state="draft", reader_groups__overlap=standing.reader_groups)

        def page(rows: QuerySet[Any]) -> None:
            list(rows[:PAGE])

        def whole() -> None:
            """With reading the standing, as a request does."""
            page(Dataset.objects.visible_to(reader).order_by(*order))

        def guardian() -> None:
            rows = get_objects_for_user(reader, "catalog.view_dataset", Dataset)
            page(rows.order_by(*order))

        with CaptureQueriesContext(connection) as captured:
            whole()
        size = f"{COUNT:,}, {len(captured)} queries"
        return [
            compare("visible page", size, lambda: page(visible), "no condition", lambda: page(everything), 200),
            compare("visible_to + page", size, whole, "guardian", guardian, 10),
            compare("page of own drafts", size, lambda: page(own.order_by("-modified")), "guardian", guardian, 10),
        ]
