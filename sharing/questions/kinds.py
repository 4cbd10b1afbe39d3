"""The kinds of questions: how each is stored, what answers it takes, how they are shown and carried over. No I/O.

An answer is text for most kinds, a list of texts for several choices, a list of rows (lists of cells) for a table, and
for a file ``{"id", "name"}``. Dates are ISO days, numbers plain decimals: both are kept as text, exactly as given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.errors import InvalidInput
from portal.lists import listed
from sharing.models.route import titled

ROW_LIMIT = 200
COLUMN_LIMIT = 12
CHOICE_LIMIT = 50
QUESTION_LIMIT = 60
LONGEST = 4_000
SHORT = 300
CELL_LIMIT = 300


class Kind(StrEnum):
    TEXT = "text"
    LONG = "long"
    ONE = "one"
    SEVERAL = "several"
    DATE = "date"
    NUMBER = "number"
    FILE = "file"
    TABLE = "table"


KIND_LABELS: dict[str, str | Promise] = {
    Kind.TEXT: gettext_lazy("Short text"),
    Kind.LONG: gettext_lazy("Long text"),
    Kind.ONE: gettext_lazy("One choice"),
    Kind.SEVERAL: gettext_lazy("Several choices"),
    Kind.DATE: pgettext_lazy("answer", "Date"),
    Kind.NUMBER: pgettext_lazy("answer", "Number"),
    Kind.FILE: pgettext_lazy("answer", "File"),
    Kind.TABLE: pgettext_lazy("answer", "Table"),
}
Value = str | list[str] | list[list[str]] | dict[str, str] | None


@dataclass(frozen=True)
class Words:
    """A choice or a column in both languages; ``zh`` is what answers keep."""

    zh: str
    en: str = ""

    def __str__(self) -> str:
        return titled(self.zh, self.en)


@dataclass(frozen=True)
class Question:
    """One question. ``choices`` belong to the two kinds with choices, ``columns`` to tables; ``max_length`` limits
    texts in characters."""

    key: str
    kind: str
    label: str
    label_en: str = ""
    help: str = ""
    help_en: str = ""
    required: bool = False
    choices: tuple[Words, ...] = ()
    columns: tuple[Words, ...] = ()
    max_length: int = SHORT

    @property
    def title(self) -> str:
        """Its label in the reader's language."""
        return titled(self.label, self.label_en)

    @property
    def hint(self) -> str:
        return titled(self.help, self.help_en)

    @property
    def kind_label(self) -> str:
        return str(KIND_LABELS[self.kind])

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "choices": [asdict(c) for c in self.choices],
            "columns": [asdict(c) for c in self.columns],
        }


def _words(rows: Iterable[Mapping[str, str]]) -> tuple[Words, ...]:
    return tuple(Words(row["zh"], row.get("en", "")) for row in rows)


def of_json(row: Mapping[str, Any]) -> Question:
    """A question from its stored form."""
    return Question(**{**row, "choices": _words(row["choices"]), "columns": _words(row["columns"])})


def parse(rows: Iterable[Mapping[str, Any]]) -> tuple[Question, ...]:
    """Questions from their stored form."""
    return tuple(of_json(row) for row in rows)


def check(questions: Sequence[Question]) -> None:
    """Whether these can be the questions of a form.

    Raises:
        InvalidInput: too many, a key used twice, choices or columns that are missing, too many or named twice.
    """
    if len(questions) > QUESTION_LIMIT:
        raise InvalidInput(_("A form can have at most %(limit)s questions.") % {"limit": QUESTION_LIMIT})
    seen: set[str] = set()
    for question in questions:
        if question.key in seen:
            message = _("Two questions have the short name “%(key)s”.") % {"key": question.key}
            raise InvalidInput(message, fields={"key": [message]})
        seen.add(question.key)
        if question.kind in (Kind.ONE, Kind.SEVERAL):
            _check_words(question.choices, 2, CHOICE_LIMIT, "choices")
        if question.kind == Kind.TABLE:
            _check_words(question.columns, 1, COLUMN_LIMIT, "columns")


def _check_words(words: Sequence[Words], least: int, most: int, field: str) -> None:
    names = [each.zh for each in words]
    if least <= len(names) == len(set(names)) <= most:
        return
    message = _("Write between %(least)s and %(most)s different lines.") % {"least": least, "most": most}
    raise InvalidInput(message, fields={field: [message]})


def is_empty(value: Value) -> bool:
    return not value


def cleaned(question: Question, value: Any) -> Value:
    """A typed answer in the form that is kept; empty stays empty.

    Raises:
        InvalidInput: it is no answer to this question; ``fields`` names it by the question's key.
    """
    if question.kind == Kind.FILE:
        return None
    try:
        return _READ[question.kind](question, value)
    except (ValueError, TypeError, InvalidOperation) as error:
        message = str(error) if isinstance(error, _Refused) else _("This is no answer to the question.")
        raise InvalidInput(fields={question.key: [message]}) from error


