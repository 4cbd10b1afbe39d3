"""What each line of a file would do: make a record, change one, leave it as it is, or nothing because of faults.

A thousand lines are planned with a fixed number of queries.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from catalog.codes import CODE
from catalog.documents import (
    RELATIONS,
    Document,
    blank_item,
    differences,
    elements_by_code,
    item_of,
    own_fields,
    set_fields,
    snapshot,
)
from catalog.exchange.layout import DATASET_COLUMNS, ITEM_COLUMNS, Column
from catalog.exchange.reading import Line
from catalog.models import (
    DataElement,
    Dataset,
    DatasetRevision,
    ImportLine,
    LineState,
    RecordImport,
    Theme,
)
from catalog.tables.schema import column_names
from portal import access
from portal.access import Actor, Permission
from portal.departments.models import Department, Duty, Region
from portal.departments.sheets import spellings

_REFERENCES = ("provider", "spatial", "review_region", "submitted_by", "reviewed_by", "created_by", "code")


class Planner:
    """Plans lines for one actor; what it looks up by name is read once."""

    def __init__(self, actor: Actor, record_import: RecordImport) -> None:
        self.actor, self.record_import = actor, record_import
        self.themes = {word: theme.code for theme in Theme.objects.all() for word in _theme_words(theme)}
        self._departments: dict[str, Department | None] = {}
        self._regions: dict[str, str | None] = {}
        self._may: dict[tuple[Permission, Any], bool] = {}
        self._seen: dict[tuple[str, str], int] = {}

    @cached_property
    def _only_one(self) -> Department | None:
        """The department in which the actor catalogues, when it is one."""
        own = self.actor.standing.departments_with(Duty.CATALOGUER)
        rows = Department.objects.active().filter(pk__in=own).select_related("region")[:2]
        return rows[0] if len(rows) == 1 else None

    def plan(self, lines: Sequence[Line]) -> list[ImportLine]:
        """What the lines would do, in their order."""
        columns = {c.key: c for c in DATASET_COLUMNS}
        providers = [self._provider(line) for line in lines]
        existing = _Existing(lines, providers)
        elements = self._elements(lines)
        found = []
        for line, provider in zip(lines, providers, strict=True):
            line.value(columns["code"])
            for item in line.items:
                item.value(ITEM_COLUMNS[0])
            dataset = existing.of(line, provider)
            document = self._document(line, dataset, provider, existing, columns, elements)
            found.append(self._line(line, dataset, provider, document, existing, elements))
        return found

    def _elements(self, lines: Iterable[Line]) -> dict[str, DataElement]:
        codes = [{"element": str(i.cells.get("element") or "").strip()} for line in lines for i in line.items]
        return elements_by_code(codes)

    def _provider(self, line: Line) -> Department | None:
        """The department by its credit code or name; the actor's only one when the line names none."""
        by_key = {c.key: c for c in DATASET_COLUMNS}
        text = line.value(by_key["provider_code"]) or line.value(by_key["provider"])
        if not text:
            if line.cells.get("code"):
                return None
            if self._only_one is None:
                line.refuse("provider", _("Name the department by its name or credit code."))
            return self._only_one
        if text not in self._departments:
            active = Department.objects.active().select_related("region")
            rows = active.filter(pk=text)[:1] if _is_uuid(text) else active.filter(credit_code=text)[:2]
            rows = rows or active.filter(name=text)[:2]
            self._departments[text] = rows[0] if len(rows) == 1 else None
        if self._departments[text] is None:
            line.refuse("provider", _("No department, or more than one, has this name. Give its credit code."))
        return self._departments[text]

    def _document(
        self,
        line: Line,
        dataset: Dataset | None,
        provider: Department | None,
        existing: _Existing,
        columns: dict[str, Column],
        elements: dict[str, DataElement],
    ) -> Document:
        """The record as the line would have it; what the file has no column for stays as it is."""
        document = copy.deepcopy(existing.document(dataset)) if dataset else _blank(provider)
        for key, column in columns.items():
            if key not in line.cells or key in ("code", "provider", "provider_code"):
                continue
            value = line.value(column)
            if value is None and column.kind not in ("day", "number", "whole"):
                value = document.get(key)
            if value == "" and column.kind == "choice":
                value = document.get(key)
            document[key] = value
        if "spatial" in line.cells:
            document["spatial"] = self._region(line, document.get("spatial"))
        document["themes"] = self._theme_codes(line, document.get("themes") or [])
        if line.items or dataset is None:
            old = {item["column"]: item for item in document.get("items", [])}
            document["items"] = [self._item(item, old, elements) for item in line.items]
            _check_columns(line.items, document["items"])
        return document

    def _region(self, line: Line, text: Any) -> str | None:
        if not text:
            return None
        key = str(text)
        if key not in self._regions:
            rows = Region.objects.filter(pk=key)[:1] or Region.objects.filter(name=key)[:2]
            self._regions[key] = rows[0].pk if len(rows) == 1 else None
        if self._regions[key] is None:
            line.refuse("spatial", _("No region, or more than one, has this name. Give its division code."))
        return self._regions[key]

    def _theme_codes(self, line: Line, names: Sequence[str]) -> list[str]:
        found = []
        for name in names:
            code = self.themes.get(name.lower())
            if code is None:
                line.refuse("themes", _("There is no theme “%(name)s”.") % {"name": name[:40]})
            else:
                found.append(code)
        return sorted(set(found))

    def _item(self, item: Line, old: dict[str, Document], elements: dict[str, DataElement]) -> Document:
        name = str(item.cells.get("name") or "").strip()
        column = str(item.cells.get("column") or "").strip() or (column_names([name])[0] if name else "")
        values = dict(old.get(column) or blank_item())
        for one in ITEM_COLUMNS:
            if one.key in item.cells and not one.key.startswith("dataset_"):
                value = item.value(one)
                if value in (None, "") and one.kind in ("choice", "flag"):
                    continue
                values[one.key] = value
        values["column"] = column
        if values.get("element") and values["element"] not in elements:
            item.refuse("element", _("There is no data element with this code or name."))
        return values

    def _line(
        self,
        line: Line,
        dataset: Dataset | None,
        provider: Department | None,
        document: Document,
        existing: _Existing,
        elements: dict[str, DataElement],
    ) -> ImportLine:
        changes: list[dict[str, str]] = []
        state = LineState.NEW
        if dataset is not None:
            self._check_change(line, dataset, provider)
            found = differences(existing.document(dataset), document)
            changes = [
                {"label": d.label, "item": d.item, "before": d.shown_before[:200], "after": d.shown_after[:200]}
                for d in found
            ]
            state = LineState.CHANGED if changes else LineState.SAME
        else:
            self._check_new(line, provider, document)
        self._check_repeat(line, provider, document)
        if state != LineState.SAME:
            _check_fields(line, dataset, provider, document, elements)
        existing.check_related(line, document)
        faults = [*line.faults, *(fault for item in line.items for fault in item.faults)]
        return ImportLine(
            record_import=self.record_import,
            number=line.number,
            state=LineState.BAD if faults else state,
            title=str(document.get("title") or "")[:200],
            document=document,
            changes=changes,
            faults=faults[:50],
            dataset=dataset,
        )

    def _can(self, permission: Permission, key: Any, obj: Any) -> bool:
        if (permission, key) not in self._may:
            self._may[permission, key] = access.can(self.actor, permission, obj)
        return self._may[permission, key]

    def _check_change(self, line: Line, dataset: Dataset, provider: Department | None) -> None:
        if provider is not None and provider.pk != dataset.provider_id:
            line.refuse("provider", _("This record belongs to another department."))
        if not self._can(Permission.DATASET_EDIT, dataset.provider_id, dataset):
            line.refuse("code", _("Only cataloguers of its department may change this record."))
        elif not (dataset.is_published and dataset.open_revision is None) and not dataset.work.is_editable:
            line.refuse("code", _("This record is in review and cannot be changed meanwhile."))

    def _check_new(self, line: Line, provider: Department | None, document: Document) -> None:
        code = str(line.cells.get("code") or "").strip()
        if isinstance(line.cells.get("code"), str) and code and not CODE.fullmatch(code):
            line.refuse("code", _("This is no resource code like 310000/000123. Leave it empty for a new record."))
        document["code"] = code
        if provider is not None and not self._can(Permission.DATASET_CREATE, provider.pk, provider):
            line.refuse("provider", _("You may not make records of this department."))

    def _check_repeat(self, line: Line, provider: Department | None, document: Document) -> None:
        """The same record twice in the file: the later line is refused."""
        keys = [("title", f"{provider.pk if provider else ''} {document.get('title')}")]
        if line.cells.get("code"):
            keys.append(("code", str(line.cells["code"])))
        for key in keys:
            first = self._seen.setdefault(key, line.number)
            if first != line.number:
                line.refuse(key[0], _("Line %(number)s has the same one already.") % {"number": first})


