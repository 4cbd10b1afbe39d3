"""Downloads under a grant, as streams, each with its usage record."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow as pa
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _

from catalog.models import Channel
from catalog.parts import chosen_columns, disposition
from catalog.tables.engine import Query
from catalog.tables.export import CONTENT_TYPES, STREAMS, formats_of
from portal.accounts.models import User
from portal.errors import InvalidInput
from sharing.delivery.gate import Opening
from sharing.delivery.watermark import marked, with_token
from sharing.errors import GrantNotInForce
from sharing.models import UsageRecord

logger = logging.getLogger(__name__)


def export(
    opening: Opening, format: str, *, query: Query | None = None, user: User | None = None
) -> StreamingHttpResponse:
    """The granted rows as a file in ``format``; the stream breaks off when the grant ends while it runs.

    Raises:
        InvalidInput: no such format.
    """
    known = formats_of(opening.columns)
    if format not in known:
        raise InvalidInput(_("The format must be one of: %(formats)s.") % {"formats": ", ".join(known)})
    query = query or opening.query()
    opening = replace(opening, ref=marked(opening.ref, opening.grant))
    chosen = with_token(chosen_columns(opening.columns, query), opening.ref)
    channel = Channel.API if opening.credential else Channel.FILE
    usage = UsageRecord(
        grant=opening.grant, credential=opening.credential, user=user, channel=channel, format=format, is_complete=False
    )
    usage.save()
    body = _counted(usage, lambda batches: STREAMS[format](batches, chosen), opening.batches(query))
    response = StreamingHttpResponse(body, content_type=CONTENT_TYPES[format])
    response["Content-Disposition"] = disposition(
        opening.grant.dataset, format, opening.grant.item.request.number or ""
    )
    response["Cache-Control"] = "private, no-store"
    return response


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
