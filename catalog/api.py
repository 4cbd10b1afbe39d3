"""``/api/v1/datasets`` and ``/api/v1/open``: the catalogue and the open rows, with the functions that pages use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.models import DataItem, Dataset, RelationKind
from catalog.opendata.tables import download, open_table_of
from catalog.opendata.views import count_download
from catalog.search import PAGE_SIZE, SORTS, SearchQuery, search
from catalog.tables.engine import Page, Sort
from catalog.tables.filters import OPERATORS, parse_filters
from catalog.tables.schema import json_value
from catalog.tables.summary import Groups, parse_summary
from portal.addresses import address_of
from portal.errors import InvalidInput
from portal.views import actor_of


class DataItemSerializer(serializers.ModelSerializer[DataItem]):
    class Meta:
        model = DataItem
        fields = (
            "name",
            "column",
            "data_type",
            "length",
            "unit",
            "description",
            "is_key",
            "is_nullable",
            "sensitivity",
            "sharing_type",
            "open_type",
        )


class DatasetListSerializer(serializers.ModelSerializer[Dataset]):
    """A dataset in a list."""

    provider = serializers.CharField(source="provider.name")
    region = serializers.CharField(source="provider.region_id")
    themes = serializers.SlugRelatedField("code", many=True, read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = Dataset
        fields: tuple[str, ...] = (
            "id",
            "code",
            "title",
            "summary",
            "provider",
            "region",
            "themes",
            "state",
            "sharing_type",
            "open_type",
            "grade",
            "update_cycle",
            "issued",
            "modified",
        )


class DatasetSerializer(DatasetListSerializer):
    """A dataset with its items."""

    items = DataItemSerializer(many=True)
    relations = serializers.SerializerMethodField(
        help_text="Codes of the records that it derives from, is part of, replaces and relates to."
    )

    class Meta(DatasetListSerializer.Meta):
        fields = (
            *DatasetListSerializer.Meta.fields,
            "sharing_condition",
            "sharing_basis",
            "channels",
            "open_condition",
            "keywords",
            "source_system",
            "contact",
            "licence",
            "attribution",
            "landing_page",
            "language",
            "temporal_start",
            "temporal_end",
            "version",
            "items",
            "relations",
        )

    def get_relations(self, dataset: Dataset) -> dict[str, list[str]]:
        """By property (PROV-O, Dublin Core), only what the caller may see."""
        readable = Dataset.objects.readable_by(self.context["groups"])
        found: dict[str, list[str]] = {name: [] for name in RELATION_PROPERTIES.values()}
        rows = dataset.relations.filter(target__in=readable).order_by("target__code")
        for kind, code in rows.values_list("kind", "target__code"):
            found[RELATION_PROPERTIES[kind]].append(code)
        return found


RELATION_PROPERTIES: dict[str, str] = {
    RelationKind.DERIVED_FROM: "prov:wasDerivedFrom",
    RelationKind.PART_OF: "dct:isPartOf",
    RelationKind.REPLACES: "dct:replaces",
    RelationKind.RELATED: "dct:relation",
}
INTERNAL_FIELDS = ("sharing_condition", "sharing_basis", "source_system")
"""What a dataset states for civil servants only; the public section does not show it either."""


class DatasetPageSerializer(serializers.Serializer[Any]):
    """One page of a search."""

    count = serializers.IntegerField(help_text="At most 10,000.")
    is_capped = serializers.BooleanField()
    is_near = serializers.BooleanField(help_text="No dataset has all words; these have most of them.")
    page = serializers.IntegerField()
    pages = serializers.IntegerField(help_text="By relevance at most 50; with `sort` at most 500.")
    results = DatasetListSerializer(many=True)


SEARCH_PARAMETERS = [
    OpenApiParameter("q", str, description="Words in Chinese or English."),
    OpenApiParameter("theme", str, description="Theme code; may be repeated, as may the others."),
    OpenApiParameter("provider", str, description="Id of the department."),
    OpenApiParameter("region", str, description="Division code; with everything below it."),
    OpenApiParameter("sharing", str),
    OpenApiParameter("open", str),
    OpenApiParameter("sort", str, enum=list(SORTS)),
    OpenApiParameter("page", int, description=f"From 1; {PAGE_SIZE} a page."),
]


class DatasetListView(APIView):
    """Search of the catalogue; the anonymous find what is open."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="datasets", parameters=SEARCH_PARAMETERS, responses=DatasetPageSerializer)
    def get(self, request: Request) -> Response:
        """Datasets that the caller may see."""
        query = SearchQuery.from_params(request.query_params)
        actor = actor_of(request)
        found = search(query, actor.standing.reader_groups, is_public=actor.user is None, facets=False)
        body = {
            "count": found.total,
            "is_capped": found.is_capped,
            "is_near": found.is_near,
            "page": query.page,
            "pages": found.pages,
            "results": found.datasets,
        }
        return Response(DatasetPageSerializer(body).data)


