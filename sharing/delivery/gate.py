"""What a grant lets through: the check before each delivery, and during long ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from django.utils.translation import gettext as _

from catalog.items import applicable_columns, shareable_columns
from catalog.models import Channel, SharingType
from catalog.parts import named_columns
from catalog.protection.masking import Audience, item_masks, view_of
from catalog.tables.engine import Page, Query, Sort, default_engine
from catalog.tables.filters import Filter, parse_filters
from catalog.tables.schema import Column, TableRef
from catalog.tables.summary import Groups, Summary
from portal.errors import NotPermitted
from portal.lists import listed
from sharing.errors import GrantNotInForce, NoData, UnknownColumns
from sharing.models import Credential, Grant
from sharing.outside import opening

CHECK_SECONDS = 0.5
"""How often a running delivery asks whether its grant still stands."""


@dataclass(frozen=True)
class Opening:
    """The part of a table that a grant opens: every query through it is cut to these columns and rows."""

    grant: Grant
    credential: Credential | None
    ref: TableRef

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
        """A query of the grant's columns; its rows and masks are those of the view."""
        names = tuple(columns) if columns else tuple(column.name for column in self.columns)
        self._check([*names, *(f.column for f in filters), *(s.column for s in sort)])
        return Query(names, tuple(filters), tuple(sort), limit, offset, after)

    def _check(self, names: Sequence[str]) -> None:
        known = {column.name for column in self.columns}
        unknown = sorted({name for name in names if name not in known})
        if unknown:
            message = _("This grant has no column named: %(names)s.") % {"names": listed(unknown)}
            raise UnknownColumns(message, columns=unknown)

    def page(self, query: Query) -> Page:
        return default_engine().page(self.ref, query)

    def count(self, filters: Sequence[Filter] = ()) -> int:
        return default_engine().count(self.ref, filters)

    def summarise(self, summary: Summary) -> Groups:
        """Figures over the granted columns and rows.

        Raises:
            UnknownColumns: the summary is made from a column that was not granted.
        """
        self._check(summary.columns)
        return default_engine().summarise(self.ref, summary)

    def batches(self, query: Query) -> Iterator[pa.RecordBatch]:
        """Rows as a stream that ends with GrantNotInForce soon after the grant or the key ends."""
        return _while_in_force(default_engine().batches(self.ref, query), self.still_stands)

    def still_stands(self) -> bool:
        """Read from the database, never from memory: revocation beats every cache."""
        if not Grant.objects.in_force().filter(pk=self.grant.pk).exists():
            return False
        if self.credential is None:
            return True
        return Credential.objects.filter(pk=self.credential.pk, revoked_at__isnull=True).exists()


def _while_in_force(batches: Iterator[pa.RecordBatch], stands: Callable[[], bool]) -> Iterator[pa.RecordBatch]:
    checked = time.monotonic()
    for batch in batches:
        if time.monotonic() - checked >= CHECK_SECONDS:
            if not stands():
                raise GrantNotInForce
            checked = time.monotonic()
        yield batch


def open_grant(grant: Grant, channel: Channel, credential: Credential | None = None) -> Opening:
    """Check a grant for one delivery and say what it opens: of its columns, those that the provider still shares.

    Raises:
        GrantNotInForce: expired, suspended, revoked, or its dataset is not published or not shared any more.
        NotPermitted: the grant was not given for this channel. NoData: nothing is loaded.
    """
    dataset = grant.dataset
    if not grant.is_in_force or not dataset.is_published or dataset.sharing_type == SharingType.NOT_SHARED:
        raise GrantNotInForce
    if grant.outside_id is not None:
        opening.require_open(grant)
    if channel not in grant.channels:
        raise NotPermitted(_("This grant was not given for this way of delivery."))
    distribution = grant.dataset.distributions.select_related("current").filter(current__isnull=False).first()
    ref = distribution.ref if distribution else None
    if ref is None or distribution is None or distribution.current is None:
        raise NoData
    shared = set(shareable_columns(dataset) if grant.outside_id is None else applicable_columns(dataset))
    columns = named_columns(grant.dataset, ref, [name for name in grant.columns if name in shared])
    if not columns:
        raise NoData(_("None of the granted items is in the provider's current table. Ask the provider."))
    if grant.outside_id is None:
        masks = {**item_masks(dataset.pk, Audience.SHARING), **grant.masks}
    else:
        masks = opening.masks_of(grant, distribution.current, [column.name for column in columns])
    rows = parse_filters(grant.row_filter, ref.columns)
    return Opening(grant, credential, view_of(ref, columns, masks, scope=f"grant {grant.pk}", rows=rows))
