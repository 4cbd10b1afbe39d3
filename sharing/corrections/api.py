"""``/api/v1/corrections/``: reports of errors by programs that are signed in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.departments.models import Department
from portal.views import actor_of
from sharing.api import Newest
from sharing.corrections import queries, reports
from sharing.corrections.rules import may_see_rows
from sharing.models import CorrectionReport, CorrectionState, ErrorKind


class CorrectionSerializer(serializers.ModelSerializer[CorrectionReport]):
    """A report as its parties see it; never a citizen's address, and the rows only for those who may read them."""

    rows = serializers.SerializerMethodField()

    class Meta:
        model = CorrectionReport
        fields = (
            "id",
            "number",
            "dataset",
            "department",
            "holder",
            "kind",
            "columns",
            "description",
            "rows",
            "expected",
            "evidence",
            "state",
            "outcome",
            "answer",
            "erratum",
            "objection",
            "ruling",
            "version",
            "created_at",
            "due_at",
            "answered_at",
            "corrected_at",
            "closed_at",
        )
        read_only_fields = fields

    def get_rows(self, report: CorrectionReport) -> list[dict[str, str]] | None:
        """``{column: value}`` of the rows in question; null for those who may not read them."""
        return report.rows if may_see_rows(self.context["actor"], report) else None


class NewCorrectionSerializer(serializers.Serializer[Any]):
    """What is wrong in a dataset."""

    dataset = serializers.UUIDField()
    department = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=ErrorKind.choices)
    description = serializers.CharField(max_length=reports.TEXT_LIMIT)
    columns = serializers.ListField(child=serializers.CharField(max_length=60), required=False, default=list)
    rows = serializers.ListField(child=serializers.DictField(), required=False, default=list)
    expected = serializers.CharField(max_length=reports.SHORT_LIMIT, required=False, allow_blank=True, default="")
    evidence = serializers.CharField(max_length=reports.TEXT_LIMIT, required=False, allow_blank=True, default="")


def _reports(request: Request) -> Any:
    rows = CorrectionReport.objects.readable_by(actor_of(request).standing)
    return rows.select_related("dataset", "department", "holder", "authority")


class CorrectionListView(APIView):
    """Reports of errors."""

    @extend_schema(
        operation_id="corrections",
        parameters=[OpenApiParameter("cursor", str), OpenApiParameter("state", str)],
        responses=CorrectionSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Reports that the caller may read, newest first."""
        rows = _reports(request)
        if state := request.query_params.get("state"):
            rows = rows.filter(state=state) if state in CorrectionState.values else rows.none()
        pager = Newest()
        page: Any = pager.paginate_queryset(rows, request)
        context = {"actor": actor_of(request)}
        return pager.get_paginated_response(CorrectionSerializer(page, many=True, context=context).data)

    @extend_schema(
        operation_id="correction_create", request=NewCorrectionSerializer, responses={201: CorrectionSerializer}
    )
    def post(self, request: Request) -> Response:
        """Report an error on behalf of one's department."""
        body = NewCorrectionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = dict(body.validated_data)
        actor = actor_of(request)
        dataset = get_object_or_404(queries.reportable(actor.standing), pk=data.pop("dataset"))
        department = get_object_or_404(Department.objects.select_related("region"), pk=data.pop("department"))
        reported = reports.Reported(**data)
        made = reports.file(dataset=dataset, actor=actor, department=department, reported=reported)
        shown = CorrectionSerializer(made, context={"actor": actor})
        return Response(shown.data, status=status.HTTP_201_CREATED)


class CorrectionDetailView(APIView):
    """One report of an error."""

    @extend_schema(operation_id="correction", responses=CorrectionSerializer)
    def get(self, request: Request, correction_id: UUID) -> Response:
        """A report; 404 when the caller may not read it."""
        found = get_object_or_404(_reports(request), pk=correction_id)
        return Response(CorrectionSerializer(found, context={"actor": actor_of(request)}).data)