class DatasetDetailView(APIView):
    """One dataset."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="dataset", responses=DatasetSerializer)
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """A dataset with its items; 404 when the caller may not see it. The public sees the open items only."""
        actor = actor_of(request)
        visible = Dataset.objects.readable_by(actor.standing.reader_groups).select_related("provider")
        dataset = get_object_or_404(visible.prefetch_related("themes", "items"), pk=dataset_id)
        body = DatasetSerializer(dataset, context={"groups": actor.standing.reader_groups}).data
        if not actor.standing.duties:
            body |= dict.fromkeys(INTERNAL_FIELDS, "")
            body["items"] = [item for item in body["items"] if item["open_type"] == "open"]
        return Response(body)


SORT_LIMIT = 5


def query_options(params: Mapping[str, str]) -> dict[str, Any]:
    """``columns``, ``sort``, ``limit``, ``after`` and the unparsed ``filter`` of a rows call.

    Raises:
        InvalidInput: a number that is none, by name.
    """
    limit = params.get("limit", "")
    if limit and not (limit.isascii() and limit.isdecimal() and len(limit) < 19):
        raise InvalidInput(fields={"limit": ["must be a whole number"]})
    names = [name.strip() for name in params.get("columns", "").split(",") if name.strip()]
    sort = [name.strip() for name in params.get("sort", "").split(",") if name.strip()]
    if len(sort) > SORT_LIMIT:
        raise InvalidInput(fields={"sort": [f"must name at most {SORT_LIMIT} columns"]})
    return {
        "filter": params.get("filter", ""),
        "columns": names or None,
        "sort": tuple(Sort(name.removeprefix("-"), name.startswith("-")) for name in sort),
        "limit": int(limit or 0) or 100,
        "after": params.get("after", "")[:2_000],
    }


def wants_count(params: Mapping[str, str]) -> bool:
    """Whether a rows call asks how many rows meet its conditions in all."""
    return params.get("count", "").lower() in ("1", "true")


def page_body(page: Page) -> dict[str, Any]:
    """A page of rows as the API gives it."""
    names = [column.name for column in page.columns]
    return {
        "columns": [{"name": c.name, "title": c.title, "type": c.type.value} for c in page.columns],
        "rows": [dict(zip(names, map(json_value, row), strict=True)) for row in page.rows],
        "has_more": page.has_more,
        "next_after": page.next_after,
    }


SUMMARY_PARAMETERS = [
    OpenApiParameter("by", str, description="Up to three columns, comma-separated; none for the whole table."),
    OpenApiParameter(
        "measure",
        str,
        description="Comma-separated: count, count:column, distinct:column, sum:column, avg:column, min:column, "
        "max:column, p1:column to p99:column; count when left out.",
        examples=[OpenApiExample("Rows, sum and ninth decile", value="count,sum:population,p90:population")],
    ),
    OpenApiParameter(
        "filter",
        str,
        description="Conditions as for rows.",
        examples=[OpenApiExample("One city", value='[{"column": "code", "op": "prefix", "value": "3301"}]')],
    ),
    OpenApiParameter(
        "sort",
        str,
        description="Columns of by, or measures, with - before each for descending; by the columns when left out.",
        examples=[OpenApiExample("Most rows first", value="-count")],
    ),
    OpenApiParameter("limit", int, description="Groups, 1 to 1,000; 100 when left out."),
]


def groups_body(groups: Groups) -> dict[str, Any]:
    """Groups as the API gives them: each with its key by column and its values by measure."""
    by, names = groups.summary.by, [measure.key for measure in groups.summary.measures]
    return {
        "by": list(by),
        "measures": names,
        "groups": [
            {
                "key": dict(zip(by, map(json_value, row), strict=False)),
                "values": dict(zip(names, map(json_value, row[len(by) :]), strict=True)),
            }
            for row in groups.rows
        ],
        "has_more": groups.has_more,
    }


ROW_PARAMETERS = [
    OpenApiParameter("columns", str, description="Comma-separated column names; all when left out."),
    OpenApiParameter(
        "filter",
        str,
        description=f"JSON list of conditions. op is one of {', '.join(OPERATORS)}; eq when left out.",
        examples=[
            OpenApiExample("One code", value='[{"column": "code", "op": "eq", "value": "330106"}]'),
            OpenApiExample(
                "A range", value='[{"column": "day", "op": "between", "value": ["2026-01-01", "2026-06-30"]}]'
            ),
        ],
    ),
    OpenApiParameter(
        "sort", str, description="Up to five columns, comma-separated, with - before each for descending."
    ),
    OpenApiParameter("limit", int, description="Rows a page, 1 to 1,000; 100 when left out."),
    OpenApiParameter("after", str, description="The next_after of the page before, with the same sort."),
    OpenApiParameter("count", bool, description="Also say, as count, how many rows meet the conditions in all."),
]


class OpenRowsView(APIView):
    """Rows of an open dataset, for everyone."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="open_rows",
        parameters=ROW_PARAMETERS,
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="columns, rows, has_more, next_after")},
    )
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """One page of the open columns; no key is needed."""
        table = open_table_of(dataset_id)
        options = query_options(request.query_params)
        filters = parse_filters(options.pop("filter"), table.columns)
        query = table.query(filters=filters, **options)
        body = page_body(table.page(query))
        return Response(body | {"count": table.count(query)} if wants_count(request.query_params) else body)


