"""Conditions under which an office agrees (附条件同意): fewer items or rows, a shorter term, masks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from catalog.items import declared_columns
from catalog.tables.errors import TableError
from catalog.tables.filters import describe, parse_filters
from catalog.tables.masks import Method, parse_mask
from portal.errors import InvalidInput
from portal.lists import listed
from sharing.models import RequestItem


@dataclass(frozen=True)
class Terms:
    """What is left of what was asked: ``columns`` None for all of them, ``rows`` further conditions on the rows, the
    last day, and column → mask. Empty when nothing is taken away."""

    columns: tuple[str, ...] | None = None
    rows: tuple[dict[str, Any], ...] = ()
    valid_until: dt.date | None = None
    masks: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.columns is not None or bool(self.rows or self.valid_until or self.masks)

    def to_json(self) -> dict[str, Any]:
        """The stored form; empty when nothing is taken away."""
        found: dict[str, Any] = {}
        if self.columns is not None:
            found["columns"] = list(self.columns)
        if self.rows:
            found["rows"] = list(self.rows)
        if self.valid_until:
            found["valid_until"] = self.valid_until.isoformat()
        if self.masks:
            found["masks"] = dict(self.masks)
        return found

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Terms:
        """From the stored form."""
        columns, until = data.get("columns"), data.get("valid_until")
        return cls(
            columns=None if columns is None else tuple(columns),
            rows=tuple(data.get("rows", ())),
            valid_until=parse_date(until) if until else None,
            masks=data.get("masks", {}),
        )

    def __and__(self, other: Terms) -> Terms:
        """Both together: what each of them leaves. Where both mask a column, the later mask stands."""
        columns = self.columns if other.columns is None else other.columns
        if self.columns is not None and other.columns is not None:
            columns = tuple(column for column in self.columns if column in other.columns)
        days = [day for day in (self.valid_until, other.valid_until) if day]
        rows = (*self.rows, *(row for row in other.rows if row not in self.rows))
        return Terms(columns, rows, min(days, default=None), {**self.masks, **other.masks})

    def check(self, item: RequestItem) -> Terms:
        """These terms on ``item`` in their stored form, without what takes nothing away.

        Raises:
            InvalidInput: an item that was not asked for, none left, a condition or a mask that cannot be read, or a
                last day that is past or later than the one asked for. The field is named.
        """
        asked, title = item.columns, {"title": item.dataset.title}
        columns = None if self.columns is None else tuple(c for c in asked if c in self.columns)
        if columns is not None and (not columns or set(self.columns or ()) - set(asked)):
            raise _wrong("columns", _("Leave at least one of the items asked for of “%(title)s”.") % title)
        declared = {column.name: column for column in declared_columns(item.dataset)}
        try:
            rows = tuple(f.to_json() for f in parse_filters(list(self.rows), list(declared.values())))
            for name, mask in self.masks.items():
                if name not in (columns or asked):
                    raise _wrong("masks", _("“%(name)s” was not asked for.") % {"name": name[:60]})
                parse_mask(mask, declared[name])
        except TableError as error:
            raise _wrong("rows", str(error)) from error
        until = self.valid_until
        if until and not timezone.localdate() <= until <= item.request.valid_until:
            raise _wrong("valid_until", _("The last day lies between today and the one asked for."))
        return Terms(
            columns=None if columns is None or len(columns) == len(asked) else columns,
            rows=tuple(row for row in rows if row not in item.row_filter),
            valid_until=until if until != item.request.valid_until else None,
            masks=self.masks,
        )


NO_TERMS = Terms()


def _wrong(name: str, message: str) -> InvalidInput:
    return InvalidInput(message, fields={name: [message]})


@dataclass(frozen=True)
class Content:
    """What is granted of an item: what was asked for, less what the terms take away."""

    columns: list[str]
    row_filter: list[dict[str, Any]]
    valid_until: dt.date
    masks: dict[str, str]


def content_of(item: RequestItem) -> Content:
    """What a grant of ``item`` gives now."""
    terms = Terms.of_json(item.terms)
    columns = item.columns if terms.columns is None else [c for c in item.columns if c in terms.columns]
    until = min(item.request.valid_until, terms.valid_until or item.request.valid_until)
    masks = {name: mask for name, mask in terms.masks.items() if name in columns}
    return Content(columns, [*item.row_filter, *terms.rows], until, masks)


def sentences(terms: Terms, titles: dict[str, str]) -> list[str]:
    """The conditions in words, one a line; ``titles`` maps columns to the names of data items."""
    found = []
    if terms.columns is not None:
        found.append(_("only the items: %(names)s") % {"names": listed([titles.get(c, c) for c in terms.columns])})
    if terms.rows:
        found += [_("only rows where %(condition)s") % {"condition": each} for each in describe(terms.rows, titles)]
    if terms.valid_until:
        found.append(_("only until %(day)s") % {"day": date_format(terms.valid_until, "Y-m-d")})
    for column, mask in terms.masks.items():
        label = Method(mask.partition(":")[0]).label
        found.append(_("“%(name)s” is masked: %(mask)s") % {"name": titles.get(column, column), "mask": label})
    return found
