"""Jobs of protection."""

from procrastinate.contrib.django import app


@app.task(queue="default", name="catalog.scan_table")
def scan_table(version_id: int) -> None:
    """Look for personal data in a loaded version."""
    from catalog.protection import keeping

    keeping.scan(version_id)
