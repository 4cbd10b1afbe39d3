"""The open part of a dataset's table: the rows of its open items, and their downloads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any
from uuid import UUID

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponseBase

from catalog import prepared
from catalog.models import Dataset, DatasetState, OpenType
from catalog.parts import TablePart, disposition, table_part
from catalog.prepared import Whole
from catalog.rules import open_columns
from catalog.tables.engine import Query
from catalog.tables.export import CONTENT_TYPES
from portal.ranges import file_response

KEPT = 500
_STAMP = """
SELECT d.state, d.open_type, d.revision, d.modified, t.current_id,
    (SELECT max(r.id::text) || count(r.overruled_by_id)
     FROM catalog_disclosurereport r WHERE r.version_id = t.current_id)
FROM catalog_dataset d LEFT JOIN catalog_distribution t ON t.dataset_id = d.id AND t.current_id IS NOT NULL
WHERE d.id = %s ORDER BY t.created_at LIMIT 1
"""

_parts: OrderedDict[UUID, tuple[tuple[Any, ...], TablePart]] = OrderedDict()
_lock = threading.Lock()


def open_table(dataset: Dataset) -> TablePart:
    """The open part of an open dataset's table; 404 when there is none."""
    part = table_part(dataset, open_columns(dataset))
    if part is None:
        raise Http404
    return part


def whole_of(part: TablePart) -> Whole:
    """The whole of an open table, as it can be prepared."""
    return Whole("open", part.dataset.pk, part.ref, part.columns)


def find_whole(dataset_id: UUID) -> Whole | None:
    """The same by the dataset's id; None when it is not open."""
    try:
        return whole_of(open_table_of(dataset_id))
    except Http404:
        return None


def download(request: HttpRequest, part: TablePart, format: str, query: Query | None) -> HttpResponseBase:
    """The rows of an open table as a file; the whole of a large one from the disk once it is prepared.

    ``query`` is None for the whole.
    """
    if query is None and format in part.formats:
        whole = whole_of(part)
        if file := prepared.find(whole, format):
            return file_response(
                request,
                prepared.path_of(file),
                etag=f'"{file.sha256}"',
                content_type=CONTENT_TYPES[format],
                disposition=disposition(part.dataset, format),
            )
        prepared.ask(whole, format)
    return part.download(format, query)


def open_table_of(dataset_id: UUID) -> TablePart:
    """The same by the dataset's id, for programs that ask often; 404 when it is not open.

    One indexed read says whether the dataset is open and unchanged; only what changed is put together again. So a
    withdrawn dataset is gone at once, in every process.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STAMP, [dataset_id])
        stamp = cursor.fetchone()
    if stamp is None or stamp[:2] != (DatasetState.PUBLISHED, OpenType.OPEN):
        raise Http404
    with _lock:
        known = _parts.get(dataset_id)
        if known and known[0] == stamp:
            _parts.move_to_end(dataset_id)
            return known[1]
    dataset = Dataset.objects.open().filter(pk=dataset_id).first()
    if dataset is None:
        raise Http404
    part = open_table(dataset)
    with _lock:
        _parts[dataset_id] = stamp, part
        while len(_parts) > KEPT:
            _parts.popitem(last=False)
    return part
