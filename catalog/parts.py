"""The part of a dataset's table that somebody may read without a grant: for previews, charts, downloads and API."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from django.http import Http404, StreamingHttpResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from catalog.models import Dataset, TableVersion
from catalog.protection.anonymity import held_columns
from catalog.protection.masking import Audience, item_masks, view_of
from catalog.tables.engine import Page, Query, Sort, default_engine
from catalog.tables.errors import UnknownColumn
from catalog.tables.export import CONTENT_TYPES, STREAMS, extension_of, formats_of
from catalog.tables.filters import Filter
from catalog.tables.masks import Method
from catalog.tables.schema import Column, TableRef
from catalog.tables.summary import Groups, Summary
from portal.lists import listed


@dataclass(frozen=True)
class TablePart:
    """Some columns of a dataset's table: what somebody may read of it without a grant."""

    dataset: Dataset
    ref: TableRef
    row_count: int

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.ref.columns

    def query(
        self,
        *,
        columns: Sequence[str] | None = None,
        filters: Sequence[Filter] = (),
        sort: Sequence[Sort] = (),
        limit: int = 100,
        after: str = "",
        offset: int = 0,
    ) -> Query:
        """A query within these columns.

        Raises:
            UnknownColumn: names the columns that are not among them.
        """
        names = tuple(columns) if columns else tuple(column.name for column in self.columns)
        known = {column.name for column in self.columns}
        asked = [*names, *(f.column for f in filters), *(s.column for s in sort)]
        unknown = sorted(set(asked) - known)
        if unknown:
            raise UnknownColumn(_("There is no column named: %(names)s.") % {"names": listed(unknown)}, columns=unknown)
        return Query(names, tuple(filters), tuple(sort), limit, offset, after)

    def page(self, query: Query) -> Page:
        return default_engine().page(self.ref, query)

    def count(self, query: Query) -> int:
        """How many rows meet the query's conditions."""
        return default_engine().count(self.ref, query.filters) if query.filters else self.row_count

    def summarise(self, summary: Summary) -> Groups:
        """Figures over these columns; they must have been checked by ``parse_summary`` with ``columns``."""
        return default_engine().summarise(self.ref, summary)

    @property
    def formats(self) -> list[str]:
        """The formats in which it can be downloaded."""
        return formats_of(self.columns)

    def _etag(self, format: str, query: Query) -> str:
        """The same as long as the file would be the same."""
        content = f"{self.ref.table_id} {self.ref.version} {self.columns} {self.ref.masks} {query} {format}"
        return f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'

    def download(self, format: str, query: Query | None = None) -> StreamingHttpResponse:
        """The rows as a file; 404 for an unknown format."""
        if format not in self.formats:
            raise Http404
        query = query or self.query()
        chosen = chosen_columns(self.columns, query)
        body = STREAMS[format](default_engine().batches(self.ref, query), chosen)
        response = StreamingHttpResponse(body, content_type=CONTENT_TYPES[format])
        response["Content-Disposition"] = disposition(self.dataset, format)
        response["ETag"] = self._etag(format, query)
        return response


def disposition(dataset: Dataset, format: str, number: str = "") -> str:
    """``Content-Disposition`` with the title as the file's name, in the form that every browser reads (RFC 6266).

    ``number`` is that of the request under which the file is delivered.
    """
    name = "-".join(filter(None, [slugify(dataset.title, allow_unicode=True)[:80] or "data", number]))
    ending = extension_of(format)
    return f"attachment; filename=\"data.{ending}\"; filename*=UTF-8''{quote(name)}.{ending}"


def chosen_columns(columns: Sequence[Column], query: Query) -> tuple[Column, ...]:
    """The columns of a query, in its order."""
    by_name = {column.name: column for column in columns}
    return tuple(by_name[name] for name in query.columns or by_name)


def named_columns(dataset: Dataset, ref: TableRef, names: Sequence[str]) -> tuple[Column, ...]:
    """Columns of a table by name, those it has, with the names of the data items as their titles."""
    titles = dict(dataset.items.values_list("column", "name"))
    found = [column for name in names if (column := ref.column(name))]
    return tuple(replace(column, title=titles.get(column.name, column.title)) for column in found)


def table_part(
    dataset: Dataset,
    names: Sequence[str],
    audience: Audience = Audience.PUBLIC,
    version: TableVersion | None = None,
) -> TablePart | None:
    """The part of the dataset's table with these columns, masked for ``audience``; None when there is none of them.

    It is of the current version where none is named.
    """
    if version is None:
        distribution = dataset.distributions.select_related("current").filter(current__isnull=False).first()
        version = distribution.current if distribution else None
    if version is None:
        return None
    ref = version.ref
    columns = named_columns(dataset, ref, names)
    if not columns:
        return None
    masks = item_masks(dataset.pk, audience)
    if audience == Audience.PUBLIC:
        masks |= dict.fromkeys(held_columns(version), Method.HIDE)
    view = view_of(ref, columns, masks, scope=f"{audience} {dataset.pk}")
    return TablePart(dataset, view, version.row_count)
