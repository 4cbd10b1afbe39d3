"""``manage.py trace FILE``: under which grant was this copy delivered?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.tables.errors import BadFile
from sharing.delivery.watermark import trace


class Command(BaseCommand):
    """Names the grant, the department and the deliveries of a copy that was found."""

    help = "Name the grant under which a copy of shared data was delivered."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            found = trace(path, path.name)
        except BadFile as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"marked cells: {found.tokens} tokens, {found.texts} texts; {found.fitting} fit the best grant"
        )
        if found.grant is None:
            self.stdout.write("No grant can be named.")
            return
        grant = found.grant
        self.stdout.write(f"grant       {grant.pk}")
        self.stdout.write(f"dataset     {grant.dataset} ({grant.dataset.provider})")
        self.stdout.write(f"department  {grant.holder_name}")
        self.stdout.write(f"request     {grant.item.request.number}")
        self.stdout.write(f"chance that another grant fits as well: {found.chance:.1e}")
        for usage in grant.usage.select_related("user", "credential").order_by("at")[:50]:
            who = usage.user or (f"key {usage.credential.prefix}…" if usage.credential else "")
            self.stdout.write(f"delivery    {usage.at:%Y-%m-%d %H:%M} {usage.format} {usage.rows} rows {who}")
