"""Jobs of the standards."""

from procrastinate.contrib.django import app


@app.task(queue="default", name="catalog.compute_conformance")
def compute_conformance(dataset_id: str) -> None:
    """Compare a dataset with its standards."""
    from uuid import UUID

    from catalog.standards import conformance

    conformance.compute(UUID(dataset_id))


@app.periodic(cron="5 0 * * *")
@app.task(queue="default", name="catalog.code_lists_into_force")
def code_lists_into_force(timestamp: int) -> None:
    """Code list versions whose day has come."""
    from catalog.standards import keeping

    keeping.bring_into_force()
