"""Downloads under a grant, as streams, each with its usage record."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID

import pyarrow as pa
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _

from catalog import prepared
from catalog.models import Channel
from catalog.parts import chosen_columns, disposition
from catalog.prepared import Whole
from catalog.tables.engine import Query
from catalog.tables.export import CONTENT_TYPES, STREAMS, formats_of
from portal.accounts.models import User
from portal.errors import InvalidInput, PortalError
from portal.ranges import file_response
from sharing.delivery.gate import CHECK_SECONDS, Opening, open_grant
from sharing.delivery.watermark import marked, with_token
from sharing.errors import GrantNotInForce
from sharing.models import Grant, UsageRecord

logger = logging.getLogger(__name__)


def export(
    opening: Opening,
    format: str,
    *,
    request: HttpRequest | None = None,
    query: Query | None = None,
    user: User | None = None,
) -> HttpResponseBase:
    """The granted rows as a file in ``format``; the stream breaks off when the grant ends while it runs.

    All rows (no ``query``) of a large table come from the disk once they are prepared, then also in parts.

    Raises:
        InvalidInput: no such format.
    """
    known = formats_of(opening.columns)
    if format not in known:
        raise InvalidInput(_("The format must be one of: %(formats)s.") % {"formats": ", ".join(known)})
    channel = Channel.API if opening.credential else Channel.FILE
    usage = UsageRecord(
        grant=opening.grant, credential=opening.credential, user=user, channel=channel, format=format, is_complete=False
    )
    name = disposition(opening.grant.dataset, format, opening.grant.item.request.number or "")
    response: HttpResponseBase | None = None
    if query is None and request is not None:
        response = _from_disk(request, opening, format, usage, name)
    if response is None:
        query = query or opening.query()
        opening = replace(opening, ref=marked(opening.ref, opening.grant))
        chosen = with_token(chosen_columns(opening.columns, query), opening.ref)
        usage.save()
        body = _counted(usage, lambda batches: STREAMS[format](batches, chosen), opening.batches(query))
        response = StreamingHttpResponse(body, content_type=CONTENT_TYPES[format])
        response["Content-Disposition"] = name
    response["Cache-Control"] = "private, no-store"
    return response


def whole_of(opening: Opening) -> Whole:
    """All that a grant opens, with its marks, as it can be prepared."""
    ref = marked(opening.ref, opening.grant)
    return Whole("grant", opening.grant.pk, ref, with_token(ref.columns, ref))


def find_whole(grant_id: UUID) -> Whole | None:
    """The same by the grant's id; None when the grant gives no files any more."""
    grant = Grant.objects.select_related("dataset").filter(pk=grant_id).first()
    try:
        return whole_of(open_grant(grant, Channel(grant.channels[0]))) if grant else None
    except PortalError:
        return None


def _from_disk(
    request: HttpRequest, opening: Opening, format: str, usage: UsageRecord, name: str
) -> HttpResponseBase | None:
    """The prepared file, or the part of it that is asked for; None, and it is asked for, while there is none."""
    whole = whole_of(opening)
    file = prepared.find(whole, format)
    if file is None:
        prepared.ask(whole, format)
        return None
    rows, size = file.done, file.size_bytes

    def watch(body: Iterator[bytes], first: int, last: int) -> Iterator[bytes]:
        usage.save()
        checked = started = time.monotonic()
        try:
            for chunk in body:
                if time.monotonic() - checked >= CHECK_SECONDS:
                    if not opening.still_stands():
                        raise GrantNotInForce
                    checked = time.monotonic()
                usage.size_bytes += len(chunk)
                yield chunk
            usage.is_complete = last == size - 1
            usage.rows = rows if usage.is_complete else 0
        finally:
            usage.duration_ms = int((time.monotonic() - started) * 1000)
            usage.save()

    return file_response(
        request,
        prepared.path_of(file),
        etag=f'"{file.sha256}"',
        content_type=CONTENT_TYPES[format],
        disposition=name,
        watch=watch,
    )


def _counted(
    usage: UsageRecord,
    encode: Callable[[Iterator[pa.RecordBatch]], Iterator[bytes]],
    batches: Iterator[pa.RecordBatch],
) -> Iterator[bytes]:
    """The encoded stream; when it ends, for whatever reason, the usage record says how far it came."""
    started, rows, size = time.monotonic(), 0, 0

    def counting() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for batch in batches:
            rows += batch.num_rows
            yield batch

    try:
        for chunk in encode(counting()):
            size += len(chunk)
            yield chunk
        usage.is_complete = True
    except GrantNotInForce:
        logger.warning("delivery under grant %s stopped: the grant ended", usage.grant_id)
        raise
    finally:
        usage.rows, usage.size_bytes = rows, size
        usage.duration_ms = int((time.monotonic() - started) * 1000)
        usage.save()


def record_page(opening: Opening, rows: int, started: float) -> None:
    """The usage record of one page read over the API."""
    UsageRecord.objects.create(
        grant=opening.grant,
        credential=opening.credential,
        channel=Channel.API,
        format="json",
        rows=rows,
        duration_ms=int((time.monotonic() - started) * 1000),
    )
