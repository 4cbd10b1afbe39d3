"""Jobs of profiles and quality rules."""

from procrastinate.contrib.django import app


@app.task(queue="ingest", name="catalog.check_version")
def check_version(version_id: int) -> None:
    """Profile a new version and run the rules of its dataset on it."""
    from catalog.quality import running

    running.check(version_id)


@app.task(queue="default", name="catalog.run_rules")
def run_rules(version_id: int) -> None:
    """Run the rules again on a version that is profiled, after one was set or retired."""
    from catalog.models import TableVersion
    from catalog.quality import running

    version = TableVersion.objects.select_related("distribution__dataset").filter(pk=version_id).first()
    if version is not None:
        running.run(version)


@app.periodic(cron="20 1 * * *")
@app.task(queue="default", name="catalog.check_freshness")
def check_freshness(timestamp: int) -> None:
    """Every night the datasets with a rule on their age."""
    from catalog.models import QualityRule, RuleKind, TableVersion

    dated = QualityRule.objects.filter(kind=RuleKind.FRESHNESS, retired_at__isnull=True).values("dataset")
    versions = TableVersion.objects.filter(current_of__dataset__in=dated).values_list("pk", flat=True)
    rows = [{"version_id": pk} for pk in versions]
    if rows:
        run_rules.batch_defer(*rows)
