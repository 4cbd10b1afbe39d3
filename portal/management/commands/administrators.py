"""``manage.py administrators``: the three administrators of a new installation, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts import people
from portal.errors import WrongState


class Command(BaseCommand):
    help = "Makes the system, security and audit administrator and prints a one-time password for each, once."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = people.create_administrators()
        except WrongState as error:
            raise CommandError(str(error)) from error
        for account in made:
            self.stdout.write(f"{account.user.username:<12} {account.password}  {account.user.name}")
