"""Bring the national code lists and common data elements into a new installation."""

from typing import Any

from django.core.management.base import BaseCommand

from catalog.standards import seeds
from portal.access import Actor


class Command(BaseCommand):
    help = "Make the code lists and data elements that the portal brings, where they are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{seeds.load(Actor.system())}")
