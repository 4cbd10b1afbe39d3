"""What a password must be like (GB/T 22239), former passwords, and passwords for one use."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import ngettext

from portal.accounts.models import OldPassword

if TYPE_CHECKING:
    from portal.accounts.models import User

_KINDS = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
_READABLE = ("abcdefghjkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "-+=%")
"""Characters that are not taken for one another when read from paper."""


class CharacterClassesValidator:
    """A password has ``PASSWORD_CLASSES`` of: small letters, capitals, digits, other characters."""

    def validate(self, password: str, user: Any = None) -> None:
        found = sum(any(kind(character) for character in password) for kind in _KINDS)
        if found < settings.PASSWORD_CLASSES:
            raise ValidationError(self.get_help_text(), code="password_classes")

    def get_help_text(self) -> str:
        return ngettext(
            "Use at least %(count)d of: small letters, capital letters, digits, other characters.",
            "Use at least %(count)d of: small letters, capital letters, digits, other characters.",
            settings.PASSWORD_CLASSES,
        ) % {"count": settings.PASSWORD_CLASSES}


class HistoryValidator:
    """The last ``PASSWORD_HISTORY`` passwords of a person cannot be chosen again."""

    def validate(self, password: str, user: Any = None) -> None:
        if user is None or user.pk is None or not settings.PASSWORD_HISTORY:
            return
        former = [user.password, *_former(user)[: settings.PASSWORD_HISTORY]]
        if any(check_password(password, old) for old in former):
            raise ValidationError(self.get_help_text(), code="password_used_before")

    def password_changed(self, password: str, user: User | None = None) -> None:
        """Django calls this whenever a password was set and saved: keep its hash, forget the ones too old to count."""
        if user is None or not settings.PASSWORD_HISTORY or not user.has_usable_password():
            return
        OldPassword.objects.create(user=user, password=user.password)
        kept = list(OldPassword.objects.filter(user=user).order_by("-id").values_list("id", flat=True))
        if len(kept) > settings.PASSWORD_HISTORY:
            OldPassword.objects.filter(id__in=kept[settings.PASSWORD_HISTORY :]).delete()

    def get_help_text(self) -> str:
        return ngettext(
            "Your last %(count)d password cannot be used again.",
            "Your last %(count)d passwords cannot be used again.",
            settings.PASSWORD_HISTORY,
        ) % {"count": settings.PASSWORD_HISTORY}


def _former(user: User) -> list[str]:
    return list(OldPassword.objects.filter(user=user).order_by("-id").values_list("password", flat=True))


def is_too_old(user: User) -> bool:
    """Whether the password has reached ``PASSWORD_MAX_AGE_DAYS``; never for demo accounts or without a password."""
    days = settings.PASSWORD_MAX_AGE_DAYS
    if not days or user.is_demo or not user.has_usable_password():
        return False
    return (user.password_set_at or user.date_joined) < timezone.now() - dt.timedelta(days=days)


def one_time_password() -> str:
    """A random password of 16 readable characters of all four kinds (about 90 bits), in groups of four."""
    everything = "".join(_READABLE[:3])
    letters = [secrets.choice(kind) for kind in _READABLE[:3]] + [secrets.choice(everything) for _n in range(13)]
    secrets.SystemRandom().shuffle(letters)
    text = "".join(letters)
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))
