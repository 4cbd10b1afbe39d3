"""The portal's own pages: sign-in, people, notices, audit, health."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.access import Actor, Permission, can
from portal.context import shown_count
from portal.counting import count_all
from portal.departments.duties import assign
from portal.departments.models import Duty, Membership
from portal.errors import InvalidInput
from portal.models import Event, Notice, User
from tests.factories import PASSWORD, World, make_user
from tests.queries import queries_of
from tests.words import zh

pytestmark = pytest.mark.django_db


def test_signing_in_leads_on_only_within_the_portal(world: World) -> None:
    body = {"username": "applicant", "password": PASSWORD}
    assert Client().post("/accounts/sign-in/?next=/basket/", body).headers["Location"] == "/basket/"
    away = Client().post("/accounts/sign-in/", body | {"next": "https://evil.example/"})
    assert away.headers["Location"] == "/"
    assert Event.objects.filter(verb="session.started", actor=world.applicant).count() == 2


def test_a_wrong_password_is_told_in_words_and_recorded_without_the_password(world: World) -> None:
    response = Client().post("/accounts/sign-in/", {"username": "applicant", "password": "wrong-one"})
    assert zh("Name or password are wrong. Check both and try again.") in response.content.decode()
    event = Event.objects.get(verb="session.refused")
    assert (event.stream, event.data) == (f"user:{world.applicant.pk}", {})


def test_a_disabled_account_is_out_at_once(world: World) -> None:
    admin = make_user("secadmin", admin_role="security")
    person, keeper = Client(), Client()
    person.force_login(world.applicant)
    keeper.force_login(admin)
    keeper.post(f"/accounts/people/{world.applicant.pk}/active/", {"active": "0"})
    assert person.get("/basket/").headers["Location"].startswith("/accounts/sign-in/")
    assert Event.objects.filter(verb="account.disabled", actor=admin).count() == 1


def test_the_security_administrator_gives_and_ends_duties(world: World) -> None:
    keeper = Client()
    keeper.force_login(make_user("secadmin", admin_role="security"))
    path = f"/accounts/people/{world.applicant.pk}/assign/"
    wrong = keeper.post(path, {"department": "没有这个部门", "duty": "clerk"})
    assert (wrong.status_code, 'value="没有这个部门"' in wrong.content.decode()) == (422, True)
    keeper.post(path, {"department": "西湖区民政局", "duty": "clerk"})
    given = Membership.objects.current().get(user=world.applicant, duty="clerk")
    keeper.post(f"/accounts/duties/{given.pk}/end/")
    assert not Membership.objects.current().filter(user=world.applicant, duty="clerk").exists()


def test_nobody_can_be_a_superuser_and_administrators_hold_no_duty(world: World) -> None:
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=world.applicant.pk).update(is_superuser=True)
    auditor = make_user("auditor", admin_role="audit")
    with pytest.raises(InvalidInput):
        assign(user=auditor, department=world.county_bureau, duty=Duty.APPLICANT, actor=Actor.system())


def test_an_authoritys_duty_needs_an_authority(world: World) -> None:
    with pytest.raises(InvalidInput):
        assign(user=world.applicant, department=world.county_bureau, duty=Duty.AUTHORITY_HEAD, actor=Actor.system())


def test_a_permission_without_a_rule_is_denied(world: World) -> None:
    assert not can(Actor.system(), "no.such.permission")  # type: ignore[arg-type]
    assert not can(Actor.of(world.applicant), Permission.AUDIT_READ)


def test_opening_a_notice_marks_it_read_and_only_its_owner_can(world: World) -> None:
    notice = Notice.objects.create(user=world.applicant, kind="item_granted", url="/grants/", data={"title": "甲"})
    client = Client()
    client.force_login(world.provider)
    assert client.get(f"/notices/{notice.pk}/").status_code == 404
    client.force_login(world.applicant)
    assert client.get(f"/notices/{notice.pk}/").headers["Location"] == "/grants/"
    assert Notice.objects.unread().count() == 0


def test_lists_take_a_fixed_number_of_queries(world: World) -> None:
    client = Client()
    client.force_login(world.applicant)
    client.get("/")
    Notice.objects.create(user=world.applicant, kind="item_granted", url="/", data={})
    for path in ("/notices/", "/departments/"):
        few = queries_of(client, path)
        for number in range(12):
            Notice.objects.create(user=world.applicant, kind="item_granted", url="/", data={"title": str(number)})
        assert queries_of(client, path) == few


def test_the_auditor_reads_filters_and_exports(world: World) -> None:
    client = Client()
    client.force_login(make_user("auditor", admin_role="audit"))
    today = timezone.localdate().isoformat()
    page = client.get("/audit/", {"verb": "duty.", "from": today, "until": today}).content.decode()
    assert page.count(zh("Duty given")) >= 10
    assert client.get("/audit/", {"from": "nonsense", "stream": "\x00"}).status_code == 200
    rows = b"".join(client.get("/audit/export/?verb=duty.assigned").streaming_content).decode("utf-8-sig")
    assert len(rows.splitlines()) == 1 + Event.objects.filter(verb="duty.assigned").count()


def test_health_says_what_is_missing() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}
    ready = Client().get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"database": True, "worker": False, "storage": True})


def test_pages_carry_a_policy_that_allows_no_inline_script() -> None:
    policy = Client().get("/open/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy


def test_an_unknown_page_is_404_in_chinese() -> None:
    response = Client().get("/no/such/page/")
    assert (response.status_code, zh("There is nothing here") in response.content.decode()) == (404, True)


def test_what_waits_is_counted_in_one_query_as_far_as_the_limit(world: World) -> None:
    Notice.objects.bulk_create(Notice(user=world.applicant, kind="item_granted", url="/", data={}) for _n in range(7))
    mine, none = Notice.objects.filter(user=world.applicant), Notice.objects.none()
    with CaptureQueriesContext(connection) as said:
        assert count_all([mine, none, mine.exclude(pk=mine[:1].get().pk), User.objects.filter(pk__in=[])]) == [
            7,
            0,
            6,
            0,
        ]
        assert count_all([none]) == [0]
    assert len(said) == 2
    assert count_all([mine], limit=5) == [5]
    assert [shown_count(n) for n in (0, 7, 999, 1_000)] == ["", "7", "999", "999+"]


def test_more_links_than_fit_in_a_line_stand_in_menus(world: World) -> None:
    """An applicant has few; an authority has two menus, and the one that holds the page is marked."""
    shown = {}
    for user in (world.applicant, world.authority):
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        nav = client.get("/supervision/" if user == world.authority else "/").context["workplace"].nav
        shown[user.username] = [(item.url, len(item.items), item.is_current) for item in nav if item.items]
    assert shown == {"applicant": [], "authority": [("/catalog/elements/", 4, False), ("/corrections/", 4, True)]}
