"""What must hold before a record may be submitted, published and opened (domain.md §4 and §6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils.translation import gettext as _

from catalog.documents import Document, preview
from catalog.models import DataItem, Dataset, Grade, OpenType, Sensitivity, SharingType
from portal.errors import InvalidInput
from portal.lists import listed

Check = Callable[[Dataset, Sequence[DataItem]], dict[str, list[str]]]
_checks: list[Check] = []


def register(check: Check) -> None:
    """Ask ``check(dataset, items)`` too before submission and publishing; it answers with messages by field.

    ``dataset`` and ``items`` are as they will be, not necessarily saved: a revision is checked before it is public.
    """
    _checks.append(check)


def missing(dataset: Dataset, document: Document | None = None) -> dict[str, list[str]]:
    """Everything that keeps ``dataset`` from being submitted, by field; empty when it is complete.

    With a ``document`` the answer is for the record as the document would make it.
    """
    if document is None:
        return wrong_with(dataset, list(dataset.items.all()), has_theme=dataset.themes.exists())
    shown, items = preview(dataset, document)
    return wrong_with(shown, items, has_theme=bool(document["themes"]))


def wrong_with(dataset: Dataset, items: Sequence[DataItem], *, has_theme: bool) -> dict[str, list[str]]:
    """The rules themselves, then those that other rooms registered."""
    wrong = _own_rules(dataset, items, has_theme=has_theme)
    for check in _checks:
        for name, found in check(dataset, items).items():
            wrong[name] = [*wrong.get(name, []), *found]
    return wrong


def _own_rules(dataset: Dataset, items: Sequence[DataItem], *, has_theme: bool) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    if not items:
        wrong["items"] = [_("Describe at least one data item, or upload a file: its columns become items.")]
    if not has_theme:
        wrong["themes"] = [_("Choose at least one theme.")]
    if dataset.sharing_type == SharingType.CONDITIONAL and not dataset.sharing_condition.strip():
        wrong["sharing_condition"] = [_("Conditional sharing needs its condition.")]
    if dataset.sharing_type != SharingType.UNCONDITIONAL and not dataset.sharing_basis.strip():
        wrong["sharing_basis"] = [_("Name the article of law on which sharing is limited.")]
    if dataset.sharing_type != SharingType.NOT_SHARED and not dataset.channels:
        wrong["channels"] = [_("Choose at least one sharing mode.")]
    if dataset.open_type != OpenType.OPEN and not dataset.open_condition.strip():
        wrong["open_condition"] = [_("Say on which condition or basis the data are not open.")]
    wrong |= _opening(dataset, items)
    return wrong


def _opening(dataset: Dataset, items: Sequence[DataItem]) -> dict[str, list[str]]:
    """Personal data and highly graded data are never open as they are."""
    if dataset.open_type == OpenType.NOT_OPEN:
        return {}
    wrong: dict[str, list[str]] = {}
    if dataset.grade >= Grade.HIGHLY_SENSITIVE:
        wrong["open_type"] = [_("Data of grade 4, important and core data are never open.")]
    opened = [item for item in items if item.open_type == OpenType.OPEN]
    personal = [item.name for item in opened if item.sensitivity != Sensitivity.NONE]
    if personal:
        names = listed(personal[:5])
        wrong["items"] = [_("Items with personal data cannot be open: %(names)s.") % {"names": names}]
    if dataset.open_type == OpenType.OPEN and items and not opened:
        wrong["items"] = [_("An open dataset needs at least one item that is open.")]
    return wrong


def check_submission(dataset: Dataset, document: Document | None = None) -> None:
    """Raise InvalidInput with everything that is missing."""
    wrong = missing(dataset, document)
    if wrong:
        raise InvalidInput(_("The record is not complete yet; everything that is missing is listed."), fields=wrong)
