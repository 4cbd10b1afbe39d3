"""Jobs on reports of errors; each may run twice."""

from __future__ import annotations

from procrastinate.contrib.django import app


@app.task(queue="default", name="sharing.mail_reporter")
def mail_reporter(report_id: str) -> None:
    """Tell a citizen by e-mail how their report stands, if they left an address."""
    from sharing.corrections import keeping

    keeping.mail_reporter(report_id)


@app.periodic(cron="15,45 * * * *")
@app.task(queue="default", name="sharing.keep_corrections", queueing_lock="sharing.keep_corrections")
def keep_corrections(timestamp: int) -> None:
    """Close what nobody objected to, and delete addresses that are not needed any more."""
    from sharing.corrections import keeping

    keeping.close_unopposed()
    keeping.forget_addresses()
