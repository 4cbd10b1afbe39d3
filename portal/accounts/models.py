"""The portal's users and the three administrators."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class AdminRole(models.TextChoices):
    """The three administrators (三员分立, GB/T 22239): a person holds at most one, and no duty beside it."""

    SYSTEM = "system", _("System administrator")
    SECURITY = "security", _("Security administrator")
    AUDIT = "audit", _("Audit administrator")


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

    objects = UserManager()  # type: ignore[misc]

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
