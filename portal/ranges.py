"""Files over HTTP that go on after a broken line: ranges (RFC 9110, section 14) with a strong tag."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

CHUNK = 1 << 20
_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$", re.ASCII)


def asked_range(header: str, size: int) -> tuple[int, int] | None:
    """The first and last byte that a Range header asks for; None where the whole file is to be sent.

    Several ranges at once are answered with the whole file, as the standard allows.

    Raises:
        ValueError: the range lies outside the file.
    """
    found = _RANGE.match(header.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
        if not int(last):
            raise ValueError
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < int(first):
            return None
    if start >= size:
        raise ValueError
    return start, end


def file_response(
    request: HttpRequest,
    path: Path,
    *,
    etag: str,
    content_type: str,
    disposition: str,
    watch: Callable[[Iterator[bytes], int, int], Iterator[bytes]] = lambda body, start, end: body,
) -> HttpResponseBase:
    """The file, or the part of it that is asked for; ``watch(body, first, last)`` may count and stop it."""
    size = path.stat().st_size
    header = request.headers.get("Range", "")
    if request.headers.get("If-Range", etag) != etag:
        header = ""
    try:
        part = asked_range(header, size)
    except ValueError:
        refused = HttpResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        refused["Content-Range"] = f"bytes */{size}"
        return refused
    start, end = part or (0, size - 1)
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type=content_type)
    else:
        response = StreamingHttpResponse(watch(_read(path, start, end), start, end), content_type=content_type)
    if part:
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response["Content-Range"] = f"bytes {start}-{end}/{size}"
    response["Content-Length"] = str(end - start + 1)
    response["Content-Disposition"] = disposition
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    return response


def _read(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        left = end - start + 1
        while left and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
