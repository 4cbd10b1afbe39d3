"""Which of the rows that meet a query come first.

At most CANDIDATES rows are put in order, those with all words in their heading before others, so that the cost does
not grow with the catalogue. The score is the mean over what is asked for of where it stands (title 1, keywords and item
names 0.6, elsewhere 0.25), the longer words counting more, and then: the words as one in the title, the title being
just that, and being short; then, a little, fresh and good data that are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from catalog.models import DatasetSearchRow
from catalog.search.wishes import Group, Wish

CANDIDATES = 1_000
IN_TITLE, IN_HEADING, ELSEWHERE = 1.0, 0.6, 0.25
TOGETHER, EXACT, SHORT, STARTS = 0.5, 1.0, 0.3, 0.1
FRESH, GOOD, USED = 0.06, 0.08, 0.1
"""Beside the words little, so that they put in order what the words leave equal."""
SIMILAR = 0.4
"""So alike must words be by their trigrams; two letters changed over in a word of eight leave 0.4."""
_TABLE = DatasetSearchRow._meta.db_table
_TITLE = "lower(normalize(title, NFKC))"


def ranked(rows: QuerySet[DatasetSearchRow], wish: Wish, limit: int) -> list[UUID]:
    """The ids of the best rows of those that meet the wish, the best first; ``rows`` are not yet asked for words."""
    source, params = _sql(rows)
    if not source:
        return []
    parts = _parts(wish)
    score, values = " + ".join(part.sql for part in parts), [value for part in parts for value in part.values]
    asked = wish.tsquery
    sql = f"""
        WITH permitted AS NOT MATERIALIZED ({source}),
        headed AS (SELECT * FROM permitted WHERE heading @@ %s::tsquery LIMIT {CANDIDATES}),
        others AS (SELECT * FROM permitted WHERE tokens @@ %s::tsquery LIMIT {CANDIDATES}),
        found AS (SELECT * FROM headed UNION ALL
                  SELECT * FROM others WHERE dataset_id NOT IN (SELECT dataset_id FROM headed))
        SELECT dataset_id FROM found ORDER BY {score} DESC, modified DESC, dataset_id DESC LIMIT {limit}
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, asked, asked, *values])
        return [row[0] for row in cursor.fetchall()]


def near(rows: QuerySet[DatasetSearchRow], wish: Wish, limit: int) -> list[UUID]:
    """The rows that meet most parts of the wish where none meets all: typing errors, words that are too many.

    Chinese is compared by its sound, Latin words by the trigrams they share with words of the title.
    """
    source, params = _sql(rows)
    lexemes, latin = wish.loose
    parts = len(lexemes) + len(latin)
    if not source or not parts:
        return []
    least = parts // 2 + 1
    ways = [*["heading @@ %s::tsquery"] * bool(lexemes), *["%s <%% lower(title)"] * len(latin)]
    heard, alike = "(heading @@ %s::tsquery)::int", "word_similarity(%s, lower(title))"
    close = [*[heard] * len(lexemes), *[alike] * len(latin)]
    met = [*[heard] * len(lexemes), *[f"({alike} >= {SIMILAR})::int"] * len(latin)]
    sql = f"""
        WITH permitted AS NOT MATERIALIZED ({source}),
        found AS MATERIALIZED (SELECT * FROM permitted WHERE {" OR ".join(ways)} LIMIT {CANDIDATES * 5}),
        counted AS (
            SELECT dataset_id, title, modified, {" + ".join(met)} AS met, {" + ".join(close)} AS close FROM found
        )
        SELECT dataset_id FROM counted WHERE met >= {least}
        ORDER BY close DESC, length(title), modified DESC, dataset_id DESC LIMIT {limit}
    """  # noqa: S608
    asked = [" | ".join(lexemes)] if lexemes else []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)", [str(SIMILAR)])
        cursor.execute(sql, [*params, *asked, *latin, *lexemes, *latin, *lexemes, *latin])
        return [row[0] for row in cursor.fetchall()]


def _sql(rows: QuerySet[DatasetSearchRow]) -> tuple[str, Sequence[Any]]:
    columns = rows.order_by().values(
        "dataset_id", "title", "modified", "heading", "tokens", "uses", "quality", "freshness"
    )
    try:
        return columns.query.sql_with_params()
    except EmptyResultSet:  # a filter that nothing can meet
        return "", []


@dataclass(frozen=True)
class Part:
    """A term of the score: what it is for, its expression, and the values to bind."""

    label: str
    sql: str
    values: tuple[Any, ...]


def _parts(wish: Wish) -> list[Part]:
    total = sum(map(_weight, wish.groups))
    parts = []
    for group in wish.groups:
        cases = []
        for alternative in group.alternatives:
            for worth, weight in ((IN_TITLE, "A"), (IN_HEADING, "")):
                cases.append((worth * alternative.share, alternative.sql(weight)))
        cases.sort(key=lambda case: -case[0])
        whens = " ".join(f"WHEN heading @@ %s::tsquery THEN {worth:.3f}" for worth, _query in cases)
        sql = f"{_weight(group) / total:.4f} * (CASE {whens} ELSE {ELSEWHERE} END)"
        parts.append(Part(f"“{group.text}”", sql, tuple(query for _worth, query in cases)))
    text = "".join(wish.text.split())
    words = f"replace({_TITLE}, ' ', '')"
    return [
        *parts,
        Part(_("as one in the title"), f"{TOGETHER} * (position(%s IN {words}) > 0)::int", (text,)),
        Part(_("begins the title"), f"{STARTS} * starts_with({words}, %s)::int", (text,)),
        Part(_("is the title"), f"{EXACT} * ({words} = %s)::int", (text,)),
        Part(_("short title"), f"{SHORT} * least(1.0, %s::float / greatest(1, length({words})))", (len(text),)),
        Part(_("fresh data"), f"{FRESH} * (CASE freshness WHEN 'fresh' THEN 1 WHEN 'late' THEN -1 ELSE 0 END)", ()),
        Part(_("quality of the data"), f"{GOOD} * quality / 100.0", ()),
        Part(_("use in 90 days"), f"{USED} * least(1.0, ln(1.0 + uses) / ln(1001.0))", ()),
    ]


def explained(ids: Sequence[UUID], wish: Wish) -> dict[UUID, list[tuple[str, float]]]:
    """Why records stand where they stand: the terms of their scores that are not nought. One query."""
    parts = _parts(wish)
    sql = f"SELECT dataset_id, {', '.join(part.sql for part in parts)} FROM {_TABLE} WHERE dataset_id = ANY(%s)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*(value for part in parts for value in part.values), list(ids)])
        found = cursor.fetchall()
    return {row[0]: [(p.label, float(v)) for p, v in zip(parts, row[1:], strict=True) if round(v, 2)] for row in found}


def _weight(group: Group) -> float:
    """Longer words say more."""
    return float(min(6, len(group.text)))
