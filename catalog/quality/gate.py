"""Rules that hold the publication, as the gate before submission asks them."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.models import DataItem, Dataset, QualityRule
from catalog.quality import queries, running


def holding(dataset: Dataset, items: Sequence[DataItem]) -> dict[str, list[str]]:
    """What rules that hold say of the current version of the table."""

    def name(rule: QualityRule) -> str:
        return queries.described(rule, {item.column: item.name for item in items}, queries.names_of([rule]))

    found = running.messages_of_holding(dataset, name)
    return {"quality": found} if found else {}
