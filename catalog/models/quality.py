"""Profiles of table versions, the quality rules of a dataset, their results and scores (GB/T 36344)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.dataset import Dataset
from catalog.models.table import TableVersion
from portal.ids import new_id


class TableProfile(models.Model):
    """What one version of a table holds: ``columns`` as ``catalog.quality.profiling`` writes them, in their order.

    ``duplicates`` are the rows beyond the first of each key, None for a table without a key. ``drift`` is what changed
    for the worse since the version before.
    """

    version = models.OneToOneField(TableVersion, models.CASCADE, related_name="profile", primary_key=True)
    columns = models.JSONField()
    row_count = models.PositiveBigIntegerField()
    duplicates = models.PositiveBigIntegerField(null=True)
    is_approximate = models.BooleanField(default=False)
    drift = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.version}: {self.row_count}"


class RuleKind(models.TextChoices):
    NOT_NULL = "not_null", _("Always filled")
    UNIQUE = "unique", _("No value twice")
    RANGE = "range", _("Within limits")
    PATTERN = "pattern", _("Follows a pattern")
    CODE_LIST = "code_list", _("A code of a list")
    FOREIGN_KEY = "foreign_key", _("Stands in another dataset")
    ROW = "row", _("Columns of a row agree")
    FRESHNESS = "freshness", _("Renewed in time")


class Dimension(models.TextChoices):
    """The dimensions of GB/T 36344; uniqueness is a part of accuracy there."""

    CONFORMITY = "conformity", _("Conformity")
    COMPLETENESS = "completeness", _("Completeness of values")
    ACCURACY = "accuracy", _("Accuracy")
    CONSISTENCY = "consistency", _("Consistency")
    TIMELINESS = "timeliness", _("Timeliness of data")
    ACCESSIBILITY = "accessibility", _("Accessibility")


class Severity(models.TextChoices):
    WARN = "warn", _("Warn")
    HOLD = "hold", _("Hold the publication")


class QualityRule(models.Model):
    """What the rows of a dataset's table must meet; ``params`` by kind as ``catalog.quality.conditions`` reads them.

    ``threshold`` is the share of checked rows that must pass. A rule is never changed, only retired.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="quality_rules")
    kind = models.CharField(_("kind"), max_length=12, choices=RuleKind.choices)
    params = models.JSONField()
    dimension = models.CharField(_("dimension"), max_length=14, choices=Dimension.choices)
    severity = models.CharField(_("severity"), max_length=4, choices=Severity.choices, default=Severity.WARN)
    threshold = models.FloatField(_("share that must pass"), default=1.0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(threshold__gte=0, threshold__lte=1), name="quality_threshold_is_share")
        ]
        indexes = [
            # the rules of a dataset in force, asked at each load and by the gate
            models.Index(fields=["dataset"], condition=Q(retired_at__isnull=True), name="quality_rule_in_force"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.params}"


class RuleResult(models.Model):
    """How a rule ended on one version; ``sample`` are positions of some failing rows, ``error`` why it did not run."""

    rule = models.ForeignKey(QualityRule, models.CASCADE, related_name="results")
    version = models.ForeignKey(TableVersion, models.CASCADE, related_name="rule_results")
    checked = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    share = models.FloatField(null=True)
    is_passed = models.BooleanField()
    sample = models.JSONField(default=list)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "version"], name="one_result_of_a_rule_on_a_version")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.version_id}: {self.share}"


class QualityScore(models.Model):
    """The scores of one version, 0 to 1: by dimension, for those with rules, and in all."""

    version = models.OneToOneField(TableVersion, models.CASCADE, related_name="quality", primary_key=True)
    total = models.FloatField()
    dimensions = models.JSONField()
    rules = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.version_id}: {self.total:.2f}"
