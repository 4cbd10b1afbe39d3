"""Jobs of the responsibility and negative lists; each may run twice."""

from __future__ import annotations

from procrastinate.contrib.django import app


@app.periodic(cron="40 0 * * *")  # 08:40 Asia/Shanghai: cron is read in UTC
@app.task(queue="default", name="sharing.remind_responsibilities", queueing_lock="sharing.remind_responsibilities")
def remind_responsibilities(timestamp: int) -> None:
    """Tell departments what is soon due and what is late."""
    from sharing.responsibilities import reminders

    reminders.remind()
    reminders.remind_questions()
