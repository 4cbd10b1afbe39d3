"""The portal's users and the three administrators."""

from __future__ import annotations

import datetime as dt
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

RESET_HOURS = 24
"""How long the reset of a lost second factor waits for the second person."""


class AdminRole(models.TextChoices):
    """The three administrators (三员分立, GB/T 22239): a person holds at most one, and no duty beside it."""

    SYSTEM = "system", _("System administrator")
    SECURITY = "security", _("Security administrator")
    AUDIT = "audit", _("Audit administrator")


class PeopleManager(UserManager["User"]):
    """Makes accounts, and no superuser whoever asks."""

    use_in_migrations = False

    def create_superuser(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: ``manage.py createsuperuser`` shows the sentence."""
        raise ValidationError(
            _("This portal has no superuser. Make the three administrators with: manage.py administrators")
        )


class User(AbstractUser):  # type: ignore[django-manager-missing]
    """A person who signs in. Rights come from memberships (duties) or, for the three administrators, ``admin_role``.

    Nobody is a superuser: a constraint keeps ``is_superuser`` and ``is_staff`` false, so that no account can read
    shared data or decide requests outside the rules.
    """

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField(_("name"), max_length=60, blank=True)
    title = models.CharField(_("position"), max_length=60, blank=True)
    admin_role = models.CharField(_("administrator"), max_length=10, choices=AdminRole.choices, blank=True)
    is_demo = models.BooleanField(_("demo account"), default=False)
    must_change_password = models.BooleanField(_("must change the password"), default=False)
    password_set_at = models.DateTimeField(_("password set"), null=True, blank=True)

    objects = PeopleManager()  # type: ignore[misc]

    class Meta:
        verbose_name = _("user")
        constraints = [
            models.CheckConstraint(condition=Q(is_superuser=False, is_staff=False), name="nobody_is_superuser"),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name or self.username

    def get_short_name(self) -> str:
        return self.name or self.username

    def set_password(self, raw_password: str | None) -> None:
        """Set the password and note when, for its greatest age."""
        super().set_password(raw_password)
        self.password_set_at = timezone.now()


class OldPassword(models.Model):
    """The hash of a password somebody had, so that it is not chosen again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="old_passwords")
    password = models.CharField(max_length=128)
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("former password")
        indexes = [
            # the last few of a person, when a new one is chosen
            models.Index(fields=["user", "-id"], name="old_password_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.set_at:%Y-%m-%d}"


class KnownDevice(models.Model):
    """A browser from which somebody signed in before; ``key_hash`` is SHA-256 over the key in its cookie."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="known_devices")
    key_hash = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("known device")
        constraints = [models.UniqueConstraint(fields=["user", "key_hash"], name="device_once_per_person")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.key_hash[:8]}"


class SecondFactorResetQuerySet(models.QuerySet["SecondFactorReset"]):
    def waiting(self) -> SecondFactorResetQuerySet:
        """Resets that a second person may still confirm."""
        after = timezone.now() - dt.timedelta(hours=RESET_HOURS)
        return self.filter(confirmed_at__isnull=True, cancelled_at__isnull=True, asked_at__gt=after)


class SecondFactorReset(models.Model):
    """A lost second factor: one person asks for its removal, another confirms within 24 hours."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="second_factor_resets")
    reason = models.CharField(_("reason"), max_length=200)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    objects = SecondFactorResetQuerySet.as_manager()

    class Meta:
        verbose_name = _("reset of a second factor")
        constraints = [
            models.CheckConstraint(
                condition=~Q(asked_by=F("user")) & ~Q(confirmed_by=F("user")) & ~Q(confirmed_by=F("asked_by")),
                name="second_factor_reset_by_two_others",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True, confirmed_at__isnull=True)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False),
                name="second_factor_reset_confirmed_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True) | Q(cancelled_at__isnull=True),
                name="second_factor_reset_ends_once",
            ),
        ]
        indexes = [
            # what waits for a second person
            models.Index(
                fields=["-asked_at"],
                condition=Q(confirmed_at__isnull=True, cancelled_at__isnull=True),
                name="second_factor_reset_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def expires_at(self) -> dt.datetime:
        """Until when a second person may confirm."""
        return self.asked_at + dt.timedelta(hours=RESET_HOURS)
