"""Signing in: second factors, lockouts, sessions, passwords, and accounts made by the security administrator."""

from __future__ import annotations

import datetime as dt
import io
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts import factors, lockouts, people
from portal.accounts.models import SecondFactorReset, User
from portal.addresses import address_of
from portal.departments.models import Duty
from portal.errors import NotPermitted, WrongState
from portal.models import Event, Notice
from tests.factories import PASSWORD, World, actor, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


def sign_in(client: Client, username: str, password: str = PASSWORD, address: str = "10.0.0.1") -> Any:
    body = {"username": username, "password": password}
    return client.post("/accounts/sign-in/", body, REMOTE_ADDR=address, HTTP_USER_AGENT="Chrome/1 Windows")


def code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def with_factor(user: User) -> str:
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def verbs(user: User) -> list[str]:
    return list(Event.objects.filter(stream=f"user:{user.pk}").order_by("seq").values_list("verb", flat=True))


def test_a_second_factor_is_asked_for_and_each_code_is_good_once(world: World) -> None:
    secret = with_factor(world.applicant)
    assert secret not in str(Authenticator.objects.get().data)
    client = Client()
    assert sign_in(client, "applicant").headers["Location"] == "/accounts/factors/authenticate/"
    assert client.get("/basket/").status_code == 302
    used = code(secret)
    assert client.post("/accounts/factors/authenticate/", {"code": used}).headers["Location"] == "/"
    assert client.get("/basket/").status_code == 200
    assert verbs(world.applicant) == ["second_factor.used", "session.started"]
    again = Client()
    sign_in(again, "applicant")
    assert again.post("/accounts/factors/authenticate/", {"code": used}).status_code == 200
    assert again.get("/basket/").status_code == 302


def test_a_recovery_code_works_once(world: World) -> None:
    with_factor(world.applicant)
    spare = RecoveryCodes.activate(world.applicant).get_unused_codes()[0]
    for expected in (302, 200):
        client = Client()
        sign_in(client, "applicant")
        assert client.post("/accounts/factors/authenticate/", {"code": spare}).status_code == expected


def test_who_must_have_a_second_factor_gets_nowhere_without_one(world: World, settings: Any) -> None:
    settings.SECOND_FACTOR_DUTIES = ["provider_approver", "security"]
    client = Client()
    sign_in(client, "provider")
    assert client.get("/basket/").headers["Location"] == "/accounts/factors/"
    answer = client.get("/api/v1/requests/")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
    assert client.get("/accounts/factors/totp/activate/").status_code == 200
    other = Client()
    sign_in(other, "applicant")
    assert other.get("/basket/").status_code == 200


def test_a_name_is_locked_at_one_address_and_not_the_office(world: World, settings: Any) -> None:
    settings.AXES_ENABLED = True
    for _attempt in range(5):
        sign_in(Client(), "Applicant", "wrong")
    assert sign_in(Client(), "applicant").status_code == 429
    assert sign_in(Client(), "applicant_head").status_code == 302
    assert sign_in(Client(), "applicant", address="10.0.0.2").status_code == 302
    assert verbs(world.applicant).count("account.locked") == 1
    found = lockouts.current()
    assert [(row.user, row.address, row.failures) for row in found] == [(world.applicant, "10.0.0.1", 5)]
    keeper = make_user("secadmin", admin_role="security")
    with pytest.raises(NotPermitted):
        lockouts.lift(user=world.applicant, actor=actor(world.provider))
    lockouts.lift(user=world.applicant, actor=actor(keeper))
    assert (lockouts.current(), sign_in(Client(), "applicant").status_code) == ([], 302)


def test_a_name_attacked_from_many_addresses_is_locked_everywhere(world: World, settings: Any) -> None:
    settings.AXES_ENABLED, settings.SIGN_IN_FAILURES_OF_NAME = True, 8
    for number in range(8):
        sign_in(Client(), "applicant", "wrong", f"10.0.1.{number}")
    assert sign_in(Client(), "applicant", address="10.9.9.9").status_code == 429
    assert [row.address for row in lockouts.current()] == [""]


def test_only_our_own_proxies_are_believed(rf: Any, settings: Any) -> None:
    request = rf.get("/", REMOTE_ADDR="10.0.0.9", HTTP_X_FORWARDED_FOR="1.1.1.1, 2.2.2.2")
    settings.TRUSTED_PROXIES = 0
    assert address_of(request) == "10.0.0.9"
    settings.TRUSTED_PROXIES = 1
    assert address_of(request) == "2.2.2.2"


def test_a_session_ends_after_its_greatest_age(world: World, settings: Any) -> None:
    client = Client()
    sign_in(client, "applicant")
    assert client.get("/basket/").status_code == 200
    settings.SESSION_MAX_SECONDS = -1
    assert client.get("/basket/").headers["Location"].startswith("/accounts/sign-in/")


def test_a_session_is_kept_by_use_and_written_once_a_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    sign_in(client, "applicant")
    client.get("/")
    with CaptureQueriesContext(connection) as said:
        client.get("/")
    assert not [each for each in said if each["sql"].startswith(("UPDATE", "INSERT"))]
    row = Session.objects.get(pk=client.session.session_key)
    Session.objects.filter(pk=row.pk).update(expire_date=timezone.now() + dt.timedelta(seconds=30))
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    client.get("/")
    row.refresh_from_db()
    assert row.expire_date > timezone.now() + dt.timedelta(minutes=25)


