"""Jobs of the record."""

from procrastinate.contrib.django import app


@app.periodic(cron="5 * * * *")
@app.task(queue="default", name="audit.checkpoint", queueing_lock="audit.checkpoint")
def make_checkpoint(timestamp: int) -> None:
    """Seal what happened in the last hour."""
    from portal.audit import checkpoints

    checkpoints.make()


@app.periodic(cron="40 3 * * *")
@app.task(queue="default", name="audit.archive", queueing_lock="audit.archive")
def archive_old_months(timestamp: int) -> None:
    """Move months past the retention to files."""
    from portal.audit import archive

    for month in archive.months_due():
        archive.archive_month(month)