class _Existing:
    """Records that the lines name, with their documents, read in a fixed number of queries."""

    def __init__(self, lines: Sequence[Line], providers: Sequence[Department | None]) -> None:
        codes = {str(line.cells.get("code") or "").strip() for line in lines} - {""}
        titles = {str(line.cells.get("title") or "").strip() for line in lines if not line.cells.get("code")}
        wanted = {p.pk for p in providers if p is not None}
        rows = Dataset.objects.select_related("provider__region")
        rows = rows.prefetch_related("themes", "relations__target", "items")
        by_code = list(rows.filter(code__in=codes)) if codes else []
        by_title = list(rows.filter(provider__in=wanted, title__in=titles)) if titles and wanted else []
        self.by_code = {row.code: row for row in by_code}
        self.by_title = {(row.provider_id, row.title): row for row in by_title}
        drafts = DatasetRevision.objects.open().filter(dataset__in=[*by_code, *by_title])
        opened = {draft.dataset_id: draft for draft in drafts}
        self._documents: dict[Any, Document] = {}
        for row in (*by_code, *by_title):
            row.open_revision = opened.get(row.pk)
        related = {code for line in lines for kind in RELATIONS for code in _codes(line.cells.get(kind))}
        self.known = set(Dataset.objects.filter(code__in=related).values_list("code", flat=True)) if related else set()

    def of(self, line: Line, provider: Department | None) -> Dataset | None:
        code = str(line.cells.get("code") or "").strip()
        if code:
            return self.by_code.get(code)
        title = str(line.cells.get("title") or "").strip()
        return self.by_title.get((provider.pk, title)) if provider else None

    def document(self, dataset: Dataset) -> Document:
        if dataset.pk not in self._documents:
            draft = dataset.open_revision
            self._documents[dataset.pk] = draft.document if draft else snapshot(dataset)
        return self._documents[dataset.pk]

    def check_related(self, line: Line, document: Document) -> None:
        for kind in RELATIONS:
            for code in (document.get(kind) or []) if kind in line.cells else []:
                if code not in self.known:
                    line.refuse(kind, _("There is no record with the code %(codes)s.") % {"codes": code[:40]})


