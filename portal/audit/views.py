"""The record as the audit administrator reads it: search, one event with its chain, export. Nothing can be changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.generic import DetailView, ListView

from portal import access
from portal.access import Permission
from portal.audit import checkpoints, record, signing, verbs
from portal.audit.models import ArchivedMonth, Checkpoint, Event, SealedHead
from portal.exports import csv_response
from portal.views import CappedPaginator, WorkplaceMixin, actor_of

EXPORT_LIMIT = 1_000_000


def matching(params: QueryDict) -> QuerySet[Event]:
    """Events that meet the filters of the page, newest first."""
    rows = Event.objects.select_related("actor", "on_behalf_of").order_by("-at", "-id")
    if stream := params.get("stream", "").replace("\x00", "").strip():
        rows = rows.filter(stream__startswith=stream)
    if verb := params.get("verb", "").replace("\x00", "").strip():
        rows = rows.filter(verb__startswith=verb)
    if person := params.get("person", "").replace("\x00", "").strip():
        rows = rows.filter(actor__username=person)
    for name, lookup in (("from", "at__date__gte"), ("until", "at__date__lte")):
        try:
            date = parse_date(params.get(name, ""))
        except ValueError:
            date = None
        if date:
            rows = rows.filter(**{lookup: date})
    return rows


class EventListView(WorkplaceMixin, ListView[Event]):
    """Everything that happened, newest first."""

    permission = Permission.AUDIT_READ
    template_name = "portal/event_list.html"
    paginate_by = 50
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Event]:
        return matching(self.request.GET)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(groups=verbs.GROUPS, labels=verbs.LABELS, **kwargs)
        context["lines"] = [(event, verbs.label(event.verb)) for event in context["object_list"]]
        return context


class EventDetailView(WorkplaceMixin, DetailView[Event]):
    """One event, and whether the chain it stands in holds."""

    permission = Permission.AUDIT_READ
    template_name = "portal/event_detail.html"
    queryset = Event.objects.select_related("actor", "on_behalf_of")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = next(record.broken([self.object.stream]), None)
        chain = Event.objects.of(self.object.stream).select_related("actor")[:200]
        lines = [(event, verbs.label(event.verb)) for event in chain]
        sealed = SealedHead.objects.filter(stream=self.object.stream, length__gte=self.object.seq)
        return super().get_context_data(
            found=found,
            lines=lines,
            label=verbs.label(self.object.verb),
            sealed=sealed.order_by("checkpoint").first(),
            **kwargs,
        )


def export(request: HttpRequest) -> StreamingHttpResponse:
    """The events that meet the filters, as CSV."""
    access.require(actor_of(request), Permission.AUDIT_READ)

    def rows() -> Iterator[list[Any]]:
        yield [_("stream"), _("number"), _("moment"), _("person"), _("on behalf of"), _("act"), _("data"), _("digest")]
        for e in matching(request.GET)[:EXPORT_LIMIT].iterator(chunk_size=2_000):
            yield [e.stream, e.seq, e.at.isoformat(), e.actor, e.on_behalf_of, verbs.label(e.verb), e.data, e.hash]

    return csv_response(rows(), "events")


def proof(request: HttpRequest, pk: int) -> HttpResponse:
    """The proof that an event stands under a signed checkpoint."""
    access.require(actor_of(request), Permission.AUDIT_READ)
    event = get_object_or_404(Event, pk=pk)
    response = JsonResponse(checkpoints.proof(event), json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = f'attachment; filename="proof-{event.pk}.json"'
    return response


class CheckpointListView(WorkplaceMixin, ListView[Checkpoint]):
    """The checkpoints, newest first, with the key that verifies them and the archived months."""

    permission = Permission.AUDIT_READ
    template_name = "portal/checkpoint_list.html"
    paginate_by = 48
    paginator_class = CappedPaginator
    queryset = Checkpoint.objects.all()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(months=ArchivedMonth.objects.order_by("-month"), **kwargs)
        context["lines"] = [(row, checkpoints.signature_state(row)) for row in context["object_list"]]
        context["public_key"] = signing.public_key()
        return context


def checkpoint_export(request: HttpRequest, number: int) -> HttpResponse:
    """One checkpoint as it is given away."""
    access.require(actor_of(request), Permission.AUDIT_READ)
    checkpoint = get_object_or_404(Checkpoint, pk=number)
    response = JsonResponse(checkpoints.exported(checkpoint), json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = f'attachment; filename="checkpoint-{number}.json"'
    return response
