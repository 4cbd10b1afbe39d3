"""Whether items and their values follow the standards they are linked to (GB/T 36344: 规范性).

Metadata are compared with the data element; values are read from a sample of the table and checked against its pattern,
length, check digit and the version of its code list that is in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from django.db import transaction
from stdnum import luhn
from stdnum.cn import uscc

from catalog.identifiers import is_resident_id
from catalog.models import (
    CodeListState,
    CodeValue,
    ConformanceReport,
    DataElement,
    DataItem,
    Dataset,
    ElementCheck,
    Sensitivity,
)
from catalog.standards.tasks import compute_conformance
from catalog.tables.engine import Query, default_engine
from catalog.tables.schema import TableRef

EXAMPLES = 3
CHECKS: dict[str, Callable[[str], bool]] = {
    ElementCheck.RESIDENT_ID: is_resident_id,
    ElementCheck.CREDIT_CODE: uscc.is_valid,
    ElementCheck.LUHN: luhn.is_valid,
}


@dataclass
class _Column:
    """What is counted of one column."""

    item: DataItem
    element: DataElement
    codes: frozenset[str] | None
    checked: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def look(self, values: pa.Array) -> None:
        """Count the values of a batch; empty ones say nothing."""
        texts = [None if value is None else str(value) for value in values.to_pylist()]
        fits = matches(self.element.pattern, texts) if self.element.pattern else [True] * len(texts)
        for text, fit in zip(texts, fits, strict=True):
            if text:
                self._count(text, bool(fit))

    def _count(self, text: str, fits: bool) -> None:
        self.checked += 1
        kind = self._fault(text, fits)
        if kind:
            self.broken[kind] = self.broken.get(kind, 0) + 1
            found = self.examples.setdefault(kind, [])
            if len(found) < EXAMPLES:
                found.append(shown(text, self.item))

    def _fault(self, text: str, fits: bool) -> str:
        if self.element.length and len(text) > self.element.length:
            return "length"
        if not fits:
            return "pattern"
        if self.codes is not None and text not in self.codes:
            return "code"
        check = CHECKS.get(self.element.check_digit)
        return "check" if check is not None and not check(text) else ""


def matches(pattern: str, texts: Sequence[str | None]) -> list[bool | None]:
    """Whether whole values match a pattern, by RE2: its time grows only with their length, whatever the pattern.

    Raises:
        pyarrow.ArrowInvalid: when the pattern is none that RE2 reads.
    """
    return pc.match_substring_regex(pa.array(texts, pa.string()), f"^(?:{pattern})$").to_pylist()


def shown(text: str, item: DataItem) -> str:
    """A value as an example; of personal data only the first and the last character."""
    if item.sensitivity != Sensitivity.NONE or (item.element and item.element.check_digit):
        return f"{text[:1]}{'*' * min(8, max(0, len(text) - 2))}{text[-1:]}"
    return text[:60]


def metadata_faults(item: DataItem, element: DataElement) -> list[str]:
    """What an item says otherwise than its element: type, length, unit."""
    found = []
    if item.data_type != element.data_type:
        found.append("data_type")
    if item.length and element.length and item.length != element.length:
        found.append("item_length")
    if element.unit and item.unit and item.unit != element.unit:
        found.append("unit")
    return found


def _codes_of(elements: Iterable[DataElement]) -> dict[UUID, frozenset[str]]:
    """The codes in force of the lists that elements use, by list."""
    lists = {element.code_list_id for element in elements if element.code_list_id}
    found: dict[UUID, set[str]] = {}
    rows = CodeValue.objects.filter(version__code_list__in=lists, version__state=CodeListState.IN_FORCE)
    for pk, code in rows.values_list("version__code_list", "code"):
        found.setdefault(pk, set()).add(code)
    return {pk: frozenset(codes) for pk, codes in found.items()}


def compute(dataset_id: UUID) -> ConformanceReport | None:
    """Compare a dataset with its standards and keep what was found; safe to run again."""
    dataset = Dataset.objects.filter(pk=dataset_id).first()
    if dataset is None:
        return None
    items = list(dataset.items.select_related("element"))
    linked = [item for item in items if item.element]
    table = dataset.distributions.select_related("current").filter(current__isnull=False).first()
    columns, rows = _looked_at(linked, table.current.ref) if table and table.current and linked else ([], 0)
    findings = _findings(linked, columns)
    checked = sum(column.checked for column in columns)
    faults = sum(sum(column.broken.values()) for column in columns)
    whole = len(linked) - len({f["column"] for f in findings if f["is_metadata"]})
    score = (1 - faults / checked) if checked else (whole / len(linked) if linked else None)
    with transaction.atomic():
        report, _made = ConformanceReport.objects.update_or_create(
            dataset=dataset,
            defaults={
                "score": score,
                "linked": len(linked),
                "items": len(items),
                "rows": rows,
                "broken": len({finding["column"] for finding in findings}),
                "findings": findings,
            },
        )
    return report


def followers(element_ids: Iterable[UUID]) -> Iterator[UUID]:
    """The datasets whose items follow any of these elements."""
    rows = DataItem.objects.filter(element__in=list(element_ids)).order_by()
    return rows.values_list("dataset", flat=True).distinct().iterator()


def on_indexed(ids: Sequence[UUID]) -> None:
    """Compare again, by a job, the changed records that follow standards or did."""
    linked = DataItem.objects.filter(dataset__in=ids, element__isnull=False).values("dataset")
    reported = ConformanceReport.objects.filter(dataset__in=ids).values("dataset")
    found = [str(pk) for (pk,) in linked.values_list("dataset").union(reported.values_list("dataset"))]
    if found:
        compute_conformance.defer(dataset_ids=found)


def _looked_at(items: Sequence[DataItem], ref: TableRef) -> tuple[list[_Column], int]:
    codes = _codes_of([item.element for item in items if item.element])
    columns = [
        _Column(
            item,
            item.element,
            codes.get(item.element.code_list_id) if item.element.code_list_id else None,
        )
        for item in items
        if item.element and ref.column(item.column)
    ]
    if not columns:
        return [], 0
    count = 0
    query = Query(columns=tuple(column.item.column for column in columns))
    batches = default_engine().batches(ref, query)
    try:
        for batch in batches:
            part = batch.slice(0, settings.CONFORMANCE_ROWS - count)
            count += part.num_rows
            for column, values in zip(columns, part.columns, strict=True):
                column.look(values)
            if count >= settings.CONFORMANCE_ROWS:
                break
    finally:
        batches.close()  # type: ignore[attr-defined]
    return columns, count


def _findings(items: Sequence[DataItem], columns: Sequence[_Column]) -> list[dict[str, Any]]:
    """What breaks a standard, metadata first."""
    found: list[dict[str, Any]] = []
    for item in items:
        assert item.element is not None
        base = {"column": item.column, "name": item.name, "element": item.element.name, "code": item.element.code}
        found += [{**base, "is_metadata": True, "kind": kind} for kind in metadata_faults(item, item.element)]
    for column in columns:
        base = {"column": column.item.column, "name": column.item.name, "element": column.element.name}
        found += [
            {
                **base,
                "code": column.element.code,
                "is_metadata": False,
                "kind": kind,
                "share": count / column.checked,
                "count": count,
                "examples": column.examples[kind],
            }
            for kind, count in sorted(column.broken.items())
        ]
    return found
