"""The review of rights: everybody's rights, what changed, and the signature."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest
from django.test import Client
from django.utils import timezone

from catalog import access_exceptions
from portal.access import Actor
from portal.accounts.models import User
from portal.departments import duties
from portal.departments.models import Duty, Membership
from portal.deputies.delegations import name_deputy
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Event
from portal.rights import review
from portal.rights.models import RightsReview
from tests.factories import World, actor, make_dataset, make_user
from tests.queries import queries_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def secadmin(world: World) -> User:
    return make_user("secadmin", admin_role="security")


def digest() -> str:
    return hashlib.sha256(review.as_csv(review.effective_rights())).hexdigest()


def sign(user: User, note: str = "") -> RightsReview:
    return review.sign_off(actor=actor(user), note=note, seen_digest=digest())


def keys() -> set[tuple[str, ...]]:
    return {right.key for right in review.effective_rights()}


def test_the_list_holds_every_kind_of_right_and_nobody_who_left(world: World, secadmin: User) -> None:
    county, today = world.county_bureau, timezone.localdate()
    name_deputy(
        principal=world.applicant_head,
        deputy=world.applicant,
        department=county,
        duties=[Duty.OWN_APPROVER],
        valid_from=today,
        valid_until=today,
        reason="休假",
        actor=actor(world.applicant_head),
    )
    dataset = make_dataset(world.city_bureau, "草稿", state="draft")
    access_exceptions.give(
        dataset=dataset,
        department=county,
        duty=Duty.APPLICANT,
        valid_until=today,
        reason="联合检查",
        actor=actor(secadmin),
    )
    duties.end(membership=Membership.objects.get(user=world.cataloguer), actor=Actor.system())
    found = keys()
    assert {key for key in found if key[0] in ("applicant", "secadmin", "cataloguer")} == {
        ("applicant", "membership", county.credit_code, "applicant"),
        ("applicant", "deputy", county.credit_code, "own_approver"),
        ("applicant", "exception", dataset.code, "dataset.view"),
        ("secadmin", "administrator", "", "security"),
    }


def test_a_signed_review_is_kept_as_it_was_and_the_next_shows_what_changed(world: World, secadmin: User) -> None:
    before = review.as_csv(review.effective_rights())
    signed = sign(secadmin, "已核对")
    assert (review.content_of(signed), signed.digest) == (before, hashlib.sha256(before).hexdigest())
    event = Event.objects.get(verb="rights.reviewed")
    assert (event.data["digest"], event.data["note"]) == (signed.digest, "已核对")
    make_user("newcomer", world.county_bureau, Duty.APPLICANT)
    duties.end(membership=Membership.objects.get(user=world.cataloguer), actor=Actor.system())
    found = review.compare()
    assert [right.username for right in found.added] == ["newcomer"]
    assert [right.username for right in found.removed] == ["cataloguer"]


def test_a_quarter_is_signed_once_by_the_security_administrator_and_for_what_was_shown(
    world: World, secadmin: User
) -> None:
    for other in (world.authority, make_user("auditor", admin_role="audit"), make_user("sys", admin_role="system")):
        with pytest.raises(NotPermitted):
            sign(other)
    shown = digest()
    make_user("newcomer", world.county_bureau, Duty.APPLICANT)
    with pytest.raises(InvalidInput):
        review.sign_off(actor=actor(secadmin), note="", seen_digest=shown)
    assert review.is_due()
    sign(secadmin)
    assert not review.is_due()
    with pytest.raises(WrongState):
        sign(secadmin)
    assert RightsReview.objects.count() == 1


@pytest.mark.parametrize(
    ("day", "quarter"), [("2026-01-01", "2026Q1"), ("2026-03-31", "2026Q1"), ("2026-11-23", "2026Q4")]
)
def test_quarters(day: str, quarter: str) -> None:
    assert review.quarter_of(dt.date.fromisoformat(day)) == quarter


def test_the_page_filters_signs_and_takes_a_fixed_number_of_queries(world: World, secadmin: User) -> None:
    client = Client()
    client.force_login(secadmin)
    page = client.get("/rights/", {"q": "applicant_head"})
    assert {right.username for right, _kind, _label in page.context["lines"]} == {"applicant_head"}
    few = queries_of(client, "/rights/")
    for number in range(20):
        make_user(f"person{number}", world.county_bureau, Duty.APPLICANT)
    assert queries_of(client, "/rights/") == few
    stale = client.post("/rights/sign/", {"digest": "0" * 64, "note": "记一下"})
    assert (stale.status_code, "记一下" in stale.content.decode()) == (422, True)
    assert client.post("/rights/sign/", {"digest": digest(), "note": "无误"}).status_code == 302
    signed = RightsReview.objects.get()
    assert client.get(f"/rights/reviews/{signed.quarter}/").content == review.content_of(signed)


def test_names_that_a_spreadsheet_would_run_are_neutral_and_stay_the_same_right(world: World, secadmin: User) -> None:
    User.objects.filter(pk=world.applicant.pk).update(name="=cmd()")
    signed = sign(secadmin)
    assert b"'=cmd()" in review.content_of(signed)
    assert (review.compare().added, review.compare().removed) == ([], [])
