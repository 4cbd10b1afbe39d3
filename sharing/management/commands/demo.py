"""Load the demo, or add generated records to try size."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from catalog.health import figures
from catalog.importing import import_published
from catalog.models import DataElement, Dataset
from catalog.standards import seeds
from portal.access import Actor
from portal.accounts.models import User
from sharing.models import Demand, SharingRequest

LOCK = 7_420_001
"""Advisory lock: two demos are never loaded at once."""


class Command(BaseCommand):
    help = "Load the demo once (real divisions, records and tables), or add N generated records with --scale N."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--scale", type=int, metavar="N", help="add N generated published records")

    def handle(self, *args: Any, scale: int | None = None, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo is loaded only with the demo settings (portal.settings.demo).")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            try:
                self._load()
                if scale:
                    self._scale(scale)
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])

    def _load(self) -> None:
        """Each part is skipped when it is there, so that a load that was interrupted goes on."""
        from demo import lists, places, records, requests, tables

        if SharingRequest.objects.exists():
            self.stdout.write("The demo is loaded already.")
            return
        started = time.monotonic()
        if not User.objects.filter(is_demo=True).exists():
            self._say(f"{places.load_regions()} regions", started)
            self._say(f"{places.load_departments()} departments", started)
            self._say(f"{places.load_people()} people", started)
        if not DataElement.objects.exists():
            self._say(f"{seeds.load(Actor.system())} standards", started)
        if not Dataset.objects.exists():
            for source in (records.division_records(), records.open_records()):
                for done in import_published(source, actor=Actor.system()):
                    self._say(f"{done} records", started)
        for title in tables.load_tables():
            self._say(title, started)
        if not Demand.objects.exists():
            self._say(f"{lists.load_lists()} demands", started)
        self._say(f"{requests.load_requests()} requests", started)
        self._say(f"{figures.keep()} departments measured", started)

    def _scale(self, count: int) -> None:
        from demo.scale import generated

        started, start = time.monotonic(), Dataset.objects.filter(title__endswith="）").count()
        for done in import_published(generated(count, start), actor=Actor.system()):
            if done % 10_000 == 0 or done == count:
                self._say(f"{done} generated records", started)

    def _say(self, text: str, started: float) -> None:
        self.stdout.write(f"  {time.monotonic() - started:5.1f} s  {text}")
