"""Find the texts of the portal, write locale/, and compile it."""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal import messages


class Command(BaseCommand):
    help = "messages [update|missing|compile] [--merge FILE.json …] [--missing]: see portal/messages.py."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs=argparse.REMAINDER)
        parser.add_argument("--merge", nargs="+", default=[], metavar="FILE.json")
        parser.add_argument("--missing", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        words = list(options["words"])
        if options["merge"]:
            words += ["--merge", *options["merge"]]
        if options["missing"]:
            words.append("--missing")
        if status := messages.run(words, self.stdout.write):
            sys.exit(status)
