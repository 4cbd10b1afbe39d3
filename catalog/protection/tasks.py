"""Jobs of protection."""

from procrastinate.contrib.django import app


@app.task(queue="default", name="catalog.scan_table")
def scan_table(version_id: int) -> None:
    """Look for personal data in a loaded version."""
    from catalog.protection import keeping

    keeping.scan(version_id)


@app.task(queue="default", name="catalog.measure_disclosure")
def measure_disclosure(version_id: int) -> None:
    """Measure the anonymity of what is open of a loaded version."""
    from catalog.protection import opening

    opening.measure_version(version_id)
