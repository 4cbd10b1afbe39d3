"""The events of requests and grants in words."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from catalog.history import Line, line_of
from portal.audit.models import Event
from portal.lists import listed

LIMIT = 200

SENTENCES: dict[str, str | Promise] = {
    "request.created": _("created the draft “%(title)s”"),
    "request.updated": _("changed the request"),
    "request.items_added": _("added datasets"),
    "request.item_removed": _("removed a dataset"),
    "item.changed": _("changed the items or rows asked for"),
    "request.submitted": _("submitted the request as %(number)s"),
    "request.resubmitted": _("submitted the returned items again"),
    "request.withdrawn": _("withdrew the request: %(reason)s"),
    "request.moved": _("moved it from %(from)s to %(to)s"),
    "step.decided": _("decided: %(summary)s"),
    "item.closed": _("an item was closed: %(reason)s"),
    "grant.issued": _("issued the grant"),
    "grant.moved": _("moved it from %(from)s to %(to)s"),
    "grant.suspended": _("suspended the grant: %(reason)s"),
    "grant.resumed": _("resumed the grant"),
    "grant.revoked": _("revoked the grant: %(reason)s"),
    "credential.created": _("created the key %(prefix)s…"),
    "credential.withdrawn": _("withdrew the key %(prefix)s…"),
}


def lines(stream: str) -> list[Line]:
    """The newest events of a stream, newest first; decisions say what was decided on how many items."""
    from sharing.models import Verdict

    rows = []
    for event in Event.objects.filter(stream=stream).select_related("actor", "on_behalf_of").order_by("-seq")[:LIMIT]:
        decisions = event.data.get("decisions", {}).values()
        counts = [(v.label, sum(d["verdict"] == v.value for d in decisions)) for v in Verdict]
        notes = list(dict.fromkeys(d["note"] for d in decisions if d.get("note")))
        event.data["summary"] = listed([*(f"{label} {n}" for label, n in counts if n), *notes])
        rows.append(line_of(event, SENTENCES))
    return rows
