"""``/api/v1/requests``, ``/steps`` and ``/grants``: the same commands as the pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.models import Channel, UpdateCycle
from portal import access
from portal.access import Permission
from portal.departments.models import Department
from portal.problems import of_portal_error
from portal.views import actor_of
from sharing import deciding, drafts, workflow
from sharing.models import (
    ApprovalStep,
    Grant,
    Purpose,
    RequestItem,
    RequestState,
    SharingRequest,
    StepItem,
    StepState,
    Verdict,
)
from sharing.terms import Terms


class RequestItemSerializer(serializers.ModelSerializer[RequestItem]):
    dataset_title = serializers.CharField(source="dataset.title", read_only=True)
    grant = serializers.PrimaryKeyRelatedField(read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = RequestItem
        fields = (
            "id",
            "dataset",
            "dataset_title",
            "columns",
            "row_filter",
            "state",
            "refusal_reason",
            "answer",
            "terms",
            "grant",
        )


class RequestSerializer(serializers.ModelSerializer[SharingRequest]):
    """A request with its items."""

    department_name = serializers.CharField(source="department.name", read_only=True)
    applicant_name = serializers.CharField(read_only=True)
    items = RequestItemSerializer(many=True, read_only=True)

    class Meta:
        model = SharingRequest
        fields = (
            "id",
            "number",
            "title",
            "department",
            "department_name",
            "applicant_kind",
            "applicant_name",
            "purpose",
            "legal_basis",
            "scenario",
            "scope_of_use",
            "channels",
            "frequency",
            "expected_calls",
            "valid_until",
            "is_cross_border",
            "state",
            "version",
            "created_at",
            "submitted_at",
            "completed_at",
            "items",
        )


class NewItemSerializer(serializers.Serializer[Any]):
    """A dataset to apply for; all its shareable columns and all rows when those are left out."""

    dataset = serializers.UUIDField()
    columns = serializers.ListField(child=serializers.CharField(), required=False)
    row_filter = serializers.ListField(child=serializers.DictField(), required=False)


class NewRequestSerializer(serializers.Serializer[Any]):
    """What a request states (domain.md §5) and which datasets it asks for."""

    department = serializers.UUIDField()
    title = serializers.CharField(max_length=200)
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    legal_basis = serializers.CharField(max_length=2000)
    scenario = serializers.CharField(max_length=2000)
    scope_of_use = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")
    channels = serializers.MultipleChoiceField(choices=Channel.choices, default={"api", "file"})
    frequency = serializers.ChoiceField(choices=UpdateCycle.choices, default="irregular")
    expected_calls = serializers.IntegerField(min_value=0, max_value=2_000_000_000, required=False, allow_null=True)
    valid_until = serializers.DateField()
    is_cross_border = serializers.BooleanField(default=False)
    has_commitment = serializers.BooleanField(default=False)
    items = NewItemSerializer(many=True, allow_empty=False)


class StepItemSerializer(serializers.ModelSerializer[StepItem]):
    dataset_title = serializers.CharField(source="item.dataset.title", read_only=True)
    columns = serializers.ListField(source="item.columns", read_only=True)
    row_filter = serializers.JSONField(source="item.row_filter", read_only=True)

    class Meta:
        model = StepItem
        fields = ("item", "dataset_title", "columns", "row_filter", "is_needed", "verdict", "reason", "note", "terms")


class StepSerializer(serializers.ModelSerializer[ApprovalStep]):
    """A step with the items that stand in it; ``version`` is sent back with a decision."""

    request_number = serializers.CharField(source="request.number", read_only=True)
    items = StepItemSerializer(source="step_items", many=True, read_only=True)

    class Meta:
        model = ApprovalStep
        fields = (
            "id",
            "request",
            "request_number",
            "stage",
            "title",
            "state",
            "due_at",
            "is_provisional",
            "version",
            "items",
        )


class DecisionSerializer(serializers.Serializer[Any]):
    """A verdict; refusing needs reason and note, returning needs a note."""

    verdict = serializers.ChoiceField(choices=Verdict.choices)
    reason = serializers.CharField(required=False, default="", allow_blank=True)
    note = serializers.CharField(required=False, default="", allow_blank=True)


class TermsSerializer(serializers.Serializer[Any]):
    """Conditions of an approval: what remains of the columns, further conditions on rows, the last day, masks."""

    columns = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    rows = serializers.ListField(child=serializers.DictField(), required=False, max_length=20)
    valid_until = serializers.DateField(required=False)
    masks = serializers.DictField(child=serializers.CharField(max_length=60), required=False)


def _terms(data: dict[str, Any]) -> Terms:
    columns = data.get("columns")
    return Terms(
        columns=None if columns is None else tuple(columns),
        rows=tuple(data.get("rows", ())),
        valid_until=data.get("valid_until"),
        masks=data.get("masks", {}),
    )


class ItemDecisionSerializer(DecisionSerializer):
    item = serializers.UUIDField()
    terms = TermsSerializer(required=False, default=dict)


class DecideSerializer(serializers.Serializer[Any]):
    """Decisions on items of one step, for the version of the step that was seen."""

    version = serializers.IntegerField()
    decisions = ItemDecisionSerializer(many=True, allow_empty=False)


class BulkStepSerializer(serializers.Serializer[Any]):
    step = serializers.UUIDField()
    version = serializers.IntegerField()


class BulkSerializer(DecisionSerializer):
    """The same decision on every open item of up to 1,000 steps."""

    steps = serializers.ListField(child=BulkStepSerializer(), allow_empty=False, max_length=deciding.BULK_LIMIT)


class BulkResultSerializer(serializers.Serializer[Any]):
    step = serializers.UUIDField()
    decided = serializers.BooleanField()
    problem = serializers.DictField(allow_null=True)


class GrantSerializer(serializers.ModelSerializer[Grant]):
    """What a department may use; where ``is_outside``, the applicant of the request from outside instead."""

    dataset_title = serializers.CharField(source="dataset.title", read_only=True)
    is_outside = serializers.BooleanField(read_only=True)

    class Meta:
        model = Grant
        fields = (
            "id",
            "dataset",
            "dataset_title",
            "department",
            "is_outside",
            "columns",
            "row_filter",
            "channels",
            "valid_from",
            "valid_until",
            "state",
            "state_note",
        )


class _SafeCursor(CursorPagination):
    """A cursor that was not made here answers 404, as one that cannot be read does."""

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            try:
                moment = parse_datetime(str(cursor.position))
            except ValueError:
                moment = None
            if moment is None:
                raise NotFound(self.invalid_cursor_message)
        return cursor


class Newest(_SafeCursor):
    """Pages of 50 by cursor; the deepest costs what the first costs."""

    page_size = 50
    ordering = ("-created_at", "-id")


class ByDeadline(_SafeCursor):
    page_size = 50
    ordering = ("due_at", "id")


def _requests(request: Request) -> Any:
    actor = actor_of(request)
    related = SharingRequest.objects.select_related("department").prefetch_related("items__dataset", "items__grant")
    return related.readable_by(actor.standing)


class RequestListView(APIView):
    """Sharing requests."""

    @extend_schema(
        operation_id="requests",
        parameters=[OpenApiParameter("cursor", str), OpenApiParameter("state", str)],
        responses=RequestSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Requests that the caller may see, newest first."""
        rows = _requests(request)
        if state := request.query_params.get("state"):
            rows = rows.filter(state=state) if state in RequestState.values else rows.none()
        pager = Newest()
        return pager.get_paginated_response(RequestSerializer(pager.paginate_queryset(rows, request), many=True).data)

    @extend_schema(operation_id="request_create", request=NewRequestSerializer, responses={201: RequestSerializer})
    def post(self, request: Request) -> Response:
        """Create a draft."""
        body = NewRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = dict(body.validated_data)
        items, department = data.pop("items"), get_object_or_404(Department, pk=data.pop("department"))
        data["channels"] = sorted(data["channels"])
        made = drafts.create_with_items(
            actor=actor_of(request), department=department, details=drafts.RequestDetails(**data), items=items
        )
        shown = _requests(request).get(pk=made.pk)
        return Response(RequestSerializer(shown).data, status=status.HTTP_201_CREATED)


