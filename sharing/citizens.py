"""What people without an account need wherever they write to an office: a limit, a trap for programs, a secret link,
an address that is kept sealed."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.core.mail import send_mail
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy

from portal.errors import PortalError
from portal.sealing import unseal


def follow_token(kind: str, pk: UUID) -> str:
    """The secret in the link under which a citizen follows what they wrote: made from its key and the portal's secret,
    stored nowhere; 256 bits in hexadecimal. ``kind`` says what it is: demand, correction."""
    secret = settings.FIELD_KEY or settings.SECRET_KEY
    return salted_hmac(f"shuqiao.{kind}.follow", str(pk), secret=secret, algorithm="sha256").hexdigest()


def is_follow_token(kind: str, pk: UUID, token: str) -> bool:
    """Whether ``token`` is that of the object, in a time that tells nothing."""
    return constant_time_compare(follow_token(kind, pk), token)


def count_filing(kind: str, address: str, *, limit: int, refusal: PortalError) -> None:
    """Count one thing of a ``kind`` that an address sends; raises ``refusal`` beyond ``limit`` within the hour."""
    key = f"{kind}:{address}:{int(time.time() // 3600)}"
    cache.add(key, 0, 7_200)
    if cache.incr(key) > limit:
        raise refusal


def private(response: HttpResponse) -> HttpResponse:
    """A page behind a secret link is kept nowhere, and its address is told to nobody outside the portal.

    Without any referrer browsers would send ``Origin: null`` with its forms, which are refused then.
    """
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


def mail(sealed: str, subject: str, lines: list[str]) -> bool:
    """Send an e-mail to a sealed address; False when it was sealed with a key that is gone."""
    try:
        address = unseal(sealed)
    except InvalidToken:
        return False
    send_mail(" ".join(subject.split()), "\n\n".join(lines), settings.DEFAULT_FROM_EMAIL, [address])
    return True


class CitizenForm(forms.Form):
    """An address to be told at, and ``website``, a trap for programs: people do not see it."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        required=False,
        max_length=254,
        help_text=gettext_lazy(
            "Only if you want to be told. It is kept encrypted, shown to the answering office, and deleted afterwards."
        ),
    )
    website = forms.CharField(
        label=gettext_lazy("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields([name for name in self.fields if name not in ("email", "website")] + ["email", "website"])

    @property
    def is_trapped(self) -> bool:
        """Whether a program filled in what people do not see."""
        return bool(self.cleaned_data.get("website"))