def _codes(cell: Any) -> list[str]:
    column = next(c for c in DATASET_COLUMNS if c.key == "related")
    try:
        return column.value(cell) or []
    except ValueError:
        return []


def _theme_words(theme: Theme) -> set[str]:
    return {theme.code.lower(), theme.name.lower(), theme.name_en.lower()} | spellings(theme.name)


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4


def _blank(provider: Department | None) -> Document:
    shown = Dataset(provider=provider) if provider else Dataset()
    return own_fields(shown) | {"themes": [], "items": []} | {kind: [] for kind in RELATIONS}


def _check_columns(lines: Sequence[Line], items: Sequence[Document]) -> None:
    seen: set[str] = set()
    for line, item in zip(lines, items, strict=True):
        if item["column"] in seen:
            line.refuse("column", _("Two items of this dataset have the same column."))
        seen.add(item["column"])


def _check_fields(
    line: Line,
    dataset: Dataset | None,
    provider: Department | None,
    document: Document,
    elements: dict[str, DataElement],
) -> None:
    """The model's own rules, each told at its cell."""
    shown = copy.copy(dataset) if dataset else Dataset(provider=provider)
    try:
        set_fields(shown, document)
        shown.clean_fields(exclude=_REFERENCES)
    except ValidationError as error:
        for name, messages in getattr(error, "message_dict", {"": error.messages}).items():
            line.refuse(name, " ".join(messages))
    if shown.temporal_start and shown.temporal_end and shown.temporal_end < shown.temporal_start:
        line.refuse("temporal_end", _("The coverage ends before it begins."))
    for number, (item, values) in enumerate(zip(line.items, document["items"], strict=False)):
        try:
            item_of(shown, number, values, elements).clean_fields(exclude=["dataset", "element"])
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                item.refuse(name, " ".join(messages))
