"""Jobs of the catalogue."""

from procrastinate.contrib.django import app


@app.task(queue="ingest", name="catalog.run_ingest")
def run_ingest(job_id: str) -> None:
    """Load an uploaded file."""
    from catalog import loading

    loading.run(job_id)
