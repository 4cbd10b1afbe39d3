"""What a grant to somebody outside opens: while the data are open conditionally, after the agreement, de-identified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from catalog.models import DataItem, DisclosureRole, Grade, OpenType, Sensitivity, TableVersion
from catalog.protection.anonymity import Roles, is_enough, report_on
from catalog.tables.errors import QueryTimeout
from catalog.tables.filters import parse_filters
from catalog.tables.masks import Method
from portal.errors import WrongState
from sharing.errors import GrantNotInForce
from sharing.models import Grant, Letter, LetterKind


def has_agreement(grant: Grant) -> bool:
    """Whether its holder accepted the agreement over it."""
    agreed = Letter.objects.filter(kind=LetterKind.AGREEMENT, items=grant.item_id, applicant_confirmed_at__isnull=False)
    return agreed.exists()


def require_agreement(grant: Grant) -> None:
    """Refuse somebody outside who has not accepted the agreement yet; departments need not.

    Raises:
        WrongState: it is not accepted.
    """
    if grant.outside_id is not None and not has_agreement(grant):
        raise WrongState(_("Accept the use agreement on the page of your application first."))


def require_open(grant: Grant) -> None:
    """Refuse what is not open any more, and what nobody agreed to.

    Raises:
        GrantNotInForce: the dataset is not open any more, or graded too highly to be. WrongState: no agreement.
    """
    dataset = grant.dataset
    if dataset.open_type == OpenType.NOT_OPEN or dataset.grade >= Grade.HIGHLY_SENSITIVE:
        raise GrantNotInForce
    require_agreement(grant)


def masks_of(grant: Grant, version: TableVersion, columns: Sequence[str]) -> dict[str, str]:
    """Column → mask of what somebody outside reads: those of open data, and of the grant.

    Personal data that nothing masks are hidden, and so is what could tell people apart where too few rows are alike.
    """
    items = list(DataItem.objects.filter(dataset=grant.dataset_id, column__in=columns))
    masks: dict[str, str] = {}
    for item in items:
        hidden = Method.HIDE if item.sensitivity != Sensitivity.NONE else ""
        masks[item.column] = grant.masks.get(item.column) or item.open_mask or hidden
    masks = {column: mask for column, mask in masks.items() if mask}
    return masks | dict.fromkeys(_held(grant, version, items, masks), Method.HIDE.value)


def _held(grant: Grant, version: TableVersion, items: Sequence[DataItem], masks: Mapping[str, str]) -> Sequence[str]:
    """Quasi-identifiers of the granted part that is not anonymous enough, or could not be measured in time."""
    shown = [item for item in items if masks.get(item.column) != Method.HIDE]
    quasi = tuple(item.column for item in shown if item.disclosure_role == DisclosureRole.QUASI)
    if not quasi:
        return ()
    sensitive = tuple(item.column for item in shown if item.disclosure_role == DisclosureRole.SENSITIVE)
    part = {column: mask for column, mask in masks.items() if column in (*quasi, *sensitive)}
    rows = parse_filters(grant.row_filter, version.ref.columns)
    try:
        report = report_on(version, Roles(quasi, sensitive, part), rows)
    except QueryTimeout:
        return quasi
    return () if is_enough(report) else quasi
