"""``/api/v1/data/``: granted rows by key, page by page or as a file."""

from __future__ import annotations

import time
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api import ROW_PARAMETERS, SUMMARY_PARAMETERS, AnyFile, groups_body, page_body, query_options, wants_count
from catalog.models import Channel
from catalog.row_api import ROW_RESPONSES, row_body
from catalog.tables.filters import parse_filters
from catalog.tables.summary import parse_summary
from portal.errors import NotPermitted
from sharing.delivery.credentials import CredentialAuthentication, schema_extension
from sharing.delivery.download import export, record_page
from sharing.delivery.gate import Opening, open_grant
from sharing.errors import BadCredential
from sharing.models import Credential

schema_extension()


class GrantDataView(APIView):
    """Opens the grant in the URL with the key of the request."""

    authentication_classes = [CredentialAuthentication]
    permission_classes = [AllowAny]

    def opening(self, request: Request, grant_id: UUID) -> Opening:
        credential = request.auth
        if not isinstance(credential, Credential):
            raise BadCredential
        if credential.grant_id != grant_id:
            raise NotPermitted
        if credential.revoked_at and credential.grant.is_in_force:
            raise BadCredential
        return open_grant(credential.grant, Channel.API, credential)


class RowsView(GrantDataView):
    """Rows of a grant."""

    @extend_schema(
        operation_id="data_rows",
        parameters=ROW_PARAMETERS,
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="columns, rows, has_more, next_after")},
    )
    def get(self, request: Request, grant_id: UUID) -> Response:
        """One page of rows, limited to the granted columns and rows."""
        started = time.monotonic()
        opening = self.opening(request, grant_id)
        options = query_options(request.query_params)
        filters = parse_filters(options.pop("filter"), opening.columns)
        page = opening.page(opening.query(filters=filters, **options))
        body = page_body(page)
        if wants_count(request.query_params):
            body["count"] = opening.count(filters)
        record_page(opening, len(page.rows), started)
        return Response(body)


class RowView(GrantDataView):
    """One row of a grant."""

    @extend_schema(operation_id="data_row", responses=ROW_RESPONSES)
    def get(self, request: Request, grant_id: UUID) -> Response:
        """The granted row with the key given by the parameters named for the key columns, as ``?code=330106``."""
        started = time.monotonic()
        opening = self.opening(request, grant_id)
        body = row_body(opening.ref, request.query_params)
        record_page(opening, 1, started)
        return Response(body)


class SummaryView(GrantDataView):
    """Figures over groups of a grant's rows."""

    @extend_schema(
        operation_id="data_summary",
        parameters=SUMMARY_PARAMETERS,
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="by, measures, groups, has_more")},
    )
    def get(self, request: Request, grant_id: UUID) -> Response:
        """Counts, sums, percentiles and the like by group, within the granted columns and rows."""
        started = time.monotonic()
        opening = self.opening(request, grant_id)
        filters = parse_filters(request.query_params.get("filter", ""), opening.columns)
        groups = opening.summarise(parse_summary(request.query_params, opening.columns, filters))
        record_page(opening, len(groups.rows), started)
        return Response(groups_body(groups))


class ExportView(GrantDataView):
    """All rows of a grant as a file; each call is a delivery, so there is no HEAD."""

    content_negotiation_class = AnyFile
    http_method_names = ["get", "options"]

    @extend_schema(operation_id="data_export", parameters=ROW_PARAMETERS[:3], responses={200: OpenApiTypes.BINARY})
    def get(self, request: Request, grant_id: UUID, file_format: str) -> HttpResponseBase:
        """Every granted row as CSV, XLSX, JSON or Parquet, streamed."""
        opening = self.opening(request, grant_id)
        options = query_options(request.query_params)
        filters = parse_filters(options.pop("filter"), opening.columns)
        query = opening.query(filters=filters, **options) if request.query_params else None
        return export(opening, file_format, request=request, query=query)
