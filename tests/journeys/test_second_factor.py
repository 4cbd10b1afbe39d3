"""A second factor through the browser: set up an app, sign out, sign in with its code; and a passkey alone."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import LazySettings
from django.utils import timezone

from portal.departments.models import Duty
from portal.models import Event
from tests.factories import PASSWORD, World, make_dataset, make_request, make_user, step_of, submit

pytestmark = pytest.mark.journey


def _code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def _sign_out(visitor: Any) -> None:
    visitor.page.locator(".who details summary").click()
    visitor.page.locator("header details form[action$='sign-out/'] button").click()
    visitor.page.wait_for_load_state()


def test_an_app_is_set_up_and_asked_for(world: World, visit: Callable[..., Any], settings: LazySettings) -> None:
    settings.SECOND_FACTOR_DUTIES = ["provider_approver"]
    with visit() as visitor:
        page = visitor.page
        visitor.go("/accounts/sign-in/")
        page.fill("#id_username", "provider")
        page.fill("#id_password", PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/accounts/factors/")
        visitor.press("Set up an app")
        secret = page.inner_text("#totp-secret").strip()
        assert page.evaluate("document.querySelector('main img').naturalWidth") > 0
        page.fill("#id_code", _code(secret))
        visitor.press("Set up")
        assert len(page.inner_text("#recovery-codes").split()) == 10
        visitor.go("/queue/")
        _sign_out(visitor)
        visitor.go("/accounts/sign-in/")
        page.fill("#id_username", "provider")
        page.fill("#id_password", PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/factors/authenticate/")
        page.fill("#id_code", _code(secret))
        visitor.press("Go on")
        page.wait_for_url(f"{visitor.base}/")


def _enrol(visitor: Any, username: str) -> str:
    """Sign in with the password alone, and set up the app that the duty asks for; returns its secret."""
    page = visitor.page
    visitor.go("/accounts/sign-in/")
    page.fill("#id_username", username)
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/accounts/factors/")
    visitor.press("Set up an app")
    secret = str(page.inner_text("#totp-secret").strip())
    page.fill("#id_code", _code(secret))
    visitor.press("Set up")
    return secret


def test_an_approver_signs_in_with_a_code_names_a_deputy_and_the_deputy_decides(
    world: World, visit: Callable[..., Any], settings: LazySettings
) -> None:
    settings.SECOND_FACTOR_DUTIES = ["own_approver"]
    make_user("colleague", world.county_bureau, Duty.CATALOGUER)
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "救助对象")))
    step = step_of(request, "own-department")
    with visit() as visitor:
        page = visitor.page
        secret = _enrol(visitor, "applicant_head")
        _sign_out(visitor)
        visitor.go("/accounts/sign-in/?next=/deputies/")
        page.fill("#id_username", "applicant_head")
        page.fill("#id_password", PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/factors/authenticate/**")
        page.fill("#id_code", _fresh(secret))
        visitor.press("Go on")
        page.wait_for_url("**/deputies/")
        visitor.press("Name a deputy")
        page.get_by_label("Own-department approver").check()
        page.select_option("#id_deputy", label="colleague")
        page.fill("#id_valid_until", (timezone.localdate() + dt.timedelta(days=3)).isoformat())
        page.fill("#id_reason", "年休假")
        visitor.press("Name the deputy")
        visitor.sees("In force")
    with visit() as visitor:
        page = visitor.page
        _enrol(visitor, "colleague")
        visitor.go(f"/steps/{step.pk}/")
        visitor.sees("You decide as the deputy of applicant_head")
        page.get_by_label("Approve", exact=True).first.check()
        visitor.press("Record the decisions")
    event = Event.objects.get(verb="step.decided")
    assert (event.actor.username, event.on_behalf_of) == ("colleague", world.applicant_head)  # type: ignore[union-attr]


def _fresh(secret: str) -> str:
    """The code of the next half minute, which is taken already: the present one was used to set up the app."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + 1))


def test_a_passkey_signs_in_alone(world: World, visit: Callable[..., Any]) -> None:
    with visit("applicant") as visitor:
        page = visitor.page
        device = page.context.new_cdp_session(page)
        device.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
        checks = {"hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}
        device.send("WebAuthn.addVirtualAuthenticator", {"options": options | checks})
        visitor.go("/accounts/factors/webauthn/add/")
        page.locator("#id_passwordless").check()
        page.locator("#passkey").click()
        page.wait_for_url("**/recovery-codes/")
        _sign_out(visitor)
        visitor.go("/accounts/sign-in/")
        page.locator("#passkey_login").click()
        page.wait_for_url(f"{visitor.base}/")
