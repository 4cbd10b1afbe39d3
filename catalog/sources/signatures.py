"""Signatures of a record: what it would have in common with another that holds the same data.

An item is known by its name, in one spelling for all synonyms and for the data element it is linked to, and by its
column; a record also by the words of its title. Kept with the search rows, in the same transaction.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Sequence
from uuid import UUID

import rjieba
from django.db import connection

from catalog.documents import Document
from catalog.models import DataItem, Dataset, RecordSignature, SignatureKind, SignatureQueue
from catalog.search.words import DATA, normal

Signature = tuple[int, int, int]
"""Kind, number of the item, hash."""

_NOTES = re.compile(r"[（(【\[].*?[)）】\]]")
_MARKS = re.compile(r"[\W_]+")
_GENERIC = {
    *("信息", "数据", "名录", "名单", "目录", "统计", "明细", "年报", "月报", "情况", "记录", "基本"),
    *("the", "of", "and"),
}
"""Words of titles that say nothing of what the data are about."""
ITEM_LIMIT = 2_000


@functools.cache
def _synonyms() -> dict[str, str]:
    """Each known spelling of an item's name → the first of its line."""
    text = (DATA / "item_synonyms.txt").read_text(encoding="utf-8")
    lines = [[_plain(word) for word in line.split()] for line in text.splitlines() if line.strip()]
    return {word: line[0] for line in lines for word in line}


def _plain(name: str) -> str:
    return _MARKS.sub("", _NOTES.sub("", normal(name))) or _MARKS.sub("", normal(name))


def canonical(name: str) -> str:
    """A name in the one spelling that stands for all its synonyms; empty when nothing is left of it."""
    plain = _plain(name)
    return _synonyms().get(plain, plain)


def hashed(text: str) -> int:
    """A signed 64-bit hash."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def title_words(title: str) -> set[str]:
    """The words of a title that say what the data are."""
    found = {word for word in rjieba.cut(normal(title)) if len(word) > 1 and not word.isdigit()}
    return {word for word in found if _MARKS.sub("", word)} - _GENERIC


def of_items(items: Iterable[tuple[str, str, str]]) -> list[Signature]:
    """The signatures of items, each given by name, column and the name of its element (or nothing)."""
    found: list[Signature] = []
    for number, (name, column, element) in enumerate(items):
        if number >= ITEM_LIMIT:
            break
        known = canonical(element or name)
        if known:
            found.append((SignatureKind.NAME, number, hashed(f"n:{known}")))
        plain = canonical(column)
        if plain and plain != known:
            found.append((SignatureKind.COLUMN, number, hashed(f"n:{plain}")))
    return found


def of_title(title: str) -> list[Signature]:
    """The signatures of a title's words."""
    return [(SignatureKind.TITLE, 0, hashed(f"t:{word}")) for word in sorted(title_words(title))]


def of_document(document: Document, element_names: dict[str, str]) -> list[Signature]:
    """The signatures of a record that is being written; ``element_names`` by code."""
    items = ((i["name"], i["column"], element_names.get(i.get("element") or "", "")) for i in document["items"])
    return of_items(items) + of_title(document.get("title") or "")


def index(ids: Sequence[UUID]) -> None:
    """Bring the signatures of these records up to date; what did not change is not written."""
    wanted: dict[UUID, set[Signature]] = {
        pk: set(of_title(title)) for pk, title in Dataset.objects.filter(pk__in=ids).values_list("pk", "title")
    }
    items: dict[UUID, list[tuple[str, str, str]]] = {}
    rows = DataItem.objects.filter(dataset__in=ids).order_by("dataset_id", "position", "id")
    for pk, name, column, element in rows.values_list("dataset_id", "name", "column", "element__name"):
        items.setdefault(pk, []).append((name, column, element or ""))
    for pk, found in items.items():
        wanted[pk] |= set(of_items(found))
    present: dict[UUID, set[Signature]] = {}
    kept = RecordSignature.objects.filter(dataset__in=ids).exclude(kind=SignatureKind.VALUE)
    for pk, kind, item, signature in kept.values_list("dataset_id", "kind", "item", "signature"):
        present.setdefault(pk, set()).add((kind, item, signature))
    changed = [pk for pk, found in wanted.items() if found != present.get(pk, set())]
    if changed:
        replace(changed, {pk: wanted[pk] for pk in changed})


def replace(ids: Sequence[UUID], wanted: dict[UUID, set[Signature]]) -> None:
    """Write the signatures of records anew and queue them for the search for pairs."""
    RecordSignature.objects.filter(dataset__in=ids).exclude(kind=SignatureKind.VALUE).delete()
    rows = [(pk, *signature) for pk, found in wanted.items() for signature in sorted(found)]
    write(rows)
    queue(ids)


def write(rows: Sequence[tuple[UUID, int, int, int]]) -> None:
    """Insert signatures in one statement."""
    if not rows:
        return
    columns = list(zip(*rows, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {RecordSignature._meta.db_table} (dataset_id, kind, item, signature) "  # noqa: S608
            "SELECT * FROM unnest(%s::uuid[], %s::smallint[], %s::smallint[], %s::bigint[])",
            [list(column) for column in columns],
        )


def queue(ids: Sequence[UUID]) -> None:
    """Let the search for pairs look at these records."""
    SignatureQueue.objects.bulk_create((SignatureQueue(dataset_id=pk) for pk in ids), ignore_conflicts=True)
