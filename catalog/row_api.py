"""One row by its key: what programs ask for most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.opendata.tables import open_table_of
from catalog.tables.engine import default_engine
from catalog.tables.filters import convert
from catalog.tables.schema import TableRef, json_value

ROW_RESPONSES = {200: OpenApiResponse(OpenApiTypes.OBJECT, description="row: the cells by column")}


def row_body(ref: TableRef, params: Mapping[str, str]) -> dict[str, Any]:
    """The row whose key columns have the values of ``params``; other parameters are ignored.

    Raises:
        BadFilter: a key column is missing, or its value is not of its type. Http404: there is no such row.
    """
    columns = {column.name: column for column in ref.columns if column.name in ref.key}
    key = {name: convert(params[name], column) for name, column in columns.items() if name in params}
    row = default_engine().row(ref, key)
    if row is None:
        raise Http404
    return {"row": {column.name: json_value(value) for column, value in zip(ref.columns, row, strict=True)}}


class OpenRowView(APIView):
    """One row of an open dataset, for everyone."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    @extend_schema(operation_id="open_row", responses=ROW_RESPONSES)
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """The row with the key given by the parameters named for the key columns, as ``?code=330106``."""
        return Response(row_body(open_table_of(dataset_id).ref, request.query_params))
