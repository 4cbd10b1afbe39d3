"""Jobs of applications from outside; each may run twice."""

from __future__ import annotations

from procrastinate.contrib.django import app


@app.task(queue="default", name="sharing.mail_applicant")
def mail_applicant(request_id: str) -> None:
    """Tell an applicant from outside how their application stands."""
    from sharing.outside import keeping

    keeping.mail_applicant(request_id)


@app.periodic(cron="20 3 * * *")
@app.task(queue="default", name="sharing.forget_applicants", queueing_lock="sharing.forget_applicants")
def forget_applicants(timestamp: int) -> None:
    """Delete how to reach applicants whose applications and grants are over."""
    from sharing.outside import keeping

    keeping.forget_contacts()
