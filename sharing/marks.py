"""What a return asks to be changed: parts of the request and of the item, by name (补正内容)."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from sharing.models import SharingRequest

OF_REQUEST = ("purpose", "legal_basis", "scenario", "scope_of_use", "channels", "frequency", "valid_until")
OF_ITEM: dict[str, str | Promise] = {"columns": gettext_lazy("Data items"), "row_filter": gettext_lazy("Rows")}


def choices() -> list[tuple[str, str | Promise]]:
    """Every mark with its label: those of the item, then those of the request."""
    fields = [(name, SharingRequest._meta.get_field(name).verbose_name) for name in OF_REQUEST]  # type: ignore[union-attr]
    return [*OF_ITEM.items(), *fields]


def labels(names: Iterable[str]) -> list[str]:
    """The labels of ``names`` in the reader's language; unknown names are passed over."""
    known = dict(choices())
    return [str(known[name]) for name in names if name in known]
