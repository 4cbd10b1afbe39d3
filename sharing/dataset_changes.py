"""What becomes of requests and grants when their dataset is withdrawn, graded anew, or shares less than before.

Only the items that ask for the dataset are touched; the others of their requests go on (design.md §4). Both functions
are called by ``catalog.lifecycle`` in its transaction, with the dataset locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from catalog.documents import Document, snapshot
from catalog.models import Dataset, OpenType, Sensitivity, SharingType
from portal.access import Actor
from portal.departments.duties import holders
from portal.departments.models import Duty
from portal.lists import listed
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing import grants, workflow
from sharing.disputes.settling import lapse
from sharing.flow import Board, advance, log, told_of
from sharing.models import Grant, GrantState, ItemState, RequestItem
from sharing.outside import telling
from sharing.replanning import replan, take_back

_SENSITIVITIES: list[str] = [Sensitivity.NONE, Sensitivity.PERSONAL, Sensitivity.SENSITIVE]


@dataclass(frozen=True)
class Shared:
    """What routes and grants go by in one version of a record: how it is shared, its grade, and the items that are."""

    sharing_type: str
    grade: int
    sensitivity: dict[str, str]
    """By column."""
    names: dict[str, str]

    @classmethod
    def of(cls, document: Document) -> Shared:
        """With other departments."""
        items = [item for item in document["items"] if item["sharing_type"] != SharingType.NOT_SHARED]
        return cls._with(document["sharing_type"], document["grade"], items)

    @classmethod
    def outside(cls, document: Document) -> Shared:
        """With those who apply from outside, for whom everything is conditional."""
        items = [item for item in document["items"] if item["open_type"] != OpenType.NOT_OPEN]
        return cls._with(SharingType.CONDITIONAL, document["grade"], items)

    @classmethod
    def _with(cls, sharing_type: str, grade: int, items: Sequence[Document]) -> Shared:
        sensitivity = {item["column"]: item["sensitivity"] for item in items}
        return cls(sharing_type, grade, sensitivity, {item["column"]: item["name"] for item in items})

    def without(self, later: Shared) -> set[str]:
        """The columns that a later version does not share any more."""
        return set(self.sensitivity) - set(later.sensitivity)

    def names_of(self, columns: set[str]) -> str:
        """The names of their data items, as a text."""
        return listed(self.names[column] for column in sorted(columns))

    def rank(self, columns: set[str]) -> tuple[int, int, int]:
        """How strictly ``columns`` are looked at; each part that grows may need further offices."""
        known = (self.sensitivity.get(column, Sensitivity.NONE) for column in columns)
        highest = max((_SENSITIVITIES.index(each) for each in known), default=0)
        return int(self.sharing_type == SharingType.CONDITIONAL), self.grade, highest


def dataset_withdrawn(dataset: Dataset, actor: Actor) -> None:
    """Close the open items that ask for ``dataset`` and suspend its grants."""
    reason = _("The provider withdrew the dataset: %(note)s") % {"note": dataset.state_note}
    _end(_open_items(dataset), Grant.objects.all(), dataset, actor, reason)


def _end(items: Sequence[RequestItem], of_whom: QuerySet[Grant], dataset: Dataset, actor: Actor, reason: str) -> None:
    for item in items:
        workflow.close_item(item=item, actor=actor, reason=reason)
    running = Q(state=GrantState.ACTIVE) | Q(state=GrantState.SUSPENDED) & ~Q(suspended_for="")
    for grant in of_whom.filter(running, dataset=dataset).order_by("id"):
        grants.suspend(grant=grant, actor=Actor.system(), reason=reason)


def _open_items(dataset: Dataset) -> list[RequestItem]:
    """In the order of their requests, so that two such changes wait for each other in the same order."""
    rows = RequestItem.objects.filter(dataset=dataset, state__in=ItemState.undecided())
    return list(rows.select_related("request").order_by("request_id"))


def dataset_revised(dataset: Dataset, before: Document, actor: Actor) -> None:
    """Bring open items to what the new version shares, and tell those who hold grants what is gone.

    An item loses the columns that are not shared any more. It is closed when none is left, or when its rows were chosen
    by one of them. Offices decide again when it became more sensitive, or conditional; where it became less so, steps
    that are not needed any more fall away.
    """
    after = snapshot(dataset)
    old, new = Shared.of(before), Shared.of(after)
    items = _open_items(dataset)
    theirs = [item for item in items if not item.request.is_outside]
    if new.sharing_type == SharingType.NOT_SHARED:
        if old.sharing_type != SharingType.NOT_SHARED:
            _end(theirs, Grant.objects.of_departments(), dataset, actor, _("The dataset is not shared any more."))
    else:
        for item in theirs:
            _follow(item, old, new, actor)
        _tell_holders(dataset, old, new)
    for item in items if dataset.is_conditionally_open else ():
        if item.request.is_outside:
            _follow(item, Shared.outside(before), Shared.outside(after), actor)


def _follow(found: RequestItem, old: Shared, new: Shared, actor: Actor) -> None:
    board = Board.of(workflow.lock(found.request_id))
    item = board.items[found.pk]
    if item.is_answered:
        return
    gone, chosen_by = old.without(new), {str(condition.get("column")) for condition in item.row_filter}
    if reason := _nothing_left(item, old, gone, chosen_by):
        workflow.close_item(item=item, actor=actor, reason=reason)
        return
    asked = chosen_by.union(item.columns)
    before, after = old.rank(asked), new.rank(asked - gone)
    if lost := gone.intersection(item.columns):
        _narrow(board, item, gone, old.names_of(lost), actor)
    if before != after:
        is_stricter = any(b > a for a, b in zip(before, after, strict=True))
        _decide_again(board, item, is_stricter, actor)


def _nothing_left(item: RequestItem, old: Shared, gone: set[str], chosen_by: set[str]) -> str:
    """Why the item cannot be granted any more, or ""."""
    if lost := gone & chosen_by:
        names = {"names": old.names_of(lost)}
        return _("The dataset does not share any more by what its rows were chosen: %(names)s.") % names
    if gone.issuperset(item.columns):
        names = {"names": old.names_of(gone.intersection(item.columns))}
        return _("The dataset shares none of the items any more that were asked for: %(names)s.") % names
    return ""


def _tell_applicant(board: Board, item: RequestItem, note: str) -> None:
    request = board.request
    telling.changed([request])
    data = {"number": request.number or "", "title": item.dataset.title, "note": note}
    url = request.get_absolute_url()
    notify(told_of(request), NoticeKind.ITEM_CHANGED, url=url, data=data, department=request.department)


def _narrow(board: Board, item: RequestItem, gone: set[str], names: str, actor: Actor) -> None:
    """Take the columns away; what the offices agreed to was more, so their decisions stand."""
    item.columns = [column for column in item.columns if column not in gone]
    item.submitted_columns = [column for column in item.submitted_columns if column not in gone]
    item.save(update_fields=["columns", "submitted_columns"])
    note = _("The dataset does not share any more: %(names)s.") % {"names": names}
    log(board, "item.narrowed", actor, item=str(item.pk), title=item.dataset.title, note=note)
    _tell_applicant(board, item, note)


def _decide_again(board: Board, item: RequestItem, is_stricter: bool, actor: Actor) -> None:
    reset: list[dict[str, str]] = []
    note = _("It was graded or is shared in another way now; steps that are not needed any more fall away.")
    if is_stricter:
        note = _("It was graded or is shared more strictly now; the offices decide on it again.")
        lapse(item, actor=actor, note=note)
        reset = _start_again(board, item)
    board = advance(replan(board, [item]))
    data: dict[str, Any] = {"item": str(item.pk), "title": item.dataset.title, "reset": reset, "note": note}
    log(board, "item.reopened", actor, **data)
    grants.issue_all([(each, actor) for each in board.approved])
    _tell_applicant(board, item, note)


def _start_again(board: Board, item: RequestItem) -> list[dict[str, str]]:
    """Take back what was decided. One that is with the applicant stays there, and starts again when it comes back."""
    if item.state == ItemState.RETURNED:
        item.submitted_columns = []  # nobody has seen it as it is now
        item.save(update_fields=["submitted_columns"])
        return []
    reset = take_back(board, verdicts={item.pk})
    item.state, item.terms, item.terms_accepted_at = ItemState.IN_REVIEW, {}, None
    item.save(update_fields=["state", "terms", "terms_accepted_at"])
    return reset


def _tell_holders(dataset: Dataset, old: Shared, new: Shared) -> None:
    """Grants deliver without what is gone from now on; departments that hold one are told."""
    gone = old.without(new)
    holding = Grant.objects.in_force().of_departments().filter(dataset=dataset, columns__overlap=sorted(gone))
    for grant in holding.select_related("department") if gone else ():
        names = listed(old.names[column] for column in grant.columns if column in gone)
        data = {"title": dataset.title, "note": _("not shared any more: %(names)s") % {"names": names}}
        people = holders(grant.department, Duty.APPLICANT)
        url = grant.get_absolute_url()
        notify(people, NoticeKind.GRANT_NARROWED, url=url, data=data, department=grant.department)