class OpenSummaryView(APIView):
    """Figures over groups of an open dataset's rows, for everyone."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="open_summary",
        parameters=SUMMARY_PARAMETERS,
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="by, measures, groups, has_more")},
    )
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """Counts, sums, percentiles and the like by group, or the distinct values of columns; no key is needed."""
        table = open_table_of(dataset_id)
        filters = parse_filters(request.query_params.get("filter", ""), table.columns)
        summary = parse_summary(request.query_params, table.columns, filters)
        return Response(groups_body(table.summarise(summary)))


class AnyFile(BaseContentNegotiation):
    """For files, whose format stands in the address: whatever ``Accept`` says, and errors as JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return next(iter(parsers), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class OpenExportView(APIView):
    """An open dataset as a file, for everyone; as many a minute as from its page."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    content_negotiation_class = AnyFile

    @extend_schema(operation_id="open_export", parameters=ROW_PARAMETERS[:3], responses={200: OpenApiTypes.BINARY})
    def get(self, request: Request, dataset_id: UUID, file_format: str) -> HttpResponseBase:
        """CSV, XLSX, JSON, Parquet or GeoJSON, streamed."""
        table = open_table_of(dataset_id)
        if request.method == "GET":
            count_download(address_of(request) or "")
        options = query_options(request.query_params)
        filters = parse_filters(options.pop("filter"), table.columns)
        query = table.query(filters=filters, **options) if request.query_params else None
        return download(request, table, file_format, query)
