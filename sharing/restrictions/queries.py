"""Who is listed: asked of a request on every screen that decides it, and the list under its filters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from portal.departments.scope import department_filter
from portal.errors import InvalidInput
from portal.lists import listed
from portal.views import clean_text
from sharing.models import Effect, Restriction, SharingRequest
from sharing.models.restriction import RestrictionQuerySet

SORTS = {
    "entered": ("entered_at", "id"),
    "-entered": ("-entered_at", "-id"),
    "until": ("until", "id"),
    "-until": ("-until", "-id"),
    "number": ("number",),
    "-number": ("-number",),
}


def hitting(departments: Collection[UUID | None], people: Collection[int | None]) -> RestrictionQuerySet:
    """Entries in force on one of these departments, or on one of these people."""
    found = Q(person__isnull=True, department__in=[each for each in departments if each])
    found |= Q(person__in=[each for each in people if each])
    return Restriction.objects.in_force().filter(found).select_related("department", "person", "authority")


def _applying(request: SharingRequest) -> tuple[UUID | None, ...]:
    """The departments that apply; none where somebody outside does, whose application an authority only receives."""
    return () if request.is_outside else (request.department_id, request.filed_by_department_id)


def on_request(request: SharingRequest, people: Collection[int] = ()) -> list[Restriction]:
    """Entries in force on the applicant of ``request``, who files for it, who made it, or one of ``people``."""
    rows = hitting(_applying(request), (request.created_by_id, *people))
    return sorted(rows, key=lambda row: (list(Effect).index(Effect(row.effect)), row.number), reverse=True)


def needs_review(request: SharingRequest) -> bool:
    """Whether a route may add a stage because of an entry: one that asks for a review, or a stricter one."""
    hits = hitting(_applying(request), (request.created_by_id,))
    return hits.filter(effect__in=(Effect.REVIEW, Effect.BLOCK)).exists()


def blocked_words(entries: Collection[Restriction]) -> str:
    """The sentence that refuses, or "" when none of these entries blocks."""
    blocking = [each for each in entries if each.effect == Effect.BLOCK]
    if not blocking:
        return ""
    last = max(blocking, key=lambda each: each.until)
    words = {"subject": listed(dict.fromkeys(each.subject for each in blocking)), "day": last.until.isoformat()}
    words["numbers"] = listed(each.number for each in blocking)
    return _("%(subject)s may not apply until %(day)s: restriction list %(numbers)s.") % words


def require_free(departments: Collection[UUID | None], people: Collection[int | None]) -> None:
    """Refuse what blocked departments and people may not do: apply, or have a grant renewed.

    Raises:
        InvalidInput: one of them is blocked; the message says who and until when.
    """
    if words := blocked_words(list(hitting(departments, people).filter(effect=Effect.BLOCK))):
        raise InvalidInput(words, fields={"restrictions": [words]})


def matching(rows: RestrictionQuerySet, params: Any) -> RestrictionQuerySet:
    """Entries under the filters of the address, in its order: those in force first when nothing else is asked."""
    if text := clean_text(params.get("q", ""))[:100]:
        named = Q(department__name__icontains=text) | Q(person__name__icontains=text) | Q(reason__icontains=text)
        rows = rows.filter(named | Q(number__istartswith=text))
    if params.get("effect") in Effect.values:
        rows = rows.filter(effect=params["effect"])
    state = params.get("state", "")
    if state in ("in_force", "to_come", "ended"):
        rows = getattr(rows, state)()
    if params.get("kind") in ("department", "person"):
        rows = rows.filter(person__isnull=params["kind"] == "department")
    rows = rows.filter(department_filter(params, "department"))
    return rows.order_by(*SORTS.get(params.get("sort", ""), SORTS["-entered"]))
