"""Jobs of the catalogue."""

from procrastinate.contrib.django import app


@app.task(queue="ingest", name="catalog.run_ingest")
def run_ingest(job_id: str) -> None:
    """Load an uploaded file."""
    from catalog import loading

    loading.run(job_id)


@app.periodic(cron="*/10 * * * *")
@app.task(queue="default", name="catalog.expire_exceptions")
def expire_exceptions(timestamp: int) -> None:
    """Take back exceptions whose term is over."""
    from catalog import access_exceptions

    access_exceptions.expire()
