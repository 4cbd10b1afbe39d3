"""The public pages: home, search, dataset, rows, chart, downloads."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from catalog import prepared
from catalog.browse import asked, browse
from catalog.charts import chart_of
from catalog.facets import facets_of
from catalog.models import Dataset, DatasetSearchRow, DatasetState, OpenType, Theme
from catalog.opendata.tables import download, open_table, whole_of
from catalog.parts import TablePart
from catalog.search import SearchQuery, misses, search, suggest
from catalog.search.wishes import QUERY_LIMIT
from catalog.tables.errors import TableError
from portal.addresses import address_of
from portal.errors import PortalError
from portal.views import clean_text

PREVIEW_ROWS = 20
OTHER_THEME = "22"
CHART_TABLE_ROWS = 200
NUMBERS_SECONDS = 60
DOWNLOADS_A_MINUTE = 30


class TooManyDownloads(PortalError):
    """An address downloads more often than allowed."""

    code = "too_many_downloads"
    status = 429  # type: ignore[assignment]


def numbers() -> dict[str, Any]:
    """The figures of the home page, counted at most once a minute."""
    found: dict[str, Any] | None = cache.get("open:numbers")
    if found is None:
        rows = DatasetSearchRow.objects.filter(state=DatasetState.PUBLISHED, open_type=OpenType.OPEN)
        found = rows.aggregate(
            datasets=Count("pk"), rows=Sum("row_count", default=0), providers=Count("provider", distinct=True)
        )
        themes = Theme.objects.filter(datasets__state=DatasetState.PUBLISHED, datasets__open_type=OpenType.OPEN)
        counted = themes.annotate(n=Count("datasets")).order_by("-n", "code")
        found["themes"] = sorted(counted, key=lambda theme: theme.code == OTHER_THEME)
        cache.set("open:numbers", found, NUMBERS_SECONDS)
    return found


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Numbers, themes, what is new."""
    newest = Dataset.objects.open().filter(search_row__has_data=True)
    context = {
        "section": "home",
        "numbers": numbers(),
        "newest": newest.select_related("provider", "search_row").prefetch_related("themes").order_by("-modified")[:8],
    }
    return render(request, "open/home.html", context)


@require_safe
def dataset_list(request: HttpRequest) -> HttpResponse:
    """Search of the open datasets."""
    result = search(SearchQuery.from_params(request.GET), [], is_public=True)
    misses.note(result, is_public=True)
    facets, chips = facets_of(result, request.GET)
    context = {"section": "datasets", "result": result, "facets": facets, "chips": chips}
    return render(request, "open/dataset_list.html", context | {"suggest_url": reverse("open:suggest")})


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """Titles of open datasets for the text in the search box, as a fragment."""
    found = suggest(clean_text(request.GET.get("q", ""))[:QUERY_LIMIT], [], is_public=True)
    context = {"found": [(reverse("open:dataset-detail", args=[pk]), pieces) for pk, pieces in found]}
    return render(request, "components/suggestions.html", context)


def _dataset_or_404(pk: UUID) -> Dataset:
    rows = Dataset.objects.open().select_related("provider__region", "spatial").prefetch_related("themes")
    return get_object_or_404(rows, pk=pk)


def _part(dataset: Dataset) -> TablePart | None:
    try:
        return open_table(dataset)
    except Http404:
        return None


@require_safe
def dataset_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An open dataset: metadata, open items, first rows, chart, downloads, interface."""
    dataset = _dataset_or_404(pk)
    part = _part(dataset)
    chart = chart_of(part) if part else None
    context = {
        "section": "datasets",
        "dataset": dataset,
        "items": list(dataset.items.filter(open_type=OpenType.OPEN)),
        "part": part,
        "prepared": prepared.files_for(whole_of(part)) if part else [],
        "page": part.page(part.query(limit=PREVIEW_ROWS)) if part else None,
        "chart": chart,
        "chart_rows": chart.rows[:CHART_TABLE_ROWS] if chart else [],
        "api_url": request.build_absolute_uri(reverse("api:open-rows", args=[pk])),
        "json_ld": _json_ld(request, dataset, part),
    }
    return render(request, "open/dataset_detail.html", context)


def _json_ld(request: HttpRequest, dataset: Dataset, part: TablePart | None) -> str:
    """schema.org's Dataset for search engines; ``<`` is escaped, since it stands in a script element."""
    url = request.build_absolute_uri(reverse("open:dataset-detail", args=[dataset.pk]))
    body: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": dataset.title,
        "description": dataset.summary,
        "url": url,
        "identifier": dataset.code,
        "keywords": dataset.keywords,
        "creator": {"@type": "GovernmentOrganization", "name": dataset.provider.name},
        "dateModified": dataset.modified.isoformat(),
        "isAccessibleForFree": True,
    }
    if dataset.licence:
        body["license"] = dataset.licence
    body["distribution"] = [
        {
            "@type": "DataDownload",
            "encodingFormat": format,
            "contentUrl": request.build_absolute_uri(reverse("open:dataset-download", args=[dataset.pk, format])),
        }
        for format in (part.formats if part else [])
    ]
    return json.dumps(body, ensure_ascii=False).replace("<", "\\u003c")


@require_safe
def dataset_rows(request: HttpRequest, pk: UUID) -> HttpResponse:
    """All open rows, with conditions, order and paging."""
    dataset = _dataset_or_404(pk)
    part = open_table(dataset)
    try:
        context, status = browse(part, request.GET), 200
    except TableError as error:
        context, status = {**browse(part, None), "error": error}, 422
    return render(request, "open/dataset_rows.html", {**context, "dataset": dataset}, status=status)


@require_safe
def dataset_chart(request: HttpRequest, pk: UUID) -> JsonResponse:
    """The numbers of the chart."""
    chart = chart_of(open_table(_dataset_or_404(pk)))
    if chart is None:
        raise Http404
    return JsonResponse(chart.to_json())


@require_safe
def dataset_download(request: HttpRequest, pk: UUID, format: str) -> HttpResponseBase:
    """The open rows as a file, with the page's conditions and order; at most 30 downloads a minute from an address."""
    part = open_table(_dataset_or_404(pk))
    if request.method == "GET":
        count_download(address_of(request) or "")
    return download(request, part, format, asked(part, request.GET) if request.GET else None)


def count_download(address: str) -> None:
    """Count one download from an address.

    Raises:
        TooManyDownloads: more than 30 within the minute.
    """
    key = f"downloads:{address}:{int(time.time() // 60)}"
    cache.add(key, 0, 120)
    if cache.incr(key) > DOWNLOADS_A_MINUTE:
        raise TooManyDownloads(_("Too many downloads from your address. Please wait a minute."))


NOT_FOR_ROBOTS = ("/*/rows", "/*/download/", "/*/export/", "/*chart.json", "/api/v1/", "/open/datasets/?")
"""Data, which are large and better fetched by people, and the endless combinations of a search."""


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines may read: the open section's pages and nothing of the workplace."""
    rules = ["User-agent: *", "Allow: /open/", "Allow: /static/", *(f"Disallow: {path}" for path in NOT_FOR_ROBOTS)]
    rules += ["Disallow: /", "", f"Sitemap: {request.build_absolute_uri(reverse('sitemap'))}", ""]
    return HttpResponse("\n".join(rules), content_type="text/plain; charset=utf-8")


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """What the open data are, and on which terms."""
    return render(request, "open/about.html", {"section": "about"})
