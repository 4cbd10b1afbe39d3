"""Import catalogue records from a workbook or JSON lines, as a person who may, with a report line by line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.exchange import importing
from catalog.models import ImportState, LineState, RecordImport
from portal.access import Actor
from portal.accounts.models import User
from portal.errors import PortalError

SHOWN = 50


class Command(BaseCommand):
    help = "Import records from a workbook (.xlsx) or JSON lines (.jsonl) with the rights of a person."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--user", required=True, help="user name of the cataloguer or of the data authority")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done and stop")
        parser.add_argument("--good-lines", action="store_true", help="load the good lines although others are wrong")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None or not path.is_file():
            raise CommandError(f"There is no user {options['user']!r}, or no file {path}.")
        actor = Actor.of(user)
        try:
            with path.open("rb") as file:
                upload = UploadedFile(File(file), name=path.name, size=path.stat().st_size)
                made = importing.plan(importing.start(upload=upload, actor=actor, is_queued=False).pk)
            self._report(made)
            if made.state == ImportState.FAILED:
                raise CommandError(made.error)
            if options["dry_run"]:
                importing.cancel(record_import=made, actor=actor)
                return
            partial = options["good_lines"]
            importing.confirm(record_import=made, actor=actor, is_partial=partial, is_queued=False)
        except PortalError as error:
            raise CommandError(str(error)) from error
        made = importing.load(made.pk)
        if made.state != ImportState.DONE:
            raise CommandError(made.error or str(made.get_state_display()))
        self.stdout.write(f"{made.lines.filter(is_loaded=True).count()} records loaded")

    def _report(self, made: RecordImport) -> None:
        counts = Counter(made.lines.values_list("state", flat=True))
        self.stdout.write(", ".join(f"{counts[state]} {state}" for state in LineState.values))
        for note in made.notes:
            self.stdout.write(note)
        for line in made.lines.filter(state=LineState.BAD).order_by("number")[:SHOWN]:
            for fault in line.faults:
                self.stdout.write(f"  {line.title} · {fault['sheet']} {fault['cell']}: {fault['reason']}")