def test_a_session_is_kept_by_use_more_often_where_its_idle_time_is_short(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SESSION_COOKIE_AGE = 60
    client = Client()
    sign_in(client, "applicant")
    seen = client.session["seen_at"]
    monkeypatch.setattr(time, "time", lambda: seen + 7)
    client.get("/")
    assert client.session["seen_at"] == seen + 7


def test_what_somebody_without_an_account_put_aside_is_kept_by_use(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    client.get("/open/")
    assert Session.objects.count() == 0
    session = client.session
    session["aside"] = ["a"]
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    client.get("/open/")
    Session.objects.update(expire_date=timezone.now() + dt.timedelta(seconds=30))
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    client.get("/open/")
    assert Session.objects.get().expire_date > timezone.now() + dt.timedelta(minutes=25)


def test_one_ends_ones_other_sessions_and_no_one_elses(world: World) -> None:
    one, two, stranger = Client(), Client(), Client()
    for client, name in ((one, "applicant"), (two, "applicant"), (stranger, "provider")):
        sign_in(client, name)
    foreign = UserSession.objects.get(user=world.provider)
    one.post("/accounts/sessions/end/", {"session": str(foreign.pk)})
    assert stranger.get("/basket/").status_code in (200, 403)
    assert Notice.objects.filter(user=world.applicant, kind="new_device").count() == 1
    one.post("/accounts/sessions/end/", {"session": "others"})
    assert two.get("/notices/").status_code == 302
    assert one.get("/notices/").status_code == 200


def test_a_person_made_by_the_security_administrator_changes_the_password_first(world: World) -> None:
    keeper = make_user("secadmin", admin_role="security")
    made = people.create(
        actor=actor(keeper), username="new", name="新人", department=world.county_bureau, duty=Duty.APPLICANT
    )
    client = Client()
    sign_in(client, "new", made.password)
    assert client.get("/basket/").headers["Location"] == "/accounts/password/"
    body = {"old_password": made.password, "new_password1": "Neu-Wort-2026", "new_password2": "Neu-Wort-2026"}
    short = body | {"new_password1": "alllowercase", "new_password2": "alllowercase"}
    assert client.post("/accounts/password/", short).status_code == 200
    same = body | {"new_password1": made.password, "new_password2": made.password}
    assert client.post("/accounts/password/", same).status_code == 200
    assert client.post("/accounts/password/", body).status_code == 302
    assert client.get("/basket/").status_code == 200
    assert verbs(made.user) == ["account.created", "session.started", "password.changed"]


def test_an_old_password_must_be_changed(world: World, settings: Any) -> None:
    settings.PASSWORD_MAX_AGE_DAYS = 90
    User.objects.filter(pk=world.applicant.pk).update(password_set_at=timezone.now() - dt.timedelta(days=91))
    client = Client()
    sign_in(client, "applicant")
    assert client.get("/basket/").headers["Location"] == "/accounts/password/"


def test_the_last_security_administrator_stays(world: World) -> None:
    first, second = (make_user(name, admin_role="security") for name in ("one", "two"))
    people.set_active(user=second, actor=actor(first), is_active=False)
    with pytest.raises(WrongState):
        people.set_active(user=first, actor=actor(first), is_active=False)
    people.set_active(user=second, actor=actor(first), is_active=True)
    people.set_admin_role(user=first, actor=actor(second), admin_role="")
    first.refresh_from_db()
    with pytest.raises(NotPermitted):
        people.set_active(user=second, actor=actor(first), is_active=False)
    with pytest.raises(WrongState):
        people.set_admin_role(user=world.applicant, actor=actor(second), admin_role="audit")


def test_a_lost_second_factor_is_reset_by_two_persons(world: World) -> None:
    keeper, other = (make_user(name, admin_role="security") for name in ("one", "two"))
    clerk = make_user("clerk", world.county_bureau, Duty.CLERK)
    with_factor(world.applicant)
    reset = factors.ask_reset(user=world.applicant, actor=actor(keeper), reason="本人到场")
    told = Notice.objects.filter(kind="factor_reset_asked").values_list("user", flat=True)
    assert set(told) == {other.pk, clerk.pk}
    with pytest.raises(WrongState):
        factors.confirm_reset(reset=reset, actor=actor(keeper))
    for stranger in (world.applicant, world.provider):
        with pytest.raises(NotPermitted):
            factors.confirm_reset(reset=reset, actor=actor(stranger))
    assert factors.has_one(world.applicant)
    factors.confirm_reset(reset=reset, actor=actor(clerk))
    assert not factors.has_one(world.applicant)
    assert Notice.objects.filter(user=world.applicant, kind="factor_reset").count() == 1
    assert verbs(world.applicant)[-2:] == ["second_factor.reset_asked", "second_factor.reset"]


def test_a_reset_lapses_after_a_day(world: World) -> None:
    keeper, other = (make_user(name, admin_role="security") for name in ("one", "two"))
    with_factor(world.applicant)
    reset = factors.ask_reset(user=world.applicant, actor=actor(keeper), reason="本人到场")
    SecondFactorReset.objects.update(asked_at=timezone.now() - dt.timedelta(hours=25))
    with pytest.raises(WrongState):
        factors.confirm_reset(reset=reset, actor=actor(other))
    assert factors.has_one(world.applicant)


def test_the_first_start_makes_three_administrators_once_and_no_superuser(db: None) -> None:
    out = io.StringIO()
    call_command("administrators", stdout=out)
    made = User.objects.order_by("admin_role").values_list("admin_role", "must_change_password")
    assert list(made) == [("audit", True), ("security", True), ("system", True)]
    assert len(out.getvalue().splitlines()) == 3
    with pytest.raises(CommandError):
        call_command("administrators")
    with pytest.raises(CommandError):
        call_command("createsuperuser", username="root", email="", interactive=False)
    assert User.objects.count() == 3
