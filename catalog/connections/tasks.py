"""The clock of pulls."""

from procrastinate.contrib.django import app


@app.periodic(cron="*/5 * * * *")
@app.task(queue="default", name="catalog.begin_pulls", queueing_lock="catalog.begin_pulls")
def begin_pulls(timestamp: int) -> None:
    """Begin the pulls whose time has come."""
    from catalog.connections import pulling

    pulling.begin_due()
