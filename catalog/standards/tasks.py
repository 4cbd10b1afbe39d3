"""Jobs of the standards."""

from uuid import UUID

from procrastinate.contrib.django import app


@app.task(queue="default", name="catalog.compute_conformance")
def compute_conformance(dataset_ids: list[str]) -> None:
    """Compare datasets with their standards."""
    from catalog.standards import conformance

    for pk in dataset_ids:
        conformance.compute(UUID(pk))


@app.task(queue="default", name="catalog.standard_changed")
def standard_changed(element_ids: list[str]) -> None:
    """Compare all datasets again whose items follow these data elements."""
    from catalog.standards import conformance

    for pk in conformance.followers(UUID(pk) for pk in element_ids):
        conformance.compute(pk)


@app.periodic(cron="5 0 * * *")
@app.task(queue="default", name="catalog.code_lists_into_force")
def code_lists_into_force(timestamp: int) -> None:
    """Code list versions whose day has come."""
    from catalog.standards import keeping

    keeping.bring_into_force()
