"""Quality rules as conditions on rows: built from structured parts, identifiers checked, values bound, never SQL text.

Each condition is TRUE for a row that passes, FALSE for one that fails, NULL for one that the rule does not speak of (an
empty cell, except where the rule is about empty cells).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import duckdb
from django.utils.translation import gettext as _

from catalog.models import CodeListState, CodeValue, Dataset, QualityRule, RuleKind
from catalog.quality.reading import MAIN
from catalog.tables.errors import TableError
from catalog.tables.filters import OPERATORS, convert
from catalog.tables.schema import Column, ColumnType, TableRef, quoted
from portal.errors import InvalidInput

OTHER = "other_table"
COMPARISONS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
PARTS_LIMIT = 5
PATTERN_LENGTH = 300


class Inapplicable(Exception):
    """A rule cannot run on this version: a column, a code list or the other table is gone."""


@dataclass(frozen=True)
class Condition:
    """A condition with its values, and the other tables that it reads."""

    sql: str
    values: list[Any] = field(default_factory=list)
    others: dict[str, TableRef] = field(default_factory=dict)


def columns_of(kind: str, params: Mapping[str, Any]) -> list[str]:
    """The columns of the table that a rule looks at."""
    if kind == RuleKind.ROW:
        named = [part[side] for part in params["parts"] for side in ("column", "other") if part.get(side)]
        return list(dict.fromkeys(named))
    return list(params["columns"]) if "columns" in params else [params["column"]] if "column" in params else []


def condition(rule: QualityRule, ref: TableRef) -> Condition:
    """The condition of a rule on one version of its table.

    Raises:
        Inapplicable: says what is gone.
    """
    for name in columns_of(rule.kind, rule.params):
        if ref.column(name) is None:
            raise Inapplicable(_("The column “%(name)s” is not in this version.") % {"name": name})
    build = {
        RuleKind.NOT_NULL: _not_null,
        RuleKind.UNIQUE: _unique,
        RuleKind.RANGE: _range,
        RuleKind.PATTERN: _pattern,
        RuleKind.CODE_LIST: _code_list,
        RuleKind.FOREIGN_KEY: _foreign_key,
        RuleKind.ROW: _row,
    }[RuleKind(rule.kind)]
    return build(rule.params, ref)


def _column(ref: TableRef, name: str) -> Column:
    column = ref.column(name)
    assert column is not None
    return column


def _text(name: str) -> str:
    """A cell as text; NULL when it is empty."""
    return f"nullif(CAST({quoted(name)} AS VARCHAR), '')"


def _not_null(params: Mapping[str, Any], ref: TableRef) -> Condition:
    return Condition(" AND ".join(f"{_text(name)} IS NOT NULL" for name in params["columns"]))


def _unique(params: Mapping[str, Any], ref: TableRef) -> Condition:
    names = [_text(name) for name in params["columns"]]
    filled = " AND ".join(f"{name} IS NOT NULL" for name in names)
    row = f"({', '.join(names)})" if len(names) > 1 else names[0]
    groups = ", ".join(names)
    twice = f"SELECT {row} FROM {MAIN}.data WHERE {filled} GROUP BY {groups} HAVING count(*) > 1"  # noqa: S608
    return Condition(f"CASE WHEN {filled} THEN {row} NOT IN ({twice}) END")


def _range(params: Mapping[str, Any], ref: TableRef) -> Condition:
    column, parts, values = _column(ref, params["column"]), list[str](), list[Any]()
    for side, sign in (("low", ">="), ("high", "<=")):
        if params.get(side) not in (None, ""):
            parts.append(f"{quoted(column.name)} {sign} ?")
            values.append(_converted(params[side], column))
    return Condition(" AND ".join(parts), values)


def _converted(value: Any, column: Column) -> Any:
    try:
        return convert(value, column)
    except TableError as error:
        raise Inapplicable(str(error)) from error


def _pattern(params: Mapping[str, Any], ref: TableRef) -> Condition:
    return Condition(f"regexp_full_match({_text(params['column'])}, ?)", [params["pattern"]])


def _code_list(params: Mapping[str, Any], ref: TableRef) -> Condition:
    in_force = CodeValue.objects.filter(version__code_list=params["code_list"], version__state=CodeListState.IN_FORCE)
    codes = list(in_force.values_list("code", flat=True))
    if not codes:
        raise Inapplicable(_("No version of the code list is in force."))
    return Condition(f"{_text(params['column'])} IN (SELECT unnest(?))", [codes])


def table_of(dataset_id: UUID | str) -> TableRef | None:
    """The current table of a dataset."""
    dataset = Dataset.objects.filter(pk=dataset_id).first()
    rows = dataset.distributions.select_related("current").filter(current__isnull=False) if dataset else None
    distribution = rows.first() if rows is not None else None
    return distribution.ref if distribution else None


def _foreign_key(params: Mapping[str, Any], ref: TableRef) -> Condition:
    other = table_of(params["dataset"])
    if other is None or other.column(params["other_column"]) is None:
        raise Inapplicable(_("The other dataset no longer has this column."))
    cell = _text(params["other_column"])
    source = f"SELECT {cell} FROM {OTHER}.data WHERE {cell} IS NOT NULL"  # noqa: S608
    if other == ref:
        return Condition(f"{_text(params['column'])} IN ({source.replace(OTHER, MAIN, 1)})")
    return Condition(f"{_text(params['column'])} IN ({source})", others={OTHER: other})


def _row(params: Mapping[str, Any], ref: TableRef) -> Condition:
    parts, values = list[str](), list[Any]()
    for part in params["parts"]:
        column, sign = _column(ref, part["column"]), COMPARISONS[part["op"]]
        left = _text(column.name) if column.type.is_text else quoted(column.name)
        if part.get("other"):
            other = _column(ref, part["other"])
            if not _are_comparable(column, other):
                raise Inapplicable(_("These two columns cannot be compared."))
            parts.append(f"{left} {sign} {_text(other.name) if other.type.is_text else quoted(other.name)}")
        else:
            parts.append(f"{left} {sign} ?")
            values.append(_converted(part["value"], column))
    return Condition(f" {'OR' if params.get('joined') == 'or' else 'AND'} ".join(f"({part})" for part in parts), values)


def _are_comparable(one: Column, other: Column) -> bool:
    groups = ((ColumnType.INTEGER, ColumnType.NUMBER), (ColumnType.DATE, ColumnType.DATETIME))
    return one.type == other.type or any(one.type in group and other.type in group for group in groups)


def check_params(kind: str, params: Mapping[str, Any], ref: TableRef) -> None:
    """Refuse parameters that make no rule on this table; messages by field.

    Raises:
        InvalidInput
    """
    wrong: dict[str, list[str]] = {}
    names = columns_of(kind, params)
    unknown = [name for name in names if ref.column(name) is None]
    if unknown or (not names and kind != RuleKind.FRESHNESS):
        wrong["columns" if "columns" in params else "column"] = [_("Choose a column of the table.")]
    elif kind == RuleKind.PATTERN:
        wrong |= _wrong_pattern(params["pattern"])
    elif kind == RuleKind.RANGE:
        wrong |= _wrong_limits(params, _column(ref, params["column"]))
    elif kind == RuleKind.ROW:
        wrong |= _wrong_parts(params, ref)
    elif kind == RuleKind.FRESHNESS and not 0 < (params.get("days") or 0) <= 36_500:
        wrong["days"] = [_("Give the number of days.")]
    if wrong:
        raise InvalidInput(_("The rule is not complete."), fields=wrong)


def _wrong_pattern(pattern: str) -> dict[str, list[str]]:
    if not pattern or len(pattern) > PATTERN_LENGTH:
        return {"pattern": [_("Give a pattern of at most 300 characters.")]}
    try:
        with duckdb.connect() as connection:
            connection.execute("SELECT regexp_full_match('', ?)", [pattern]).fetchall()
    except duckdb.Error:
        return {"pattern": [_("This pattern cannot be checked; look-ahead and back-references are not allowed.")]}
    return {}


def _wrong_limits(params: Mapping[str, Any], column: Column) -> dict[str, list[str]]:
    values, wrong = {}, {}
    for side in ("low", "high"):
        if params.get(side) not in (None, ""):
            try:
                values[side] = convert(params[side], column)
            except TableError as error:
                wrong[side] = [str(error)]
    if not values and not wrong:
        wrong["low"] = [_("Give a lower or an upper limit.")]
    if len(values) == 2 and values["low"] > values["high"]:
        wrong["high"] = [_("The upper limit lies below the lower one.")]
    return wrong


def _wrong_parts(params: Mapping[str, Any], ref: TableRef) -> dict[str, list[str]]:
    if len(params["parts"]) > PARTS_LIMIT or any(part["op"] not in COMPARISONS for part in params["parts"]):
        return {"parts": [_("Compare at most five times.")]}
    try:
        _row(params, ref)
    except Inapplicable as error:
        return {"parts": [str(error)]}
    return {}


def describe(rule: QualityRule, titles: Mapping[str, str], names: Mapping[str, str]) -> str:
    """A rule in words; ``titles`` names the columns, ``names`` the code lists and datasets by id."""
    params = rule.params
    columns = ", ".join(titles.get(name, name) for name in columns_of(rule.kind, params))
    if rule.kind == RuleKind.RANGE:
        return f"{columns}: {params.get('low') or '…'} – {params.get('high') or '…'}"
    if rule.kind == RuleKind.PATTERN:
        return f"{columns}: {params['pattern']}"
    if rule.kind in (RuleKind.CODE_LIST, RuleKind.FOREIGN_KEY):
        target = params.get("code_list") or params.get("dataset")
        return f"{columns} → {names.get(str(target), '—')}"
    if rule.kind == RuleKind.FRESHNESS:
        return _("at most %(days)s days old") % {"days": params["days"]}
    if rule.kind == RuleKind.ROW:
        return _joined(params, titles)
    return columns


def _joined(params: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    word = _("or") if params.get("joined") == "or" else _("and")
    parts: Sequence[str] = [
        f"{titles.get(p['column'], p['column'])} {OPERATORS[p['op']]} "
        f"{titles.get(p['other'], p['other']) if p.get('other') else p['value']}"
        for p in params["parts"]
    ]
    return f" {word} ".join(parts)
