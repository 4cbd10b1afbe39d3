"""The catalogue, one's own records, and the records to review."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import ListView

from catalog.facets import facets_of
from catalog.models import Dataset, DatasetRevision, DatasetState
from catalog.rules import REVIEW_DUTIES
from catalog.search import COUNT_LIMIT, SearchQuery, found_rows, misses, search, suggest
from catalog.search.wishes import QUERY_LIMIT
from portal import access
from portal.access import Actor, Permission
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from portal.errors import NotPermitted
from portal.exports import csv_response
from portal.views import CappedPaginator, WorkplaceMixin, clean_text, require_duty

REVISED = "revised"
"""Not a state of records: those of which a revision is open."""


def dataset_list(request: HttpRequest) -> HttpResponse:
    """Search of the catalogue with facets."""
    actor = require_duty(request)
    result = search(SearchQuery.from_params(request.GET), actor.standing.reader_groups)
    misses.note(result, is_public=False)
    facets, chips = facets_of(result, request.GET)
    context = {
        "result": result,
        "facets": facets,
        "chips": chips,
        "suggest_url": reverse("catalog:suggest"),
        "may_apply": access.can(actor, Permission.REQUEST_CREATE),
        "may_create": access.can(actor, Permission.DATASET_CREATE),
    }
    return render(request, "catalog/dataset_list.html", context)


def suggestions(request: HttpRequest) -> HttpResponse:
    """Titles for the text in the search box, as a fragment."""
    actor = require_duty(request)
    found = suggest(clean_text(request.GET.get("q", ""))[:QUERY_LIMIT], actor.standing.reader_groups)
    context = {"found": [(reverse("catalog:dataset-detail", args=[pk]), pieces) for pk, pieces in found]}
    return render(request, "components/suggestions.html", context)


def export(request: HttpRequest) -> StreamingHttpResponse:
    """The result of a search as CSV, at most 10,000 records."""
    actor = require_duty(request)
    query = SearchQuery.from_params(request.GET)

    def rows() -> Iterator[list[Any]]:
        yield [
            _("resource code"),
            _("title"),
            _("provider"),
            _("sharing type"),
            _("open type"),
            _("update cycle"),
            _("data grade"),
            _("published"),
        ]
        found = found_rows(query, actor.standing.reader_groups)
        for row in found.select_related("dataset__provider")[:COUNT_LIMIT].iterator(chunk_size=1_000):
            d = row.dataset
            types = [d.get_sharing_type_display(), d.get_open_type_display(), d.get_update_cycle_display()]
            yield [d.code, d.title, d.provider.name, *types, d.get_grade_display(), d.issued and d.issued.date()]

    return csv_response(rows(), "catalogue")


def mine(actor: Actor, params: QueryDict) -> QuerySet[Dataset]:
    """Records of the departments in which the actor catalogues, by state and words of the title."""
    departments = actor.standing.departments_with(Duty.CATALOGUER)
    rows = Dataset.objects.filter(provider__in=departments).select_related("provider")
    if params.get("state") == REVISED:
        rows = rows.filter(pk__in=DatasetRevision.objects.open().values("dataset"))
    elif params.get("state") in DatasetState.values:
        rows = rows.filter(state=params["state"])
    if text := clean_text(params.get("q", "")):
        rows = rows.filter(title__icontains=text)
    return rows.order_by("-modified", "-id")


class MineView(WorkplaceMixin, ListView[Dataset]):
    """Records of my departments, by state."""

    permission = Permission.DATASET_CREATE
    template_name = "catalog/dataset_mine.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Dataset]:
        return mine(self.actor, self.request.GET).prefetch_related(
            Prefetch("revisions", DatasetRevision.objects.open(), to_attr="open_ones")
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        states = [*DatasetState.choices, (REVISED, _("In revision"))]
        return super().get_context_data(states=states, **kwargs)


def to_review(actor: Actor) -> QuerySet[Dataset]:
    """Records that wait for a review of the actor's offices."""
    standing = actor.standing
    authorities = Department.objects.filter(pk__in=standing.departments_with(*AUTHORITY_DUTIES))
    regions = list(authorities.values_list("region_id", flat=True)) if standing.duties else []
    return Dataset.objects.to_review_by(standing.departments_with(*REVIEW_DUTIES), regions)


def may_review_any(actor: Actor) -> bool:
    return bool(actor.standing.departments_with(*REVIEW_DUTIES, *AUTHORITY_DUTIES))


class ReviewView(WorkplaceMixin, ListView[Dataset]):
    """Records that wait for my review, the longest waiting first."""

    template_name = "catalog/dataset_review.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Dataset]:
        if not may_review_any(self.actor):
            raise NotPermitted
        rows = to_review(self.actor).select_related("provider", "submitted_by").order_by("modified", "id")
        revisions = DatasetRevision.objects.open().select_related("submitted_by")
        return rows.prefetch_related(Prefetch("revisions", revisions, to_attr="open_ones"))
