"""Jobs of profiles."""

from procrastinate.contrib.django import app


@app.task(queue="ingest", name="catalog.profile_table")
def profile_table(version_id: int) -> None:
    """Profile a loaded version."""
    from catalog.quality import keeping

    keeping.compute(version_id)
