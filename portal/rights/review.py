"""What everybody may do today, what changed since the last review, and signing for it."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass, fields

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.audit import record
from portal.departments.models import Membership
from portal.deputies.models import Delegation
from portal.errors import InvalidInput, WrongState
from portal.exports import neutral
from portal.rights.models import RightsReview


@dataclass(frozen=True, order=True)
class Right:
    """One right of one person today. ``kind`` is administrator, membership, deputy, group or exception.

    ``scope`` is the credit code of a department or the code of a dataset, ``right`` a stable name (a duty, a
    permission), ``until`` the last day in ISO form or empty, ``basis`` where it comes from.
    """

    username: str
    name: str
    kind: str
    scope: str
    scope_name: str
    right: str
    until: str = ""
    basis: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same right at two times; terms and names may change."""
        return (self.username, self.kind, self.scope, self.right)


Source = Callable[[], Iterator[Right]]
_sources: list[Source] = []


def register(source: Source) -> None:
    """Add a function that yields rights, in a fixed number of queries; an app above registers its own."""
    _sources.append(source)


def _iso(day: dt.date | None) -> str:
    return day.isoformat() if day else ""


def _administrators() -> Iterator[Right]:
    for user in User.objects.filter(is_active=True).exclude(admin_role="").order_by("username"):
        yield Right(user.username, user.name, "administrator", "", "", user.admin_role)


def _memberships() -> Iterator[Right]:
    rows = Membership.objects.current().select_related("user", "department", "given_by")
    for row in rows.order_by("user__username", "department__credit_code", "duty").iterator(chunk_size=2_000):
        given = row.given_by.username if row.given_by else ""
        department = row.department
        yield Right(
            row.user.username,
            row.user.name,
            "membership",
            department.credit_code,
            department.name,
            row.duty,
            _iso(row.valid_until),
            given,
        )


def _deputies() -> Iterator[Right]:
    rows = Delegation.objects.in_force().filter(deputy__is_active=True)
    for row in rows.select_related("deputy", "principal", "department").order_by("deputy__username", "id"):
        for duty in row.duties:
            yield Right(
                row.deputy.username,
                row.deputy.name,
                "deputy",
                row.department.credit_code,
                row.department.name,
                duty,
                _iso(row.valid_until),
                row.principal.username,
            )


def _groups() -> Iterator[Right]:
    """Membership of groups that stand for no duty."""
    rows = User.groups.through.objects.filter(group__duty_group__isnull=True, user__is_active=True)
    for username, name, group in rows.order_by("user__username", "group__name").values_list(
        "user__username", "user__name", "group__name"
    ):
        yield Right(username, name, "group", group, group, "member")


for _source in (_administrators, _memberships, _deputies, _groups):
    register(_source)


def effective_rights() -> Iterator[Right]:
    """Everybody's rights today, source by source."""
    for source in _sources:
        yield from source()


HEADER = [field.name for field in fields(Right)]


def as_csv(rights: Iterable[Right]) -> bytes:
    """The list as it is signed: UTF-8 with BOM, stable names, formulas neutralised."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(HEADER)
    writer.writerows([neutral(cell) for cell in astuple(right)] for right in rights)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def content_of(review: RightsReview) -> bytes:
    """The CSV that was signed."""
    return gzip.decompress(bytes(review.content))


def _rights_of(review: RightsReview | None) -> list[Right]:
    if review is None:
        return []
    rows = csv.reader(io.StringIO(content_of(review).decode("utf-8-sig")))
    next(rows)
    return [Right(*(cell.removeprefix("'") for cell in row)) for row in rows]


def quarter_of(day: dt.date) -> str:
    """The quarter of a day: ``2026Q4``."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def is_due(day: dt.date | None = None) -> bool:
    """Whether nobody has signed for this quarter yet."""
    return not RightsReview.objects.filter(quarter=quarter_of(day or timezone.localdate())).exists()


@dataclass(frozen=True)
class Comparison:
    """Rights today against the last signed list; ``last`` is None before the first review."""

    last: RightsReview | None
    rights: list[Right]
    added: list[Right]
    removed: list[Right]


def compare() -> Comparison:
    """What was given and taken since the last review."""
    last = RightsReview.objects.select_related("signed_by").first()
    now = list(effective_rights())
    before = _rights_of(last)
    known, present = {right.key for right in before}, {right.key for right in now}
    added = sorted(right for right in now if right.key not in known) if last else []
    return Comparison(last, now, added, sorted(right for right in before if right.key not in present))


@transaction.atomic
def sign_off(*, actor: Actor, note: str, seen_digest: str) -> RightsReview:
    """Sign for everybody's rights as they were shown.

    Raises:
        NotPermitted: not the security administrator. WrongState: this quarter is signed already.
        InvalidInput: rights changed since the list with ``seen_digest`` was shown.
    """
    actor = access.require(actor, Permission.RIGHTS_REVIEW)
    assert actor.user is not None
    if not is_due():
        raise WrongState(_("The rights of this quarter are signed for already."))
    found = compare()
    content = as_csv(found.rights)
    digest = hashlib.sha256(content).hexdigest()
    if digest != seen_digest:
        raise InvalidInput(_("Rights changed while you were looking. Look at the list again before you sign."))
    review = RightsReview.objects.create(
        quarter=quarter_of(timezone.localdate()),
        signed_by=actor.user,
        signed_at=timezone.now(),
        note=note.strip(),
        row_count=len(found.rights),
        added=len(found.added),
        removed=len(found.removed),
        digest=digest,
        content=gzip.compress(content, mtime=0),
    )
    data = {"quarter": review.quarter, "rights": review.row_count, "digest": digest, "note": review.note}
    record.append(stream="rights", verb="rights.reviewed", actor=actor, data=data)
    return review
