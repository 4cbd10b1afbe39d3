"""The board of duplicates: pairs found by a job, and how the authority settles them (一数一源, domain.md §4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import (
    DataElement,
    DataItem,
    Dataset,
    DuplicatePair,
    PairState,
    RecordSignature,
    RelationKind,
    SignatureKind,
    SignatureQueue,
)
from catalog.relations.keeping import add
from catalog.sources.candidates import THRESHOLD, Match, find
from catalog.sources.sketches import current_sketches, overlap
from portal import access
from portal.access import Actor, Permission, rule
from portal.audit import record
from portal.departments.duties import holders
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify

BATCH = 100
CHANGED = 0.1
"""A settled pair comes back when its records have become so much more alike, or so much less."""
OVERLAP = 0.8
"""Tables that share so many keys hold the same things whatever their items are called."""


def look(limit: int | None = None) -> int:
    """Look for pairs among the records that changed; returns how many records were looked at."""
    done = 0
    while limit is None or done < limit:
        ids = list(SignatureQueue.objects.order_by("queued_at", "dataset_id").values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        for pk in ids:
            look_at(pk)
        done += len(ids)
    return done


@transaction.atomic
def look_at(pk: UUID) -> None:
    """Bring the pairs of one record up to date."""
    SignatureQueue.objects.filter(pk=pk).delete()
    dataset = Dataset.objects.select_related("provider__region").filter(pk=pk).first()
    matches: list[Match] = []
    if dataset is not None and dataset.is_published:
        kept = RecordSignature.objects.filter(dataset=pk).exclude(kind=SignatureKind.VALUE)
        signatures = list(kept.values_list("kind", "item", "signature"))
        matches = find(signatures, region=dataset.provider.region, groups=None, without=pk)
    overlaps = _overlaps(pk, [match.dataset_id for match in matches])
    good = [m for m in matches if m.score >= THRESHOLD or overlaps.get(m.dataset_id, 0) >= OVERLAP]
    for match in good:
        _keep(pk, match, overlaps.get(match.dataset_id))
    others = [match.dataset_id for match in good]
    stale = DuplicatePair.objects.filter(Q(one=pk) | Q(two=pk), state=PairState.OPEN)
    stale.exclude(Q(one__in=others) | Q(two__in=others)).delete()


def _overlaps(pk: UUID, others: Sequence[UUID]) -> dict[UUID, float]:
    """How much of the smaller table's keys the two have in common, where both have a sketch."""
    sketches = current_sketches([pk, *others])
    own = sketches.pop(pk, None)
    return {other: overlap(own, sketch) for other, sketch in sketches.items()} if own else {}


def _keep(pk: UUID, match: Match, value_overlap: float | None) -> None:
    one, two = sorted((pk, match.dataset_id))
    mine_first = one == pk
    figures = {
        "score": match.score,
        "share_one": match.share if mine_first else match.share_back,
        "share_two": match.share_back if mine_first else match.share,
        "value_overlap": value_overlap,
    }
    pair, made = DuplicatePair.objects.select_for_update().get_or_create(one_id=one, two_id=two, defaults=figures)
    if made:
        return
    for name, value in figures.items():
        setattr(pair, name, value)
    if pair.settled_score is not None and abs(pair.settled_score - match.score) > CHANGED:
        _open_again(pair)
    pair.save()


def _open_again(pair: DuplicatePair) -> None:
    pair.state, pair.keeper, pair.settled_by, pair.settled_at = PairState.OPEN, None, None, None
    pair.settled_score, pair.until = None, None


def expire() -> int:
    """Open again the pairs that were to stay both until a day that is over."""
    due = DuplicatePair.objects.filter(state=PairState.KEPT, until__lt=timezone.localdate())
    return due.update(state=PairState.OPEN, settled_score=None, settled_by=None, settled_at=None, until=None)


def visible_pairs(actor: Actor) -> QuerySet[DuplicatePair]:
    """For an authority the pairs within its region; for others those of their own departments' records."""
    rows = DuplicatePair.objects.select_related("one__provider", "two__provider", "keeper", "settled_by")
    return rows.filter(_own(actor) | _within(actor))


def _own(actor: Actor) -> Q:
    departments = actor.standing.departments_with()
    return Q(one__provider__in=departments) | Q(two__provider__in=departments)


def _within(actor: Actor) -> Q:
    offices = Department.objects.filter(pk__in=actor.standing.departments_with(*AUTHORITY_DUTIES))
    found = Q(pk__in=[])
    for path in offices.values_list("region__path", flat=True):
        found |= Q(one__provider__region__path__startswith=path, two__provider__region__path__startswith=path)
    return found


