"""Jobs on running grants; each may run twice."""

from __future__ import annotations

from procrastinate.contrib.django import app


@app.periodic(cron="20 6 * * *")
@app.task(queue="default", name="sharing.keep_grants", queueing_lock="sharing.keep_grants")
def keep_grants(timestamp: int) -> None:
    """Tell of grants that end, begin and close yearly reviews."""
    from sharing.holding import keeping

    keeping.keep()
