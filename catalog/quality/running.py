"""A version is profiled, compared with the one before, and asked every rule of its dataset."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import (
    Dataset,
    Dimension,
    QualityRule,
    QualityScore,
    RuleKind,
    RuleResult,
    Severity,
    SharingType,
    TableProfile,
    TableVersion,
)
from catalog.quality import drift, profiling
from catalog.quality.conditions import Inapplicable, condition
from catalog.quality.reading import MAIN, opened
from catalog.search import standing
from catalog.tables.errors import TableError
from portal.departments.duties import holders
from portal.departments.models import Duty
from portal.notices.models import NoticeKind
from portal.notices.send import notify

SAMPLE = 20


def check(version_id: int) -> None:
    """Profile a version and run the rules on it; safe to run twice: what broke is told once."""
    version = TableVersion.objects.select_related("distribution__dataset__provider").filter(pk=version_id).first()
    if version is not None:
        profile(version)
        run(version)


def profile(version: TableVersion) -> TableProfile:
    """Keep the profile of a version, and what changed for the worse since the one before."""
    columns, rows, duplicates, is_approximate = profiling.profile(version.ref)
    previous = version.distribution.versions.filter(number__lt=version.number, profile__isnull=False).first()
    before = previous.profile if previous else None
    found = drift.compare(before.columns, before.row_count, columns, rows) if before else []
    with transaction.atomic():
        TableVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        kept, is_new = TableProfile.objects.update_or_create(
            version=version,
            defaults={
                "columns": columns,
                "row_count": rows,
                "duplicates": duplicates,
                "is_approximate": is_approximate,
                "drift": found,
            },
        )
        broken = [change for change in found if change["what"] in drift.BREAKS]
        if is_new and broken:
            _tell(version.distribution.dataset, len(broken))
    return kept


def _tell(dataset: Dataset, changes: int) -> None:
    people = holders(dataset.provider, Duty.CATALOGUER)
    data = {"title": dataset.title, "n": changes}
    url = f"{dataset.get_absolute_url()}?tab=profile"
    notify(people, NoticeKind.TABLE_DRIFTED, url=url, data=data, department=dataset.provider)


def run(version: TableVersion, now: dt.datetime | None = None) -> QualityScore | None:
    """Run every rule in force on a version and keep results and scores."""
    rules = list(QualityRule.objects.filter(dataset=version.distribution.dataset_id, retired_at__isnull=True))
    results = [result_of(rule, version, now or timezone.now()) for rule in rules]
    with transaction.atomic():
        TableVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        RuleResult.objects.bulk_create(
            results,
            update_conflicts=True,
            unique_fields=["rule", "version"],
            update_fields=["checked", "failed", "share", "is_passed", "sample", "error"],
        )
        return _keep_score(version, rules, results)


def _keep_score(
    version: TableVersion, rules: Sequence[QualityRule], results: Sequence[RuleResult]
) -> QualityScore | None:
    dimensions = scores((r.dimension, r.severity, res.share) for r, res in zip(rules, results, strict=True))
    if not dimensions:
        QualityScore.objects.filter(version=version).delete()
        return None
    dimensions |= accessibility(version)
    score, _made = QualityScore.objects.update_or_create(
        version=version,
        defaults={
            "total": sum(dimensions.values()) / len(dimensions),
            "dimensions": dimensions,
            "rules": len(results),
            "failed": sum(not result.is_passed for result in results),
        },
    )
    standing.renew([version.distribution.dataset_id])
    return score


def accessibility(version: TableVersion) -> dict[str, float]:
    """The share of the items described as shared or open that the table really holds (GB/T 36344: accessibility).

    It needs no rule; empty where no item is shared or open.
    """
    items = version.distribution.dataset.items.exclude(sharing_type=SharingType.NOT_SHARED)
    described = set(items.values_list("column", flat=True))
    held = {column.name for column in version.schema}
    return {Dimension.ACCESSIBILITY: len(described & held) / len(described)} if described else {}


def scores(rows: Iterable[tuple[str, str, float | None]]) -> dict[str, float]:
    """Dimension → mean of its rules' shares; a rule that holds counts twice, an unchecked one not at all."""
    sums: dict[str, tuple[float, int]] = {}
    for dimension, severity, share in rows:
        if share is not None:
            weight = 2 if severity == Severity.HOLD else 1
            total, weights = sums.get(dimension, (0.0, 0))
            sums[dimension] = (total + share * weight, weights + weight)
    return {dimension: total / weights for dimension, (total, weights) in sums.items()}


def result_of(rule: QualityRule, version: TableVersion, now: dt.datetime) -> RuleResult:
    """One rule on one version; what cannot be asked has failed, and says why."""
    result = RuleResult(rule=rule, version=version, is_passed=False)
    if rule.kind == RuleKind.FRESHNESS:
        return _freshness(result, rule.params["days"], now)
    try:
        _ask(result, rule, version)
    except (Inapplicable, TableError) as error:
        result.error, result.share = str(error)[:300], 0.0
    except duckdb.Error:
        result.error, result.share = _("The rule could not be run on these data."), 0.0
    return result


def _ask(result: RuleResult, rule: QualityRule, version: TableVersion) -> None:
    asked = condition(rule, version.ref)
    with opened(version.ref, asked.others) as reader:
        counted = f"SELECT count(ok), count(*) FILTER (WHERE NOT ok) FROM (SELECT ({asked.sql}) AS ok FROM {MAIN}.data)"  # noqa: S608
        result.checked, result.failed = reader.row(counted, asked.values)
        if result.failed:
            sample = f"SELECT rowid FROM {MAIN}.data WHERE NOT ({asked.sql}) ORDER BY rowid LIMIT {SAMPLE}"  # noqa: S608
            result.sample = [row[0] + 1 for row in reader.rows(sample, asked.values)]
    result.share = 1 - result.failed / result.checked if result.checked else None
    result.is_passed = result.share is None or result.share >= rule.threshold


def _freshness(result: RuleResult, days: int, now: dt.datetime) -> RuleResult:
    """Passed while the version is at most so many days old; the share falls as it grows older."""
    age = (now - result.version.created_at).total_seconds() / 86_400
    result.checked, result.failed = 1, int(age > days)
    result.share = 1.0 if age <= days else days / age
    result.is_passed = age <= days
    return result


def messages_of_holding(dataset: Dataset, names: Any) -> list[str]:
    """Why rules that hold keep a dataset from being submitted; one query while it has no such rule."""
    rules = list(QualityRule.objects.filter(dataset=dataset.pk, retired_at__isnull=True, severity=Severity.HOLD))
    if not rules:
        return []
    current = TableVersion.objects.filter(current_of__dataset=dataset.pk).first()
    if current is None:
        return []
    results = {result.rule_id: result for result in RuleResult.objects.filter(version=current, rule__in=rules)}
    found = []
    for rule in rules:
        result = results.get(rule.pk)
        if result is None:
            found.append(_("The rule “%(rule)s” has not been checked yet; wait a moment.") % {"rule": names(rule)})
        elif not result.is_passed:
            found.append(_("The quality rule “%(rule)s” is not met; see the tab “Quality”.") % {"rule": names(rule)})
    return found
