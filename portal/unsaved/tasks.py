"""Jobs of unsaved texts."""

from procrastinate.contrib.django import app


@app.periodic(cron="40 3 * * *")
@app.task(queue="default", name="portal.forget_unsaved")
def forget_unsaved(timestamp: int) -> None:
    """Remove texts that nobody came back for."""
    from portal.unsaved import store

    store.forget_old()
