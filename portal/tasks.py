"""Jobs that keep the portal itself in order."""

from procrastinate.contrib.django import app

from portal.audit import tasks as audit_tasks  # noqa: F401  (the worker looks for tasks in this module)
from portal.notices import tasks as notice_tasks  # noqa: F401  (the worker looks for tasks here)
from portal.unsaved import tasks as unsaved_tasks  # noqa: F401  (the worker looks for tasks here)


@app.periodic(cron="* * * * *")
@app.task(queue="default", name="portal.retry_stalled", queueing_lock="portal.retry_stalled")
async def retry_stalled(timestamp: int) -> None:
    """Give the jobs of workers that died to the others; every task is safe to run twice."""
    for job in await app.job_manager.get_stalled_jobs():
        await app.job_manager.retry_job(job)
