"""Jobs of the catalogue."""

from procrastinate import JobContext
from procrastinate.contrib.django import app

from catalog.connections import tasks as connection_tasks  # noqa: F401  (the worker looks for tasks in this module)
from catalog.exchange import tasks as exchange_tasks  # noqa: F401  (the worker looks for tasks in this module)
from catalog.health import tasks as health_tasks  # noqa: F401  (the worker looks for tasks in this module)
from catalog.protection import tasks as protection_tasks  # noqa: F401  (the worker looks for tasks in this module)
from catalog.quality import tasks as quality_tasks  # noqa: F401  (the worker looks for tasks in this module)
from catalog.sources import tasks as source_tasks  # noqa: F401  (the worker looks for tasks in this module)
from catalog.standards import tasks as standard_tasks  # noqa: F401  (the worker looks for tasks in this module)

ATTEMPTS = 3
"""After so many workers that ended in the middle of it, a load is given up: it may be what ends them."""


@app.task(queue="ingest", name="catalog.run_ingest", pass_context=True)
def run_ingest(context: JobContext, job_id: str) -> None:
    """Load an uploaded file."""
    from catalog import loading

    if context.job.attempts >= ATTEMPTS:
        loading.give_up(job_id)
    else:
        loading.run(job_id)


@app.task(queue="ingest", name="catalog.prepare_file")
def prepare_file(file_id: str) -> None:
    """Write a whole table as a file for download."""
    from catalog import prepared

    prepared.prepare(file_id)


@app.periodic(cron="40 2 * * *")
@app.task(queue="default", name="catalog.prune_tables")
def prune_tables(timestamp: int) -> None:
    """Remove the rows of table versions that nobody keeps, and files that no version needs."""
    from catalog import holdings, loading, prepared, uploading
    from catalog.search import misses

    holdings.prune()
    prepared.clean()
    uploading.forget_old()
    loading.forget_staged()
    misses.prune()


@app.periodic(cron="*/10 * * * *")
@app.task(queue="default", name="catalog.expire_exceptions")
def expire_exceptions(timestamp: int) -> None:
    """Take back exceptions whose term is over."""
    from catalog import access_exceptions

    access_exceptions.expire()


@app.periodic(cron="10 0 * * *")  # 08:10 Asia/Shanghai: cron is read in UTC
@app.task(queue="default", name="catalog.tell_of_searches", queueing_lock="catalog.tell_of_searches")
def tell_of_searches(timestamp: int) -> None:
    """Tell people of what is new in the searches that they keep."""
    from catalog.search import saved

    saved.tell()
