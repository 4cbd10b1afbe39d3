"""``/api/v1/demands/``: the demand list by programs that are signed in."""

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
from sharing.demands import acts
from sharing.models import Demand, DemandState


class DemandSerializer(serializers.ModelSerializer[Demand]):
    """A demand as every civil servant who may read it sees it; never a citizen's address."""

    class Meta:
        model = Demand
        fields = (
            "id",
            "number",
            "title",
            "purpose",
            "content",
            "legal_basis",
            "department",
            "authority",
            "holder",
            "state",
            "reason",
            "answer",
            "dataset",
            "promised_on",
            "merged_into",
            "version",
            "created_at",
            "due_at",
            "answered_at",
            "closed_at",
        )
        read_only_fields = fields


class NewDemandSerializer(serializers.Serializer[Any]):
    """What a department asks for."""

    department = serializers.UUIDField()
    title = serializers.CharField(max_length=acts.TITLE_LIMIT)
    purpose = serializers.CharField(max_length=acts.TEXT_LIMIT)
    content = serializers.CharField(max_length=acts.TEXT_LIMIT, required=False, allow_blank=True, default="")
    legal_basis = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class DemandListView(APIView):
    """Demands."""

    @extend_schema(
        operation_id="demands",
        parameters=[OpenApiParameter("cursor", str), OpenApiParameter("state", str)],
        responses=DemandSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Demands that the caller may read, newest first."""
        rows = Demand.objects.readable_by(actor_of(request).standing)
        if state := request.query_params.get("state"):
            rows = rows.filter(state=state) if state in DemandState.values else rows.none()
        pager = Newest()
        page: Any = pager.paginate_queryset(rows, request)
        return pager.get_paginated_response(DemandSerializer(page, many=True).data)

    @extend_schema(operation_id="demand_create", request=NewDemandSerializer, responses={201: DemandSerializer})
    def post(self, request: Request) -> Response:
        """Ask for data on behalf of one's department."""
        body = NewDemandSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = dict(body.validated_data)
        department = get_object_or_404(Department.objects.select_related("region"), pk=data.pop("department"))
        made = acts.create(actor=actor_of(request), department=department, wanted=acts.Wanted(**data))
        return Response(DemandSerializer(made).data, status=status.HTTP_201_CREATED)


class DemandDetailView(APIView):
    """One demand."""

    @extend_schema(operation_id="demand", responses=DemandSerializer)
    def get(self, request: Request, demand_id: UUID) -> Response:
        """A demand; 404 when the caller may not read it."""
        rows = Demand.objects.readable_by(actor_of(request).standing)
        return Response(DemandSerializer(get_object_or_404(rows, pk=demand_id)).data)
