"""A second factor through the browser: set up an app, sign out, sign in with its code; and a passkey alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import LazySettings

from tests.factories import PASSWORD, World

pytestmark = pytest.mark.journey


def _code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def _sign_out(visitor: Any) -> None:
    visitor.page.locator("header details summary").click()
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
