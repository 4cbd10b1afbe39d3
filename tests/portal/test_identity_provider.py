"""Signing in by OpenID Connect, against a provider that really runs on this machine."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.test import Client

from portal.accounts.models import User
from portal.models import Event
from tests.factories import World

pytestmark = pytest.mark.django_db

CLAIMS = {"sub-1": "applicant", "sub-2": "applicant", "sub-3": "stranger", "sub-4": "gone"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The address of a provider process that knows four identities."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    people = [json.dumps({"sub": sub, "preferred_username": name, "name": name}) for sub, name in CLAIMS.items()]
    arguments = [word for claims in people for word in ("--user-claims", claims)]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 30
    while True:
        try:
            requests.get(f"{address}/.well-known/openid-configuration", timeout=2).raise_for_status()
            break
        except requests.RequestException:
            assert process.poll() is None and time.monotonic() < deadline, "the provider did not start"
            time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(10)


@pytest.fixture
def world(db: None, issuer: str, settings: Any) -> World:
    settings.OIDC_ISSUER = issuer
    app = {
        "provider_id": "oidc",
        "name": "统一身份认证",
        "client_id": "portal",
        "secret": "secret",
        "settings": {"server_url": issuer, "oauth_pkce_enabled": True},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
    return World()


def sign_in(client: Client, sub: str) -> Any:
    """Go to the provider, say who one is there, and come back with what it answers."""
    away = client.post("/accounts/oidc/oidc/login/")
    assert away.status_code == 302
    answer = requests.post(away.headers["Location"], data={"sub": sub}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text[:500]
    back = re.sub(r"^https?://[^/]+", "", answer.headers["Location"])
    return client.get(back)


def test_an_existing_account_is_signed_in_by_its_claim(world: World) -> None:
    client = Client()
    assert sign_in(client, "sub-1").headers["Location"] == "/"
    assert client.get("/basket/").status_code == 200
    verbs = Event.objects.filter(stream=f"user:{world.applicant.pk}").order_by("seq").values_list("verb", flat=True)
    assert list(verbs) == ["identity.connected", "session.started"]
    again = Client()
    assert sign_in(again, "sub-1").headers["Location"] == "/"


def test_a_name_given_to_another_identity_opens_nothing(world: World) -> None:
    sign_in(Client(), "sub-1")
    client = Client()
    assert sign_in(client, "sub-2").headers["Location"].startswith("/accounts/sign-in/")
    assert client.get("/basket/").status_code == 302
    assert Event.objects.filter(verb="identity.refused").count() == 1


def test_nobody_gets_an_account_unless_the_setting_says_so(world: World, settings: Any) -> None:
    before = User.objects.count()
    client = Client()
    assert sign_in(client, "sub-3").headers["Location"].startswith("/accounts/sign-in/")
    assert User.objects.count() == before
    settings.OIDC_CREATE = True
    assert sign_in(client, "sub-3").headers["Location"] == "/"
    made = User.objects.get(username="stranger")
    assert (made.memberships.count(), made.admin_role, made.has_usable_password()) == (0, "", False)


def test_a_disabled_account_stays_out(world: World) -> None:
    User.objects.create_user("gone", is_active=False)
    client = Client()
    assert sign_in(client, "sub-4").headers["Location"].startswith("/accounts/inactive/")
    assert client.get("/notices/").status_code == 302