class RequestDetailView(APIView):
    """One request."""

    @extend_schema(operation_id="request", responses=RequestSerializer)
    def get(self, request: Request, request_id: UUID) -> Response:
        """A request with its items; 404 when the caller may not see it."""
        return Response(RequestSerializer(get_object_or_404(_requests(request), pk=request_id)).data)


class RequestSubmitView(APIView):
    """Submission."""

    @extend_schema(operation_id="request_submit", request=None, responses=RequestSerializer)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Submit a draft; everything that is missing is told at once."""
        found = get_object_or_404(_requests(request), pk=request_id)
        workflow.submit(request=found, actor=actor_of(request))
        return Response(RequestSerializer(_requests(request).get(pk=request_id)).data)


class AnswerTermsSerializer(serializers.Serializer[Any]):
    """``accept`` the conditions, or (false) give the item up."""

    accept = serializers.BooleanField()


class ItemTermsView(APIView):
    """Conditions that were offered."""

    @extend_schema(operation_id="item_terms", request=AnswerTermsSerializer, responses=RequestSerializer)
    def post(self, request: Request, request_id: UUID, item_id: UUID) -> Response:
        """Accept the conditions of an item, which issues its grant, or give the item up."""
        found = get_object_or_404(_requests(request), pk=request_id)
        access.require(actor_of(request), Permission.REQUEST_SUBMIT, found)
        body = AnswerTermsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        item = get_object_or_404(found.items, pk=item_id)
        workflow.answer_terms(item=item, actor=actor_of(request), is_accepted=body.validated_data["accept"])
        return Response(RequestSerializer(_requests(request).get(pk=request_id)).data)


def _steps(request: Request) -> Any:
    related = ApprovalStep.objects.select_related("request").prefetch_related("step_items__item__dataset")
    return related.of_offices(actor_of(request).standing).exclude(state=StepState.WAITING)


class StepListView(APIView):
    """The queue."""

    @extend_schema(
        operation_id="steps", parameters=[OpenApiParameter("cursor", str)], responses=StepSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """Open steps of the caller's offices, the next deadline first."""
        pager = ByDeadline()
        rows: Any = pager.paginate_queryset(_steps(request).open(), request)
        return pager.get_paginated_response(StepSerializer(rows, many=True).data)


