"""Check the event chains and that every state column says what its events say."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.audit import checks


class Command(BaseCommand):
    help = "Verify the event chains, and recompute states from events and compare."

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for name, findings in checks.run():
            count = 0
            for finding in findings:
                count += 1
                self.stdout.write(self.style.ERROR(f"{name}: {finding.subject}: {finding.message}"))
            failed += count
            if not count:
                self.stdout.write(f"{name}: ok")
        if failed:
            raise CommandError(f"{failed} findings")
