"""Letters whose content is not what was issued, or whose confirmations are not what their events say."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from portal.audit import checks
from portal.audit.checks import Finding
from portal.audit.models import Event
from portal.audit.record import stream_of
from sharing.letters.acts import digest_of
from sharing.models import Letter


def letters() -> Iterator[Finding]:
    """One finding for each letter that does not agree with its record."""
    said: dict[str, tuple[str, set[str]]] = {}
    for event in (
        Event.objects.filter(stream__startswith="letter:").order_by("stream", "seq").iterator(chunk_size=5_000)
    ):
        _digest, sides = said.setdefault(event.stream, (event.data["sha256"], set()))
        if event.verb == "letter.confirmed":
            sides.add(event.data["side"])
    for letter in Letter.objects.order_by("pk").iterator(chunk_size=500):
        pairs = (("applicant", letter.applicant_confirmed_at), ("provider", letter.provider_confirmed_at))
        sides = {side for side, at in pairs if at}
        if said.get(stream_of(letter)) != (letter.digest, sides) or digest_of(letter.content) != letter.digest:
            yield Finding(stream_of(letter), _("its state is not what its events say"))


checks.register("letters", letters)
