"""Start the whole portal: database, web and worker."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal import serving


class Command(BaseCommand):
    help = "Start everything (database, web, worker), print the address, and stop everything at Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1")
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))

    def handle(self, *args: Any, **options: Any) -> None:
        for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show Chinese must not stop the portal
            getattr(stream, "reconfigure", lambda **_kw: None)(errors="replace", line_buffering=True)
        serving.serve(host=options["host"], port=options["port"], say=self.stdout.write)
