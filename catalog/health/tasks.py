"""Jobs of the catalogue's health."""

from procrastinate.contrib.django import app


@app.periodic(cron="20 1 * * *")
@app.task(queue="default", name="catalog.keep_health")
def keep_health(timestamp: int) -> None:
    """The day's figures of every department, and what the search weighs of every record."""
    from catalog.health import figures, rows
    from catalog.search import standing

    rows.renew_missing()
    figures.keep()
    standing.renew_all()
