"""Figures on quality for other rooms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Avg, Count, Q

from catalog.models import CodeList, Dataset, DatasetState, QualityRule, QualityScore
from catalog.quality import conditions


@dataclass(frozen=True)
class DepartmentScore:
    """Mean score of a department's published datasets with rules, how many those are, how many break one."""

    score: float
    datasets: int
    failing: int


def scores_by_department(ids: Iterable[UUID]) -> dict[UUID, DepartmentScore]:
    """Department → its score, over the versions that are read now; one query."""
    rows = QualityScore.objects.filter(
        version__current_of__dataset__provider__in=list(ids),
        version__current_of__dataset__state=DatasetState.PUBLISHED,
    )
    figures = rows.values("version__current_of__dataset__provider").annotate(
        score=Avg("total"), datasets=Count("pk"), failing=Count("pk", filter=Q(failed__gt=0))
    )
    return {
        row["version__current_of__dataset__provider"]: DepartmentScore(row["score"], row["datasets"], row["failing"])
        for row in figures
    }


def names_of(rules: Iterable[QualityRule]) -> dict[str, str]:
    """The names of the code lists and datasets that rules refer to, by id; two queries."""
    rules = list(rules)
    lists = {rule.params["code_list"] for rule in rules if rule.params.get("code_list")}
    datasets = {rule.params["dataset"] for rule in rules if rule.params.get("dataset")}
    found = {str(one.pk): str(one) for one in CodeList.objects.filter(pk__in=lists)} if lists else {}
    if datasets:
        found |= {str(pk): title for pk, title in Dataset.objects.filter(pk__in=datasets).values_list("pk", "title")}
    return found


def described(rule: QualityRule, titles: Mapping[str, str], names: Mapping[str, str]) -> str:
    """A rule in one line: kind, then what it says."""
    return f"{rule.get_kind_display()} · {conditions.describe(rule, titles, names)}"
