"""Which records hold what another one holds too: found by rare signatures, then compared item by item.

Data of different territories are not the same data: a candidate's provider lies in the same region as the record's,
above it, or below it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from catalog.models import Dataset, RecordSignature, SignatureKind
from catalog.sources.signatures import Signature
from portal.departments.models import Region

COMMON = 400
"""A signature that so many records have says nothing about a single one."""
RARE_LIMIT = 60
CANDIDATES = 60
THRESHOLD = 0.5
"""From this score on, two records are said to hold the same data; chosen by ``python -m bench duplicates``."""
TITLE_WEIGHT = 0.15


@dataclass(frozen=True)
class Match:
    """A record with much in common: shares from 0 to 1 of the items, mine in it and its in mine."""

    dataset_id: UUID
    score: float
    share: float
    share_back: float
    pairs: tuple[tuple[int, int], ...]
    """Number of my item, number of its item."""


def find(
    signatures: Sequence[Signature], *, region: Region, groups: Sequence[int] | None, without: UUID | None = None
) -> list[Match]:
    """The records most like the one that has these signatures, best first.

    Only those that ``groups`` may read, or with None only published ones. Four queries at most.
    """
    items = [s for s in signatures if s[0] in (SignatureKind.NAME, SignatureKind.COLUMN)]
    if not items:
        return []
    frequency = _frequency({signature for _kind, _item, signature in signatures})
    ids = _candidates(signatures, frequency, region, groups, without)
    if not ids:
        return []
    theirs: dict[UUID, list[Signature]] = defaultdict(list)
    rows = RecordSignature.objects.filter(dataset__in=ids).exclude(kind=SignatureKind.VALUE)
    for pk, kind, item, signature in rows.values_list("dataset_id", "kind", "item", "signature"):
        theirs[pk].append((kind, item, signature))
    frequency |= _frequency({s for found in theirs.values() for _k, _i, s in found} - frequency.keys())
    found = [_compared(pk, signatures, other, frequency) for pk, other in theirs.items()]
    return sorted((match for match in found if match.score > 0), key=lambda match: -match.score)


def _frequency(signatures: set[int]) -> dict[int, int]:
    """How many records have each signature, counted up to ``COMMON``."""
    if not signatures:
        return {}
    table = RecordSignature._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.signature, c.n FROM unnest(%s::bigint[]) s(signature), LATERAL ("  # noqa: S608
            f"SELECT count(*) n FROM (SELECT 1 FROM {table} r WHERE r.signature = s.signature LIMIT %s) x) c",
            [list(signatures), COMMON],
        )
        return dict(cursor.fetchall())


def _candidates(
    signatures: Sequence[Signature],
    frequency: dict[int, int],
    region: Region,
    groups: Sequence[int] | None,
    without: UUID | None,
) -> list[UUID]:
    """Records of the same territory that share rare signatures, those that share the most first."""
    known = sorted({s for _k, _i, s in signatures if frequency.get(s, 0) > 0}, key=lambda s: frequency[s])
    rare = [s for s in known if frequency[s] < COMMON][:RARE_LIMIT]
    common = [s for s in known if frequency[s] >= COMMON]
    if not rare and not common:
        return []
    weights = [_weight(frequency[s]) for s in rare]
    above, below = region.path_codes, f"{region.path}%"
    readable = "w.reader_groups && %s::integer[]" if groups is not None else "w.state = 'published'"
    sql = f"""
        SELECT r.dataset_id FROM unnest(%s::bigint[], %s::float8[]) s(signature, weight)
        JOIN {RecordSignature._meta.db_table} r ON r.signature = s.signature
        JOIN catalog_datasetsearchrow w ON w.dataset_id = r.dataset_id
        JOIN portal_region g ON g.code = w.region_id
        WHERE {readable} AND w.state <> 'withdrawn' AND (g.code = ANY(%s) OR g.path LIKE %s)
        AND r.dataset_id IS DISTINCT FROM %s
        GROUP BY r.dataset_id ORDER BY sum(s.weight) DESC, r.dataset_id LIMIT %s
    """  # noqa: S608
    params = [rare, weights, *([list(groups)] if groups is not None else []), above, below, without, CANDIDATES]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [pk for (pk,) in cursor.fetchall()]


def _weight(frequency: int) -> float:
    """What a signature says: much when few records have it."""
    return 1 / (1 + math.log2(1 + max(1, frequency)))


def _compared(pk: UUID, mine: Sequence[Signature], theirs: Sequence[Signature], frequency: dict[int, int]) -> Match:
    pairs = paired(mine, theirs)
    weights, back = _item_weights(mine, frequency), _item_weights(theirs, frequency)
    weighted = sum(weights[a] for a, _b in pairs) / (sum(weights.values()) or 1)
    weighted_back = sum(back[b] for _a, b in pairs) / (sum(back.values()) or 1)
    titles = [{s for kind, _i, s in side if kind == SignatureKind.TITLE} for side in (mine, theirs)]
    alike = len(titles[0] & titles[1]) / (len(titles[0] | titles[1]) or 1)
    larger = max(weighted, weighted_back) if min(len(weights), len(back)) >= 3 else min(weighted, weighted_back)
    score = (1 - TITLE_WEIGHT) * (0.6 * larger + 0.4 * min(weighted, weighted_back)) + TITLE_WEIGHT * alike
    return Match(pk, score, len(pairs) / (len(weights) or 1), len(pairs) / (len(back) or 1), tuple(pairs))


def paired(mine: Sequence[Signature], theirs: Sequence[Signature]) -> list[tuple[int, int]]:
    """Items that are the same by name or column, each at most once; names first."""
    where: dict[int, list[int]] = defaultdict(list)
    for kind, item, signature in sorted(theirs):
        if kind in (SignatureKind.NAME, SignatureKind.COLUMN):
            where[signature].append(item)
    used, pairs, done = set(), [], set()
    for kind, item, signature in sorted(mine):
        if kind not in (SignatureKind.NAME, SignatureKind.COLUMN) or item in done:
            continue
        other = next((one for one in where.get(signature, ()) if one not in used), None)
        if other is not None:
            used.add(other)
            done.add(item)
            pairs.append((item, other))
    return sorted(pairs)


def _item_weights(signatures: Sequence[Signature], frequency: dict[int, int]) -> Counter[int]:
    """What each item says, by its rarer signature."""
    weights: Counter[int] = Counter()
    for kind, item, signature in signatures:
        if kind in (SignatureKind.NAME, SignatureKind.COLUMN):
            weights[item] = max(weights[item], _weight(frequency.get(signature, 0)))  # type: ignore[assignment]
    return weights


def readable_titles(ids: Sequence[UUID]) -> dict[UUID, Dataset]:
    """The records with their providers; the caller found them by what the reader may see."""
    return Dataset.objects.select_related("provider").in_bulk(list(ids))
