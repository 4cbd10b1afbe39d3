"""Setting and retiring quality rules; each change runs the rules again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import CodeList, Dataset, Dimension, QualityRule, RuleKind, Severity, TableVersion
from catalog.quality import conditions
from catalog.rules import previewable_columns
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.errors import InvalidInput, WrongState

RULES_LIMIT = 100
USUAL_DIMENSION = {
    RuleKind.NOT_NULL: Dimension.COMPLETENESS,
    RuleKind.UNIQUE: Dimension.ACCURACY,
    RuleKind.RANGE: Dimension.ACCURACY,
    RuleKind.PATTERN: Dimension.CONFORMITY,
    RuleKind.CODE_LIST: Dimension.CONFORMITY,
    RuleKind.FOREIGN_KEY: Dimension.CONSISTENCY,
    RuleKind.ROW: Dimension.CONSISTENCY,
    RuleKind.FRESHNESS: Dimension.TIMELINESS,
}
"""The dimension of GB/T 36344 that a kind of rule usually speaks of."""


def current_version(dataset: Dataset) -> TableVersion | None:
    """The version of the dataset's table that is read."""
    rows = TableVersion.objects.filter(current_of__dataset=dataset).select_related("distribution", "profile", "quality")
    return rows.order_by("distribution__created_at").first()


@transaction.atomic
def add(
    *,
    dataset: Dataset,
    actor: Actor,
    kind: RuleKind,
    params: Mapping[str, Any],
    severity: Severity = Severity.WARN,
    threshold: float = 1.0,
    dimension: Dimension | None = None,
) -> QualityRule:
    """Set a rule and run the rules on the current version.

    Raises:
        InvalidInput: messages by field. WrongState: there is no table yet, or there are too many rules.
    """
    dataset = Dataset.objects.select_for_update(of=("self",), no_key=True).get(pk=dataset.pk)
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    version = current_version(dataset)
    if version is None:
        raise WrongState(_("Upload data first: rules are about the columns of the table."))
    if dataset.quality_rules.filter(retired_at__isnull=True).count() >= RULES_LIMIT:
        raise WrongState(_("A dataset has at most %(limit)s rules.") % {"limit": RULES_LIMIT})
    if not 0 < threshold <= 1:
        raise InvalidInput(_("The rule is not complete."), fields={"threshold": [_("Between 1 and 100 percent.")]})
    conditions.check_params(kind, params, version.ref)
    _check_targets(kind, params, actor)
    rule = QualityRule.objects.create(
        dataset=dataset,
        kind=kind,
        params=dict(params),
        dimension=dimension or USUAL_DIMENSION[kind],
        severity=severity,
        threshold=threshold,
        created_by=actor.user,
    )
    data = {"rule": str(rule.pk), "kind": kind, "params": dict(params), "severity": severity, "threshold": threshold}
    record.append(stream=record.stream_of(dataset), verb="quality.rule_set", actor=actor, data=data)
    _run(version)
    return rule


def _check_targets(kind: str, params: Mapping[str, Any], actor: Actor) -> None:
    """A rule reads only lists that there are, and columns of other datasets that its author may read."""
    if kind == RuleKind.CODE_LIST and not CodeList.objects.filter(pk=str(params["code_list"])).exists():
        raise InvalidInput(_("The rule is not complete."), fields={"code_list": [_("Choose a code list.")]})
    if kind == RuleKind.FOREIGN_KEY:
        readable = Dataset.objects.readable_by(actor.standing.reader_groups)
        other = readable.filter(pk=str(params["dataset"])).first()
        if other is None:
            raise InvalidInput(_("The rule is not complete."), fields={"dataset": [_("Choose a dataset.")]})
        ref = conditions.table_of(other.pk)
        name = params["other_column"]
        if ref is None or ref.column(name) is None or name not in previewable_columns(actor, other):
            message = _("Name a column of that dataset that you may read.")
            raise InvalidInput(_("The rule is not complete."), fields={"other_column": [message]})


@transaction.atomic
def retire(*, rule: QualityRule, actor: Actor) -> None:
    """Take a rule out of force; its results stay. One that is retired stays as it is."""
    rule = QualityRule.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=rule.pk)
    actor = access.require(actor, Permission.DATASET_EDIT, rule.dataset)
    if rule.retired_at is not None:
        return
    rule.retired_at = timezone.now()
    rule.save(update_fields=["retired_at"])
    data = {"rule": str(rule.pk), "kind": rule.kind}
    record.append(stream=record.stream_of(rule.dataset), verb="quality.rule_retired", actor=actor, data=data)
    version = current_version(rule.dataset)
    if version is not None:
        _run(version)


@transaction.atomic
def recheck(*, dataset: Dataset, actor: Actor) -> None:
    """Profile the current version and run its rules again.

    Raises:
        WrongState: there is no table yet.
    """
    from catalog.quality.tasks import check_version

    access.require(actor, Permission.DATASET_EDIT, dataset)
    version = current_version(dataset)
    if version is None:
        raise WrongState(_("Upload data first: rules are about the columns of the table."))
    check_version.defer(version_id=version.pk)


def _run(version: TableVersion) -> None:
    from catalog.quality.tasks import run_rules

    run_rules.defer(version_id=version.pk)