class StepDecideView(APIView):
    """A decision."""

    @extend_schema(operation_id="step_decide", request=DecideSerializer, responses=StepSerializer)
    def post(self, request: Request, step_id: UUID) -> Response:
        """Decide items of a step; 409 when somebody decided since the version given."""
        step = get_object_or_404(_steps(request), pk=step_id)
        body = DecideSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        decisions = {
            row["item"]: deciding.Decision(row["verdict"], row["reason"], row["note"], _terms(row["terms"]))
            for row in body.validated_data["decisions"]
        }
        version = body.validated_data["version"]
        deciding.decide(step=step, actor=actor_of(request), seen_version=version, decisions=decisions)
        return Response(StepSerializer(_steps(request).get(pk=step_id)).data)


class StepBulkView(APIView):
    """Decisions in bulk."""

    @extend_schema(operation_id="steps_decide", request=BulkSerializer, responses=BulkResultSerializer(many=True))
    def post(self, request: Request) -> Response:
        """Decide up to 1,000 steps; what could not be decided says why, the rest stands."""
        body = BulkSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        versions = {row["step"]: row["version"] for row in data["steps"]}
        found = _steps(request).in_bulk(list(versions))
        decision = deciding.Decision(data["verdict"], data["reason"], data["note"])
        decision.check()
        entries = [deciding.BulkEntry(found[pk], version, decision) for pk, version in versions.items() if pk in found]
        results = {r.step_id: r.error for r in deciding.decide_many(entries=entries, actor=actor_of(request))}
        rows = [_bulk_row(pk, results) for pk in versions]
        return Response(BulkResultSerializer(rows, many=True).data)


def _bulk_row(pk: UUID, results: dict[UUID, Any]) -> dict[str, Any]:
    if pk not in results:
        return {"step": pk, "decided": False, "problem": {"code": "not_found", "status": 404}}
    error = results[pk]
    return {"step": pk, "decided": error is None, "problem": of_portal_error(error) if error else None}


class GrantListView(APIView):
    """Grants."""

    @extend_schema(
        operation_id="grants", parameters=[OpenApiParameter("cursor", str)], responses=GrantSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """Grants to and of the caller's departments, newest first."""
        rows = Grant.objects.readable_by(actor_of(request).standing).select_related("dataset")
        pager = Newest()
        return pager.get_paginated_response(GrantSerializer(pager.paginate_queryset(rows, request), many=True).data)


class GrantDetailView(APIView):
    """One grant."""

    @extend_schema(operation_id="grant", responses=GrantSerializer)
    def get(self, request: Request, grant_id: UUID) -> Response:
        """A grant; 404 when the caller may not see it."""
        rows = Grant.objects.readable_by(actor_of(request).standing).select_related("dataset")
        return Response(GrantSerializer(get_object_or_404(rows, pk=grant_id)).data)
