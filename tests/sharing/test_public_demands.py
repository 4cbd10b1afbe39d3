"""Demands of citizens: asked and followed without an account, what the public sees of them, and the API."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.errors import InvalidInput
from portal.models import Event
from sharing.demands import acts, keeping, verification
from sharing.demands.tokens import follow_path, token_of
from sharing.models import Demand
from tests.clients import client_of
from tests.factories import World, actor
from tests.sharing.demanding import WANTED, ask

pytestmark = pytest.mark.django_db


# --- citizens -------------------------------------------------------------------------------------------------------
def citizens(world: World, email: str = "li@example.com") -> Demand:
    return acts.create_public(authority=world.authority_department, wanted=WANTED, email=email)


def public_form(world: World, **changes: Any) -> dict[str, Any]:
    values = {
        "authority": world.authority_department.pk,
        "title": "公园座椅",
        "purpose": "散步",
        "email": "li@example.com",
    }
    return values | changes


def test_a_citizen_asks_and_follows_by_a_secret_link(world: World) -> None:
    client = Client()
    sent = client.post(reverse("sharing:open-demand-create"), public_form(world))
    demand = Demand.objects.get()
    assert (sent.status_code, sent.headers["Location"]) == (302, f"{follow_path(demand)}?new=1")
    assert "li@example.com" not in demand.sealed_email
    assert not Event.objects.filter(data__icontains="example.com").exists()
    page = client.get(follow_path(demand))
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "private, no-store")
    assert page.headers["Referrer-Policy"] == "same-origin"
    wrong = reverse("sharing:open-demand-follow", args=[demand.pk, "0" * 64])
    assert client.get(wrong).status_code == 404
    done = client.post(follow_path(demand), {"act": "withdraw", "seen_version": demand.version})
    demand.refresh_from_db()
    assert (done.status_code, demand.state) == (302, "withdrawn")


def test_a_program_that_fills_the_trap_leaves_nothing(world: World) -> None:
    sent = Client().post(reverse("sharing:open-demand-create"), public_form(world, website="http://spam.example"))
    assert (sent.status_code, Demand.objects.count()) == (302, 0)


def test_one_address_asks_a_few_times_an_hour(world: World, settings: Any) -> None:
    settings.DEMANDS_AN_HOUR = 2
    client = Client()
    path = reverse("sharing:open-demand-create")
    codes = [client.post(path, public_form(world, title=f"数据{n}")).status_code for n in range(3)]
    assert (codes, Demand.objects.count()) == ([302, 302, 422], 2)


def test_a_citizens_demand_and_address_are_seen_by_the_offices_alone(world: World) -> None:
    demand = citizens(world)
    path = reverse("sharing:demand-detail", args=[demand.pk])
    assert client_of(world.applicant).get(path).status_code == 404
    assert "li@example.com" in client_of(world.authority).get(path).content.decode()
    demand = acts.assign(demand=demand, actor=actor(world.authority), holder=world.city_bureau)
    assert "li@example.com" not in client_of(world.authority).get(path).content.decode()
    assert "li@example.com" not in client_of(world.cataloguer).get(path).content.decode()
    assert "li@example.com" in client_of(world.provider2).get(path).content.decode()


def test_the_public_list_shows_only_what_was_released_and_in_its_public_words(world: World) -> None:
    demand = citizens(world)
    path = reverse("sharing:open-demand-list")
    assert demand.title not in Client().get(path).content.decode()
    acts.release(demand=demand, actor=actor(world.authority), title="婚姻登记统计", summary="按年")
    page = Client().get(path).content.decode()
    assert "婚姻登记统计" in page
    assert WANTED.purpose not in page
    acts.unrelease(demand=demand, actor=actor(world.authority))
    assert "婚姻登记统计" not in Client().get(path).content.decode()


def test_a_citizen_is_mailed_and_the_address_is_deleted_after_the_end(world: World, settings: Any) -> None:
    demand = citizens(world)
    assert keeping.mail_citizen(str(demand.pk)) is True
    assert (mail.outbox[0].to, token_of(demand.pk) in mail.outbox[0].body) == (["li@example.com"], True)
    acts.reject(demand=demand, actor=actor(world.authority), reason="unclear", answer="请说明")
    assert keeping.forget_addresses() == 0
    Demand.objects.filter(pk=demand.pk).update(closed_at=timezone.now() - dt.timedelta(days=31))
    assert (keeping.forget_addresses(), keeping.forget_addresses()) == (1, 0)
    assert keeping.mail_citizen(str(demand.pk)) is False
    assert list(verification.states()) == []


def test_the_address_of_a_merged_demand_is_kept_while_the_other_goes_on(world: World) -> None:
    target, demand = ask(world), citizens(world)
    acts.merge(demand=demand, actor=actor(world.authority), into=target)
    Demand.objects.filter(pk=demand.pk).update(closed_at=timezone.now() - dt.timedelta(days=31))
    assert keeping.forget_addresses() == 0
    assert Demand.objects.exclude(sealed_email="").count() == 1


def test_a_citizen_cannot_choose_an_office_that_is_no_authority(world: World) -> None:
    with pytest.raises(InvalidInput):
        acts.create_public(authority=world.city_bureau, wanted=WANTED)
    sent = Client().post(reverse("sharing:open-demand-create"), public_form(world, authority=world.city_bureau.pk))
    assert (sent.status_code, Demand.objects.count()) == (422, 0)


# --- API ------------------------------------------------------------------------------------------------------------
def test_the_api_reads_and_creates(world: World) -> None:
    client = client_of(world.applicant)
    body = {"department": str(world.county_bureau.pk), "title": "机动车", "purpose": "核查"}
    made = client.post("/api/v1/demands/", body, content_type="application/json")
    assert (made.status_code, made.json()["state"]) == (201, "submitted")
    listed = client.get("/api/v1/demands/", {"state": "submitted"}).json()["results"]
    assert [row["id"] for row in listed] == [made.json()["id"]]
    assert "sealed_email" not in listed[0]
    elsewhere = body | {"department": str(world.province_bureau.pk)}
    refused = client.post("/api/v1/demands/", elsewhere, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert Client().get("/api/v1/demands/").status_code in (401, 403)
    hidden = citizens(world)
    assert client.get(f"/api/v1/demands/{hidden.pk}/").status_code == 404
