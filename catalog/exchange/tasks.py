"""Jobs of imports."""

from procrastinate.contrib.django import app


@app.task(queue="ingest", name="catalog.plan_import")
def plan_import(import_id: str) -> None:
    """Read a file of records and say what each line would do."""
    from catalog.exchange import importing

    importing.plan(import_id)


@app.task(queue="ingest", name="catalog.load_import")
def load_import(import_id: str) -> None:
    """Load the good lines of a planned file."""
    from catalog.exchange import importing

    importing.load(import_id)


@app.periodic(cron="50 3 * * *")
@app.task(queue="default", name="catalog.forget_imports")
def forget_imports(timestamp: int) -> None:
    """Remove the reports of old imports."""
    from catalog.exchange import importing

    importing.forget_old()
