"""``/api/v1/requests/<id>/forms/``: the questions that a request is asked, and its answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import access
from portal.access import Permission
from portal.views import actor_of
from sharing.models import SharingRequest
from sharing.questions import answering
from sharing.questions.asked import Asked
from sharing.questions.queries import answers_for


class WordsSerializer(serializers.Serializer[Any]):
    """A choice or a column in both languages; answers use ``zh``."""

    zh = serializers.CharField()
    en = serializers.CharField()


class QuestionSerializer(serializers.Serializer[Any]):
    """One question; ``kind`` is text, long, one, several, date, number, file or table."""

    key = serializers.CharField()
    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    label_en = serializers.CharField()
    help = serializers.CharField()
    help_en = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment]
    choices = WordsSerializer(many=True)
    columns = WordsSerializer(many=True)
    max_length = serializers.IntegerField()


class AskedSerializer(serializers.Serializer[Any]):
    """A form as the request is asked it; ``version`` and ``changes`` are sent back with answers."""

    form = serializers.UUIDField(source="form.pk")
    title = serializers.CharField(source="form.title")
    title_en = serializers.CharField(source="form.title_en")
    department = serializers.UUIDField(source="form.department_id")
    version = serializers.UUIDField(source="version.pk")
    number = serializers.IntegerField(source="version.number")
    changes = serializers.IntegerField()
    is_changed = serializers.BooleanField()
    items = serializers.ListField(child=serializers.UUIDField())
    questions = QuestionSerializer(many=True)
    values = serializers.DictField()
    missing = serializers.SerializerMethodField()

    def get_missing(self, asked: Asked) -> list[str]:
        """Keys of required questions without an answer."""
        return [question.key for question in asked.missing]


class SaveAnswersSerializer(serializers.Serializer[Any]):
    """Answers by the keys of questions; those left out stay. A file is sent on the page of the request."""

    version = serializers.UUIDField()
    changes = serializers.IntegerField(min_value=0)
    values = serializers.DictField()


def _request(request: Request, request_id: UUID) -> SharingRequest:
    rows = SharingRequest.objects.readable_by(actor_of(request).standing).select_related("department__region")
    return get_object_or_404(rows, pk=request_id)


class RequestFormsView(APIView):
    """Questions of providers."""

    @extend_schema(operation_id="request_forms", responses=AskedSerializer(many=True))
    def get(self, request: Request, request_id: UUID) -> Response:
        """The forms of a request with the answers that the caller may read."""
        asked = answers_for(_request(request, request_id), actor_of(request))
        return Response(AskedSerializer(asked, many=True).data)


class RequestFormView(APIView):
    """Answers to one form."""

    @extend_schema(operation_id="request_answers", request=SaveAnswersSerializer, responses=AskedSerializer)
    def put(self, request: Request, request_id: UUID, form_id: UUID) -> Response:
        """Save answers; 409 when the questions or the answers changed since ``version`` and ``changes``."""
        found = _request(request, request_id)
        access.require(actor_of(request), Permission.REQUEST_EDIT, found)
        body = SaveAnswersSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        answering.save(
            request=found,
            actor=actor_of(request),
            form_id=form_id,
            version_id=data["version"],
            seen=data["changes"],
            values=data["values"],
        )
        asked = answers_for(found, actor_of(request))
        return Response(AskedSerializer(next(each for each in asked if each.form.pk == form_id)).data)
