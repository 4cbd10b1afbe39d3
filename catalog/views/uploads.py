"""Uploads in parts over HTTP: the core, creation and termination of tus 1.0."""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from catalog import uploading
from catalog.models import PartialUpload
from catalog.views.records import visible_or_404
from portal import access
from portal.access import Permission
from portal.errors import PortalError
from portal.views import actor_of

VERSION = "1.0.0"
PART_TYPE = "application/offset+octet-stream"


def _answer(status: HTTPStatus, text: str = "", **headers: str | int) -> HttpResponse:
    response = HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    response["Tus-Resumable"], response["Cache-Control"] = VERSION, "no-store"
    for name, value in headers.items():
        response[name.replace("_", "-")] = str(value)
    return response


def _number(request: HttpRequest, name: str) -> int:
    text = request.headers.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1


def _file_name(request: HttpRequest) -> str:
    """The name among the pairs of ``Upload-Metadata``, whose values are in base64."""
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        key, _space, value = pair.strip().partition(" ")
        if key in ("filename", "name"):
            try:
                return base64.b64decode(value, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return ""
    return ""


@login_required
@require_POST
def upload_create(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Announce a file; the answer says where its parts go."""
    dataset = visible_or_404(request, pk)
    size = _number(request, "Upload-Length")
    try:
        upload = uploading.begin(dataset=dataset, actor=actor_of(request), name=_file_name(request), size=size)
    except PortalError as error:
        return _answer(HTTPStatus(error.status), str(error))
    return _answer(HTTPStatus.CREATED, Location=reverse("catalog:upload-part", args=[upload.pk]))


@login_required
@require_http_methods(["HEAD", "PATCH", "DELETE"])
def upload_part(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far a file is, its next part, or its end."""
    actor = actor_of(request)
    rows = PartialUpload.objects.filter(created_by=actor.user).select_related("dataset__provider")
    upload = get_object_or_404(rows, pk=pk)
    access.require(actor, Permission.DATASET_EDIT, upload.dataset)
    if request.method == "DELETE":
        uploading.drop(upload)
        return _answer(HTTPStatus.NO_CONTENT)
    if request.method == "HEAD":
        return _answer(HTTPStatus.OK, Upload_Offset=upload.received, Upload_Length=upload.size)
    if request.content_type != PART_TYPE:
        return _answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    offset, length = _number(request, "Upload-Offset"), _number(request, "Content-Length")
    if length < 0:
        return _answer(HTTPStatus.LENGTH_REQUIRED)
    try:
        received = uploading.append(upload=upload, offset=offset, body=request, length=length)
    except PortalError as error:
        return _answer(HTTPStatus(error.status), str(error))
    return _answer(HTTPStatus.NO_CONTENT, Upload_Offset=received)
