"""What the portal takes in: files from people who are signed in, and JSON bodies of a bounded size."""

from __future__ import annotations

import http
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

FORM_BYTES = 8 * 1024**2
"""What the other fields of a form with a file may take."""


class GuardedUploadHandler(TemporaryFileUploadHandler):
    """Streams files to the disk, but none of the anonymous: a form is read before its sender is checked."""

    def handle_raw_input(
        self, input_data: Any, meta: Any, content_length: int, boundary: Any, encoding: str | None = None
    ) -> None:
        if content_length > settings.UPLOAD_LIMIT_BYTES + FORM_BYTES:
            raise RequestDataTooBig
        super().handle_raw_input(input_data, meta, content_length, boundary, encoding)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated:
            raise StopUpload(connection_reset=True)
        super().new_file(*args, **kwargs)


class BodyTooLarge(APIException):
    """More JSON than any call of the API needs."""

    status_code = http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = _("The body of the call is too large.")


class LimitedJSONParser(JSONParser):
    """JSON of at most ``API_BODY_LIMIT_BYTES``; nested beyond reading is not valid rather than a fault."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        request = (parser_context or {}).get("request")
        length = str(request.META.get("CONTENT_LENGTH") or 0) if request else "0"
        if length.isdecimal() and int(length) > settings.API_BODY_LIMIT_BYTES:
            raise BodyTooLarge
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError from error
