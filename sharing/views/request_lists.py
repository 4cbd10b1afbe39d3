"""The requests of one's department, of those below it, and those that came to one's offices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import ListView

from portal.access import Actor
from portal.departments.models import Duty
from portal.exports import csv_response
from portal.views import WorkPaginator, WorkplaceMixin, actor_of, clean_text
from sharing.models import ApplicantKind, RequestState, SharingRequest

EXPORT_LIMIT = 10_000
EXPORT_LOT = 500
SORTS = ("number", "title", "modified", "submitted_at")


SCOPES = {
    "own": gettext_lazy("Of my department"),
    "filed": gettext_lazy("Filed for departments below"),
    "handled": gettext_lazy("Came to my offices"),
}


def _scope(request: HttpRequest, actor: Actor) -> str:
    """The chosen part of the list; who applies for a department sees its requests first."""
    chosen = request.GET.get("scope", "")
    if chosen in SCOPES:
        return chosen
    return "own" if actor.standing.departments_with(Duty.APPLICANT) else "handled"


def _matching(request: HttpRequest, actor: Actor) -> QuerySet[SharingRequest]:
    """Requests that meet the filters of the page, in its order: newest first when nothing else is asked."""
    rows, params = SharingRequest.objects.all(), request.GET
    scope = _scope(request, actor)
    parts = {"own": rows.of_departments, "filed": rows.filed_by, "handled": rows.handled_by}
    rows = parts[scope](actor.standing)
    if params.get("state") in RequestState.values:
        rows = rows.filter(state=params["state"])
    if params.get("kind") in ApplicantKind.values:
        rows = rows.filter(applicant_kind=params["kind"])
    if text := clean_text(params.get("q", "")):
        named = Q(title__icontains=text) | Q(outside_name__icontains=text)
        rows = rows.filter(named | Q(number__istartswith=text))
    sort = params.get("sort", "")
    if sort.removeprefix("-") in SORTS:
        return rows.order_by(sort, "-id")
    return rows.order_by("-id") if scope == "handled" else rows.order_by("-modified", "-id")


def _shown(ids: Sequence[UUID]) -> list[SharingRequest]:
    """What a line of the list shows of these requests, in their order: one query, however many."""
    found = SharingRequest.objects.filter(pk__in=ids).with_item_counts().select_related("department").in_bulk()
    return [found[pk] for pk in ids if pk in found]


class RequestListView(WorkplaceMixin, ListView[SharingRequest]):
    """Requests of my departments, or those that came to my offices."""

    template_name = "sharing/request_list.html"
    paginate_by = 20
    paginator_class = WorkPaginator

    def get_queryset(self) -> QuerySet[SharingRequest]:
        return _matching(self.request, self.actor).only("pk")  # the rest is read for the page alone

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["object_list"] = _shown([row.pk for row in context["page_obj"].object_list])
        states = [
            c for c in RequestState.choices if c[0] != RequestState.DRAFT or _scope(self.request, self.actor) == "own"
        ]
        return context | {
            "states": states,
            "kinds": ApplicantKind.choices,
            "scopes": SCOPES,
            "scope": _scope(self.request, self.actor),
        }


@login_required
def request_export(request: HttpRequest) -> StreamingHttpResponse:
    """The list as CSV."""
    ids = list(_matching(request, actor_of(request)).values_list("pk", flat=True)[:EXPORT_LIMIT])

    def rows() -> Iterator[list[Any]]:
        yield [
            _("number"),
            _("title"),
            _("applicant"),
            _("state"),
            _("datasets"),
            _("answered"),
            _("submitted"),
            _("kind of applicant"),
        ]
        for start in range(0, len(ids), EXPORT_LOT):
            for r in _shown(ids[start : start + EXPORT_LOT]):
                counts = [r.items_total, r.items_answered]  # type: ignore[attr-defined]
                names = [r.number, r.title, r.applicant_name, r.get_state_display()]
                yield [*names, *counts, r.submitted_at, r.get_applicant_kind_display()]

    return csv_response(rows(), "requests")