@rule(Permission.DUPLICATE_SETTLE)
def may_settle(actor: Actor, pair: DuplicatePair | None) -> bool:
    """The data authority of a region in which both providers lie."""
    if pair is None:
        return bool(actor.standing.departments_with(*AUTHORITY_DUTIES))
    return DuplicatePair.objects.filter(_within(actor), pk=pair.pk).exists()


def _lock(pair: DuplicatePair) -> DuplicatePair:
    rows = DuplicatePair.objects.select_for_update(of=("self",)).select_related("one__provider", "two__provider")
    return rows.get(pk=pair.pk)


@transaction.atomic
def settle(
    *,
    pair: DuplicatePair,
    actor: Actor,
    outcome: PairState,
    keeper: Dataset | None = None,
    reason: str = "",
    until: dt.date | None = None,
) -> DuplicatePair:
    """Settle an open pair: one record stays, both stay for a reason, or one is named the source of the other.

    Where the source is named, the data elements that both use get it as their source, unless they have another.

    Raises:
        WrongState: it is settled already. InvalidInput: by field; the record that stays must be one of the two.
    """
    pair = _lock(pair)
    actor = access.require(actor, Permission.DUPLICATE_SETTLE, pair)
    if pair.state != PairState.OPEN:
        raise WrongState(_("Somebody settled this pair in the meantime."))
    _check(pair, outcome, keeper, reason, until)
    pair.state, pair.keeper, pair.reason, pair.until = outcome, keeper, reason.strip(), until
    pair.settled_by, pair.settled_at, pair.settled_score = actor.user, timezone.now(), pair.score
    pair.save()
    if keeper is not None:
        _relate(pair, keeper)
    _tell(pair, actor, "duplicate.settled")
    return pair


def _check(pair: DuplicatePair, outcome: PairState, keeper: Dataset | None, reason: str, until: dt.date | None) -> None:
    wrong: dict[str, list[str]] = {}
    if outcome == PairState.OPEN:
        wrong["outcome"] = [_("Choose how it is settled.")]
    if outcome in (PairState.MERGED, PairState.SOURCED) and (
        keeper is None or keeper.pk not in (pair.one_id, pair.two_id)
    ):
        wrong["keeper"] = [_("Choose the record that stays or is the source.")]
    if not reason.strip():
        wrong["reason"] = [_("Say why; both providers read this.")]
    if until is not None and until <= timezone.localdate():
        wrong["until"] = [_("This day is over.")]
    if wrong:
        raise InvalidInput(fields=wrong)


def _relate(pair: DuplicatePair, keeper: Dataset) -> None:
    """The record that stays replaces the other; one that is the source is what the other derives from."""
    other = pair.two if keeper.pk == pair.one_id else pair.one
    if pair.state == PairState.MERGED:
        add(keeper, RelationKind.REPLACES, other)
    elif pair.state == PairState.SOURCED:
        add(other, RelationKind.DERIVED_FROM, keeper)
        _name_source(pair, keeper)


def _name_source(pair: DuplicatePair, keeper: Dataset) -> None:
    used = DataItem.objects.filter(dataset__in=(pair.one_id, pair.two_id), element__isnull=False)
    both = used.filter(dataset=pair.one_id).values("element")
    shared = used.filter(dataset=pair.two_id, element__in=both).values("element")
    DataElement.objects.filter(pk__in=shared, source_dataset__isnull=True).update(source_dataset=keeper)


@transaction.atomic
def reopen(*, pair: DuplicatePair, actor: Actor) -> DuplicatePair:
    """Take a settlement back; sources that were named stay until they are named anew."""
    pair = _lock(pair)
    actor = access.require(actor, Permission.DUPLICATE_SETTLE, pair)
    if pair.state == PairState.OPEN:
        raise WrongState
    _open_again(pair)
    pair.save()
    _tell(pair, actor, "duplicate.reopened")
    return pair


def _tell(pair: DuplicatePair, actor: Actor, verb: str) -> None:
    """Record it on both records, and tell who answers for them."""
    for dataset, other in ((pair.one, pair.two), (pair.two, pair.one)):
        data = {"other": other.title, "outcome": pair.state, "reason": pair.reason, "state": dataset.state}
        record.append(stream=record.stream_of(dataset), verb=verb, actor=actor, data=data)
        duties = (Duty.CATALOGUER, Duty.PROVIDER_APPROVER)
        people = [user for duty in duties for user in holders(dataset.provider, duty)]
        words = {"title": dataset.title, "other": other.title, "note": pair.reason or pair.get_state_display()}
        url = f"/catalog/duplicates/{pair.pk}/"
        notify(people, NoticeKind.DUPLICATE_SETTLED, url=url, data=words, department=dataset.provider)
