"""Jobs of sharing."""

from procrastinate.contrib.django import app


@app.periodic(cron="*/10 * * * *")
@app.task(queue="default", name="sharing.remind_late")
def remind_late(timestamp: int) -> None:
    """Tell the offices whose deadlines have passed."""
    from sharing import workflow

    workflow.remind_late()
