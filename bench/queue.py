"""An office's queue at a million requests and three million steps, made with SQL from one request of the usual route.

BENCH_REQUESTS sets another size. The reader's office has one request in fifty; half of those wait for it.
"""

from __future__ import annotations

import os
from typing import Any

from django.db import connection
from django.test import Client

from bench.__main__ import Row, compare
from bench.catalogue import columns_of, scratch_database
from portal.serving import collect_static
from sharing.models import ApprovalStep, RequestItem, SharingRequest, StepItem

COUNT = int(os.environ.get("BENCH_REQUESTS", "1000000"))
OWN = 50
"""One request in so many goes to the reader's office."""
RUNS = 60


def run() -> list[Row]:
    """Each row: the whole page inside the server, against the bare page of twenty ids with the same condition."""
    collect_static(print)
    with scratch_database():
        reader = _build()
        client = Client(headers={"host": "localhost"})
        client.force_login(reader, backend="allauth.account.auth_backends.AuthenticationBackend")
        offices = list(reader.groups.values_list("pk", flat=True))
        pages = {
            "queue: to decide": "/queue/",
            "queue: late": "/queue/?tab=late",
            "queue: page 50": "/queue/?page=50",
            "queue: decided": "/queue/?tab=done",
            "queue: with the applicant": "/queue/?tab=paused",
            "requests of the department": "/requests/",
        }

        def page(path: str) -> None:
            response: Any = client.get(path)
            assert response.status_code == 200, (path, response.status_code)

        def bare() -> None:
            rows = ApprovalStep.objects.filter(office__in=offices).open().order_by("due_at", "id")
            list(rows.values_list("pk", flat=True)[:20])

        size = f"{COUNT:,} / {ApprovalStep.objects.count():,}"
        return [
            compare(what, size, lambda path=path: page(path), "twenty ids", bare, RUNS)  # type: ignore[misc]
            for what, path in pages.items()
        ]


def _build() -> Any:
    """COUNT requests with one item and three steps each; returns the reader."""
    from tests import factories

    world = factories.World()
    dataset = factories.make_dataset(world.province_bureau, "样例")
    request = factories.submit(world, factories.make_request(world, dataset))
    other = factories.make_department("外省民政厅", world.regions["nation"])
    factories.make_user("other", other, "provider_approver")
    provider = ApprovalStep.objects.get(request=request, stage="provider")
    office = provider.office_id
    elsewhere = other.duty_groups.get(duty="provider_approver").group_id
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE n AS SELECT i, gen_random_uuid() AS request, gen_random_uuid() AS item, "
            "gen_random_uuid() AS s1, gen_random_uuid() AS s2, gen_random_uuid() AS s3 "
            "FROM generate_series(1, %s) i",
            [COUNT],
        )
        _copy(
            cursor,
            SharingRequest,
            request.pk,
            {
                "id": "n.request",
                "number": "'B' || n.i",
                "title": "'低保核查 ' || n.i",
                "department_id": f"CASE WHEN n.i %% {OWN} = 1 THEN t.department_id ELSE '{other.pk}' END",
                "created_by_id": "t.created_by_id",
                "modified": "now() - n.i * interval '1 second'",
            },
        )
        _copy(cursor, RequestItem, request.items.get().pk, {"id": "n.item", "request_id": "n.request"})
        for place, step in enumerate(request.steps.order_by("order"), start=1):
            mine = f"n.i %% {OWN} = 0"
            is_last = place == 3
            state = "CASE WHEN n.i / 50 %% 10 < 5 THEN 'open' WHEN n.i / 50 %% 10 < 6 THEN 'paused' ELSE 'done' END"
            _copy(
                cursor,
                ApprovalStep,
                step.pk,
                {
                    "id": f"n.s{place}",
                    "request_id": "n.request",
                    "office_id": f"CASE WHEN {mine} THEN {office} ELSE {elsewhere} END" if is_last else str(elsewhere),
                    "state": state if is_last else "'done'",
                    "opened_at": "now() - n.i * interval '1 second'",
                    "due_at": "now() + (n.i %% 20000 - 10000) * interval '1 minute'",
                    "decided_at": "now() - n.i * interval '1 second'",
                },
            )
            entry = StepItem.objects.get(step=step)
            _copy(
                cursor,
                StepItem,
                entry.pk,
                {
                    "id": "nextval('sharing_stepitem_id_seq')",
                    "step_id": f"n.s{place}",
                    "item_id": "n.item",
                },
            )
        cursor.execute("VACUUM ANALYZE")
    return world.provider


def _copy(cursor: Any, model: Any, pk: Any, changed: dict[str, str]) -> None:
    """One row copied once for each row of ``n``."""
    into, values = columns_of(model, changed)
    table = model._meta.db_table
    cursor.execute(f"INSERT INTO {table} ({into}) SELECT {values} FROM {table} t, n WHERE t.id = %s", [pk])
