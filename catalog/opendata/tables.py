"""The open part of a dataset's table: the rows of its open items."""

from __future__ import annotations

from django.http import Http404

from catalog.models import Dataset
from catalog.parts import TablePart, table_part
from catalog.rules import open_columns


def open_table(dataset: Dataset) -> TablePart:
    """The open part of an open dataset's table; 404 when there is none."""
    part = table_part(dataset, open_columns(dataset))
    if part is None:
        raise Http404
    return part
