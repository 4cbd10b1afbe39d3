"""Jobs of the demand list; each may run twice."""

from __future__ import annotations

from procrastinate.contrib.django import app


@app.task(queue="default", name="sharing.mail_citizen")
def mail_citizen(demand_id: str) -> None:
    """Tell a citizen by e-mail how their demand stands, if they left an address."""
    from sharing.demands import keeping

    keeping.mail_citizen(demand_id)


@app.periodic(cron="5,35 * * * *")
@app.task(queue="default", name="sharing.keep_demands", queueing_lock="sharing.keep_demands")
def keep_demands(timestamp: int) -> None:
    """Remind of late demands, end those that nobody objected to, and delete addresses that are not needed any more."""
    from sharing.demands import keeping

    keeping.remind_late()
    keeping.fulfil_unopposed()
    keeping.forget_addresses()
