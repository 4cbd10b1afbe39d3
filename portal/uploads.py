"""What the portal takes in: files from people who are signed in, from others only where a page says so and few, and
JSON bodies of a bounded size."""

from __future__ import annotations

import http
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

FORM_BYTES = 8 * 1024**2
"""What the other fields of a form with a file may take."""


View = TypeVar("View", bound=Callable[..., Any])


def takes_files_of_everybody(limit_bytes: int) -> Callable[[View], View]:
    """Let the anonymous send files to a view, in forms of at most ``limit_bytes``; the outermost decorator."""

    def mark(view: View) -> View:
        view.anonymous_bytes = limit_bytes  # type: ignore[attr-defined]
        return view

    return mark


class GuardedUploadHandler(TemporaryFileUploadHandler):
    """Streams files to the disk, but none of the anonymous where no view asks for them: a form is read before its
    sender is checked."""

    def handle_raw_input(
        self, input_data: Any, meta: Any, content_length: int, boundary: Any, encoding: str | None = None
    ) -> None:
        limit = settings.UPLOAD_LIMIT_BYTES + FORM_BYTES
        if self._is_anonymous and self._anonymous_bytes:
            limit = self._anonymous_bytes
        if content_length > limit:
            raise RequestDataTooBig
        super().handle_raw_input(input_data, meta, content_length, boundary, encoding)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if self._is_anonymous and not self._anonymous_bytes:
            raise StopUpload(connection_reset=True)
        super().new_file(*args, **kwargs)

    @property
    def _is_anonymous(self) -> bool:
        user = getattr(self.request, "user", None)
        return user is None or not user.is_authenticated

    @property
    def _anonymous_bytes(self) -> int:
        """What the view to which the form goes takes from the anonymous."""
        match = getattr(self.request, "resolver_match", None)
        return int(getattr(match.func, "anonymous_bytes", 0)) if match else 0


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
