"""Jobs of sharing."""

from procrastinate.contrib.django import app

from sharing.corrections import tasks as correction_tasks  # noqa: F401  (the worker looks for tasks in this module)
from sharing.demands import tasks as demand_tasks  # noqa: F401  (the worker looks for tasks in this module)
from sharing.holding import tasks as holding_tasks  # noqa: F401  (the worker looks for tasks in this module)
from sharing.letters import tasks as letter_tasks  # noqa: F401  (the worker looks for tasks in this module)
from sharing.outside import tasks as outside_tasks  # noqa: F401  (the worker looks for tasks in this module)
from sharing.responsibilities import tasks as responsibility_tasks  # noqa: F401  (the worker looks for tasks here)


@app.periodic(cron="*/10 * * * *")
@app.task(queue="default", name="sharing.remind_late", queueing_lock="sharing.remind_late")
def remind_late(timestamp: int) -> None:
    """Remind before and after deadlines; tell others of what stays late, or has nobody to decide."""
    from sharing import reminders, vacancies
    from sharing.corrections import keeping as corrections
    from sharing.disputes import acts as disputes
    from sharing.holding import keeping as holding

    reminders.warn_early()
    reminders.remind_late()
    reminders.escalate()
    disputes.remind_late()
    vacancies.look()
    corrections.remind_late()
    holding.remind_renewals()
