"""Where django-allauth asks us: signing in, second factors, and the identity provider."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.access import Actor
from portal.accounts import factors
from portal.accounts.models import User
from portal.addresses import address_of
from portal.audit import record

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialLogin

WRONG_CODE = gettext_lazy("The code is wrong or was used already. Wait for the next one and try again.")


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by the security administrator; failures are counted by ``lockouts`` alone."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": gettext_lazy("Name or password are wrong. Check both and try again."),
        "incorrect_password": gettext_lazy("The password is wrong."),
        "too_many_login_attempts": gettext_lazy("Too many attempts. Wait five minutes and try again."),
        "rate_limited": gettext_lazy("Too many attempts. Wait five minutes and try again."),
        "incorrect_code": WRONG_CODE,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Nothing: a limit by name alone would let anybody lock out anybody."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request) or "0.0.0.0"  # noqa: S104 (no connection: tests and commands)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not within five minutes of the sign-in itself."""
        records = get_authentication_records(self.request, self.request.user)
        if records and time.time() - records[-1]["at"] < 300:
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kw: Any
    ) -> None:
        """Without the greetings at sign-in and sign-out: the page says as much."""
        if not (message_template or "").startswith("account/messages/logged_"):
            super().add_message(request, level, message_template, *args, **kw)


def _ciphers() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(b"second factor" + key.encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


class FactorAdapter(DefaultMFAAdapter):
    """Secrets are stored encrypted; who must have a second factor cannot take the last one off."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": WRONG_CODE,
        "cannot_delete_authenticator": gettext_lazy(
            "Your duties need a second factor. Add another one before you remove this one."
        ),
    }

    def get_totp_label(self, user: Any) -> str:
        return str(user.username)

    def _get_user_identifier(self, user: Any) -> str:
        return str(user.username)

    def encrypt(self, text: str) -> str:
        return _ciphers().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return _ciphers().decrypt(encrypted_text.encode()).decode()
        except InvalidToken as error:
            raise ValueError("A second factor was stored under another SECRET_KEY: see SECRET_KEY_FALLBACKS") from error

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=factors.STRONG)
        if others.exclude(pk=authenticator.pk).exists():
            return True
        return not factors.is_required(Actor.of(authenticator.user))


class IdentityAdapter(DefaultSocialAccountAdapter):
    """Sign-in by the identity provider: an existing account by a claim, a new one only where the setting says so."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if sociallogin.is_existing:
            return
        name = _claimed_name(sociallogin)
        user = User.objects.filter(username=name).first() if name else None
        if user is None:
            if name and settings.OIDC_CREATE:
                return
            raise _refused(request, _("The identity service does not know this portal's name for you."))
        known = SocialAccount.objects.filter(user=user, provider=sociallogin.account.provider).exists()
        if known:
            # The provider gave the same name to another identity: names are reused, accounts are not.
            _note(user, "identity.refused", sociallogin)
            raise _refused(request, _("This account belongs to another identity. Ask the security administrator."))
        sociallogin.connect(request, user)
        _note(user, "identity.connected", sociallogin)

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        raise _refused(request, _("The identity service did not complete the sign-in. Try again."))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return bool(settings.OIDC_CREATE)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        user: User = sociallogin.user
        user.username = _claimed_name(sociallogin)
        user.name = str(data.get("name") or "")[:60]
        return user

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        sociallogin.email_addresses = []
        user: User = super().save_user(request, sociallogin, form)
        data = {"user": user.username, "by": "identity service"}
        record.append(stream=record.stream_of(user), verb="account.created", actor=Actor.system(), data=data)
        return user


def _claimed_name(sociallogin: SocialLogin) -> str:
    data = sociallogin.account.extra_data
    for source in (data.get("userinfo") or {}, data.get("id_token") or {}):
        if value := source.get(settings.OIDC_CLAIM):
            return str(value)[:150].replace("\x00", "")
    return ""


def _note(user: User, verb: str, sociallogin: SocialLogin) -> None:
    with transaction.atomic():
        data = {"provider": sociallogin.account.provider, "uid": sociallogin.account.uid}
        record.append(stream=record.stream_of(user), verb=verb, actor=Actor(user=user), data=data)


def _refused(request: HttpRequest, sentence: str) -> ImmediateHttpResponse:
    messages.error(request, sentence)
    return ImmediateHttpResponse(redirect(settings.LOGIN_URL))
