"""What a version of a table has otherwise than the one before: columns gone, new or retyped, sudden gaps or sizes."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from catalog.models import TableProfile


def drift(before: TableProfile | None, after: TableProfile) -> list[dict[str, Any]]:
    """Differences as objects with kind, column (its title, empty for the table), before and after."""
    if before is None:
        return []
    old = {column["name"]: column for column in before.columns}
    new = {column["name"]: column for column in after.columns}
    found = [_said("removed", old[name]["title"]) for name in old if name not in new]
    found += [_said("added", new[name]["title"]) for name in new if name not in old]
    for name in (name for name in old if name in new):
        found += _of_column(old[name], new[name], before.rows, after.rows)
    if before.rows and abs(after.rows - before.rows) / before.rows > settings.DRIFT_ROWS:
        found.append(_said("rows", "", before.rows, after.rows))
    return found


def _of_column(old: dict[str, Any], new: dict[str, Any], old_rows: int, new_rows: int) -> list[dict[str, Any]]:
    if old["type"] != new["type"]:
        return [_said("retyped", new["title"], old["type"], new["type"])]
    empty_before = old["nulls"] / old_rows if old_rows else 0
    empty_now = new["nulls"] / new_rows if new_rows else 0
    if empty_now - empty_before > settings.DRIFT_NULLS:
        return [_said("nulls", new["title"], round(empty_before, 4), round(empty_now, 4))]
    return []


def _said(kind: str, column: str, before: Any = None, after: Any = None) -> dict[str, Any]:
    return {"kind": kind, "column": column, "before": before, "after": after}
