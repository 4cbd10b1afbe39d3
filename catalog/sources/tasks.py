"""Jobs of the search for duplicates."""

from procrastinate.contrib.django import app


@app.task(queue="default", name="catalog.sketch_keys")
def sketch_keys(version_id: int) -> None:
    """Sketch the keys of a loaded table."""
    from catalog.sources import sketches

    sketches.make(version_id)


@app.periodic(cron="*/5 * * * *")
@app.task(queue="default", name="catalog.look_for_duplicates", queueing_lock="catalog.look_for_duplicates")
def look_for_duplicates(timestamp: int) -> None:
    """Look for pairs among the records that changed since."""
    from catalog.sources import board

    board.expire()
    board.look(limit=5_000)
