"""``manage.py reindex``: write every search row anew, while the portal runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import transaction

from catalog.models import Dataset
from catalog.search.rows import renew

BATCH = 500


class Command(BaseCommand):
    """Needed after an upgrade that changes what the search knows of a record, and after editing the word lists."""

    help = "Write the search rows of all datasets anew. Safe while the portal runs, and to be run again."

    def handle(self, *args: Any, **options: Any) -> None:
        done, last = 0, UUID(int=0)
        while ids := list(Dataset.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
            with transaction.atomic():
                # who changes one of them meanwhile waits, and writes its row after us
                locked = Dataset.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=ids).order_by("pk")
                renew(list(locked.values_list("pk", flat=True)))
            done, last = done + len(ids), ids[-1]
            if options["verbosity"] > 1:
                self.stdout.write(f"{done} records")
        self.stdout.write(f"{done} search rows written.")