class _Refused(ValueError):
    """With a sentence for the person."""


def _text(question: Question, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    text = value.strip()
    if len(text) > question.max_length:
        raise _Refused(_("Write at most %(limit)s characters.") % {"limit": question.max_length})
    return text


def _one(question: Question, value: Any) -> str:
    if value and value not in {each.zh for each in question.choices}:
        raise ValueError(value)
    return value or ""


def _several(question: Question, value: Any) -> list[str]:
    chosen = list(value or [])
    if isinstance(value, str) or set(chosen) - {each.zh for each in question.choices}:
        raise ValueError(value)
    return [each.zh for each in question.choices if each.zh in chosen]


def _date(question: Question, value: Any) -> str:
    if not value:
        return ""
    if not isinstance(value, str):
        raise ValueError(value)
    try:
        return dt.date.fromisoformat(value.strip()).isoformat()
    except ValueError as error:
        raise _Refused(_("Write the day as year-month-day, for example 2026-03-01.")) from error


def _number(question: Question, value: Any) -> str:
    text = str(value if value is not None else "").strip().replace(",", "").replace("，", "")
    if not text:
        return ""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise _Refused(_("Write a number.")) from error
    if not number.is_finite() or len(text) > 30 or abs(number.adjusted()) > 30:
        raise _Refused(_("Write a number."))
    return format(number, "f")


def _table(question: Question, value: Any) -> list[list[str]]:
    width = len(question.columns)
    rows = []
    for row in value or []:
        if isinstance(row, str) or len(row) != width or not all(isinstance(cell, str) for cell in row):
            raise ValueError(row)
        cells = [cell.strip() for cell in row]
        if any(len(cell) > CELL_LIMIT for cell in cells):
            raise _Refused(_("Write at most %(limit)s characters in a cell.") % {"limit": CELL_LIMIT})
        if any(cells):
            rows.append(cells)
    if len(rows) > ROW_LIMIT:
        raise _Refused(_("A table can have at most %(limit)s rows.") % {"limit": ROW_LIMIT})
    return rows


_READ: dict[str, Callable[[Question, Any], Value]] = {
    Kind.TEXT: _text,
    Kind.LONG: _text,
    Kind.ONE: _one,
    Kind.SEVERAL: _several,
    Kind.DATE: _date,
    Kind.NUMBER: _number,
    Kind.TABLE: _table,
}


def missing(questions: Iterable[Question], values: Mapping[str, Value]) -> list[Question]:
    """The required questions without an answer, in order."""
    return [each for each in questions if each.required and is_empty(values.get(each.key))]


def shown(question: Question, value: Value) -> str:
    """An answer in one text, as lists and files print it; choices in the reader's language."""
    if is_empty(value):
        return ""
    if isinstance(value, dict):
        return value["name"]
    if question.kind == Kind.TABLE:
        return "\n".join(" | ".join(row) for row in value or [])
    names = {each.zh: str(each) for each in question.choices}
    if isinstance(value, list):
        return listed([names.get(str(each), str(each)) for each in value])
    return names.get(str(value), str(value))


def carried(values: Mapping[str, Value], old: Iterable[Question], new: Iterable[Question]) -> dict[str, Value]:
    """The answers to ``old`` that still answer ``new``: same key and kind, and choices, columns and length that
    still take them."""
    before = {each.key: each for each in old}
    kept: dict[str, Value] = {}
    for question in new:
        former, value = before.get(question.key), values.get(question.key)
        if former is None or former.kind != question.kind or is_empty(value):
            continue
        if question.kind == Kind.FILE:
            kept[question.key] = value
        elif question.kind != Kind.TABLE or [c.zh for c in former.columns] == [c.zh for c in question.columns]:
            kept |= _still_answers(question, value)
    return kept


def _still_answers(question: Question, value: Value) -> dict[str, Value]:
    if question.kind == Kind.SEVERAL and isinstance(value, list):
        value = [each for each in value if each in {choice.zh for choice in question.choices}]
    try:
        found = cleaned(question, value)
    except InvalidInput:
        return {}
    return {} if is_empty(found) else {question.key: found}


@dataclass(frozen=True)
class Difference:
    """A question in two versions; ``kind`` is added, removed, changed, moved or same."""

    kind: str
    before: Question | None
    after: Question | None


def compared(old: Sequence[Question], new: Sequence[Question]) -> list[Difference]:
    """Every question of either version, those of the new one first and in its order."""
    before = {each.key: each for each in old}
    stayed = [each.key for each in old if each.key in {other.key for other in new}]
    order = [each.key for each in new if each.key in before]
    rows = []
    for question in new:
        former = before.pop(question.key, None)
        if former is None:
            kind = "added"
        elif former != question:
            kind = "changed"
        else:
            kind = "same" if stayed.index(question.key) == order.index(question.key) else "moved"
        rows.append(Difference(kind, former, question))
    return rows + [Difference("removed", each, None) for each in before.values()]
