"""Notices: choices, e-mails, webhook calls, repeats, the daily e-mail."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.models import User
from portal.errors import InvalidInput, NotPermitted
from portal.notices import calls, delivery, digest, preferences, send, webhooks
from portal.notices.models import Delivery, Notice, Webhook
from portal.notices.send import notify
from tests.factories import World, actor, make_user

pytestmark = pytest.mark.django_db
DATA = {"title": "低保核查", "number": "R-1", "note": "张三 33010619900101001X", "department": "某局"}


class Refusing(BaseEmailBackend):
    def send_messages(self, email_messages: Any) -> int:
        raise ConnectionRefusedError("x@example.com refused")


@pytest.fixture
def world(db: None) -> World:
    made = World()
    User.objects.filter(pk=made.applicant.pk).update(email="a@example.com")
    made.applicant.refresh_from_db()
    return made


@pytest.fixture
def server(settings: Any) -> Iterator[Any]:
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.headers["X-Shuqiao-Signature"], body))
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"y" * 500)

        def log_message(self, *args: Any) -> None: ...

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    yield f"http://127.0.0.1:{running.server_port}", got
    running.shutdown()
    running.server_close()


def test_a_decision_is_mailed_at_once_and_only_once_without_the_note(world: World) -> None:
    notify([world.applicant], "step_opened", url="/steps/1/", data=DATA)
    sent = Delivery.objects.get()
    assert delivery.attempt(sent.pk) is not None
    assert delivery.attempt(sent.pk) is None
    [message] = mail.outbox
    assert message.to == ["a@example.com"]
    assert ("低保核查" in message.body, "R-1" in message.body, "张三" in message.body + message.subject) == (
        True,
        True,
        False,
    )
    assert f"http://localhost:8000/notices/{sent.notice_id}/" in message.body


def test_choices_decide_and_people_without_an_address_get_no_mail(world: World) -> None:
    notify([world.applicant, world.provider], "item_granted", url="/", data=DATA)
    assert Delivery.objects.count() == 0
    preferences.choose(user=world.applicant, choices={"requests": "immediate", "decisions": "none"})
    notify([world.applicant, world.provider], "item_granted", url="/", data=DATA)
    notify([world.applicant], "step_opened", url="/", data=DATA)
    assert [row.notice.kind for row in Delivery.objects.select_related("notice") if row.notice] == ["item_granted"]


def test_a_failing_mail_server_is_asked_again_with_growing_waits_then_given_up(world: World, settings: Any) -> None:
    settings.EMAIL_BACKEND = "tests.portal.test_notices.Refusing"
    notify([world.applicant], "step_opened", url="/", data=DATA)
    waits = []
    for _attempt in range(6):
        row = delivery.attempt(Delivery.objects.get().pk)
        assert row is not None
        if row.next_at:
            waits.append(round((row.next_at - timezone.now()).total_seconds() / 60))
            assert delivery.attempt(row.pk) is None
        Delivery.objects.update(next_at=None)
    assert waits == [1, 5, 30, 120, 720]
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.answer) == ("failed", 6, "ConnectionRefusedError")
    with pytest.raises(NotPermitted):
        delivery.retry(delivery=row, actor=actor(world.applicant))
    delivery.retry(delivery=row, actor=actor(make_user("sysadmin", admin_role="system")))
    assert Delivery.objects.get().state == "waiting"


def test_a_webhook_is_called_once_for_a_department_and_signed(world: World, server: Any) -> None:
    address, got = server
    keeper = actor(make_user("secadmin", admin_role="security"))
    secret = webhooks.configure(department=world.county_bureau, actor=keeper, url=f"{address}/in", is_active=True)
    assert secret not in Webhook.objects.get().sealed_secret
    people = [world.applicant_head, world.applicant]
    notify(people, "item_granted", url="/grants/", data=DATA, department=world.province_bureau)
    notify(people, "item_granted", url="/grants/", data=DATA)
    assert not Delivery.objects.exists()  # it is the business of another department, or nobody's but their own
    notify(people, "item_granted", url="/grants/", data=DATA, department=world.county_bureau)
    row = delivery.attempt(Delivery.objects.get().pk)
    assert row is not None and (row.state, row.status, row.answer) == ("sent", 200, "y" * 200)
    [(header, body)] = got
    at, mac = (part.partition("=")[2] for part in header.split(","))
    assert mac == hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert (json.loads(body)["id"], "张三" in body.decode()) == (str(row.pk), False)


def test_a_redirect_is_not_followed(world: World, server: Any) -> None:
    address, got = server
    keeper = actor(make_user("secadmin", admin_role="security"))
    webhooks.configure(department=world.county_bureau, actor=keeper, url=f"{address}/moved", is_active=True)
    webhooks.test(department=world.county_bureau, actor=keeper)
    row = delivery.attempt(Delivery.objects.get().pk)
    assert row is not None and (row.state, row.status, len(got)) == ("waiting", 302, 1)


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/", "https://10.1.2.3/", "https://169.254.169.254/", "https://[::1]/", "https://2130706433/",
     "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://0.0.0.0/", "ftp://8.8.8.8/", "https://u:p@8.8.8.8/"],
)  # fmt: skip
def test_addresses_inside_are_refused(world: World, url: str) -> None:
    keeper = actor(make_user("secadmin", admin_role="security"))
    with pytest.raises(InvalidInput):
        webhooks.configure(department=world.county_bureau, actor=keeper, url=url, is_active=True)
    assert Webhook.objects.count() == 0


def test_http_is_refused_outside_the_demo(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(calls.AddressRefused):
        calls.resolved("http://8.8.8.8/")
    assert calls.resolved("https://8.8.8.8/") == ("8.8.8.8", 443)


def test_only_a_clerk_of_the_department_or_the_security_administrator_sets_it(world: World) -> None:
    with pytest.raises(NotPermitted):
        webhooks.configure(
            department=world.county_bureau, actor=actor(world.applicant), url="https://8.8.8.8/", is_active=True
        )
    clerk = make_user("clerk", world.county_bureau, "clerk")
    assert webhooks.configure(
        department=world.county_bureau, actor=actor(clerk), url="https://8.8.8.8/", is_active=True
    )


def test_the_daily_mail_comes_once_on_working_days_with_what_is_unread(world: World) -> None:
    notify([world.applicant], "item_granted", url="/", data=DATA)
    monday, saturday = dt.date(2026, 11, 23), dt.date(2026, 11, 28)
    assert [digest.make(saturday), digest.make(monday), digest.make(monday), digest.make(dt.date(2026, 11, 24))] == [
        0,
        1,
        0,
        0,
    ]
    delivery.attempt(Delivery.objects.get().pk)
    assert len(mail.outbox) == 1
    notify([world.applicant], "item_granted", url="/", data=DATA)
    assert digest.make(dt.date(2026, 11, 24)) == 1
    Notice.objects.update(read_at=timezone.now())
    row = delivery.attempt(Delivery.objects.get(state="waiting").pk)
    assert row is not None and (row.state, len(mail.outbox)) == ("skipped", 1)


def test_telling_many_takes_as_many_queries_as_telling_few(world: World) -> None:
    made = User.objects.bulk_create(User(username=f"p{n}", email=f"p{n}@example.com") for n in range(1000))
    counts = []
    for people in (made[:2], made):
        with CaptureQueriesContext(connection) as captured:
            notify(people, "step_opened", url="/", data=DATA)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 8
    assert Delivery.objects.count() == 1002


def test_old_read_notices_are_removed(world: World) -> None:
    notify([world.provider], "item_granted", url="/", data=DATA)
    notify([world.provider], "item_granted", url="/", data=DATA)
    Notice.objects.update(created_at=timezone.now() - dt.timedelta(days=181))
    assert send.remove_old() == 0
    Notice.objects.filter(pk=Notice.objects.latest("pk").pk).update(read_at=timezone.now())
    assert (send.remove_old(), Notice.objects.count()) == (1, 1)


def test_the_list_filters_and_marks(world: World) -> None:
    notify([world.applicant], "item_granted", url="/", data=DATA)
    notice = Notice.objects.get()
    client = Client()
    client.force_login(world.applicant)
    client.post(f"/notices/{notice.pk}/mark/", {"read": "1"})
    assert len(client.get("/notices/?unread=1").context["lines"]) == 0
    assert len(client.get("/notices/?kind=item_granted").context["lines"]) == 1
    client.post(f"/notices/{notice.pk}/mark/", {"read": "0", "next": "//evil.example/"})
    assert len(client.get("/notices/?unread=1").context["lines"]) == 1
    client.post("/notices/settings/", {"decisions": "none", "requests": "none", "catalogue": "none", "account": "none"})
    assert set(preferences.choices_of([world.applicant.pk]).values()) == {"none"}


def test_a_delivery_whose_worker_died_is_queued_again(world: World) -> None:
    User.objects.filter(pk=world.applicant.pk).update(email="a@example.com")
    notify(User.objects.filter(pk=world.applicant.pk), "step_opened", url="/", data=DATA)
    assert send.requeue_stalled() == 0
    assert send.requeue_stalled(dt.timedelta(seconds=-1)) == 1
    delivery.attempt(Delivery.objects.get().pk)
    assert send.requeue_stalled(dt.timedelta(seconds=-1)) == 0
