"""Search of data items over all datasets that the reader may see."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page
from django.db.models import F, Q, QuerySet, Value
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import DataElement, DataItem, DatasetSearchRow, DatasetState, DataType
from catalog.search.matching import Matches
from catalog.search.wishes import wish_of
from portal.list_export import exported
from portal.views import clean_text, page_of, require_duty

DATASETS = 2_000
"""So many datasets that hold the words are looked into."""
HEAD = (
    gettext_lazy("data item"),
    gettext_lazy("column"),
    gettext_lazy("data type"),
    gettext_lazy("data element"),
    gettext_lazy("dataset"),
    gettext_lazy("provider"),
)


def found(request: HttpRequest) -> QuerySet[DataItem]:
    """Items of published datasets by the words of the name, by the column, or by their data element."""
    groups = require_duty(request).standing.reader_groups
    readable = DatasetSearchRow.objects.filter(state=DatasetState.PUBLISHED, reader_groups__overlap=list(groups))
    text = clean_text(request.GET.get("q", ""))[:60]
    element = clean_text(request.GET.get("element", ""))[:60]
    rows = DataItem.objects.select_related("dataset__provider", "element")
    if (kind := request.GET.get("type", "")) in DataType.values:
        rows = rows.filter(data_type=kind)
    if element:
        rows = rows.filter(element__in=DataElement.objects.filter(code=element), dataset__in=readable.values("pk"))
    if text:
        asked = wish_of(text).tsquery
        if not asked:
            return rows.none()
        holding = readable.filter(Matches(F("heading"), Value(asked))).order_by("-modified", "-dataset_id")
        named = Q(name__icontains=text) | Q(name_en__icontains=text) | Q(element__name__icontains=text)
        rows = rows.filter(Q(dataset__in=list(holding.values_list("pk", flat=True)[:DATASETS])) & named)
    if not text and not element:
        return rows.none()
    return rows.order_by("name", "dataset__title", "id")


@login_required
def column_list(request: HttpRequest) -> HttpResponse:
    """Data items with the datasets that hold them."""
    rows = found(request)
    page: Page[Any] = page_of(request, rows)
    return render(request, "catalog/column_list.html", {"page": page, "types": DataType.choices})


@login_required
def column_export(request: HttpRequest) -> HttpResponseBase:
    """The same list as CSV or XLSX."""
    rows = found(request)

    def line(i: DataItem) -> list[Any]:
        named = [i.name, i.column, i.get_data_type_display(), i.element.name if i.element else ""]
        return [*named, i.dataset.title, i.dataset.provider.name]

    lines = (line(item) for item in rows[:10_000].iterator(chunk_size=500))
    return exported(request.GET.get("format", ""), "items", _("Data items"), HEAD, lines)
