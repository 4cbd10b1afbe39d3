"""k-anonymity, l-diversity and t-closeness of what is open, as the public would see it: with its masks.

The measures are those of Sweeney (2002), Machanavajjhala et al. (2007) and Li et al. (2007), the latter with equal
distances between values. They are counted by the engine, exactly and for tables of any size; the tests compare them
with pycanon.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from catalog.models import DataItem, DisclosureReport, DisclosureRole, OpenType, TableVersion
from catalog.protection.masking import view_of
from catalog.tables.engine import default_engine
from catalog.tables.filters import Filter
from catalog.tables.schema import TableRef, quoted


@dataclass(frozen=True)
class Roles:
    """What the open items of a record say: quasi-identifiers, sensitive items, and the masks of all of them."""

    quasi: tuple[str, ...]
    sensitive: tuple[str, ...]
    masks: Mapping[str, str]

    @property
    def mark(self) -> str:
        """The same for the same measurement."""
        text = json.dumps([sorted(self.quasi), sorted(self.sensitive), sorted(self.masks.items())])
        return hashlib.sha256(text.encode()).hexdigest()


def roles_of(items: Sequence[DataItem]) -> Roles:
    """The roles of the open items; an item that is hidden has none."""
    opened = [item for item in items if item.open_type == OpenType.OPEN and item.open_mask != "hide"]
    quasi = tuple(item.column for item in opened if item.disclosure_role == DisclosureRole.QUASI)
    sensitive = tuple(item.column for item in opened if item.disclosure_role == DisclosureRole.SENSITIVE)
    masks = {item.column: item.open_mask for item in opened if item.open_mask and item.column in (*quasi, *sensitive)}
    return Roles(quasi, sensitive, masks)


def measure(ref: TableRef, roles: Roles, rows: Sequence[Filter] = ()) -> dict[str, Any]:
    """The figures of a DisclosureReport for a table whose public reads these columns, of these rows alone.

    Columns that the table does not have are left out; without rows everything is as safe as can be.
    """
    names = [name for name in (*roles.quasi, *roles.sensitive) if ref.column(name)]
    quasi = [name for name in roles.quasi if name in names]
    sensitive = [name for name in roles.sensitive if name in names]
    view = view_of(ref, [c for c in ref.columns if c.name in names], roles.masks, scope="measure", rows=rows)
    keys = ", ".join(map(quoted, quasi))
    engine = default_engine()

    def ask(sql: str) -> tuple[Any, ...]:
        return engine.aggregate(view, sql)

    grouped = f" GROUP BY {keys}" if keys else ""
    classes = f"(SELECT count(*) AS n FROM {{source}}{grouped})"  # noqa: S608
    risk = f"coalesce(sum(n) FILTER (WHERE n < {int(settings.DISCLOSURE_K)}), 0)"
    k, count, total, at_risk = ask(f"SELECT min(n), count(*), coalesce(sum(n), 0), {risk} FROM {classes}")  # noqa: S608
    found = {"k": k or 0, "classes": count, "rows": int(total), "at_risk": int(at_risk), "l": None, "t": None}
    for name in sensitive if quasi else ():
        value = quoted(name)
        (least,) = ask(f"SELECT min(d) FROM (SELECT count(DISTINCT {value}) AS d FROM {{source}} GROUP BY {keys})")  # noqa: S608
        (most,) = ask(_closeness(keys, value))
        found["l"] = least if found["l"] is None else min(found["l"], least)
        found["t"] = float(most or 0.0) if found["t"] is None else max(found["t"], float(most or 0.0))
    return found


def _closeness(keys: str, value: str) -> str:
    """The largest distance of a class's distribution: half of the sum of what its shares differ from the table's.

    Values that a class lacks differ by their whole share, so only those it has must be looked at.
    """
    return (
        f"WITH seen AS (SELECT {keys}, {value} AS v, count(*) AS n FROM {{source}} GROUP BY ALL), "  # noqa: S608
        "p AS (SELECT v, sum(n) / (SELECT sum(n) FROM seen) AS share FROM seen GROUP BY v), "
        f"q AS (SELECT *, n / sum(n) OVER (PARTITION BY {keys}) AS part FROM seen) "
        "SELECT max(d) FROM (SELECT 0.5 * (1 + sum(abs(part - share) - share)) AS d "
        f"FROM q JOIN p ON p.v IS NOT DISTINCT FROM q.v GROUP BY {keys})"
    )


def is_enough(report: DisclosureReport) -> bool:
    """Whether the figures reach the thresholds, or somebody who may do so said that they are enough."""
    if report.overruled_by_id:
        return True
    is_hidden = report.k >= settings.DISCLOSURE_K or not report.rows
    is_diverse = report.l is None or report.l >= settings.DISCLOSURE_L
    is_close = report.t is None or not settings.DISCLOSURE_T or report.t <= settings.DISCLOSURE_T
    return is_hidden and is_diverse and is_close


def report_on(version: TableVersion, roles: Roles, rows: Sequence[Filter] = ()) -> DisclosureReport:
    """The report of a version for these roles (of these rows, where some are named), measured now unless it was before.

    Raises:
        QueryTimeout: the table is too large to be measured while somebody waits; the job after a load has no limit.
    """
    mark = roles.mark
    if rows:
        mark = hashlib.sha256(f"{mark} {json.dumps([row.to_json() for row in rows])}".encode()).hexdigest()
    known = DisclosureReport.objects.filter(version=version, mark=mark).first()
    if known:
        return known
    values = {"quasi": list(roles.quasi), **measure(version.ref, roles, rows)}
    return DisclosureReport.objects.get_or_create(version=version, mark=mark, defaults=values)[0]


def held_columns(version: TableVersion) -> list[str]:
    """Quasi-identifiers that the public must not get from this version: unmeasured, or not anonymous enough."""
    items = list(DataItem.objects.filter(dataset=version.distribution.dataset_id).exclude(disclosure_role="none"))
    roles = roles_of(items)
    if not roles.quasi:
        return []
    report = DisclosureReport.objects.filter(version=version, mark=roles.mark).first()
    return [] if report and is_enough(report) else list(roles.quasi)
