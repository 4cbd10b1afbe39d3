"""Jobs of notices; each may run twice."""

from procrastinate.contrib.django import app


@app.task(queue="default", name="notices.deliver")
def deliver(delivery_id: str) -> None:
    """Try to send one delivery, if it is still waiting and due."""
    from portal.notices import delivery

    delivery.attempt(delivery_id)


@app.periodic(cron="30 0 * * *")  # 08:30 Asia/Shanghai: cron is read in UTC
@app.task(queue="default", name="notices.make_digests")
def make_digests(timestamp: int) -> None:
    """Queue today's daily e-mails, on working days."""
    from portal.notices import digest

    digest.make()


@app.periodic(cron="20 19 * * *")
@app.task(queue="default", name="notices.remove_old")
def remove_old(timestamp: int) -> None:
    """Remove notices read long ago."""
    from portal.notices import send

    send.remove_old()


@app.periodic(cron="*/15 * * * *")
@app.task(queue="default", name="notices.requeue_stalled", queueing_lock="notices.requeue_stalled")
def requeue_stalled(timestamp: int) -> None:
    """Queue deliveries again whose worker died."""
    from portal.notices import send

    send.requeue_stalled()
