"""What ``manage.py verify`` runs: the chains here, and the checks that other rooms add."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.audit import record


@dataclass(frozen=True)
class Finding:
    """Something that does not hold: the object (a stream or a record) and a sentence that says what."""

    subject: str
    message: str


Check = Callable[[], Iterator[Finding]]
_checks: dict[str, Check] = {}


def register(name: str, check: Check) -> None:
    """Add a check under a stable name; an app does so when it is ready."""
    _checks[name] = check


def run() -> Iterator[tuple[str, Iterator[Finding]]]:
    """Every check by name with what it finds, lazily and in the order in which they were added."""
    yield from ((name, check()) for name, check in _checks.items())


def chains() -> Iterator[Finding]:
    """Chains whose events were changed, removed or cut off."""
    reasons = {
        "changed": _("this event was changed after it was written"),
        "missing": _("an event is missing here"),
        "cut": _("the end of the stream was cut off or added to"),
    }
    for found in record.broken():
        yield Finding(f"{found.stream}#{found.seq}", reasons[found.reason])


register("event chains", chains)
